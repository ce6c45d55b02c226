//! Compiles the permission matrix in, so that a route with an unknown permission does not compile.

use std::fmt::Write as _;
use std::path::Path;
use toml::Table;

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
fn main() {
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let path = Path::new("../../rulebook/permissions.toml");
    println!("cargo::rerun-if-changed={}", path.display());
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let table: Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut code = String::from("static PERMISSIONS: &[Permission] = &[\n");
    for (name, grants) in &table {
        let grants = grants.as_table().unwrap_or_else(|| panic!("permissions: {name} is no table"));
        write!(code, "Permission {{ name: {name:?}, grants: &[").expect("a String takes all");
        for (role, scope) in grants {
            let scope = match scope.as_str() {
                Some("network") => "Network",
                Some("branch") => "Branch",
                Some("own") => "Own",
                Some(_) | None => panic!("permissions: {name}.{role} is neither network, branch nor own"),
            };
            write!(code, "(Role::{role}, Extent::{scope}), ").expect("a String takes all");
        }
        code.push_str("] },\n");
    }
    code.push_str("];\n");
    std::fs::write(Path::new(&out).join("permissions.rs"), code).expect("OUT_DIR can be written");
}
