//! Compiles the rule book's clauses, error catalogue and official calendars in, so that an unknown id or code does
//! not compile.

use chrono::NaiveDate;
use std::fmt::Write as _;
use std::path::Path;
use toml::{Table, Value};

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
fn main() {
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    write(&out.join("clauses.rs"), &clauses(&read("clauses.toml")));
    write(&out.join("errors.rs"), &errors(&read("errors.toml")));
    write(&out.join("calendars.rs"), &calendars());
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

/// Every `calendars/{year}.toml`, in order: the static table behind `OfficialYear::shipped`.
fn calendars() -> String {
    println!("cargo::rerun-if-changed=../../rulebook/calendars");
    let folder = std::fs::read_dir("../../rulebook/calendars").expect("the rule book has calendars");
    let mut names: Vec<_> = folder
        .map(|entry| entry.expect("a readable folder").file_name().into_string().expect("a year"))
        .collect();
    names.sort_unstable();
    let mut code = String::from("static OFFICIAL: &[OfficialYear] = &[\n");
    for name in names {
        let table = read(&format!("calendars/{name}"));
        let year =
            table.get("year").and_then(Value::as_integer).unwrap_or_else(|| panic!("{name} lacks `year`"));
        assert_eq!(name, format!("{year}.toml"), "a calendar is named after its year");
        let entry = Value::Table(table);
        writeln!(
            code,
            "OfficialYear {{ year: {year}, source: Cow::Borrowed({:?}), issued_on: {}, off: Cow::Borrowed(&[{}]), work: Cow::Borrowed(&[{}]), statutory: Cow::Borrowed(&[{}]) }},",
            text(&name, &entry, "source"),
            literal(date(&name, &entry["issued_on"])),
            stretches(&name, &entry["off"]),
            dates(&name, &entry["work"]),
            dates(&name, &entry["statutory"]),
        )
        .expect("a String takes all");
    }
    code + "];\n"
}

/// The days of stretches from their first to their last one.
fn stretches(name: &str, value: &Value) -> String {
    let mut code = Vec::new();
    for stretch in array(name, value) {
        let (first, last) = (date(name, &stretch["first"]), date(name, &stretch["last"]));
        assert!(first <= last, "{name}: a stretch ends before it begins: {first}");
        code.extend(first.iter_days().take_while(|day| *day <= last).map(literal));
    }
    code.join(", ")
}

fn dates(name: &str, value: &Value) -> String {
    array(name, value).iter().map(|value| literal(date(name, value))).collect::<Vec<_>>().join(", ")
}

fn array<'a>(name: &str, value: &'a Value) -> &'a [Value] {
    value.as_array().unwrap_or_else(|| panic!("{name}: not a list: {value:?}"))
}

fn date(name: &str, value: &Value) -> NaiveDate {
    let date = value.as_datetime().and_then(|date| date.to_string().parse().ok());
    date.unwrap_or_else(|| panic!("{name}: not a date: {value:?}"))
}

/// A date as a constant.
fn literal(date: NaiveDate) -> String {
    date.format("NaiveDate::from_ymd_opt(%Y, %-m, %-d).expect(\"a date of the notice\")").to_string()
}
