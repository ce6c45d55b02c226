//! Calculating a run: inputs are frozen, slips are drafted from them, nothing is posted.

use super::{Calculation, PayRun, PayRunView, Refusal, State, engine, store};
use crate::person::Person;
use events::PayRunId;
use events::hr::PayRunCalculated;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Calculates, or calculates again with everything that has arrived since.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalculatePayRun {}

impl Addressed for CalculatePayRun {
    type To = PayRunId;
}

/// A run may be calculated as often as one likes before it is approved.
pub fn may(run: &PayRun) -> Result<(), Refusal> {
    match run.state {
        State::Draft | State::Calculated | State::Reviewed => Ok(()),
        State::Approved | State::Paid | State::Closed | State::Cancelled => Err(run.wrong_state()),
    }
}

/// Takes the result of a calculation; a review of an earlier one is gone.
pub fn decide(run: PayRun, calculation: Calculation) -> Result<Decision<PayRun>, Refusal> {
    may(&run)?;
    if calculation.totals.slips + calculation.totals.blocked == 0 {
        return Err(Refusal::Nobody { month: run.month });
    }
    let totals = run.totals(&calculation);
    let run = PayRun {
        state: State::Calculated,
        attempt: run.attempt + 1,
        calculation: Some(calculation),
        reviewer: None,
        ..run
    };
    Ok(Decision::of(run).and(PayRunCalculated(totals)).under(clause!("P6.6-1")))
}

/// Calculates a run (P6.6-1); refused unless attendance is closed wherever its people were assigned.
#[utoipa::path(post, path = "/v1/hr/pay-runs/{id}/calculate", request_body = CalculatePayRun, responses(Commanded<PayRunView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<CalculatePayRun, permission!("pay_run.prepare")>,
) -> Answer<PayRunView> {
    let engine = engine::job::Engine::of(&house);
    house
        .commit(cmd, async |tx, cmd, now| {
            let run = cmd.current(store::load(tx, cmd.id).await?)?;
            may(&run)?;
            let branches = store::attendance_open(tx, &run).await?;
            if !branches.is_empty() {
                return Err(Refusal::AttendanceOpen { month: run.month, branches }.into());
            }
            let result = if cmd.is_rehearsal() {
                engine::job::rehearse(tx, &run).await?
            } else {
                engine.calculate(tx.actor().clone(), &run).await?
            };
            let decision = decide(run, result.calculation(Person::of(&cmd.principal), now))?;
            store::save_calculation(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
