//! The work of a calculation: chunks of frozen facts in, drafted slips out, on all cores, resumable per chunk.

use super::super::facts::{Facts, PolicyRow, Workdays, policies};
use super::super::{Calculation, OfEmployee, PayRun, freeze};
use crate::payroll::run::{self, Digest, Totals};
use crate::payroll::{Policies, Slip, calculate};
use crate::payslip::draft;
use crate::person::Person;
use house::House;
use journal::{Actor, Failure, Fault, Tx};
use kernel::{EmployeeId, Fen, Month, PolicyVersionId, Timestamp};
use sqlx::postgres::PgConnection;
use std::sync::Arc;

/// Calculates runs in transactions of its own, so that what is done stays done.
pub(in crate::pay_run) struct Engine {
    house: House,
}

/// What a calculation came to.
pub(in crate::pay_run) struct Outcome {
    policy: PolicyVersionId,
    hash: Digest,
    totals: Totals,
}

impl Outcome {
    /// The same, asked for by somebody.
    pub(in crate::pay_run) fn calculation(self, by: Person, at: Timestamp) -> Calculation {
        Calculation { by, at, policy: self.policy, hash: self.hash, totals: self.totals }
    }
}

/// What all people of a run share.
struct Shared {
    month: Month,
    policies: Policies,
    workdays: Workdays,
    chunks: i32,
}

impl Engine {
    /// In this house.
    pub(in crate::pay_run) fn of(house: &House) -> Self {
        Self { house: house.clone() }
    }

    /// Freezes, calculates what is still to be done, and adds up.
    pub(in crate::pay_run) async fn calculate(&self, actor: Actor, run: &PayRun) -> Result<Outcome, Failure> {
        let attempt = freeze::job::freeze(&self.house, actor.clone(), run).await?;
        let mut connection = self.house.pool().acquire().await?;
        let shared = Arc::new(shared(&mut connection, run, attempt).await?);
        let done = done(&mut connection, run, attempt).await?;
        drop(connection);
        for chunk in (0..shared.chunks).filter(|chunk| !done.contains(chunk)) {
            let mut tx = self.house.begin(actor.clone()).await?;
            calculate_chunk(&mut tx, run, (attempt, chunk), &shared).await?;
            tx.commit().await?;
        }
        let mut connection = self.house.pool().acquire().await?;
        outcome(&mut connection, run, attempt, &shared).await
    }
}

/// What [`Engine::calculate`] would come to now, in one transaction that its owner rolls back: a dry run neither goes on
/// with an interrupted calculation nor leaves one.
pub(in crate::pay_run) async fn rehearse(tx: &mut Tx, run: &PayRun) -> Result<Outcome, Failure> {
    let attempt = freeze::job::anew(tx, run).await?;
    let shared = Arc::new(shared(tx.connection(), run, attempt).await?);
    for chunk in 0..shared.chunks {
        calculate_chunk(tx, run, (attempt, chunk), &shared).await?;
    }
    outcome(tx.connection(), run, attempt, &shared).await
}

async fn shared(connection: &mut PgConnection, run: &PayRun, attempt: i32) -> Result<Shared, Failure> {
    let row = sqlx::query!(
        "SELECT policies, workdays, chunks FROM run_freeze WHERE run_id = $1 AND attempt = $2",
        run.id.uuid(),
        attempt
    )
    .fetch_one(connection)
    .await?;
    let rows: Vec<PolicyRow> = read("policies", row.policies)?;
    Ok(Shared {
        month: run.month,
        policies: policies(rows)?,
        workdays: read("workdays", row.workdays)?,
        chunks: row.chunks,
    })
}

async fn done(connection: &mut PgConnection, run: &PayRun, attempt: i32) -> Result<Vec<i32>, Failure> {
    Ok(sqlx::query_scalar!(
        "SELECT chunk FROM run_chunk WHERE run_id = $1 AND attempt = $2",
        run.id.uuid(),
        attempt
    )
    .fetch_all(connection)
    .await?)
}

