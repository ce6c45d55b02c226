//! Approving a run: the second person's yes, and the only thing that posts (H4, H7).

use super::{PayRun, PayRunView, Refusal, State, post, store};
use crate::person::Person;
use events::PayRunId;
use events::hr::PayRunApproved;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, RefuseOn};
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The payroll approver's yes.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovePayRun {}

impl Addressed for ApprovePayRun {
    type To = PayRunId;
}

/// Approves a reviewed run; neither whoever opened, calculated or reviewed it may, nor whoever entered one of its
/// inputs (H4), also not by a second account.
pub fn decide(
    run: PayRun,
    approver: Person,
    holds_own_input: Inputs,
    now: Timestamp,
) -> Result<Decision<PayRun>, Refusal> {
    let (State::Reviewed, Some(calculation)) = (run.state, &run.calculation) else {
        return Err(run.wrong_state());
    };
    let prepared = [Some(run.opener), Some(calculation.by), run.reviewer];
    if prepared.into_iter().flatten().any(|preparer| preparer.is(&approver)) {
        return Err(Refusal::OwnRun {});
    }
    if holds_own_input == Inputs::HisOwn {
        return Err(Refusal::OwnInput {});
    }
    let totals = run.totals(calculation);
    let run = PayRun { state: State::Approved, approval: Some((approver, now)), ..run };
    Ok(Decision::of(run).and(PayRunApproved(totals)).under(clause!("P6.6-1")))
}

/// Whose inputs a run holds, as its approver is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inputs {
    /// One of them he entered himself.
    HisOwn,
    /// All of them others did.
    Others,
}

/// Approves a run (P6.6-1, R6): posts, defers, refunds and writes off deductions and issues the slips, all at once.
#[utoipa::path(post, path = "/v1/hr/pay-runs/{id}/approve", request_body = ApprovePayRun, responses(Commanded<PayRunView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ApprovePayRun, permission!("pay_run.approve")>,
) -> Answer<PayRunView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let run = cmd.current(store::load(tx, cmd.id).await?)?;
            let approver = Person::of(&cmd.principal);
            store::hold_people(tx, &run).await?;
            let inputs = store::inputs(tx, &run, approver).await?;
            let is_overtaken = store::is_overtaken(tx, &run).await?;
            let decision = decide(run, approver, inputs, now)?;
            if is_overtaken {
                return Err(Refusal::PaidMeanwhile { month: decision.state().month }.into());
            }
            store::save(tx, &decision).await.refuse_on("pay_run_four_eyes", Refusal::OwnRun {})?;
            post::post(tx, decision.state()).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
