//! The SQL of collections and their reversals.

use super::fee::Before;
use super::list::CollectionFilter;
use super::{Channel, Collected, Collection, ExternalRef, Part, Reversal, Role, TakenBack};
use crate::contract::{self, Contract};
use chrono::NaiveDate;
use events::{CollectionId, ContractId};
use house::known::{self, KnownEmployee};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Fen, Version};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

struct Row {
    id: Uuid,
    branch_id: Uuid,
    contract_id: Uuid,
    channel: String,
    external_ref: String,
    amount_fen: i64,
    fee_base_fen: i64,
    collected_on: NaiveDate,
    credited: Uuid,
    role: String,
    reverses_id: Option<Uuid>,
    part: Option<String>,
    version: i32,
}

fn corrupt(column: &'static str, value: &str) -> Fault {
    Fault::Corrupt { table: "collection", column, value: value.to_owned() }
}

impl Row {
    fn reversal(&self) -> Result<Reversal, Fault> {
        let word = self.part.as_deref().unwrap_or_default();
        let part = Part::ALL.into_iter().find(|part| part.word() == word);
        Ok(Reversal {
            id: CollectionId::of(self.id),
            reverses_id: CollectionId::of(self.reverses_id.ok_or_else(|| corrupt("reverses_id", ""))?),
            collected_on: self.collected_on,
            part: part.ok_or_else(|| corrupt("part", word))?,
            amount_fen: Fen::new(self.amount_fen),
            fee_base_fen: Fen::new(self.fee_base_fen),
        })
    }

    fn collection(self, reversals: Vec<Reversal>) -> Result<Collection, Fault> {
        let channel = Channel::ALL.into_iter().find(|channel| channel.word() == self.channel);
        let role = Role::ALL.into_iter().find(|role| role.word() == self.role);
        Ok(Collection {
            branch: BranchId::of(self.branch_id),
            contract: ContractId::of(self.contract_id),
            channel: channel.ok_or_else(|| corrupt("channel", &self.channel))?,
            external_ref: ExternalRef::of(self.external_ref),
            credited: EmployeeId::of(self.credited),
            role: role.ok_or_else(|| corrupt("role", &self.role))?,
            money: Collected {
                id: CollectionId::of(self.id),
                collected_on: self.collected_on,
                amount_fen: Fen::new(self.amount_fen),
                fee_base_fen: Fen::new(self.fee_base_fen),
                reversals,
            },
            version: Version::of(self.version),
        })
    }
}

/// The rows with what was taken back of each.
async fn whole(connection: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Collection>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let taken_back =
        sqlx::query_as!(Row, "SELECT * FROM collection WHERE reverses_id = ANY ($1) ORDER BY id", &ids)
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|row| {
            let own = taken_back.iter().filter(|reversal| reversal.reverses_id == Some(row.id));
            let own = own.map(Row::reversal).collect::<Result<_, _>>()?;
            row.collection(own)
        })
        .collect()
}

/// Locks the contract of a payment, wherever it is; the caller checks the reach.
pub(super) async fn contract(tx: &mut Tx, id: ContractId) -> Result<Contract, Failure> {
    contract::store::load_anywhere(tx, id).await
}

/// What was collected under a contract, and what was taken back of it.
pub(super) async fn collected_before(tx: &mut Tx, contract: ContractId) -> Result<Before, Fault> {
    let sums = sqlx::query!(
        "SELECT coalesce(sum(amount_fen), 0)::bigint AS \"left_fen!\", coalesce(sum(fee_base_fen), 0)::bigint AS \"fee_left_fen!\",
                coalesce(-sum(amount_fen) FILTER (WHERE part <> 'proportional'), 0)::bigint AS \"waived_fen!\",
                coalesce(-sum(fee_base_fen) FILTER (WHERE part <> 'proportional'), 0)::bigint AS \"fee_waived_fen!\"
         FROM collection WHERE contract_id = $1",
        contract.uuid()
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(Before {
        left_fen: Fen::new(sums.left_fen),
        fee_left_fen: Fen::new(sums.fee_left_fen),
        waived_fen: Fen::new(sums.waived_fen),
        fee_waived_fen: Fen::new(sums.fee_waived_fen),
    })
}

/// The collector that is named, as far as hr has told us of him.
pub(super) async fn collector(tx: &mut Tx, id: Option<EmployeeId>) -> Result<Option<KnownEmployee>, Fault> {
    match id {
        Some(id) => known::employee(tx, id).await,
        None => Ok(None),
    }
}

/// Locks a collection within reach.
pub(super) async fn load(tx: &mut Tx, id: CollectionId) -> Result<Collection, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT * FROM collection WHERE id = $1 AND reverses_id IS NULL AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR credited = $3) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    let row = row.ok_or_else(not_found)?;
    let found = whole(tx.connection(), vec![row]).await?.pop();
    Ok(found.ok_or_else(not_found)?)
}

/// Writes a new one.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Collection>) -> Result<(), Fault> {
    let collection = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO collection (id, branch_id, contract_id, channel, external_ref, amount_fen, fee_base_fen, collected_on, credited, role, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        collection.money.id.uuid(),
        collection.branch.uuid(),
        collection.contract.uuid(),
        collection.channel.word(),
        collection.external_ref.as_str(),
        collection.money.amount_fen.fen(),
        collection.money.fee_base_fen.fen(),
        collection.money.collected_on,
        collection.credited.uuid(),
        collection.role.word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Notes on a collection that part of it was taken back: its version rises, nothing else of it changes.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Collection>) -> Result<(), Fault> {
    let statement = sqlx::query!(
        "UPDATE collection SET version = $3 WHERE id = $1 AND version = $2",
        decision.state().money.id.uuid(),
        decision.base().get(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes a reversal of a collection.
pub(super) async fn add_reversal(
    tx: &mut Tx,
    collection: &Collection,
    decision: &Decision<TakenBack>,
) -> Result<(), Fault> {
    let reversal = decision.state().reversal;
    let statement = sqlx::query!(
        "INSERT INTO collection (id, branch_id, contract_id, channel, external_ref, amount_fen, fee_base_fen, collected_on, credited, role,
                                 reverses_id, part, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        reversal.id.uuid(),
        collection.branch.uuid(),
        collection.contract.uuid(),
        collection.channel.word(),
        collection.external_ref.as_str(),
        reversal.amount_fen.fen(),
        reversal.fee_base_fen.fen(),
        reversal.collected_on,
        collection.credited.uuid(),
        collection.role.word(),
        reversal.reverses_id.uuid(),
        reversal.part.word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// One collection within reach.
pub(super) async fn find(
    pool: &PgPool,
    reach: &Reach,
    id: CollectionId,
) -> Result<Option<Collection>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT * FROM collection WHERE id = $1 AND reverses_id IS NULL AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR credited = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
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
    filter: &CollectionFilter,
    page: PageRequest,
) -> Result<Vec<Collection>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM collection
         WHERE reverses_id IS NULL AND ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR credited = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::uuid IS NULL OR contract_id = $4) AND id < $5 AND id > $6
         ORDER BY CASE WHEN $7 THEN id END DESC, id LIMIT $8",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.contract_id.map(ContractId::uuid),
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
