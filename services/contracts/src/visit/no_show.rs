//! One side was not there.

use super::{Party, Refusal, State, StateWord, Visit, VisitView, store};
use events::{VisitId, WorkerId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One side was not there.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoShowVisit {
    /// Which side.
    pub by: Party,
}

impl Addressed for NoShowVisit {
    type To = VisitId;
}

/// One side was not there.
#[derive(Debug, Serialize)]
struct VisitMissed {
    by: Party,
    worker_id: Option<WorkerId>,
}
event!(VisitMissed, "contracts.visit.no_show", internal);

/// One side was not there; known only from the beginning of the window.
pub fn decide(visit: Visit, by: Party, now: Timestamp) -> Result<Decision<Visit>, Refusal> {
    match visit.state {
        State::Assigned { .. } if now < visit.window.starts_at() => {
            Err(Refusal::TooEarly { possible_at: visit.window.starts_at() })
        }
        State::Assigned { .. } => {
            let missed =
                VisitMissed { by, worker_id: visit.state.assigned().map(|assigned| assigned.worker_id) };
            let visit = visit.with(State::NoShow { by, at: now });
            Ok(Decision::of(visit).and(missed).under(clause!("P1-4")))
        }
        State::Planned
        | State::InProgress { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. }
        | State::NeedsReplacement { .. } => Err(visit.refuse(StateWord::NoShow)),
    }
}

/// One side was not there (P1-4).
#[utoipa::path(post, path = "/v1/contracts/visits/{id}/no-show", request_body = NoShowVisit, responses(Commanded<VisitView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<NoShowVisit, permission!("visit.write")>,
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
