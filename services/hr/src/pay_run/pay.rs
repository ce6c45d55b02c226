//! Paying a run: the money of an approved run is on its way.

use super::{PayRun, PayRunView, Refusal, State, store};
use crate::person::Person;
use events::PayRunId;
use events::hr::PayRunPaid;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Paying a run: the money of an approved run is on its way.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayPayRun {}

impl Addressed for PayPayRun {
    type To = PayRunId;
}

/// Marks an approved run as paid.
pub fn decide(run: PayRun, payer: Person, now: Timestamp) -> Result<Decision<PayRun>, Refusal> {
    let (State::Approved, Some(calculation)) = (run.state, &run.calculation) else {
        return Err(run.wrong_state());
    };
    let totals = run.totals(calculation);
    let run = PayRun { state: State::Paid, payment: Some((payer, now)), ..run };
    Ok(Decision::of(run).and(PayRunPaid(totals)).under(clause!("P6.6-1")))
}

/// Marks an approved run as paid (P6.6-1).
#[utoipa::path(post, path = "/v1/hr/pay-runs/{id}/pay", request_body = PayPayRun, responses(Commanded<PayRunView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<PayPayRun, permission!("pay_run.approve")>,
) -> Answer<PayRunView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let run = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(run, Person::of(&cmd.principal), now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
