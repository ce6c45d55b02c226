//! The customer confirms a visit, or time does: from here on payroll pays it.

use super::{Confirmation, Refusal, State, StateWord, Visit, VisitView, store};
use crate::policy::VisitConfirmation;
use crate::price;
use chrono::TimeDelta;
use events::VisitId;
use events::contracts::VisitConfirmed;
use house::policy::in_force;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Due, Failure, Tx};
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The customer agrees.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmVisit {}

impl Addressed for ConfirmVisit {
    type To = VisitId;
}

/// The timer that confirms what nobody objected to.
pub(crate) const TIMER: &str = "visit_confirmation";

/// When time confirms a visit done at this instant.
pub(super) fn possible_at(done_at: Timestamp, policy: &VisitConfirmation) -> Timestamp {
    done_at.plus(TimeDelta::hours(i64::from(policy.after_hours)))
}

/// The customer confirms, at any time after the work; or time has run out, from the instant it has.
pub fn decide(
    visit: Visit,
    by: Confirmation,
    policy: &VisitConfirmation,
    now: Timestamp,
) -> Result<Decision<Visit>, Refusal> {
    match visit.state.clone() {
        State::Done { assigned, started_at, done_at } => {
            let possible_at = match by {
                Confirmation::Customer => done_at,
                Confirmation::TimeRanOut => possible_at(done_at, policy),
            };
            if now < possible_at {
                return Err(Refusal::TooEarly { possible_at });
            }
            let visit = visit.with(State::Confirmed { assigned, started_at, done_at, confirmed_at: now, by });
            let confirmed = VisitConfirmed(visit.outside());
            Ok(Decision::of(visit).and(confirmed).under(clause!("P1-4")))
        }
        State::Planned
        | State::Assigned { .. }
        | State::InProgress { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. }
        | State::NeedsReplacement { .. } => Err(visit.refuse(StateWord::Confirmed)),
    }
}

/// The policy for a visit that was done now.
pub(super) async fn policy(tx: &mut Tx, visit: &Visit, now: Timestamp) -> Result<VisitConfirmation, Failure> {
    let zone = price::store::zone(tx.connection(), Some(visit.branch)).await?;
    Ok(in_force(tx.connection(), Some(visit.branch), now.date_in(zone)).await?.terms)
}

/// Nobody objected in time. The timer was set by the policy of the day it was done; that is the one that counts.
pub(crate) async fn fire(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let visit = store::load(tx, VisitId::of(due.reference)).await?;
    let State::Done { done_at, .. } = visit.state else { return Ok(()) };
    let policy = policy(tx, &visit, done_at).await?;
    let decision = decide(visit, Confirmation::TimeRanOut, &policy, tx.now())?;
    Ok(store::save(tx, &decision).await?)
}

/// The customer agrees (P1-4).
#[utoipa::path(post, path = "/v1/contracts/visits/{id}/confirm", request_body = ConfirmVisit, responses(Commanded<VisitView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ConfirmVisit, permission!("visit.write")>,
) -> Answer<VisitView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let visit = cmd.current(store::load(tx, cmd.id).await?)?;
            let policy = policy(tx, &visit, now).await?;
            let decision = decide(visit, Confirmation::Customer, &policy, now)?;
            store::save(tx, &decision).await?;
            tx.cancel(TIMER, cmd.id).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
