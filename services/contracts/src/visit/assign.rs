//! Who may go: green for the whole window, on the newest standing (C6); nobody at two places at once.

use super::{
    Assigned, Interval, Light, Refusal, Standing, StandingOverride, State, StateWord, Visit, VisitView,
    promise, standing, store,
};
use crate::policy::VisitTravel;
use crate::price;
use chrono::TimeDelta;
use events::contracts::VisitAssigned;
use events::{VisitId, WorkerId};
use house::policy::in_force;
use house::{Addressed, Answer, Command, Commanded, House, known, permission};
use journal::{Failure, RefuseOn, Tx};
use kernel::{BranchId, Decision, EmployeeId, Span, Timestamp, clause};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Sends a worker.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignVisit {
    /// Who goes.
    pub worker_id: WorkerId,
    /// The number of the standing the dispatcher looked at; absent: the newest we know.
    #[serde(default)]
    pub standing_seq: Option<i64>,
}

impl Addressed for AssignVisit {
    type To = VisitId;
}

/// Sends a worker to a visit that is planned or needs somebody else, on the newest standing we know. The number that
/// was looked at only says whether somebody decided on another one: what is kept is the one that was judged.
pub fn assign(
    visit: Visit,
    newest: &Standing,
    seen_seq: Option<i64>,
    override_: Option<StandingOverride>,
) -> Result<Visit, Refusal> {
    match &visit.state {
        State::Planned | State::NeedsReplacement { .. } => {}
        State::Assigned { .. }
        | State::InProgress { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. } => return Err(visit.refuse(StateWord::Assigned)),
    }
    let worker_id = newest.worker_id;
    if newest.service != visit.service {
        return Err(Refusal::OtherStanding { worker_id, service: visit.service });
    }
    let newest_seq = newest.seq;
    match seen_seq {
        Some(used_seq) if used_seq < newest_seq => {
            return Err(Refusal::StandingStale { used_seq, newest_seq });
        }
        Some(used_seq) if newest_seq < used_seq => {
            return Err(Refusal::StandingUnknown { used_seq, newest_seq });
        }
        Some(_) | None => {}
    }
    let window = visit.window.span();
    let gaps = gaps(newest, window, override_.as_ref());
    if !gaps.is_empty() {
        return Err(Refusal::NotEligible { worker_id, gaps });
    }
    // Nobody keeps a reason on record that nothing needed.
    let override_ = override_.filter(|_| !self::gaps(newest, window, None).is_empty());
    let assigned = Assigned { worker_id, standing_seq: newest_seq, override_ };
    Ok(visit.with(State::Assigned { assigned }))
}

/// What an assignment looks at.
#[derive(Debug)]
pub struct Surroundings {
    /// The newest standing we know.
    pub standing: Standing,
    /// The number that the dispatcher looked at.
    pub seen_seq: Option<i64>,
    /// The worker's branch.
    pub home_branch: Option<BranchId>,
    /// How much time lies between two visits.
    pub travel: VisitTravel,
}

/// Sends a worker who is green for the whole window, and keeps him free for it and the way.
pub fn decide(visit: Visit, around: Surroundings) -> Result<Decision<Visit>, Refusal> {
    send(visit, around, None)
}

/// The same, with what a manager lets pass.
pub(super) fn send(
    visit: Visit,
    around: Surroundings,
    override_: Option<StandingOverride>,
) -> Result<Decision<Visit>, Refusal> {
    let buffer = TimeDelta::minutes(i64::from(around.travel.buffer_minutes));
    let busy_until = visit.window.ends_at().plus(buffer);
    let visit = assign(visit, &around.standing, around.seen_seq, override_)?;
    let visit = Visit { busy_until, home_branch: around.home_branch, ..visit };
    let assigned = VisitAssigned(visit.outside());
    Ok(Decision::of(visit).and(assigned).under(clause!("P1-1")))
}

/// What an assignment of this worker looks at, and the number of his standing that somebody looked at before.
pub(super) async fn surroundings(
    tx: &mut Tx,
    visit: &Visit,
    (worker_id, seen_seq): (WorkerId, Option<i64>),
    now: Timestamp,
) -> Result<Surroundings, Failure> {
    let standing = standing::newest(tx, worker_id, &visit.service).await?;
    let employee = known::employee(tx, EmployeeId::of(worker_id.uuid())).await?;
    let zone = price::store::zone(tx.connection(), Some(visit.branch)).await?;
    let travel = in_force::<VisitTravel>(tx.connection(), Some(visit.branch), now.date_in(zone)).await?.terms;
    Ok(Surroundings { standing, seen_seq, home_branch: employee.map(|employee| employee.branch), travel })
}

