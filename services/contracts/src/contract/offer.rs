//! Offering a contract: the particulars come in, the text is final, its hash is what will be signed (C2, C3).

use super::{Contract, ContractView, Refusal, State, Text, content, hash, store};
use crate::policy::MandatoryContent;
use crate::price;
use events::{ContractId, event};
use house::policy::in_force;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The particulars of all parties and the clauses; a member that is missing or empty is named with the law that
/// demands it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferContract {
    /// The company.
    #[serde(default)]
    pub company: Company,
    /// Who comes.
    #[serde(default)]
    pub workers: Vec<Worker>,
    /// The customer.
    #[serde(default)]
    pub customer: Customer,
    /// What is rendered.
    #[serde(default)]
    pub service: Rendered,
    /// How it is paid: by month, quarter, half-year or year; cash, card, transfer.
    #[serde(default)]
    pub payment_form: String,
    /// What else was agreed.
    #[serde(default)]
    pub clauses: Clauses,
}

/// The company's particulars.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Company {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Who heads it.
    pub head: String,
    /// How it is reached.
    pub contact: String,
}

/// A worker's particulars.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    /// The name.
    pub name: String,
    /// The number of the ID card.
    pub id_number: String,
    /// The health status.
    pub health_status: String,
    /// The training record.
    pub training_record: String,
    /// How the worker is reached.
    pub contact: String,
}

/// The customer's particulars.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Customer {
    /// The name.
    pub name: String,
    /// The number of the ID card.
    pub id_number: String,
    /// The address.
    pub address: String,
    /// How the customer is reached.
    pub contact: String,
}

/// Where, what, how and how long.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rendered {
    /// Where.
    pub place: String,
    /// What.
    pub content: String,
    /// How.
    pub manner: String,
    /// How long.
    pub term: String,
}

/// The clauses every contract has.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Clauses {
    /// Rights and duties.
    pub rights: String,
    /// Breach.
    pub breach: String,
    /// Disputes.
    pub dispute: String,
}

impl Addressed for OfferContract {
    type To = ContractId;
}

/// The text of a contract is final.
#[derive(Debug, Serialize)]
struct ContractOffered {
    hash: String,
}
event!(ContractOffered, "contracts.contract.offered", internal);

/// Makes the text final if nothing mandatory is missing (C2), and hashes it (C3).
pub fn decide(
    contract: Contract,
    body: OfferContract,
    mandatory: &MandatoryContent,
) -> Result<Decision<Contract>, Refusal> {
    match &contract.state {
        State::Draft => {}
        State::Offered(_) | State::Active(..) | State::Voided => {
            return Err(Refusal::NotPossible { state: contract.state.word() });
        }
    }
    let document = document(&contract, body);
    content::check(&document, mandatory)?;
    let hash = hash(&document)?.as_str().to_owned();
    let offered = ContractOffered { hash: hash.clone() };
    let state = State::Offered(Text { document, hash });
    Ok(Decision::of(Contract { state, ..contract }).and(offered).under(clause!("L.mofcom-2012-11")))
}

/// The whole text: what is signed.
fn document(contract: &Contract, body: OfferContract) -> Value {
    let lines: Vec<Value> = contract
        .lines
        .iter()
        .map(|line| {
            json!({
                "service": line.key.service, "unit": line.key.unit, "attributes": line.key.attributes,
                "quantity": line.quantity, "visits": line.visits, "total_fen": line.line.total_fen,
                "split": line.line.split, "pass_through": line.line.pass_through, "terms": line.entry.terms,
            })
        })
        .collect();
    let standards: Vec<Value> = contract
        .lines
        .iter()
        .map(|line| {
            let standard = &line.standard;
            json!({ "service": line.key.service, "version": standard.edition, "hash": standard.hash })
        })
        .collect();
    json!({
        "contract_id": contract.id, "number": contract.number, "branch_id": contract.branch, "customer_id": contract.customer,
        "quote_id": contract.quote, "company": body.company, "workers": body.workers, "customer": body.customer,
        "service": body.service, "clauses": body.clauses, "lines": lines, "standards": standards,
        "payment": { "fee_fen": contract.total_fen(), "form": body.payment_form }, "plan": contract.plan,
        "proration_basis": contract.proration_basis, "term": contract.term, "worker_level": contract.worker_level,
    })
}

/// Makes the text of a contract final (L.mofcom-2012-11).
#[utoipa::path(post, path = "/v1/contracts/contracts/{id}/offer", request_body = OfferContract, responses(Commanded<ContractView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<OfferContract, permission!("contract.write")>,
) -> Answer<ContractView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let contract = cmd.current(store::load(tx, cmd.id).await?)?;
            let zone = price::store::zone(tx.connection(), Some(contract.branch)).await?;
            let (branch, today) = (Some(contract.branch), now.date_in(zone));
            let mandatory = in_force::<MandatoryContent>(tx.connection(), branch, today).await?.terms;
            let decision = decide(contract, cmd.body.clone(), &mandatory)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
