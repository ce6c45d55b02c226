//! Reviewing a run: somebody has looked at its exceptions and totals.

use super::{Happened, PayRun, PayRunReviewed, PayRunView, Refusal, State, store};
use crate::person::Person;
use events::PayRunId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Reviewing a run: somebody has looked at its exceptions and totals.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewPayRun {}

impl Addressed for ReviewPayRun {
    type To = PayRunId;
}

/// Marks a calculated run as looked at.
pub fn decide(run: PayRun, reviewer: Person) -> Result<Decision<PayRun>, Refusal> {
    match run.state {
        State::Calculated => {}
        State::Draft | State::Reviewed | State::Approved | State::Paid | State::Closed | State::Cancelled => {
            return Err(run.wrong_state());
        }
    }
    let happened = Happened::to(&run);
    let run = PayRun { state: State::Reviewed, reviewer: Some(reviewer), ..run };
    Ok(Decision::of(run).and(PayRunReviewed(happened)).under(clause!("P6.6-1")))
}

/// Marks a calculated run as looked at (P6.6-1).
#[utoipa::path(post, path = "/v1/hr/pay-runs/{id}/review", request_body = ReviewPayRun, responses(Commanded<PayRunView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ReviewPayRun, permission!("pay_run.prepare")>,
) -> Answer<PayRunView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let run = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(run, Person::of(&cmd.principal))?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
