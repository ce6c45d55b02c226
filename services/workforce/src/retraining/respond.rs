//! What upheld complaints lead to: retraining, suspension, supervision, by a table that is data (P2-1).

use chrono::NaiveDate;
use events::ComplaintId;
use events::support::Severity;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// What can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A retraining order.
    Retrain,
    /// Suspension for conduct.
    Suspend,
    /// A supervision visit.
    Supervise,
}

/// Whether a retraining order blocks until it is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Blocks {
    /// The worker goes on.
    Nothing,
    /// The services that were complained of.
    ComplainedServices,
}

/// The table: what follows from how many complaints of which severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintResponse {
    /// Its rows; every row that is reached counts.
    pub rows: Vec<Row>,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Which severities count.
    pub severities: BTreeSet<Severity>,
    /// So many complaints.
    pub count: usize,
    /// Inside so many days, the day of the last one among them.
    pub within_days: i64,
    /// What follows.
    pub measures: BTreeSet<Measure>,
    /// Retraining is due so many days after the last one.
    pub retrain_due_days: u32,
    /// What an order blocks.
    pub blocks: Blocks,
}

/// A complaint upheld against the worker that no measure has answered yet, and whose finding still stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Upheld {
    /// The day of the finding, branch zone.
    pub on: NaiveDate,
    /// Which one.
    pub complaint_id: ComplaintId,
    /// How bad.
    pub severity: Severity,
    /// The service, if it was about one.
    pub service_code: Option<String>,
}

/// From which services a measure stops somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stops {
    /// Whatever he does.
    Everything,
    /// These.
    Services(BTreeSet<String>),
}

/// What follows, and which complaints it answers: those never count again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Response {
    /// What follows.
    pub measures: BTreeSet<Measure>,
    /// The complaints it answers.
    pub answers: BTreeSet<ComplaintId>,
    /// The last day for the retraining, branch zone.
    pub retrain_due_on: NaiveDate,
    /// The services that an order blocks.
    pub blocks_services: BTreeSet<String>,
    /// The services that a suspension is for.
    pub suspends_from: Stops,
}

/// What a new upheld complaint leads to, with those before it that are still unanswered. The same complaint
/// twice counts once; one response for each row of the table that is reached.
pub fn respond(table: &ComplaintResponse, before: &[Upheld], new: &Upheld) -> Vec<Response> {
    let known = before.iter().chain([new]).map(|upheld| (upheld.complaint_id, upheld));
    let all: BTreeMap<ComplaintId, &Upheld> = known.collect();
    let all: Vec<&Upheld> = all.into_values().collect();
    table.rows.iter().filter_map(|row| reached(row, &all, new)).collect()
}

fn reached(row: &Row, all: &[&Upheld], new: &Upheld) -> Option<Response> {
    if !row.severities.contains(&new.severity) {
        return None;
    }
    let is_near = |upheld: &Upheld| (0..row.within_days).contains(&(new.on - upheld.on).num_days());
    let counted: Vec<_> =
        all.iter().filter(|upheld| row.severities.contains(&upheld.severity) && is_near(upheld)).collect();
    if counted.len() < row.count {
        return None;
    }
    let complained: BTreeSet<String> =
        counted.iter().filter_map(|upheld| upheld.service_code.clone()).collect();
    // What somebody did that was about no service in particular is about all of them.
    let are_named = counted.iter().all(|upheld| upheld.service_code.is_some());
    let (blocks_services, suspends_from) = match row.blocks {
        Blocks::Nothing => (BTreeSet::new(), Stops::Everything),
        Blocks::ComplainedServices if are_named => (complained.clone(), Stops::Services(complained)),
        Blocks::ComplainedServices => (complained, Stops::Everything),
    };
    Some(Response {
        measures: row.measures.clone(),
        answers: counted.iter().map(|upheld| upheld.complaint_id).collect(),
        retrain_due_on: new.on + chrono::Days::new(u64::from(row.retrain_due_days)),
        blocks_services,
        suspends_from,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use house::policy::Terms;
    use uuid::Uuid;

    fn upheld(number: u128, on: &str, severity: Severity) -> Upheld {
        Upheld {
            on: on.parse().expect("a literal"),
            complaint_id: ComplaintId::of(Uuid::from_u128(number)),
            severity,
            service_code: Some("cleaning".into()),
        }
    }

    fn measures(before: &[Upheld], new: &Upheld) -> Vec<BTreeSet<Measure>> {
        let table = ComplaintResponse::defaults();
        respond(&table, before, new).into_iter().map(|response| response.measures).collect()
    }

    #[test]
    fn three_minor_complaints_in_ninety_days_lead_to_retraining() {
        let before = [upheld(1, "2026-01-01", Severity::S1), upheld(2, "2026-02-01", Severity::S2)];
        let third = upheld(3, "2026-03-31", Severity::S1);
        assert_eq!((third.on - before[0].on).num_days(), 89);
        assert_eq!(measures(&before, &third), [BTreeSet::from([Measure::Retrain])]);
        let response = &respond(&ComplaintResponse::defaults(), &before, &third)[0];
        assert_eq!(response.answers.len(), 3);
        assert_eq!(response.retrain_due_on.to_string(), "2026-04-30");
        assert!(
            measures(&before, &upheld(3, "2026-04-01", Severity::S1)).is_empty(),
            "the ninetieth day is outside"
        );
        assert!(measures(&before[..1], &third).is_empty());
        assert!(
            measures(&before, &upheld(2, "2026-03-01", Severity::S2)).is_empty(),
            "told twice, counted once"
        );
    }

    #[test]
    fn one_serious_complaint_suspends_and_supervises() {
        let both = vec![BTreeSet::from([Measure::Suspend, Measure::Supervise])];
        assert_eq!(measures(&[], &upheld(1, "2026-01-01", Severity::S3)), both);
        assert_eq!(measures(&[], &upheld(1, "2026-01-01", Severity::S4)), both);
    }

    #[test]
    fn an_order_can_block_what_was_complained_of() {
        let mut table = ComplaintResponse::defaults();
        table.rows[0].blocks = Blocks::ComplainedServices;
        let before = [upheld(1, "2026-01-01", Severity::S1), upheld(2, "2026-02-01", Severity::S1)];
        let response = &respond(&table, &before, &upheld(3, "2026-03-01", Severity::S1))[0];
        let cleaning = BTreeSet::from(["cleaning".to_owned()]);
        assert_eq!(response.blocks_services, cleaning);
        assert_eq!(response.suspends_from, Stops::Services(cleaning.clone()));
        let unnamed = Upheld { service_code: None, ..upheld(3, "2026-03-01", Severity::S1) };
        let response = &respond(&table, &before, &unnamed)[0];
        assert_eq!((&response.blocks_services, &response.suspends_from), (&cleaning, &Stops::Everything));
        let defaults = ComplaintResponse::defaults();
        let serious = &respond(&defaults, &[], &upheld(9, "2026-01-01", Severity::S3))[0];
        assert_eq!(
            serious.suspends_from,
            Stops::Everything,
            "an order blocks nothing, a suspension everything"
        );
    }
}
