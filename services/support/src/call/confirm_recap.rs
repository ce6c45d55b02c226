//! Repeating number, name, address and matter to the caller (P3.3.1-7, B2).

use super::{Call, CallView, Refusal, store};
use events::{CallId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The four ticks: what was repeated, and confirmed by the caller.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfirmCallRecap)]
pub struct ConfirmRecap {
    /// His number.
    pub phone: bool,
    /// His name.
    pub name: bool,
    /// The address.
    pub address: bool,
    /// The matter.
    pub matter: bool,
}

impl Addressed for ConfirmRecap {
    type To = CallId;
}

/// All four points were repeated to the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecapConfirmed {
    /// The call.
    pub call_id: CallId,
}
event!(CallRecapConfirmed, "support.call.recap_confirmed", internal);

/// Needs all four ticks, for what was asked and written down before: nobody confirms what is not there.
pub fn decide(call: Call, recap: &ConfirmRecap, now: Timestamp) -> Result<Decision<Call>, Refusal> {
    call.open_talk()?;
    let unasked = call.content.unasked();
    if !unasked.is_empty() {
        return Err(Refusal::Incomplete { missing: unasked });
    }
    let ConfirmRecap { phone, name, address, matter } = recap;
    let ticks = [("phone", phone), ("name", name), ("address", address), ("matter", matter)];
    let missing: Vec<_> = ticks.into_iter().filter(|(_, tick)| !**tick).map(|(point, _)| point).collect();
    if !missing.is_empty() {
        return Err(Refusal::RecapIncomplete { missing });
    }
    let confirmed = CallRecapConfirmed { call_id: call.id };
    Ok(Decision::of(Call { recap_at: Some(now), ..call }).and(confirmed).under(clause!("P3.3.1-7")))
}

/// Confirms that all four points were repeated.
#[utoipa::path(post, path = "/v1/support/calls/{id}/confirm-recap", request_body = ConfirmRecap, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ConfirmRecap, permission!("call.write")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(call, &cmd.body, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::ReasonCode;
    use super::super::answer::tests::answered;
    use super::super::record_content::{self, tests::whole};
    use super::*;
    use crate::hours::tests::at;

    #[test]
    fn b2_a_recap_has_all_four_ticks() {
        let recap = ConfirmRecap { phone: true, name: false, address: true, matter: false };
        let call = record_content::decide(answered(1), &whole(ReasonCode::Order)).expect("open").into_state();
        let refusal = decide(call.clone(), &recap, at("2025-10-09 10:04")).err();
        assert_eq!(refusal, Some(Refusal::RecapIncomplete { missing: vec!["name", "matter"] }));
        let recap = ConfirmRecap { name: true, matter: true, ..recap };
        let decision = decide(call, &recap, at("2025-10-09 10:04")).expect("all four");
        assert_eq!(decision.state().recap_at, Some(at("2025-10-09 10:04")));
    }

    #[test]
    fn b2_what_was_not_written_down_cannot_be_repeated() {
        let recap = ConfirmRecap { phone: true, name: true, address: true, matter: true };
        let missing = vec!["caller_name", "place", "topic", "why"];
        let refusal = decide(answered(1), &recap, at("2025-10-09 10:04")).err();
        assert_eq!(refusal, Some(Refusal::Incomplete { missing }));
    }
}
