//! Opening hours of the branches, as versioned policy (K1, K2, K13; P6.7-1).
//!
//! The network's version holds the official years and the ordinary week; a branch's own version lies over it. What
//! is due when is reckoned by `kernel::calendar`; here is only which calendar is in force. A version that is
//! approved never changes, so a calendar is compiled once per version and shared.
//! What is not here: running clocks and their retiming (complaint), promises, which no calendar moves (P1).

use crate::rulebook::RULEBOOK;
use chrono::NaiveDate;
use house::known;
use house::policy::{InForce, RuleBook, Terms, in_force};
use journal::{Fault, Tx};
use kernel::calendar::{Layer, Layers, OfficialYear};
use kernel::{BranchId, Calendar, Clause, PolicyVersionId, Refused, Zone, clause};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use utoipa::ToSchema;

/// When a branch is open: the network's version, or what one branch does otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningHours {
    /// The week and the dated overrides.
    pub hours: Layer,
    /// The official calendars in force; only the network's version says this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub national: Vec<OfficialYear>,
}

impl Terms for OpeningHours {
    const KIND: &'static str = "opening_hours";
    const CLAUSE: Clause = clause!("P6.7-1");
    const BOOK: RuleBook = RULEBOOK;
    fn defaults() -> Self {
        Self { national: OfficialYear::shipped().to_vec(), ..Self::BOOK.defaults(Self::KIND) }
    }
    fn agree(&self) -> Result<(), Refused> {
        // Only the network's version names official years; a branch's own may leave the week to the network.
        let never_opens = match &self.hours.weekly {
            Some(week) => week.ordinary().intervals().is_empty(),
            None => !self.national.is_empty(),
        };
        if never_opens {
            return Err(Self::wrong("no day of the week has hours, so nothing would ever be due"));
        }
        let layers = layers(Zone::SHANGHAI, self.clone(), None);
        Calendar::new(layers).map(|_| ()).map_err(|error| Self::wrong(&error.to_string()))
    }
}

/// Next year's official calendar is missing (K13): told to operators from 1 December on.
pub(crate) fn alarm(parameters: &Value, today: NaiveDate) -> Result<Option<String>, serde_json::Error> {
    let missing = OfficialYear::missing(&OpeningHours::deserialize(parameters)?.national, today);
    Ok(missing.map(|year| format!("year_missing:{year}")))
}

/// The calendar of a branch, with the version to cite.
#[derive(Debug, Clone)]
pub struct Opening {
    /// When it is open.
    pub calendar: Arc<Calendar>,
    /// The version it comes from: the branch's own, else the network's.
    pub policy: PolicyVersionId,
    /// The network's version beneath it: where that changes, the branch's hours may too.
    pub network: PolicyVersionId,
}

