//! Taking a contract back before anybody signed it: its quote is free for another one (C3).

use super::{Contract, ContractView, Refusal, State, store};
use events::{ContractId, QuoteId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Takes a contract back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidContract {}

impl Addressed for VoidContract {
    type To = ContractId;
}

/// A contract was taken back before anybody signed it.
#[derive(Debug, Serialize)]
struct ContractVoided {
    quote_id: QuoteId,
}
event!(ContractVoided, "contracts.contract.voided", internal);

/// Takes back a draft, or a text that nobody has signed; the particulars of the parties go with it. What one party has
/// signed is changed by an amendment, or not at all (C3).
pub fn decide(contract: Contract) -> Result<Decision<Contract>, Refusal> {
    match &contract.state {
        State::Draft | State::Offered(_) => {}
        State::Active(..) | State::Voided => {
            return Err(Refusal::NotPossible { state: contract.state.word() });
        }
    }
    if let Some(signature) = contract.signatures.first() {
        return Err(Refusal::SignedAlready { party: signature.party });
    }
    let voided = ContractVoided { quote_id: contract.quote };
    Ok(Decision::of(Contract { state: State::Voided, ..contract }).and(voided).under(clause!("P1-2")))
}

/// Takes a contract back before anybody signed it (P1-2).
#[utoipa::path(post, path = "/v1/contracts/contracts/{id}/void", request_body = VoidContract, responses(Commanded<ContractView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<VoidContract, permission!("contract.write")>,
) -> Answer<ContractView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let contract = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(contract)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
