//! Signing a contract: evidence for one text; with the second signature it is in force (C3, C9).

use super::{Contract, ContractView, EvidenceHash, Method, Refusal, Signature, Signer, State, store};
use events::contracts::{ContractActivated, ContractSigned, ContractState};
use events::{ContractId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, RefuseOn};
use kernel::{Decision, Timestamp, UserId, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The signature of one party.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignContract {
    /// Who signed.
    pub party: Signer,
    /// How.
    pub method: Method,
    /// The hash of the text that was signed.
    pub hash: String,
    /// Of the scan or of the signature's container.
    pub evidence_hash: EvidenceHash,
}

impl Addressed for SignContract {
    type To = ContractId;
}

/// One party signed.
#[derive(Debug, Serialize)]
struct SignatureRecorded {
    party: Signer,
    method: Method,
    hash: String,
}
event!(SignatureRecorded, "contracts.contract.signature_recorded", internal);

/// Records one party's signature of the offered text; the second one puts the contract in force.
pub fn decide(
    contract: Contract,
    body: SignContract,
    recorded_by: UserId,
    now: Timestamp,
) -> Result<Decision<Contract>, Refusal> {
    let State::Offered(text) = &contract.state else {
        return Err(Refusal::NotPossible { state: contract.state.word() });
    };
    if text.hash != body.hash {
        return Err(Refusal::HashDiffers { hash: text.hash.clone() });
    }
    if contract.signatures.iter().any(|signature| signature.party == body.party) {
        return Err(Refusal::SignedBefore { party: body.party });
    }
    let text = text.clone();
    let SignContract { party, method, hash, evidence_hash } = body;
    let recorded = SignatureRecorded { party, method, hash };
    let mut signatures = contract.signatures.clone();
    signatures.push(Signature { party, method, evidence_hash, signed_at: now, recorded_by });
    let is_last =
        Signer::ALL.iter().all(|party| signatures.iter().any(|signature| signature.party == *party));
    if !is_last {
        let signed = Decision::of(Contract { signatures, ..contract }).and(recorded);
        return Ok(signed.under(clause!("P1-2")));
    }
    let outside = ContractState {
        contract_id: contract.id,
        branch_id: contract.branch,
        customer_id: contract.customer,
        total_fen: contract.total_fen(),
        hash: text.hash.clone(),
        cause: None,
    };
    let state = State::Active(text, now);
    Ok(Decision::of(Contract { signatures, state, ..contract })
        .and(recorded)
        .under(clause!("P1-2"))
        .and(ContractSigned(outside.clone()))
        .under(clause!("P1-2"))
        .and(ContractActivated(outside))
        .under(clause!("P1-2")))
}

/// Records a signature; the second one puts the contract in force (P1-2).
#[utoipa::path(post, path = "/v1/contracts/contracts/{id}/sign", request_body = SignContract, responses(Commanded<ContractView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<SignContract, permission!("contract.write")>,
) -> Answer<ContractView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let contract = cmd.current(store::load(tx, cmd.id).await?)?;
            let party = cmd.body.party;
            let decision = decide(contract, cmd.body.clone(), cmd.principal.user, now)?;
            store::add_signature(tx, decision.state())
                .await
                .refuse_on("contract_signature_once", Refusal::SignedBefore { party })?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
