//! Handing a call to a colleague, with name and gist (P3.3.1-12, B4).

use super::{Call, CallView, Refusal, State, Talk, store};
use crate::words::{Name, Text};
use events::CallId;
use events::support::CallTransferred;
use house::known::{self, Employment, KnownEmployee};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// To whom, and what he must know so that the caller need not say it twice.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferCall {
    /// Who takes it over.
    pub to: EmployeeId,
    /// The caller's name.
    pub caller_name: Option<Name>,
    /// The gist of the matter.
    pub gist: Option<Text>,
}

impl Addressed for TransferCall {
    type To = CallId;
}

/// What a transfer passes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Who had it.
    pub from: EmployeeId,
    /// Who has it now.
    pub to: EmployeeId,
    /// The caller's name.
    pub caller_name: Name,
    /// The gist of the matter.
    pub gist: Text,
}

/// Hands an answered call on: with both name and gist, to somebody employed in the branch.
pub fn decide(
    call: Call,
    transfer: &TransferCall,
    to: Option<&KnownEmployee>,
) -> Result<(Decision<Call>, Passed), Refusal> {
    let State::Answered(talk) = call.state else {
        return Err(Refusal::WrongState { state: call.state.word() });
    };
    let TransferCall { to: _, caller_name: Some(caller_name), gist: Some(gist) } = transfer else {
        let named = [("caller_name", transfer.caller_name.is_some()), ("gist", transfer.gist.is_some())];
        let missing = named.into_iter().filter(|(_, is_said)| !is_said).map(|(name, _)| name).collect();
        return Err(Refusal::TransferIncomplete { missing });
    };
    let can_take = to.is_some_and(|to| {
        to.branch == call.branch && to.employment == Employment::Employed && to.id != talk.agent
    });
    if !can_take {
        return Err(Refusal::CannotTake { employee_id: transfer.to });
    }
    let transferred = CallTransferred {
        call_id: call.id,
        from: talk.agent,
        to: transfer.to,
        gist_len: u32::try_from(gist.as_str().chars().count()).expect("a text is bounded"),
    };
    let (caller_name, gist) = (caller_name.clone(), gist.clone());
    let passed = Passed { from: talk.agent, to: transfer.to, caller_name, gist };
    let state = State::Answered(Talk { agent: transfer.to, ..talk });
    let decision = Decision::of(Call { state, ..call }).and(transferred).under(clause!("P3.3.1-12"));
    Ok((decision, passed))
}

/// Hands a call to a colleague.
#[utoipa::path(post, path = "/v1/support/calls/{id}/transfer", request_body = TransferCall, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<TransferCall, permission!("call.write")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            let to = known::employee(tx, cmd.body.to).await?;
            let (decision, passed) = decide(call, &cmd.body, to.as_ref())?;
            store::save(tx, &decision).await?;
            store::add_transfer(tx, &decision, &passed).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::{agent, answered};
    use super::*;
    use crate::hours::tests::at;
    use events::hr::Position;
    use kernel::{BranchId, Zone};
    use uuid::Uuid;

    fn colleague() -> KnownEmployee {
        KnownEmployee {
            id: EmployeeId::of(Uuid::from_u128(8)),
            branch: answered(1).branch,
            position: Position::CustomerService,
            employment: Employment::Employed,
            effective_on: at("2025-10-01 00:00").date_in(Zone::SHANGHAI),
        }
    }

    fn transfer(name: Option<&str>, gist: Option<&str>) -> TransferCall {
        TransferCall { to: colleague().id, caller_name: name.map(Name::of), gist: gist.map(Text::of) }
    }

    #[test]
    fn b4_a_transfer_without_name_and_gist_is_rejected() {
        for (name, gist, missing) in [
            (None, Some("想改期"), vec!["caller_name"]),
            (Some("王女士"), None, vec!["gist"]),
            (None, None, vec!["caller_name", "gist"]),
        ] {
            let refusal = decide(answered(1), &transfer(name, gist), Some(&colleague())).err();
            assert_eq!(refusal, Some(Refusal::TransferIncomplete { missing }));
        }
    }

    #[test]
    fn p3_3_1_12_a_call_is_handed_to_an_employed_colleague_of_the_branch() {
        let whole = transfer(Some("王女士"), Some("想改期"));
        let (decision, passed) = decide(answered(1), &whole, Some(&colleague())).expect("complete");
        assert_eq!(decision.state().state.talk().map(|talk| talk.agent), Some(colleague().id));
        assert_eq!((passed.from, decision.facts()[0].data["gist_len"].as_u64()), (agent(), Some(3)));
        let left = KnownEmployee { employment: Employment::Left, ..colleague() };
        let elsewhere = KnownEmployee { branch: BranchId::of(Uuid::from_u128(99)), ..colleague() };
        let oneself = KnownEmployee { id: agent(), ..colleague() };
        for to in [None, Some(&left), Some(&elsewhere), Some(&oneself)] {
            let refusal = decide(answered(1), &whole, to).err();
            assert_eq!(refusal, Some(Refusal::CannotTake { employee_id: colleague().id }));
        }
    }
}
