//! The worker is there and begins.

use super::assign::gaps;
use super::{Refusal, Standing, State, StateWord, Visit, VisitView, standing, store};
use crate::policy::VisitStart;
use crate::price;
use chrono::TimeDelta;
use events::contracts::VisitStarted;
use events::{VisitId, WorkerId};
use house::policy::in_force;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, RefuseOn, Tx};
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The worker begins.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartVisit {}

impl Addressed for StartVisit {
    type To = VisitId;
}

/// The worker begins: within the window or a little before it, and only if he may be there from now to its end.
pub fn decide(
    visit: Visit,
    standing: &Standing,
    policy: &VisitStart,
    now: Timestamp,
) -> Result<Decision<Visit>, Refusal> {
    match visit.state.clone() {
        State::Assigned { assigned } => {
            let possible_at = visit.window.starts_at().minus(TimeDelta::minutes(policy.early_minutes.into()));
            if now < possible_at {
                return Err(Refusal::TooEarly { possible_at });
            }
            let ended_at = visit.window.ends_at();
            if ended_at <= now {
                return Err(Refusal::TooLate { ended_at });
            }
            let gaps = gaps(standing, (now, ended_at), assigned.override_.as_ref());
            if !gaps.is_empty() {
                return Err(Refusal::NotEligible { worker_id: assigned.worker_id, gaps });
            }
            let visit = visit.with(State::InProgress { assigned, started_at: now });
            let started = VisitStarted(visit.outside());
            Ok(Decision::of(visit).and(started).under(clause!("P1-4")))
        }
        State::Planned
        | State::InProgress { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. }
        | State::NeedsReplacement { .. } => Err(visit.refuse(StateWord::InProgress)),
    }
}

/// The worker's standing and how early he may begin; nothing where nobody was sent.
async fn surroundings(
    tx: &mut Tx,
    visit: &Visit,
    now: Timestamp,
) -> Result<(WorkerId, Standing, VisitStart), Failure> {
    let Some(assigned) = visit.state.assigned() else {
        return Err(visit.refuse(StateWord::InProgress).into());
    };
    let worker_id = assigned.worker_id;
    let standing = standing::known(tx, worker_id, &visit.service).await?;
    let zone = price::store::zone(tx.connection(), Some(visit.branch)).await?;
    let policy = in_force(tx.connection(), Some(visit.branch), now.date_in(zone)).await?.terms;
    Ok((worker_id, standing, policy))
}

/// The worker begins (P1-4).
#[utoipa::path(post, path = "/v1/contracts/visits/{id}/start", request_body = StartVisit, responses(Commanded<VisitView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<StartVisit, permission!("visit.perform")>,
) -> Answer<VisitView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let visit = cmd.current(store::load(tx, cmd.id).await?)?;
            let (worker_id, standing, policy) = surroundings(tx, &visit, now).await?;
            let decision = decide(visit, &standing, &policy, now)?;
            store::save(tx, &decision)
                .await
                .refuse_on("visit_in_progress_once", Refusal::AtWork { worker_id })?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::Light;
    use super::super::assign::assign;
    use super::super::life::fixtures::*;
    use super::*;

    const POLICY: VisitStart = VisitStart { early_minutes: 30 };

    fn begun(standing: &Standing, now: &str) -> Result<Timestamp, Refusal> {
        let visit = assign(planned(), &green(7), None, None).expect("green");
        decide(visit, standing, &POLICY, at(now)).map(|decision| match decision.state().state {
            State::InProgress { started_at, .. } => started_at,
            _ => panic!("it is in progress"),
        })
    }

    #[test]
    fn a_visit_begins_within_its_window_or_a_little_before_it() {
        for now in ["2026-10-10 08:30", "2026-10-10 09:00", "2026-10-10 11:59"] {
            assert_eq!(begun(&green(7), now), Ok(at(now)));
        }
        for now in ["2026-10-05 09:00", "2026-10-10 08:29"] {
            let possible_at = at("2026-10-10 08:30");
            assert_eq!(begun(&green(7), now), Err(Refusal::TooEarly { possible_at }));
        }
        for now in ["2026-10-10 12:00", "2026-10-12 09:00"] {
            assert_eq!(begun(&green(7), now), Err(Refusal::TooLate { ended_at: at("2026-10-10 12:00") }));
        }
    }

    #[test]
    fn c6_who_begins_may_be_there_from_now_to_the_end() {
        let planned = colours(&[("2026-10-10 09:00", "2026-10-10 12:00", Light::Green)], 7);
        assert!(begun(&planned, "2026-10-10 09:00").is_ok());
        let refused = begun(&planned, "2026-10-10 08:45");
        assert!(matches!(refused, Err(Refusal::NotEligible { .. })), "not valid before nine: {refused:?}");
        let red = colours(&[("2026-10-10 08:00", "2026-10-10 12:00", Light::Red)], 8);
        assert!(matches!(begun(&red, "2026-10-10 09:00"), Err(Refusal::NotEligible { .. })));
    }
}
