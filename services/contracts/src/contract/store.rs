//! The SQL of contracts and their signatures.

use super::list::ContractFilter;
use super::{
    Contract, ContractLine, ContractNumber, EvidenceHash, Instalment, Method, Signature, Signer, State,
    StateName, Text,
};
use crate::level::WorkerLevel;
use crate::price::{self, PriceEntry};
use crate::quote::ProrationBasis;
use chrono::{DateTime, NaiveDate, Utc};
use events::{ContractId, CustomerId, QuoteId};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Month, Span, Timestamp, UserId, Version};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

struct Row {
    id: Uuid,
    number: String,
    branch_id: Uuid,
    customer_id: Uuid,
    quote_id: Uuid,
    sold_by: Option<Uuid>,
    state: String,
    term_from: NaiveDate,
    term_to: Option<NaiveDate>,
    proration_basis: String,
    worker_level: Option<i16>,
    lines: Value,
    plan: Value,
    document: Option<Value>,
    hash: Option<String>,
    active_since: Option<DateTime<Utc>>,
    version: i32,
}

struct SignatureRow {
    contract_id: Uuid,
    party: String,
    method: String,
    evidence_hash: String,
    signed_at: DateTime<Utc>,
    recorded_by: Uuid,
}

fn corrupt(column: &'static str, value: &str) -> Fault {
    Fault::Corrupt { table: "contract", column, value: value.to_owned() }
}

fn level(number: i16) -> Result<WorkerLevel, Fault> {
    WorkerLevel::try_from(i64::from(number)).map_err(|_| corrupt("worker_level", &number.to_string()))
}

impl Row {
    fn contract(self, signatures: Vec<Signature>) -> Result<Contract, Fault> {
        let text = self.document.zip(self.hash).map(|(document, hash)| Text { document, hash });
        let state = match (self.state.as_str(), text, self.active_since) {
            ("draft", None, None) => State::Draft,
            ("offered", Some(text), None) => State::Offered(text),
            ("active", Some(text), Some(since)) => State::Active(text, Timestamp::of(since)),
            ("voided", None, None) => State::Voided,
            _ => return Err(corrupt("state", &self.state)),
        };
        Ok(Contract {
            id: ContractId::of(self.id),
            number: ContractNumber::stored(self.number),
            branch: BranchId::of(self.branch_id),
            customer: CustomerId::of(self.customer_id),
            quote: QuoteId::of(self.quote_id),
            sold_by: self.sold_by.map(EmployeeId::of),
            term: Span { from: self.term_from, to: self.term_to },
            proration_basis: ProrationBasis::of(&self.proration_basis)
                .ok_or_else(|| corrupt("proration_basis", &self.proration_basis))?,
            worker_level: self.worker_level.map(level).transpose()?,
            lines: Vec::<ContractLine>::deserialize(&self.lines)
                .map_err(|error| corrupt("lines", &error.to_string()))?,
            plan: Vec::<Instalment>::deserialize(&self.plan)
                .map_err(|error| corrupt("plan", &error.to_string()))?,
            state,
            signatures,
            version: Version::of(self.version),
        })
    }
}

impl TryFrom<SignatureRow> for Signature {
    type Error = Fault;
    fn try_from(row: SignatureRow) -> Result<Self, Fault> {
        let party = Signer::ALL.into_iter().find(|party| party.word() == row.party);
        let method = Method::ALL.into_iter().find(|method| method.word() == row.method);
        Ok(Self {
            party: party.ok_or_else(|| corrupt("party", &row.party))?,
            method: method.ok_or_else(|| corrupt("method", &row.method))?,
            evidence_hash: EvidenceHash::try_from(row.evidence_hash)
                .map_err(|text| corrupt("evidence_hash", text))?,
            signed_at: Timestamp::of(row.signed_at),
            recorded_by: UserId::of(row.recorded_by),
        })
    }
}

/// The rows with their signatures.
async fn whole(connection: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Contract>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut signatures = sqlx::query_as!(
        SignatureRow,
        "SELECT contract_id, party, method, evidence_hash, signed_at, recorded_by FROM contract_signature
         WHERE contract_id = ANY ($1) ORDER BY signed_at, party",
        &ids
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let own = signatures.extract_if(.., |signature| signature.contract_id == row.id);
            let own = own.map(Signature::try_from).collect::<Result<_, _>>()?;
            row.contract(own)
        })
        .collect()
}

/// Locks a contract within reach.
pub(crate) async fn load(tx: &mut Tx, id: ContractId) -> Result<Contract, Failure> {
    let branches = tx.branches();
    lock(tx, id, branches).await
}

/// Locks a contract wherever it is: for whoever reaches something of his own under it. The caller checks that.
pub(crate) async fn load_anywhere(tx: &mut Tx, id: ContractId) -> Result<Contract, Failure> {
    lock(tx, id, None).await
}

async fn lock(tx: &mut Tx, id: ContractId, branches: Option<Vec<Uuid>>) -> Result<Contract, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, number, branch_id, customer_id, quote_id, sold_by, state, lower(term) AS \"term_from!\", upper(term) AS term_to, proration_basis,
                worker_level, lines, plan, document, hash, active_since, version
         FROM contract WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2)) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
    )
    .fetch_optional(tx.connection())
    .await?;
    let row = row.ok_or_else(not_found)?;
    let found = whole(tx.connection(), vec![row]).await?.pop();
    Ok(found.ok_or_else(not_found)?)
}

