//! Cancelling a run before it is approved: no trace in money, every trace in the history.

use super::{Happened, PayRun, PayRunCancelled, PayRunView, Refusal, State, store};
use events::PayRunId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Cancelling a run before it is approved: no trace in money, every trace in the history.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelPayRun {}

impl Addressed for CancelPayRun {
    type To = PayRunId;
}

/// Gives a run up before it is approved.
pub fn decide(run: PayRun) -> Result<Decision<PayRun>, Refusal> {
    match run.state {
        State::Draft | State::Calculated | State::Reviewed => {}
        State::Approved | State::Paid | State::Closed | State::Cancelled => return Err(run.wrong_state()),
    }
    let happened = Happened::to(&run);
    let run = PayRun { state: State::Cancelled, ..run };
    Ok(Decision::of(run).and(PayRunCancelled(happened)).under(clause!("P6.6-1")))
}

/// Gives a run up before it is approved (P6.6-1).
#[utoipa::path(post, path = "/v1/hr/pay-runs/{id}/cancel", request_body = CancelPayRun, responses(Commanded<PayRunView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<CancelPayRun, permission!("pay_run.prepare")>,
) -> Answer<PayRunView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let run = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(run)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
