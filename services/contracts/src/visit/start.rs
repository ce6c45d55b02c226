//! The worker is there and begins.

use super::{Refusal, State, StateWord, Visit, VisitView, store};
use events::VisitId;
use events::contracts::VisitStarted;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
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

/// The worker begins. Being early is no fault; how early is the dispatcher's business.
pub fn decide(visit: Visit, now: Timestamp) -> Result<Decision<Visit>, Refusal> {
    match visit.state.clone() {
        State::Assigned { assigned } => {
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

/// The worker begins (P1-4).
#[utoipa::path(post, path = "/v1/contracts/visits/{id}/start", request_body = StartVisit, responses(Commanded<VisitView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<StartVisit, permission!("visit.perform")>,
) -> Answer<VisitView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let visit = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(visit, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