/// The next number of a branch's month; its row is held until the draft commits, so one that is rolled back gives its
/// number to the next.
pub(super) async fn next_number(
    tx: &mut Tx,
    branch: BranchId,
    month: Month,
) -> Result<ContractNumber, Fault> {
    let last = sqlx::query_scalar!(
        "INSERT INTO contract_number (branch_id, month, last) VALUES ($1, $2, 1)
         ON CONFLICT (branch_id, month) DO UPDATE SET last = contract_number.last + 1 RETURNING last",
        branch.uuid(),
        month.first_day(),
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(ContractNumber::of(month, last))
}

/// Writes a new one.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Contract>) -> Result<(), Fault> {
    let contract = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO contract (id, branch_id, customer_id, quote_id, sold_by, state, term, proration_basis, lines, plan, total_fen, version, number,
                               worker_level)
         VALUES ($1, $2, $3, $4, $5, $6, daterange($7, $8), $9, $10, $11, $12, $13, $14, $15)",
        contract.id.uuid(),
        contract.branch.uuid(),
        contract.customer.uuid(),
        contract.quote.uuid(),
        contract.sold_by.map(EmployeeId::uuid),
        contract.state.word(),
        contract.term.from,
        contract.term.to,
        contract.proration_basis.word(),
        serde_json::to_value(&contract.lines).expect("plain data"),
        serde_json::to_value(&contract.plan).expect("plain data"),
        contract.total_fen().fen(),
        decision.version().get(),
        contract.number.as_str(),
        contract.worker_level.map(|level| i16::from(level.number())),
    );
    tx.save(decision, statement).await
}

/// Writes the new state; lines and plan never change.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Contract>) -> Result<(), Fault> {
    let contract = decision.state();
    let text = contract.state.text();
    let since = match &contract.state {
        State::Draft | State::Offered(_) | State::Voided => None,
        State::Active(_, since) => Some(since.utc()),
    };
    let statement = sqlx::query!(
        "UPDATE contract SET state = $3, document = $4, hash = $5, active_since = $6, version = $7 WHERE id = $1 AND version = $2",
        contract.id.uuid(),
        decision.base().get(),
        contract.state.word(),
        text.map(|text| &text.document),
        text.map(|text| text.hash.as_str()),
        since,
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the newest signature of a contract.
pub(super) async fn add_signature(tx: &mut Tx, contract: &Contract) -> Result<(), Fault> {
    let Some((signature, text)) = contract.signatures.last().zip(contract.state.text()) else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO contract_signature (contract_id, party, method, hash, evidence_hash, signed_at, recorded_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        contract.id.uuid(),
        signature.party.word(),
        signature.method.word(),
        text.hash,
        signature.evidence_hash.as_str(),
        signature.signed_at.utc(),
        signature.recorded_by.uuid(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The frozen prices of a contract of this branch that is in force: rank 0 of the resolution. A contract elsewhere is
/// absent, and one that is not in force has no prices.
pub(crate) async fn frozen(
    connection: &mut PgConnection,
    branch: BranchId,
    id: ContractId,
) -> Result<Vec<PriceEntry>, Failure> {
    let row = sqlx::query!(
        "SELECT state, lower(term) AS \"from!\", upper(term) AS to, lines FROM contract WHERE id = $1 AND branch_id = $2",
        id.uuid(),
        branch.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    let row = row.ok_or_else(not_found)?;
    if row.state != StateName::Active.word() {
        return Err(price::Refusal::ContractNotActive { state: row.state }.into());
    }
    let lines =
        Vec::<ContractLine>::deserialize(&row.lines).map_err(|error| corrupt("lines", &error.to_string()))?;
    let term = Span { from: row.from, to: row.to };
    Ok(lines.iter().map(|line| line.entry.frozen(id, term)).collect())
}

/// One contract within reach.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: ContractId) -> Result<Option<Contract>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, number, branch_id, customer_id, quote_id, sold_by, state, lower(term) AS \"term_from!\", upper(term) AS term_to, proration_basis,
                worker_level, lines, plan, document, hash, active_since, version
         FROM contract WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2))",
        id.uuid(),
        reach.branches(),
    )
    .fetch_optional(pool)
    .await?;
    let mut connection = pool.acquire().await?;
    Ok(whole(&mut connection, row.into_iter().collect()).await?.pop())
}

/// One page within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &ContractFilter,
    page: PageRequest,
) -> Result<Vec<Contract>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, number, branch_id, customer_id, quote_id, sold_by, state, lower(term) AS \"term_from!\", upper(term) AS term_to, proration_basis,
                worker_level, lines, plan, document, hash, active_since, version
         FROM contract
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1)) AND ($2::uuid IS NULL OR branch_id = $2) AND ($3::uuid IS NULL OR customer_id = $3)
           AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR number = $5) AND id < $6 AND id > $7
         ORDER BY CASE WHEN $8 THEN id END DESC, id LIMIT $9",
        reach.branches(),
        filter.branch.map(BranchId::uuid),
        filter.customer_id.map(CustomerId::uuid),
        filter.state.map(StateName::word),
        filter.number,
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    let mut connection = pool.acquire().await?;
    Ok(whole(&mut connection, rows).await?)
}
