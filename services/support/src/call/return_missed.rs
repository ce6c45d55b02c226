//! A missed caller was called back (P3.3.1-11).

use super::{Call, CallView, Refusal, Return, State, store};
use crate::agent;
use crate::callback;
use events::CallId;
use events::support::CallReturned;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, Tx};
use kernel::{BranchId, Decision, EmployeeId, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// He was reached.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnMissed {}

impl Addressed for ReturnMissed {
    type To = CallId;
}

/// From missed only.
pub fn decide(call: Call, by: EmployeeId, now: Timestamp) -> Result<Decision<Call>, Refusal> {
    let State::Missed(miss) = call.state else {
        return Err(Refusal::WrongState { state: call.state.word() });
    };
    let returned =
        CallReturned { call_id: call.id, employee_id: by, lag_s: now.since(miss.at).num_seconds() };
    let state = State::Returned(miss, Return { by, at: now });
    Ok(Decision::of(Call { state, ..call }).and(returned).under(clause!("P3.3.1-11")))
}

/// Marks a missed call as returned, inside the command that ends its callback.
pub async fn by_callback(tx: &mut Tx, branch: BranchId, call: CallId, by: EmployeeId) -> Result<(), Failure> {
    let call = store::of_branch(tx, branch, call).await?;
    let decision = decide(call, by, tx.now())?;
    store::save(tx, &decision).await?;
    Ok(())
}

/// Records that a missed caller was reached; its callback is done by that.
#[utoipa::path(post, path = "/v1/support/calls/{id}/return-missed", request_body = ReturnMissed, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ReturnMissed, permission!("callback.take")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            let by = agent::of(&cmd.principal)?;
            let decision = decide(call, by, now)?;
            store::save(tx, &decision).await?;
            callback::done::of_call(tx, decision.state(), by).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::agent;
    use super::super::miss::tests::missed;
    use super::*;
    use crate::hours::tests::at;

    #[test]
    fn p3_3_1_11_a_returned_call_says_how_long_the_caller_waited() {
        let decision = decide(missed(), agent(), at("2025-10-10 09:00")).expect("missed");
        assert_eq!(decision.facts()[0].data["lag_s"], 46_800);
        let again = decide(decision.into_state(), agent(), at("2025-10-10 09:01")).err();
        assert_eq!(again, Some(Refusal::WrongState { state: "returned" }));
    }
}