/// One chunk: one query in, one transaction out.
async fn calculate_chunk(
    tx: &mut Tx,
    run: &PayRun,
    (attempt, chunk): (i32, i32),
    shared: &Arc<Shared>,
) -> Result<(), Failure> {
    let rows = sqlx::query!(
        "SELECT employee_id, facts FROM run_input WHERE run_id = $1 AND attempt = $2 AND chunk = $3 ORDER BY employee_id",
        run.id.uuid(),
        attempt,
        chunk,
    )
    .fetch_all(tx.connection())
    .await?;
    let rows = rows.into_iter().map(|row| (EmployeeId::of(row.employee_id), row.facts)).collect();
    let slips = on_all_cores(rows, shared).await?;
    draft::store::write(tx, (run.id, attempt), &slips).await?;
    sqlx::query!(
        "INSERT INTO run_chunk (run_id, attempt, chunk) VALUES ($1, $2, $3)",
        run.id.uuid(),
        attempt,
        chunk
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn outcome(
    connection: &mut PgConnection,
    run: &PayRun,
    attempt: i32,
    shared: &Shared,
) -> Result<Outcome, Failure> {
    let policy = shared.policies.of(run.month).version;
    let hash = hash(connection, run, attempt).await?;
    Ok(Outcome { policy, hash, totals: totals(connection, run, attempt).await? })
}

async fn hash(connection: &mut PgConnection, run: &PayRun, attempt: i32) -> Result<Digest, Failure> {
    let rows = sqlx::query!(
        "SELECT employee_id, digest FROM payslip WHERE run_id = $1 AND attempt = $2",
        run.id.uuid(),
        attempt
    )
    .fetch_all(connection)
    .await?;
    let digests: Vec<OfEmployee<Digest>> = rows
        .into_iter()
        .map(|row| {
            let bytes = <[u8; 32]>::try_from(row.digest).map_err(|bytes| corrupt("digest", bytes.len()))?;
            Ok((EmployeeId::of(row.employee_id), Digest::of(bytes)))
        })
        .collect::<Result<_, Fault>>()?;
    Ok(run::hash(run.month, digests))
}

async fn totals(connection: &mut PgConnection, run: &PayRun, attempt: i32) -> Result<Totals, Failure> {
    let row = sqlx::query!(
        "SELECT count(*) FILTER (WHERE NOT is_blocked) AS \"slips!\", count(*) FILTER (WHERE is_blocked) AS \"blocked!\",
                coalesce(sum(gross_fen) FILTER (WHERE NOT is_blocked), 0)::bigint AS \"gross!\",
                coalesce(sum(lateness_fen) FILTER (WHERE NOT is_blocked), 0)::bigint AS \"lateness!\",
                coalesce(sum(lateness_waived_fen) FILTER (WHERE NOT is_blocked), 0)::bigint AS \"waived!\",
                coalesce(sum(penalties_fen) FILTER (WHERE NOT is_blocked), 0)::bigint AS \"penalties!\",
                coalesce(sum(refunds_fen) FILTER (WHERE NOT is_blocked), 0)::bigint AS \"refunds!\",
                coalesce(sum(adjustments_fen) FILTER (WHERE NOT is_blocked), 0)::bigint AS \"adjustments!\",
                coalesce(sum(net_fen) FILTER (WHERE NOT is_blocked), 0)::bigint AS \"net!\"
         FROM payslip WHERE run_id = $1 AND attempt = $2",
        run.id.uuid(),
        attempt,
    )
    .fetch_one(&mut *connection)
    .await?;
    let count = |count: i64| u64::try_from(count).map_err(|_| corrupt("count", "below zero"));
    Ok(Totals {
        slips: count(row.slips)?,
        blocked: count(row.blocked)?,
        gross: Fen::new(row.gross),
        lateness: Fen::new(row.lateness),
        lateness_waived: Fen::new(row.waived),
        penalties: Fen::new(row.penalties),
        refunds: Fen::new(row.refunds),
        adjustments: Fen::new(row.adjustments),
        net: Fen::new(row.net),
        branches: super::super::store::costs(connection, run.id, attempt).await?,
    })
}

fn corrupt(column: &'static str, value: impl ToString) -> Fault {
    Fault::Corrupt { table: "run_input", column, value: value.to_string() }
}

fn read<T: serde::de::DeserializeOwned>(column: &'static str, value: serde_json::Value) -> Result<T, Fault> {
    serde_json::from_value(value).map_err(|error| corrupt(column, error))
}

type Frozen = OfEmployee<serde_json::Value>;

/// The pure calculation, a part of the chunk on every core; which part does not matter (H3).
async fn on_all_cores(mut rows: Vec<Frozen>, shared: &Arc<Shared>) -> Result<Vec<Slip>, Fault> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let size = rows.len().div_ceil(cores).max(1);
    let mut tasks = Vec::new();
    while !rows.is_empty() {
        let rest = rows.split_off(size.min(rows.len()));
        let part = std::mem::replace(&mut rows, rest);
        let shared = shared.clone();
        tasks.push(tokio::task::spawn_blocking(move || slips(part, &shared)));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.expect("the calculation does not panic")?);
    }
    Ok(all)
}

fn slips(rows: Vec<Frozen>, shared: &Shared) -> Result<Vec<Slip>, Fault> {
    rows.into_iter()
        .map(|(employee, facts)| {
            let facts: Facts = read("facts", facts)?;
            let input = facts.input(employee, shared.month, &shared.workdays)?;
            Ok(calculate(&input, &shared.policies))
        })
        .collect()
}
