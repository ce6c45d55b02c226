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

/// Whose absence a visit in this state can end with: nobody learns that the customer was not there where nobody went.
const fn absent(state: &State) -> &'static [Party] {
    match state {
        State::Planned => &[Party::Company],
        State::NeedsReplacement { .. } => &[Party::Company, Party::Worker],
        State::Assigned { .. } => &Party::ALL,
        State::InProgress { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. } => &[],
    }
}

/// One side was not there; known only from the beginning of the window. Where it was not the customer, his visit is
/// still owed to him: its place in the line is free again.
pub fn decide(visit: Visit, by: Party, now: Timestamp) -> Result<Decision<Visit>, Refusal> {
    if !absent(&visit.state).contains(&by) {
        return Err(visit.refuse(StateWord::NoShow));
    }
    if now < visit.window.starts_at() {
        return Err(Refusal::TooEarly { possible_at: visit.window.starts_at() });
    }
    let missed = VisitMissed { by, worker_id: visit.state.assigned().map(|assigned| assigned.worker_id) };
    let visit = visit.with(State::NoShow { by, at: now });
    Ok(Decision::of(visit).and(missed).under(clause!("P1-4")))
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
