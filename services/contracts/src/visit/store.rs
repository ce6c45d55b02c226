//! The SQL of visits.

use super::list::VisitFilter;
use super::{Assigned, Cause, Confirmation, Party, Standing, StandingOverride, State, StateWord, Visit};
use crate::level::WorkerLevel;
use crate::price::ServiceCode;
use crate::window::Window;
use chrono::{DateTime, Utc};
use events::contracts::HealthClass;
use events::{ContractId, CustomerId, VisitId, WorkerId};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, Fen, Timestamp, Version};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;
use std::collections::BTreeSet;
use uuid::Uuid;

struct Row {
    id: Uuid,
    branch_id: Uuid,
    contract_id: Uuid,
    line: i32,
    number: i32,
    customer_id: Uuid,
    service: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    busy_until: DateTime<Utc>,
    base_fen: i64,
    surcharge_fen: i64,
    worker_share_fen: i64,
    state: String,
    worker_id: Option<Uuid>,
    home_branch_id: Option<Uuid>,
    standing_seq: Option<i64>,
    yellow_pass: Option<Value>,
    since: Option<DateTime<Utc>>,
    cause: Option<String>,
    started_at: Option<DateTime<Utc>>,
    done_at: Option<DateTime<Utc>>,
    confirmed_at: Option<DateTime<Utc>>,
    confirmed_by: Option<String>,
    ended_by: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    version: i32,
}

impl Row {
    fn state(&self) -> Option<State> {
        let override_ = self.yellow_pass.as_ref().map(StandingOverride::deserialize).transpose().ok()?;
        let assigned = self.worker_id.zip(self.standing_seq).map(|(worker, standing_seq)| Assigned {
            worker_id: WorkerId::of(worker),
            standing_seq,
            override_,
        });
        let started_at = self.started_at.map(Timestamp::of);
        let done_at = self.done_at.map(Timestamp::of);
        let ended = self.ended_by.as_deref().and_then(Party::of).zip(self.ended_at.map(Timestamp::of));
        Some(match StateWord::of(&self.state)? {
            StateWord::Planned => State::Planned,
            StateWord::Assigned => State::Assigned { assigned: assigned? },
            StateWord::InProgress => State::InProgress { assigned: assigned?, started_at: started_at? },
            StateWord::Done => {
                State::Done { assigned: assigned?, started_at: started_at?, done_at: done_at? }
            }
            StateWord::Confirmed => State::Confirmed {
                assigned: assigned?,
                started_at: started_at?,
                done_at: done_at?,
                confirmed_at: self.confirmed_at.map(Timestamp::of)?,
                by: Confirmation::of(self.confirmed_by.as_deref()?)?,
            },
            StateWord::Cancelled => ended.map(|(by, at)| State::Cancelled { by, at })?,
            StateWord::NoShow => ended.map(|(by, at)| State::NoShow { by, at })?,
            StateWord::NeedsReplacement => State::NeedsReplacement {
                lost: assigned?,
                cause: self.cause.as_deref().and_then(Cause::of)?,
                since: self.since.map(Timestamp::of)?,
            },
        })
    }
}

impl TryFrom<Row> for Visit {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "visit", column, value: value.to_owned() };
        let window = Window::new(Timestamp::of(row.starts_at), Timestamp::of(row.ends_at));
        Ok(Self {
            state: row.state().ok_or_else(|| corrupt("state", &row.state))?,
            window: window.ok_or_else(|| corrupt("ends_at", &row.ends_at.to_string()))?,
            id: VisitId::of(row.id),
            branch: BranchId::of(row.branch_id),
            contract: ContractId::of(row.contract_id),
            line: usize::try_from(row.line).map_err(|_| corrupt("line", "negative"))?,
            number: u32::try_from(row.number).map_err(|_| corrupt("number", "negative"))?,
            customer: CustomerId::of(row.customer_id),
            service: ServiceCode::new(row.service),
            busy_until: Timestamp::of(row.busy_until),
            base_fen: Fen::new(row.base_fen),
            surcharge_fen: Fen::new(row.surcharge_fen),
            worker_share_fen: Fen::new(row.worker_share_fen),
            home_branch: row.home_branch_id.map(BranchId::of),
            version: Version::of(row.version),
        })
    }
}

/// The columns that a state fills.
#[derive(Default)]
struct Columns {
    waits: Option<(Timestamp, Cause)>,
    started_at: Option<Timestamp>,
    done_at: Option<Timestamp>,
    confirmed: Option<(Timestamp, Confirmation)>,
    ended: Option<(Timestamp, Party)>,
}

