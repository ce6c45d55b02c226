//! The worker cannot come, for another reason than the standing; that one is [`super::recheck`].

use super::{Cause, Refusal, State, StateWord, Visit, VisitView, store};
use events::VisitId;
use events::contracts::VisitNeedsReplacement;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The worker cannot come.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceVisit {}

impl Addressed for ReplaceVisit {
    type To = VisitId;
}

/// The worker cannot come, and no paper of his changes that; the customer still waits for somebody.
pub fn decide(visit: Visit, now: Timestamp) -> Result<Decision<Visit>, Refusal> {
    match visit.state.clone() {
        State::Assigned { assigned } => {
            let visit =
                visit.with(State::NeedsReplacement { lost: assigned, cause: Cause::Worker, since: now });
            let needs = VisitNeedsReplacement(visit.outside());
            Ok(Decision::of(visit).and(needs).under(clause!("P1-4")))
        }
        State::Planned
        | State::InProgress { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. }
        | State::NeedsReplacement { .. } => Err(visit.refuse(StateWord::NeedsReplacement)),
    }
}

/// The worker cannot come (P1-4).
#[utoipa::path(post, path = "/v1/contracts/visits/{id}/need-replacement", request_body = ReplaceVisit, responses(Commanded<VisitView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ReplaceVisit, permission!("visit.write")>,
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
