//! The employee does not agree with his slip (H9); the slip stays, a correction would be a line of a later run.

use super::{Payslip, PayslipView, Refusal, State, store};
use events::PayslipId;
use events::hr::PayslipObjected;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// He objects.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectPayslip {
    /// Why, in his own words; at most 2,000 characters.
    pub reason: String,
}

impl Addressed for ObjectPayslip {
    type To = PayslipId;
}

/// Takes his objection.
pub fn decide(slip: Payslip, reason: &str, now: Timestamp) -> Result<Decision<Payslip>, Refusal> {
    match slip.state {
        State::Issued | State::Read => {}
        State::Draft | State::Confirmed | State::Objected | State::Settled => {
            return Err(Refusal::AlreadyAnswered { state: slip.state.word() });
        }
    }
    let objection = Some(super::reason(reason)?);
    let answer = slip.answer();
    let slip = Payslip { state: State::Objected, answered_at: Some(now), objection, ..slip };
    Ok(Decision::of(slip).and(PayslipObjected(answer)).under(clause!("P6.6-1")))
}

/// Objects to one's own slip (P6.6-1).
#[utoipa::path(post, path = "/v1/hr/payslips/{id}/object", request_body = ObjectPayslip, responses(Commanded<PayslipView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ObjectPayslip, permission!("payslip.answer")>,
) -> Answer<PayslipView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let slip = cmd.current(store::load_own(tx, cmd.id).await?)?;
            let decision = decide(slip, &cmd.body.reason, now)?;
            store::save_answer(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
