//! The employee agrees with his slip (H9).

use super::{Payslip, PayslipView, Refusal, State, store};
use events::PayslipId;
use events::hr::PayslipConfirmed;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// He agrees.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmPayslip {}

impl Addressed for ConfirmPayslip {
    type To = PayslipId;
}

/// Takes his yes; one who objected may still agree.
pub fn decide(slip: Payslip, now: Timestamp) -> Result<Decision<Payslip>, Refusal> {
    match slip.state {
        State::Issued | State::Read | State::Objected => {}
        State::Draft | State::Confirmed | State::Settled => {
            return Err(Refusal::AlreadyAnswered { state: slip.state.word() });
        }
    }
    let answer = slip.answer();
    let slip = Payslip { state: State::Confirmed, answered_at: Some(now), objection: None, ..slip };
    Ok(Decision::of(slip).and(PayslipConfirmed(answer)).under(clause!("P6.6-1")))
}

/// Agrees with one's own slip (P6.6-1).
#[utoipa::path(post, path = "/v1/hr/payslips/{id}/confirm", request_body = ConfirmPayslip, responses(Commanded<PayslipView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ConfirmPayslip, permission!("payslip.answer")>,
) -> Answer<PayslipView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let slip = cmd.current(store::load_own(tx, cmd.id).await?)?;
            let decision = decide(slip, now)?;
            store::save_answer(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
