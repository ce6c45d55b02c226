//! What happens in the demo, in the order of its times.

use super::deals;
use super::stage::{ZONE, local};
use super::{calls, cases};
use anyhow::Result;
use chrono::NaiveDate;
use kernel::Timestamp;
use kernel::calendar::{Calendar, Hours, Interval, Layer, Layers, OfficialYear, Weekly};

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// What the demo says it does now.
    Say(&'static str),
    /// Somebody calls, and not to complain or to order.
    Enquiry(usize, calls::Step),
    /// In the case at this place of the table.
    Case(usize, cases::Step),
    /// With the customer at this place.
    Deal(usize, deals::Step),
    /// The offices close: the day's punches come in.
    Punches(NaiveDate),
    /// Somebody earns something extra in a month.
    Bonus(&'static str),
    /// A month is closed and paid, on the evening of a day: whatever else happens on it has happened.
    Payday {
        /// `2025-10`.
        month: &'static str,
        /// `2025-11-05`.
        on: &'static str,
    },
}

/// Everything that happens in October and November 2025, earliest first.
pub(crate) fn agenda() -> Result<Vec<(Timestamp, Act)>> {
    let workdays = workdays()?;
    let mut agenda = vec![
        (local("2025-10-01", "08:00")?, Act::Say("October: nobody is scheduled until the 8th")),
        (
            local("2025-10-09", "08:00")?,
            Act::Say("October: customers call, order and complain; visits begin"),
        ),
        (local("2025-10-28", "10:00")?, Act::Bonus("2025-10")),
        (local("2025-11-05", "18:29")?, Act::Say("October is closed, reviewed, approved and paid")),
        (local("2025-11-05", "18:30")?, Act::Payday { month: "2025-10", on: "2025-11-05" }),
        (
            local("2025-11-05", "21:00")?,
            Act::Say("November: appeals are judged, customers pay, one gets money back"),
        ),
        (local("2025-11-27", "10:00")?, Act::Bonus("2025-11")),
        (local("2025-12-03", "18:29")?, Act::Say("November is closed, reviewed, approved and paid")),
        (local("2025-12-03", "18:30")?, Act::Payday { month: "2025-11", on: "2025-12-03" }),
    ];
    agenda.extend(calls::agenda(&workdays)?);
    agenda.extend(cases::agenda()?);
    agenda.extend(deals::agenda(&workdays)?);
    for day in &workdays {
        agenda.push((local(&day.to_string(), "18:00")?, Act::Punches(*day)));
    }
    agenda.sort_by_key(|(at, _)| *at);
    Ok(agenda)
}

/// The workdays of both months by the official calendar, asked of the same engine that schedules them.
fn workdays() -> Result<Vec<NaiveDate>> {
    let hours = Hours::new(vec![Interval::new(8 * 60 + 30, 17 * 60 + 30)?])?;
    let layers = Layers {
        zone: ZONE,
        national: OfficialYear::shipped().to_vec(),
        network: Layer { weekly: Some(Weekly::workdays(&hours)), ..Layer::default() },
        branch: Layer::default(),
    };
    let calendar = Calendar::new(layers)?;
    let (first, last): (NaiveDate, NaiveDate) = ("2025-10-01".parse()?, "2025-11-30".parse()?);
    let days = first.iter_days().take_while(|day| *day <= last);
    Ok(days.filter(|day| calendar.is_workday(*day).value).collect())
}