/// Which calendar: the network's version, the branch's own, the zone.
type Key = (PolicyVersionId, PolicyVersionId, &'static str);

/// Compiled calendars. Bounded by the number of approved versions, of which there are a handful a year.
static COMPILED: LazyLock<Mutex<HashMap<Key, Arc<Calendar>>>> = LazyLock::new(Mutex::default);

/// The opening hours of a branch that are in force now.
pub async fn of(tx: &mut Tx, branch: BranchId) -> Result<Opening, Fault> {
    let today = tx.now().date_in(zone(tx, branch).await?);
    on(tx, branch, today).await
}

/// The opening hours of a branch that are in force on a day.
pub async fn on(tx: &mut Tx, branch: BranchId, day: NaiveDate) -> Result<Opening, Fault> {
    let zone = zone(tx, branch).await?;
    let network = in_force::<OpeningHours>(tx.connection(), None, day).await?;
    let own = in_force::<OpeningHours>(tx.connection(), Some(branch), day).await?;
    opening(zone, network, own)
}

/// Where the wall clock of a branch hangs; Shanghai for one that is not known yet.
pub async fn zone(tx: &mut Tx, branch: BranchId) -> Result<Zone, Fault> {
    Ok(known::branch(tx, branch).await?.map_or(Zone::SHANGHAI, |branch| branch.zone))
}

/// The terms of a kind in force for a branch on its own today.
pub async fn today<T: Terms>(tx: &mut Tx, branch: BranchId) -> Result<InForce<T>, Fault> {
    let today = tx.now().date_in(zone(tx, branch).await?);
    in_force::<T>(tx.connection(), Some(branch), today).await
}

fn opening(zone: Zone, network: InForce<OpeningHours>, own: InForce<OpeningHours>) -> Result<Opening, Fault> {
    let key = (network.id, own.id, zone.name());
    // A panic while it was locked cannot leave a calendar half made.
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(calendar) = compiled.get(&key) {
        return Ok(Opening { calendar: calendar.clone(), policy: own.id, network: network.id });
    }
    let (policy, beneath) = (own.id, network.id);
    let branch = (own.id != network.id).then_some(own.terms);
    let calendar = Calendar::new(layers(zone, network.terms, branch)).map_err(|error| Fault::Corrupt {
        table: "policy",
        column: "parameters",
        value: error.to_string(),
    })?;
    let calendar = Arc::new(calendar);
    compiled.insert(key, calendar.clone());
    Ok(Opening { calendar, policy, network: beneath })
}

fn layers(zone: Zone, network: OpeningHours, branch: Option<OpeningHours>) -> Layers {
    Layers {
        zone,
        national: network.national,
        network: network.hours,
        branch: branch.map(|own| own.hours).unwrap_or_default(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kernel::Timestamp;

    /// The default hours, in Shanghai.
    pub(crate) fn default_calendar() -> Calendar {
        calendar_of(OpeningHours::defaults())
    }

    /// The network's hours, in Shanghai.
    pub(crate) fn calendar_of(hours: OpeningHours) -> Calendar {
        Calendar::new(layers(Zone::SHANGHAI, hours, None)).expect("consistent")
    }

    /// A branch in Shanghai that opens on Saturday evenings until six on Sunday, and on Mondays; never on Sundays.
    pub(crate) fn night_calendar() -> Calendar {
        let week = r#"{"hours": {"weekly": {"sat": ["22:00-30:00"], "mon": ["08:30-17:30"]}}}"#;
        let terms: OpeningHours = serde_json::from_str(week).expect("terms");
        Calendar::new(layers(Zone::SHANGHAI, terms, None)).expect("consistent")
    }

    /// An instant from what the wall clock shows in Shanghai: `2025-09-26 16:00`.
    pub(crate) fn at(local: &str) -> Timestamp {
        let local = chrono::NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").expect("a literal");
        Zone::SHANGHAI.instant(local)
    }

    #[test]
    fn golden_vectors_hold_under_the_default_policy() {
        let calendar = default_calendar();
        for (start, minutes, due) in [
            ("2025-09-26 16:00", 240, "2025-09-28 11:00"),
            ("2025-09-27 10:00", 60, "2025-09-28 09:30"),
            ("2025-09-30 17:00", 240, "2025-10-09 12:00"),
            ("2025-10-11 15:00", 480, "2025-10-13 14:00"),
            ("2025-09-26 08:29", 1, "2025-09-26 08:31"),
        ] {
            assert_eq!(calendar.add(at(start), minutes).map(|due| due.value), Some(at(due)), "{start}");
        }
    }

    #[test]
    fn k1_a_branchs_own_version_lies_over_the_networks_and_keeps_the_official_years() {
        let own = r#"{"hours": {"days": {"2025-09-29": "closed"}}}"#;
        let own: OpeningHours = serde_json::from_str(own).expect("terms");
        own.check().expect("consistent");
        let calendar =
            Calendar::new(layers(Zone::SHANGHAI, OpeningHours::defaults(), Some(own))).expect("consistent");
        let open = |local| calendar.is_open(at(local)).value;
        assert!(!open("2025-09-29 10:00") && open("2025-09-30 10:00"));
        assert!(open("2025-09-28 10:00") && !open("2025-10-08 10:00"), "make-up workday, holiday");
    }

    #[test]
    fn terms_with_a_year_twice_are_refused() {
        let mut terms = OpeningHours::defaults();
        terms.national.extend_from_slice(OfficialYear::shipped());
        assert_eq!(terms.check().err().map(|refused| refused.error.code), Some("policy.wrong_terms"));
    }

    #[test]
    fn terms_that_never_open_are_refused() {
        for hours in [r#"{"weekly": {}}"#, r#"{"weekly": {"mon": []}}"#, "{}"] {
            let hours = serde_json::from_str(hours).expect("hours");
            let refused = OpeningHours { hours, ..OpeningHours::defaults() }.check().err();
            assert_eq!(refused.map(|refused| refused.error.code), Some("policy.wrong_terms"));
        }
    }
}
