//! The employee has read his slip (H9): it is his own word, and no answer yet.

use super::{Payslip, PayslipRead, PayslipView, Refusal, State, store};
use events::PayslipId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// He has read it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadPayslip {}

impl Addressed for ReadPayslip {
    type To = PayslipId;
}

/// Keeps when he read it first; whoever has answered has read it.
pub fn decide(slip: Payslip, now: Timestamp) -> Result<Decision<Payslip>, Refusal> {
    match slip.state {
        State::Issued => {}
        State::Draft | State::Read | State::Confirmed | State::Objected | State::Settled => {
            return Err(Refusal::AlreadyRead { state: slip.state.word() });
        }
    }
    let read = PayslipRead(slip.answer());
    let slip = Payslip { state: State::Read, read_at: Some(now), ..slip };
    Ok(Decision::of(slip).and(read).under(clause!("P6.6-1")))
}

/// Says that one has read one's own slip (P6.6-1).
#[utoipa::path(post, path = "/v1/hr/payslips/{id}/read", request_body = ReadPayslip, responses(Commanded<PayslipView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ReadPayslip, permission!("payslip.answer")>,
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