impl Columns {
    fn of(state: &State) -> Self {
        let none = Self::default();
        match *state {
            State::Planned | State::Assigned { .. } => none,
            State::InProgress { started_at, .. } => Self { started_at: Some(started_at), ..none },
            State::Done { started_at, done_at, .. } => {
                Self { started_at: Some(started_at), done_at: Some(done_at), ..none }
            }
            State::Confirmed { started_at, done_at, confirmed_at, by, .. } => Self {
                started_at: Some(started_at),
                done_at: Some(done_at),
                confirmed: Some((confirmed_at, by)),
                ..none
            },
            State::Cancelled { by, at } | State::NoShow { by, at } => Self { ended: Some((at, by)), ..none },
            State::NeedsReplacement { since, cause, .. } => Self { waits: Some((since, cause)), ..none },
        }
    }
}

/// The skill level that a contract promises; it never changes.
pub(super) async fn promised_level(tx: &mut Tx, contract: ContractId) -> Result<Option<WorkerLevel>, Fault> {
    let level = sqlx::query_scalar!("SELECT worker_level FROM contract WHERE id = $1", contract.uuid())
        .fetch_one(tx.connection())
        .await?;
    let corrupt =
        |_| Fault::Corrupt { table: "contract", column: "worker_level", value: format!("{level:?}") };
    level.map(|level| WorkerLevel::try_from(i64::from(level))).transpose().map_err(corrupt)
}

/// Locks a visit within reach; a worker reaches his own.
pub(super) async fn load(tx: &mut Tx, id: VisitId) -> Result<Visit, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, contract_id, line, number, customer_id, service, starts_at, ends_at, busy_until, base_fen, surcharge_fen, worker_share_fen,
                state, worker_id, home_branch_id, standing_seq, yellow_pass, since, cause, started_at, done_at, confirmed_at, confirmed_by,
                ended_by, ended_at, version
         FROM visit WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR worker_id = $3) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Locks the visits of a worker and service that are not over: those a standing may change.
pub(super) async fn open_of(tx: &mut Tx, standing: &Standing, now: Timestamp) -> Result<Vec<Visit>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, contract_id, line, number, customer_id, service, starts_at, ends_at, busy_until, base_fen, surcharge_fen, worker_share_fen,
                state, worker_id, home_branch_id, standing_seq, yellow_pass, since, cause, started_at, done_at, confirmed_at, confirmed_by,
                ended_by, ended_at, version
         FROM visit
         WHERE worker_id = $1 AND service = $2 AND state IN ('assigned', 'in_progress', 'needs_replacement') AND ends_at > $3
         ORDER BY id FOR UPDATE",
        standing.worker_id.uuid(),
        standing.service.as_str(),
        now.utc(),
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter().map(Visit::try_from).collect()
}

/// True where the worker of a visit was sent elsewhere in that time: for effects that may not be refused. The
/// constraint is the rule.
pub(super) async fn is_booked(tx: &mut Tx, visit: &Visit) -> Result<bool, Fault> {
    let is_booked = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT FROM visit WHERE worker_id = $1 AND id <> $2 AND tstzrange(starts_at, busy_until) && tstzrange($3, $4)
                          AND state IN ('assigned', 'in_progress', 'done', 'confirmed')) AS \"is!\"",
        visit.state.assigned().map(|assigned| assigned.worker_id.uuid()),
        visit.id.uuid(),
        visit.window.starts_at().utc(),
        visit.busy_until.utc(),
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(is_booked)
}

