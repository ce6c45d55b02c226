//! Standings follow every change of what they are computed from; others are told only of what is different.

use super::subject::{self, Subject};
use super::{Interval, PaperPolicy, Standing, store};
use crate::certificate::Level;
use crate::requirement::{self, KnownRequirement};
use events::WorkerId;
use events::workforce::{StandingChanged, StandingInterval};
use house::policy::{Versions, in_force_during};
use journal::{Fault, Reach, Tx};
use kernel::time::FIRST_DAY;
use kernel::{Decision, Span, Version, clause};
use sqlx::postgres::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A standing as it would be, or as it is where it has not changed; with the number of its next change.
pub fn decide(
    before: Standing,
    level: Option<Level>,
    intervals: Vec<StandingInterval>,
) -> Option<Decision<Standing>> {
    if before.version > Version::NONE && before.level == level && before.intervals == intervals {
        return None;
    }
    let changed = StandingChanged {
        worker_id: before.worker,
        service_code: before.service_code.clone(),
        level: level.map_or(0, |level| u8::try_from(level.number()).unwrap_or_default()),
        intervals: intervals.clone(),
        standing_seq: i64::from(before.version.after(1).get()),
    };
    Some(Decision::of(Standing { level, intervals, ..before }).and(changed).under(clause!("P1-1")))
}

/// Computes the standings of these workers anew.
pub(crate) async fn recompute(tx: &mut Tx, workers: &[WorkerId]) -> Result<(), Fault> {
    let workers: Vec<Uuid> = workers.iter().map(|worker| worker.uuid()).collect();
    of_services(tx, &workers, None).await
}

/// The same for some services only. Whoever changes a file locks its worker before he looks at the rest of it: two
/// changes at once would each miss the other.
pub(super) async fn of_services(
    tx: &mut Tx,
    workers: &[Uuid],
    services: Option<&[String]>,
) -> Result<(), Fault> {
    store::lock_workers(tx, workers).await?;
    let subjects = subject::of(tx.connection(), workers, &Reach::network()).await?;
    let services = by_service(requirement::of(tx.connection(), services).await?);
    let mut known = store::of_workers(tx, workers).await?;
    let papers = papers(tx.connection()).await?;
    let mut decisions = Vec::new();
    for subject in &subjects {
        for (service, asked) in &services {
            let before = known.remove(&(subject.worker.uuid(), service.clone()));
            decisions.extend(one(tx, subject, (asked, &papers), before)?);
        }
    }
    store::put(tx, &decisions).await
}

fn one(
    tx: &Tx,
    subject: &Subject,
    (asked, papers): (&[KnownRequirement], &Versions<PaperPolicy>),
    before: Option<Standing>,
) -> Result<Option<Decision<Standing>>, Fault> {
    let Some(demand) = subject.demand(asked, papers)? else { return Ok(None) };
    if before.is_none() && !subject.is_concerned(&demand) {
        return Ok(None);
    }
    let service_code = &demand.at(tx.now()).service_code;
    let fresh = || Standing {
        id: tx.fresh(),
        worker: subject.worker,
        branch: subject.branch,
        service_code: service_code.clone(),
        level: None,
        intervals: Vec::new(),
        version: Version::NONE,
    };
    let before = Standing { branch: subject.branch, ..before.unwrap_or_else(fresh) };
    let level = subject.level(service_code, tx.now());
    let intervals = subject.intervals(&demand).into_iter().map(told).collect();
    Ok(decide(before, level, intervals))
}

/// The papers that were, are and will be asked for.
pub(super) async fn papers(connection: &mut PgConnection) -> Result<Versions<PaperPolicy>, Fault> {
    in_force_during(connection, None, Span { from: FIRST_DAY, to: None }).await
}

fn by_service(requirements: Vec<KnownRequirement>) -> BTreeMap<String, Vec<KnownRequirement>> {
    let mut services: BTreeMap<String, Vec<KnownRequirement>> = BTreeMap::new();
    for requirement in requirements {
        services.entry(requirement.service_code.clone()).or_default().push(requirement);
    }
    services
}

fn told(interval: Interval) -> StandingInterval {
    StandingInterval {
        from: interval.span.from,
        to: interval.span.to,
        light: interval.light,
        reasons: interval.reasons.iter().map(|reason| reason.code()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StandingId;
    use crate::worker::tests::at;
    use events::workforce::Light;
    use kernel::BranchId;

    #[test]
    fn others_are_told_of_changes_only_and_each_has_its_number() {
        let before = Standing {
            id: StandingId::of(Uuid::from_u128(1)),
            worker: WorkerId::of(Uuid::from_u128(2)),
            branch: BranchId::of(Uuid::from_u128(3)),
            service_code: "CLEAN-STD".to_owned(),
            level: None,
            intervals: Vec::new(),
            version: Version::NONE,
        };
        let interval = |light| StandingInterval { from: at("2026-01-01"), to: None, light, reasons: vec![] };
        let first = decide(before, None, vec![interval(Light::Red)]).expect("the first is told");
        assert_eq!(first.facts()[0].data["standing_seq"], 1);
        let saved = Standing { version: first.version(), ..first.into_state() };
        assert_eq!(decide(saved.clone(), None, vec![interval(Light::Red)]), None);
        let second = decide(saved, Some(Level::Senior), vec![interval(Light::Green)]).expect("it changed");
        assert_eq!(
            (second.facts()[0].data["standing_seq"].as_i64(), second.facts()[0].data["level"].as_i64()),
            (Some(2), Some(3))
        );
    }
}
