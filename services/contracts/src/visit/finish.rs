//! The work is done; from now on time confirms it.

use super::{Refusal, State, StateWord, Visit, VisitView, confirm, store};
use events::VisitId;
use events::contracts::VisitDone;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The work is done.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishVisit {}

impl Addressed for FinishVisit {
    type To = VisitId;
}

/// The work is done.
pub fn decide(visit: Visit, now: Timestamp) -> Result<Decision<Visit>, Refusal> {
    match visit.state.clone() {
        State::InProgress { started_at, .. } if now < started_at => {
            Err(Refusal::TimesOutOfOrder { after: started_at })
        }
        State::InProgress { assigned, started_at } => {
            let visit = visit.with(State::Done { assigned, started_at, done_at: now });
            let done = VisitDone(visit.outside());
            Ok(Decision::of(visit).and(done).under(clause!("P1-4")))
        }
        State::Planned
        | State::Assigned { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. }
        | State::NeedsReplacement { .. } => Err(visit.refuse(StateWord::Done)),
    }
}

/// The work is done (P1-4).
#[utoipa::path(post, path = "/v1/contracts/visits/{id}/finish", request_body = FinishVisit, responses(Commanded<VisitView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<FinishVisit, permission!("visit.perform")>,
) -> Answer<VisitView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let visit = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(visit, now)?;
            store::save(tx, &decision).await?;
            let policy = confirm::policy(tx, decision.state(), now).await?;
            tx.schedule(confirm::TIMER, cmd.id, confirm::possible_at(now, &policy)).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