/// The numbers of a line that visits have taken: not those called off, nor those that our own side missed.
pub(super) async fn taken(tx: &mut Tx, contract: ContractId, line: usize) -> Result<BTreeSet<u32>, Fault> {
    let numbers = sqlx::query_scalar!(
        "SELECT number FROM visit
         WHERE contract_id = $1 AND line = $2 AND state <> 'cancelled' AND (state <> 'no_show' OR ended_by = 'customer')",
        contract.uuid(),
        i32::try_from(line).unwrap_or(i32::MAX),
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(numbers.into_iter().filter_map(|number| u32::try_from(number).ok()).collect())
}

/// Writes a new one.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Visit>) -> Result<(), Fault> {
    let visit = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO visit (id, branch_id, contract_id, line, number, customer_id, service, starts_at, ends_at, busy_until, base_fen, surcharge_fen,
                            worker_share_fen, state, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        visit.id.uuid(),
        visit.branch.uuid(),
        visit.contract.uuid(),
        i32::try_from(visit.line).expect("a contract has a handful of lines"),
        i32::try_from(visit.number).expect("a line has fewer than two billion visits"),
        visit.customer.uuid(),
        visit.service.as_str(),
        visit.window.starts_at().utc(),
        visit.window.ends_at().utc(),
        visit.busy_until.utc(),
        visit.base_fen.fen(),
        visit.surcharge_fen.fen(),
        visit.worker_share_fen.fen(),
        visit.state.word().word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the new state. Who was to come stays in the row of a visit that was called off.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Visit>) -> Result<(), Fault> {
    let visit = decision.state();
    let columns = Columns::of(&visit.state);
    let assigned = visit.state.assigned();
    let statement = sqlx::query!(
        "UPDATE visit SET state = $3, worker_id = coalesce($4, worker_id), standing_seq = coalesce($5, standing_seq), home_branch_id = $6,
                busy_until = $7, since = $8, started_at = $9, done_at = $10, confirmed_at = $11, confirmed_by = $12, ended_at = $13, ended_by = $14,
                version = $15, cause = $16, yellow_pass = CASE WHEN $4::uuid IS NULL THEN yellow_pass ELSE $17 END
         WHERE id = $1 AND version = $2",
        visit.id.uuid(),
        decision.base().get(),
        visit.state.word().word(),
        assigned.map(|assigned| assigned.worker_id.uuid()),
        assigned.map(|assigned| assigned.standing_seq),
        visit.home_branch.map(BranchId::uuid),
        visit.busy_until.utc(),
        columns.waits.map(|(since, _)| since.utc()),
        columns.started_at.map(Timestamp::utc),
        columns.done_at.map(Timestamp::utc),
        columns.confirmed.map(|(at, _)| at.utc()),
        columns.confirmed.map(|(_, by)| by.word()),
        columns.ended.map(|(at, _)| at.utc()),
        columns.ended.map(|(_, by)| by.word()),
        decision.version().get(),
        columns.waits.map(|(_, cause)| cause.word()),
        assigned.and_then(|assigned| assigned.override_.as_ref()).map(yellow_pass),
    );
    tx.save(decision, statement).await
}

/// How strict the health check for a service is.
pub(super) async fn health_class(tx: &mut Tx, service: &ServiceCode) -> Result<HealthClass, Fault> {
    let word = sqlx::query_scalar!("SELECT health_class FROM service WHERE code = $1", service.as_str())
        .fetch_one(tx.connection())
        .await?;
    HealthClass::of(&word).ok_or(Fault::Corrupt { table: "service", column: "health_class", value: word })
}

fn yellow_pass(pass: &StandingOverride) -> Value {
    serde_json::to_value(pass).expect("plain data")
}

/// One visit within reach.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: VisitId) -> Result<Option<Visit>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, contract_id, line, number, customer_id, service, starts_at, ends_at, busy_until, base_fen, surcharge_fen, worker_share_fen,
                state, worker_id, home_branch_id, standing_seq, yellow_pass, since, cause, started_at, done_at, confirmed_at, confirmed_by,
                ended_by, ended_at, version
         FROM visit WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR worker_id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Visit::try_from).transpose()?)
}

/// One page within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &VisitFilter,
    page: PageRequest,
) -> Result<Vec<Visit>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, contract_id, line, number, customer_id, service, starts_at, ends_at, busy_until, base_fen, surcharge_fen, worker_share_fen,
                state, worker_id, home_branch_id, standing_seq, yellow_pass, since, cause, started_at, done_at, confirmed_at, confirmed_by,
                ended_by, ended_at, version
         FROM visit
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR worker_id = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::uuid IS NULL OR contract_id = $4) AND ($5::uuid IS NULL OR worker_id = $5) AND ($6::text IS NULL OR state = $6)
           AND ($7::timestamptz IS NULL OR $7 <= starts_at) AND ($8::timestamptz IS NULL OR starts_at < $8) AND id < $9 AND id > $10
         ORDER BY CASE WHEN $11 THEN id END DESC, id LIMIT $12",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.contract_id.map(ContractId::uuid),
        filter.worker_id.map(WorkerId::uuid),
        filter.state.map(StateWord::word),
        filter.starts_at_gte.map(Timestamp::utc),
        filter.starts_at_lt.map(Timestamp::utc),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Visit::try_from).collect::<Result<_, _>>()?)
}
