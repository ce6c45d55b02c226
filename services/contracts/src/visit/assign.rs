//! Who may go: green for the whole window, on the newest standing (C6); nobody at two places at once.

use super::{
    Assigned, Interval, Light, Refusal, Standing, State, StateWord, Visit, VisitView, promise, standing,
    store,
};
use crate::policy::VisitTravel;
use crate::price;
use crate::window::Window;
use chrono::TimeDelta;
use events::contracts::VisitAssigned;
use events::{VisitId, WorkerId};
use house::policy::in_force;
use house::{Addressed, Answer, Command, Commanded, House, known, permission};
use journal::{Failure, RefuseOn, Tx};
use kernel::{BranchId, Decision, EmployeeId, Span, Timestamp, UserId, clause};
use serde::{Deserialize, Serialize};
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

/// A branch manager lets named yellow reasons pass (workforce W7, which decides what may be named).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StandingOverride {
    /// Who takes it on himself.
    pub approved_by: UserId,
    /// Why.
    pub reason: String,
    /// The codes he lets pass; any other still stops.
    pub covers: BTreeSet<String>,
}

/// Sends a worker to a visit that is planned or needs somebody else.
pub fn assign(
    visit: Visit,
    standing: &Standing,
    newest_seq: i64,
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
    if standing.service != visit.service {
        return Err(Refusal::OtherStanding { worker_id: standing.worker_id, service: visit.service });
    }
    if standing.seq < newest_seq {
        return Err(Refusal::StandingStale { used_seq: standing.seq, newest_seq });
    }
    let gaps = gaps(standing, visit.window, override_.as_ref());
    if !gaps.is_empty() {
        return Err(Refusal::NotEligible { worker_id: standing.worker_id, gaps });
    }
    // Nobody keeps a reason on record that nothing needed.
    let override_ = override_.filter(|_| !self::gaps(standing, visit.window, None).is_empty());
    let assigned = Assigned { worker_id: standing.worker_id, standing_seq: standing.seq, override_ };
    Ok(visit.with(State::Assigned { assigned }))
}

/// What an assignment looks at.
#[derive(Debug)]
pub struct Surroundings {
    /// The standing that was looked at.
    pub standing: Standing,
    /// The newest number we know.
    pub newest_seq: i64,
    /// The worker's branch.
    pub home_branch: Option<BranchId>,
    /// How much time lies between two visits.
    pub travel: VisitTravel,
}

/// Sends a worker to a visit, and keeps him free for it and the way.
pub fn decide(visit: Visit, around: Surroundings) -> Result<Decision<Visit>, Refusal> {
    let buffer = TimeDelta::minutes(i64::from(around.travel.buffer_minutes));
    let busy_until = visit.window.ends_at().plus(buffer);
    let visit = assign(visit, &around.standing, around.newest_seq, None)?;
    let visit = Visit { busy_until, home_branch: around.home_branch, ..visit };
    let assigned = VisitAssigned(visit.outside());
    Ok(Decision::of(visit).and(assigned).under(clause!("P1-1")))
}

async fn surroundings(
    tx: &mut Tx,
    visit: &Visit,
    body: &AssignVisit,
    now: Timestamp,
) -> Result<Surroundings, Failure> {
    let newest = standing::newest(tx, body.worker_id, &visit.service).await?;
    let newest_seq = newest.seq;
    let standing = Standing { seq: body.standing_seq.unwrap_or(newest_seq), ..newest };
    let employee = known::employee(tx, EmployeeId::of(body.worker_id.uuid())).await?;
    let zone = price::store::zone(tx.connection(), Some(visit.branch)).await?;
    let travel = in_force::<VisitTravel>(tx.connection(), Some(visit.branch), now.date_in(zone)).await?.terms;
    Ok(Surroundings { standing, newest_seq, home_branch: employee.map(|employee| employee.branch), travel })
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
            let around = surroundings(tx, &visit, &cmd.body, now).await?;
            promise::hold(tx, &visit, cmd.body.worker_id).await?;
            let decision = decide(visit, around)?;
            let worker_id = cmd.body.worker_id;
            store::save(tx, &decision).await.refuse_on("visit_worker_once", Refusal::Booked { worker_id })?;
            Ok::<_, Failure>(decision)
        })
        .await
}

/// The parts of a window in which the worker may not go, the unknown ones among them.
pub(super) fn gaps(
    standing: &Standing,
    window: Window,
    override_: Option<&StandingOverride>,
) -> Vec<Interval> {
    let wanted = Span { from: window.starts_at(), to: Some(window.ends_at()) };
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
    let mut seen_to = window.starts_at();
    for interval in inside {
        if seen_to < interval.span.from {
            gaps.push(unknown(seen_to, interval.span.from));
        }
        seen_to = seen_to.max(interval.span.to.unwrap_or(window.ends_at()));
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
    if seen_to < window.ends_at() {
        gaps.push(unknown(seen_to, window.ends_at()));
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
        let visit = assign(planned(), &full, 7, None).expect("green");
        assert_eq!(visit.state.word(), StateWord::Assigned);
        let refused = assign(planned(), &full, 8, None);
        assert_eq!(refused, Err(Refusal::StandingStale { used_seq: 7, newest_seq: 8 }));
        for part in [
            ("2026-10-10 09:01", "2026-10-10 12:00", Light::Green),
            ("2026-10-10 09:00", "2026-10-10 11:59", Light::Green),
            ("2026-10-10 09:00", "2026-10-10 12:00", Light::Red),
        ] {
            let refused = assign(planned(), &colours(&[part], 7), 7, None);
            assert!(
                matches!(&refused, Err(Refusal::NotEligible { gaps, .. }) if gaps.len() == 1),
                "{refused:?}"
            );
        }
        let other = Standing { service: ServiceCode::new("maternity"), ..full };
        assert!(matches!(assign(planned(), &other, 7, None), Err(Refusal::OtherStanding { .. })));
    }

    #[test]
    fn c6_yellow_passes_only_for_the_reasons_named() {
        let yellow = colours(&[("2026-10-10 09:00", "2026-10-10 12:00", Light::Yellow)], 7);
        let red = colours(&[("2026-10-10 09:00", "2026-10-10 12:00", Light::Red)], 7);
        let allow = |code: &str| {
            Some(StandingOverride {
                approved_by: UserId::of(uuid::Uuid::from_u128(5)),
                reason: "保单明日生效".into(),
                covers: BTreeSet::from([code.to_owned()]),
            })
        };
        assert!(assign(planned(), &yellow, 7, None).is_err());
        assert!(assign(planned(), &yellow, 7, allow("health_expired")).is_err());
        assert!(assign(planned(), &red, 7, allow("insurance_expired")).is_err());
        let visit = assign(planned(), &yellow, 7, allow("insurance_expired")).expect("let pass");
        assert!(matches!(&visit.state, State::Assigned { assigned } if assigned.override_.is_some()));
        let visit = assign(planned(), &green(7), 7, allow("insurance_expired")).expect("green");
        assert!(matches!(&visit.state, State::Assigned { assigned } if assigned.override_.is_none()));
    }

    use crate::price::ServiceCode;
}
