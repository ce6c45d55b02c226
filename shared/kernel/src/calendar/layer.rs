//! The layers of a calendar: what the network and the branch say, and how a date's hours come about.

use super::official::NationalDay;
use super::{Calendar, Hours, Weekly};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a layer says about one date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Override {
    /// No hours start on this date. What started the evening before goes on to its end.
    Closed,
    /// Open with exactly these hours; without any, with those of an ordinary workday: a make-up workday (调休).
    Open(Hours),
    /// What the layers below have, cut down to these hours: an early closing never opens a closed day.
    Partial(Hours),
}

/// What the network or a branch says: its own week, and its dates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The week, in place of the one of the layer below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<Weekly>,
    /// Dated overrides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, Override>)]
    pub days: BTreeMap<NaiveDate, Override>,
}

impl Calendar {
    /// The hours that start on a date, by the wall clock: the week, then nation, network and branch in this order,
    /// so that the branch has the last word (K1).
    pub fn hours_on(&self, date: NaiveDate) -> Cow<'_, Hours> {
        static CLOSED: Hours = Hours::CLOSED;
        let week = self.weekly();
        let national = match self.national.on(date) {
            Some(NationalDay::Off | NationalDay::Statutory) => &CLOSED,
            Some(NationalDay::Work) => week.ordinary(),
            None => week.on(date.weekday()),
        };
        let layers = [&self.layers.network, &self.layers.branch];
        layers.into_iter().filter_map(|layer| layer.days.get(&date)).fold(
            Cow::Borrowed(national),
            |hours, said| match said {
                Override::Closed => Cow::Owned(Hours::CLOSED),
                Override::Open(own) if own.is_closed() => Cow::Borrowed(week.ordinary()),
                Override::Open(own) => Cow::Borrowed(own),
                Override::Partial(kept) => Cow::Owned(hours.intersect(kept)),
            },
        )
    }

    /// The week in force: the branch's, else the network's, else one without hours.
    pub(super) fn weekly(&self) -> &Weekly {
        static NEVER: Weekly = Weekly {
            mon: Hours::CLOSED,
            tue: Hours::CLOSED,
            wed: Hours::CLOSED,
            thu: Hours::CLOSED,
            fri: Hours::CLOSED,
            sat: Hours::CLOSED,
            sun: Hours::CLOSED,
        };
        self.layers.branch.weekly.as_ref().or(self.layers.network.weekly.as_ref()).unwrap_or(&NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hours of a date under the given days of network and branch, 08:30–17:30 from Monday to Friday.
    fn hours(date: &str, network: &str, branch: &str) -> String {
        let mut layers = super::super::tests::shanghai(r#"["08:30-17:30"]"#).layers().clone();
        layers.network.days = serde_json::from_str(network).expect("days");
        layers.branch.days = serde_json::from_str(branch).expect("days");
        let calendar = Calendar::new(layers).expect("consistent");
        serde_json::to_string(&*calendar.hours_on(date.parse().expect("a date"))).expect("plain data")
    }

    #[test]
    fn k1_the_branch_speaks_after_the_network_and_the_network_after_the_nation() {
        let (holiday, friday) = ("2025-10-01", "2025-09-26");
        assert_eq!(hours(holiday, "{}", "{}"), "[]");
        assert_eq!(
            hours(holiday, r#"{"2025-10-01": {"open": ["10:00-12:00"]}}"#, "{}"),
            r#"["10:00-12:00"]"#
        );
        let opened = r#"{"2025-10-01": {"open": ["10:00-12:00"]}}"#;
        assert_eq!(hours(holiday, opened, r#"{"2025-10-01": "closed"}"#), "[]");
        assert_eq!(hours(friday, "{}", r#"{"2025-09-26": "closed"}"#), "[]");
        assert_eq!(
            hours(friday, r#"{"2025-09-26": "closed"}"#, r#"{"2025-09-26": {"open": []}}"#),
            r#"["08:30-17:30"]"#
        );
    }

    #[test]
    fn k1_a_make_up_workday_has_the_hours_of_an_ordinary_one() {
        assert_eq!(hours("2025-09-28", "{}", "{}"), r#"["08:30-17:30"]"#);
        assert_eq!(hours("2025-09-27", "{}", r#"{"2025-09-27": {"open": []}}"#), r#"["08:30-17:30"]"#);
        assert_eq!(
            hours("2025-09-28", r#"{"2025-09-28": {"open": ["09:00-10:00"]}}"#, "{}"),
            r#"["09:00-10:00"]"#
        );
    }

    #[test]
    fn a_partial_day_cuts_what_is_there_and_opens_nothing() {
        let morning =
            r#"{"2025-09-26": {"partial": ["00:00-12:00"]}, "2025-09-27": {"partial": ["00:00-12:00"]}}"#;
        assert_eq!(hours("2025-09-26", morning, "{}"), r#"["08:30-12:00"]"#);
        assert_eq!(hours("2025-09-27", morning, "{}"), "[]");
        assert_eq!(
            hours("2025-09-26", morning, r#"{"2025-09-26": {"partial": ["10:00-18:00"]}}"#),
            r#"["10:00-12:00"]"#
        );
    }

    #[test]
    fn the_branchs_own_week_takes_the_place_of_the_networks() {
        let mut layers = super::super::tests::shanghai(r#"["08:30-17:30"]"#).layers().clone();
        layers.branch.weekly = Some(serde_json::from_str(r#"{"sat": ["09:00-12:00"]}"#).expect("a week"));
        let calendar = Calendar::new(layers).expect("consistent");
        let closed = |date: &str| calendar.hours_on(date.parse().expect("a date")).is_closed();
        assert!(closed("2025-09-26") && !closed("2025-09-27"));
        assert!(!closed("2025-09-28"), "a make-up workday has the hours of the first day that has any");
    }
}
