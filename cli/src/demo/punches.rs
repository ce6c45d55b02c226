//! Who came when: the punches of the offices, a batch a day from the device of each branch.

use super::cast::{Branch, Headquarters};
use super::stage::{Stage, ZONE};
use anyhow::Result;
use chrono::{NaiveDate, NaiveTime};
use house::{Held, Principal, Role};
use serde_json::{Value, json};

/// Everything that was not an ordinary day: (date, branch, person of the office, first punch or nothing at all).
const EXCEPTIONS: [(&str, usize, usize, Option<&str>); 9] = [
    ("2025-10-11", 1, 3, Some("08:41")),
    ("2025-10-16", 0, 3, Some("08:33")),
    ("2025-10-21", 0, 3, Some("08:52")),
    ("2025-10-28", 0, 3, Some("09:10")),
    ("2025-10-22", 2, 2, None),
    ("2025-11-05", 1, 2, Some("08:44")),
    ("2025-11-12", 2, 1, Some("08:31")),
    ("2025-11-18", 2, 3, None),
    ("2025-11-25", 0, 1, Some("08:36")),
];

/// Sends one day's punches of every branch, after closing time.
pub(crate) async fn day(stage: &mut Stage, branches: &[Branch], date: NaiveDate) -> Result<usize> {
    let mut sent = 0;
    for (place, branch) in branches.iter().enumerate() {
        let mut items = Vec::new();
        for (person, employee) in branch.office.iter().enumerate() {
            let exception = EXCEPTIONS
                .iter()
                .find(|(on, at, who, _)| date.to_string() == *on && (*at, *who) == (place, person));
            let first = match exception {
                Some((.., None)) => continue,
                Some((.., Some(first))) => (*first).to_owned(),
                // Nobody comes to the same minute every day; everybody comes in time.
                None => format!("08:{:02}", 12 + (person * 5 + date_number(date) * 7) % 17),
            };
            for (time, direction) in [(first.as_str(), "in"), ("17:34", "out")] {
                let at = ZONE.instant(date.and_time(time.parse::<NaiveTime>()?));
                items.push(json!({ "employee_id": employee.id, "at": at, "direction": direction }));
            }
        }
        sent += items.len();
        let device = Principal {
            roles: vec![Held { role: Role::IC, branches: Some(vec![branch.id]) }],
            ..Headquarters::new().clerk
        };
        let batch = json!({ "device": { "code": format!("gate-{place}"), "branch_id": branch.id }, "atomic": true, "items": Value::from(items) });
        stage.create(&device, "/v1/hr/punches/batch", batch).await?;
    }
    Ok(sent)
}

fn date_number(date: NaiveDate) -> usize {
    usize::try_from(chrono::Datelike::num_days_from_ce(&date)).unwrap_or_default()
}
