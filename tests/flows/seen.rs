//! What four processes show of one story: one trace over the bus, log lines without anybody's data, metrics, health.

use crate::story::{Home, eventually, program};
use journal::Trace;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use std::fs;
use std::process::Command;
use testkit::Collector;

/// What the story is told of persons: numbers, names, and what they said (`story/plot.rs`).
const PERSONAL: [&str; 12] = [
    "13812345678",
    "王女士",
    "陈静",
    "李敏",
    "王芳",
    "孙秀英",
    "地板有划痕",
    "昨天保洁后发现",
    "约好的事情没有做到",
    "希望尽快补救",
    "已核实并补救",
    "当时情况说明如下",
];

/// One trace from the confirmation of a fine to the deduction: the request in support, the effect in hr as its child, and
/// hr's own event, written by that effect.
pub(crate) async fn assert_one_trace(home: &Home, collector: &Collector) {
    let effect = eventually("the effect in hr is collected", async || {
        let confirmed = "steward.support.penalty.confirmed.v1";
        collector
            .like(|span| {
                span.process == "steward-hr" && span.says.get("event.type").is_some_and(|is| is == confirmed)
            })
            .into_iter()
            .next()
    })
    .await;
    let request = eventually("the request in support is collected", async || {
        collector.like(|span| span.span_id == effect.parent_id).into_iter().next()
    })
    .await;
    assert_eq!((request.process.as_str(), request.name.as_str()), ("steward-support", "request"));
    assert_eq!(request.trace_id, effect.trace_id, "one trace from the request to the effect");
    assert_eq!(request.says["route"], "/v1/support/penalties/{id}/confirm");
    assert_eq!((request.says["status"].as_str(), effect.name.as_str()), ("200", "effect"));
    let url = fs::read_to_string(home.beside("hr.database_url_file")).expect("it was written");
    let mut hr = PgConnection::connect(url.trim()).await.expect("hr's database answers");
    let written: String =
        sqlx::query_scalar("SELECT traceparent FROM journal WHERE type = 'hr.deduction.opened.v1'")
            .fetch_one(&mut hr)
            .await
            .expect("the fine opened one deduction");
    let written = Trace::parse(&written).expect("as the standard says");
    assert_eq!((written.trace_id(), written.span_id()), (effect.trace_id, effect.span_id));
}

/// Whether a word of digits may be a mobile number or an identity number of the mainland.
fn is_personal_number(word: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_mobile = word.len() == 11
        && is_digits(word)
        && word.starts_with('1')
        && !word[1..].starts_with(['0', '1', '2']);
    let is_identity = word.len() == 18
        && is_digits(&word[..17])
        && word.ends_with(|last: char| last.is_ascii_digit() || matches!(last, 'x' | 'X'));
    is_mobile || is_identity
}

/// Every line that a process wrote at `debug` is JSON, says what a request was, and says nothing of persons.
pub(crate) fn assert_private(log: &str, service: &str) {
    for (number, line) in log.lines().enumerate() {
        let personal = PERSONAL.iter().find(|text| line.contains(*text));
        assert_eq!(personal, None, "{service}, line {number}: {line}");
        let word =
            line.split(|letter: char| !letter.is_ascii_alphanumeric()).find(|word| is_personal_number(word));
        assert_eq!(word, None, "{service}, line {number}: {line}");
    }
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(lines.iter().any(|line| line["level"] == "DEBUG"), "{service} logs at this level");
    let answered: Vec<&Value> = lines
        .iter()
        .filter(|line| line["fields"]["message"] == "answered")
        .map(|line| &line["span"])
        .collect();
    assert!(!answered.is_empty(), "{service} answered");
    for request in answered {
        for member in ["trace_id", "service", "route", "method"] {
            assert!(
                request[member].as_str().is_some_and(|text| !text.is_empty()),
                "{service}: {member} of {request}"
            );
        }
        assert!(request["status"].is_u64() && request["duration_ms"].is_u64(), "{service}: {request}");
    }
}

#[test]
fn numbers_of_persons_are_told_from_others() {
    for word in ["13812345678", "19912345678", "310101199001011234", "31010119900101123X"] {
        assert!(is_personal_number(word), "{word}");
    }
    for word in
        ["12812345678", "1381234567", "138123456789", "1764121234567890", "a3812345678", "31010119900101123Z"]
    {
        assert!(!is_personal_number(word), "{word}");
    }
}

/// The program itself says whether a process takes commands: for containers, which have nothing else to ask with.
pub(crate) fn assert_health(home: &Home, service: &str, listen: &str, words: &[&str]) {
    // The file lets the system choose a port; the environment says which one that was.
    let asked = Command::new(program(&format!("steward-{service}")))
        .arg("health")
        .arg(home.beside(&format!("{service}.toml")))
        .env("STEWARD__HTTP__LISTEN", listen)
        .output()
        .expect("it runs");
    let (said, why) = (String::from_utf8_lossy(&asked.stdout), String::from_utf8_lossy(&asked.stderr));
    let word = said.trim();
    assert!(asked.status.success() != word.is_empty() && words.contains(&word), "{service}: {said} {why}");
}
