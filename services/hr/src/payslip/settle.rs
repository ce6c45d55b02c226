//! An objection is answered, and ends (H9): the slip stays as it is (H1); what follows from it is a correction, and a line
//! of a later run.

use super::{Correcting, Payslip, PayslipSettled, PayslipView, Refusal, Settlement, State, reason, store};
use crate::ids::CorrectionId;
use crate::person::Person;
use events::PayslipId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The answer to an objection.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettlePayslip {
    /// What was found, and what follows from it; at most 2,000 characters.
    pub answer: String,
    /// The correction of one of his days that follows from it, where one does.
    pub correction_id: Option<CorrectionId>,
}

impl Addressed for SettlePayslip {
    type To = PayslipId;
}

/// Answers an objection; nobody his own. `correcting` says whose day the correction named is.
pub fn decide(
    slip: Payslip,
    command: &SettlePayslip,
    (by, correcting): (Person, Correcting),
    now: Timestamp,
) -> Result<Decision<Payslip>, Refusal> {
    match slip.state {
        State::Objected => {}
        State::Draft | State::Issued | State::Read | State::Confirmed | State::Settled => {
            return Err(Refusal::NotObjected { state: slip.state.word() });
        }
    }
    if by.is_employee(slip.employee) {
        return Err(Refusal::OwnSlip {});
    }
    if correcting == Correcting::SomebodyElse {
        return Err(Refusal::CorrectionOfAnother {});
    }
    let answer = reason(&command.answer)?;
    let settled = PayslipSettled(slip.answer());
    let settlement = Settlement { answer, correction: command.correction_id, by, at: now };
    let slip = Payslip { state: State::Settled, settlement: Some(settlement), ..slip };
    Ok(Decision::of(slip).and(settled).under(clause!("P6.6-1")))
}

/// Answers the objection to a slip (P6.6-1).
#[utoipa::path(post, path = "/v1/hr/payslips/{id}/settle", request_body = SettlePayslip, responses(Commanded<PayslipView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<SettlePayslip, permission!("payslip.settle")>,
) -> Answer<PayslipView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let slip = cmd.current(store::load(tx, cmd.id).await?)?;
            let correcting = store::correcting(tx, cmd.body.correction_id, slip.employee).await?;
            let by = Person::of(&cmd.principal);
            let decision = decide(slip, &cmd.body, (by, correcting), now)?;
            store::save_answer(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
