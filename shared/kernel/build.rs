//! Compiles the rule book's clauses and error catalogue in, so that an unknown id or code does not compile.

use std::fmt::Write as _;
use std::path::Path;
use toml::{Table, Value};

fn main() {
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    write(&out.join("clauses.rs"), &clauses(&read("clauses.toml")));
    write(&out.join("errors.rs"), &errors(&read("errors.toml")));
}

fn read(name: &str) -> Table {
    let path = Path::new("../../rulebook").join(name);
    println!("cargo::rerun-if-changed={}", path.display());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn text<'a>(id: &str, entry: &'a Value, member: &str) -> &'a str {
    entry.get(member).and_then(Value::as_str).unwrap_or_else(|| panic!("rulebook: {id} lacks `{member}`"))
}

fn clauses(table: &Table) -> String {
    let mut code = String::from("static CLAUSES: &[ClauseEntry] = &[\n");
    for (id, entry) in table {
        let (zh, en, source) = (text(id, entry, "zh"), text(id, entry, "en"), text(id, entry, "source"));
        writeln!(code, "ClauseEntry {{ id: {id:?}, zh: {zh:?}, en: {en:?}, source: {source:?} }},")
            .expect("a String takes all");
    }
    code + "];\n"
}

fn errors(table: &Table) -> String {
    let mut code = String::from("static ERRORS: &[ErrorEntry] = &[\n");
    for (id, entry) in table {
        let status = entry
            .get("status")
            .and_then(Value::as_integer)
            .unwrap_or_else(|| panic!("rulebook: {id} lacks `status`"));
        let retryable = entry.get("retryable").and_then(Value::as_bool).unwrap_or(false);
        let (zh, en) = (text(id, entry, "zh"), text(id, entry, "en"));
        let (next_zh, next_en) = (text(id, entry, "next_zh"), text(id, entry, "next_en"));
        writeln!(
            code,
            "ErrorEntry {{ code: {id:?}, status: {status}, retryable: {retryable}, zh: {zh:?}, en: {en:?}, next_zh: {next_zh:?}, next_en: {next_en:?} }},"
        )
        .expect("a String takes all");
    }
    code + "];\n"
}
