//! Closing a run: it is paid and nothing more is expected.

use super::{Happened, PayRun, PayRunClosed, PayRunView, Refusal, State, store};
use events::PayRunId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Closing a run: it is paid and nothing more is expected.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosePayRun {}

impl Addressed for ClosePayRun {
    type To = PayRunId;
}

/// Closes a paid run.
pub fn decide(run: PayRun) -> Result<Decision<PayRun>, Refusal> {
    match run.state {
        State::Paid => {}
        State::Draft
        | State::Calculated
        | State::Reviewed
        | State::Approved
        | State::Closed
        | State::Cancelled => {
            return Err(run.wrong_state());
        }
    }
    let happened = Happened::to(&run);
    let run = PayRun { state: State::Closed, ..run };
    Ok(Decision::of(run).and(PayRunClosed(happened)).under(clause!("P6.6-1")))
}

/// Closes a paid run (P6.6-1).
#[utoipa::path(post, path = "/v1/hr/pay-runs/{id}/close", request_body = ClosePayRun, responses(Commanded<PayRunView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ClosePayRun, permission!("pay_run.prepare")>,
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
