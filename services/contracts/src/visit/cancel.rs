//! Calling a visit off before it begins; its place in the line is free again.

use super::{Party, Refusal, State, StateWord, Visit, VisitView, store};
use events::{VisitId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Calls a visit off.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelVisit {
    /// By whom.
    pub by: Party,
}

impl Addressed for CancelVisit {
    type To = VisitId;
}

/// A visit was called off.
#[derive(Debug, Serialize)]
struct VisitCancelled {
    by: Party,
    notice_minutes: i64,
}
event!(VisitCancelled, "contracts.visit.cancelled", internal);

/// Calls off a visit that has not begun.
pub fn decide(visit: Visit, by: Party, now: Timestamp) -> Result<Decision<Visit>, Refusal> {
    match visit.state {
        State::Planned | State::Assigned { .. } | State::NeedsReplacement { .. } => {
            let cancelled =
                VisitCancelled { by, notice_minutes: visit.window.starts_at().since(now).num_minutes() };
            let visit = visit.with(State::Cancelled { by, at: now });
            Ok(Decision::of(visit).and(cancelled).under(clause!("P1-4")))
        }
        State::InProgress { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. } => Err(visit.refuse(StateWord::Cancelled)),
    }
}

/// Calls a visit off (P1-4).
#[utoipa::path(post, path = "/v1/contracts/visits/{id}/cancel", request_body = CancelVisit, responses(Commanded<VisitView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<CancelVisit, permission!("visit.write")>,
) -> Answer<VisitView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let visit = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(visit, cmd.body.by, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