/// Sends a worker to a visit (P1-1).
#[utoipa::path(post, path = "/v1/contracts/visits/{id}/assign", request_body = AssignVisit, responses(Commanded<VisitView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<AssignVisit, permission!("visit.write")>,
) -> Answer<VisitView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let visit = cmd.current(store::load(tx, cmd.id).await?)?;
            let AssignVisit { worker_id, standing_seq } = cmd.body;
            let around = surroundings(tx, &visit, (worker_id, standing_seq), now).await?;
            promise::hold(tx, &visit, worker_id).await?;
            let decision = decide(visit, around)?;
            store::save(tx, &decision).await.refuse_on("visit_worker_once", Refusal::Booked { worker_id })?;
            Ok::<_, Failure>(decision)
        })
        .await
}

/// The parts of a stretch of time in which the worker may not go, the unknown ones among them.
pub(super) fn gaps(
    standing: &Standing,
    (from, to): (Timestamp, Timestamp),
    override_: Option<&StandingOverride>,
) -> Vec<Interval> {
    let wanted = Span { from, to: Some(to) };
    let mut inside: Vec<Interval> = standing
        .intervals
        .iter()
        .filter_map(|interval| Some(Interval { span: interval.span.intersect(&wanted)?, ..interval.clone() }))
        .collect();
    inside.sort_by_key(|interval| interval.span.from);
    let unknown = |from, to| Interval {
        span: Span { from, to: Some(to) },
        light: Light::Yellow,
        reasons: BTreeSet::from(["standing_unknown".to_owned()]),
    };
    let mut gaps = Vec::new();
    let mut seen_to = from;
    for interval in inside {
        if seen_to < interval.span.from {
            gaps.push(unknown(seen_to, interval.span.from));
        }
        seen_to = seen_to.max(interval.span.to.unwrap_or(to));
        let is_let_pass = match interval.light {
            Light::Green => true,
            Light::Yellow => override_.is_some_and(|allowed| {
                !interval.reasons.is_empty() && interval.reasons.is_subset(&allowed.covers)
            }),
            Light::Red => false,
        };
        if !is_let_pass {
            gaps.push(interval);
        }
    }
    if seen_to < to {
        gaps.push(unknown(seen_to, to));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::super::life::fixtures::*;
    use super::*;

    #[test]
    fn c6_green_for_the_whole_window_on_the_newest_standing() {
        let full = colours(&[("2026-10-10 09:00", "2026-10-10 12:00", Light::Green)], 7);
        for seen_seq in [None, Some(7)] {
            let visit = assign(planned(), &full, seen_seq, None).expect("green");
            assert_eq!(visit.state.assigned().map(|assigned| assigned.standing_seq), Some(7));
        }
        let refused = assign(planned(), &full, Some(6), None);
        assert_eq!(refused, Err(Refusal::StandingStale { used_seq: 6, newest_seq: 7 }));
        let refused = assign(planned(), &full, Some(9_999), None);
        assert_eq!(refused, Err(Refusal::StandingUnknown { used_seq: 9_999, newest_seq: 7 }));
        for part in [
            ("2026-10-10 09:01", "2026-10-10 12:00", Light::Green),
            ("2026-10-10 09:00", "2026-10-10 11:59", Light::Green),
            ("2026-10-10 09:00", "2026-10-10 12:00", Light::Red),
        ] {
            let refused = assign(planned(), &colours(&[part], 7), None, None);
            assert!(
                matches!(&refused, Err(Refusal::NotEligible { gaps, .. }) if gaps.len() == 1),
                "{refused:?}"
            );
        }
        let other = Standing { service: ServiceCode::new("maternity"), ..full };
        assert!(matches!(assign(planned(), &other, None, None), Err(Refusal::OtherStanding { .. })));
    }

    #[test]
    fn c6_yellow_passes_only_for_the_reasons_named() {
        let yellow = colours(&[("2026-10-10 09:00", "2026-10-10 12:00", Light::Yellow)], 7);
        let red = colours(&[("2026-10-10 09:00", "2026-10-10 12:00", Light::Red)], 7);
        let allow = |code: &str| Some(pass(&[code]));
        assert!(assign(planned(), &yellow, None, None).is_err());
        assert!(assign(planned(), &yellow, None, allow("health_expired")).is_err());
        assert!(assign(planned(), &red, None, allow("insurance_expired")).is_err());
        let visit = assign(planned(), &yellow, None, allow("insurance_expired")).expect("let pass");
        assert!(matches!(&visit.state, State::Assigned { assigned } if assigned.override_.is_some()));
    }

    use crate::price::ServiceCode;
}
