//! Freezing the inputs of a run: one REPEATABLE READ transaction copies them by set-based SQL (`hr.md` §3).
//!
//! The calculation reads nothing else, so it may be killed and resumed, and it may be done again in a year.

use super::super::PayRun;
use super::super::facts::Workdays;
use crate::work_calendar::schedule;
use house::House;
use journal::{Actor, Failure, Fault, Tx};
use kernel::BranchId;
use uuid::Uuid;

/// How many people are calculated, and held in memory, at once.
pub(in crate::pay_run) const CHUNK: i64 = 2_000;

/// Freezes the inputs of the next attempt, unless one that was interrupted is there already: then that one goes on.
pub(in crate::pay_run) async fn freeze(house: &House, actor: Actor, run: &PayRun) -> Result<i32, Failure> {
    let attempt = run.attempt + 1;
    let mut tx = house.begin(actor).await?;
    sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(tx.connection()).await?;
    if is_interrupted(&mut tx, run, attempt).await? {
        tx.rollback().await?;
        return Ok(attempt);
    }
    anew(&mut tx, run).await?;
    tx.commit().await?;
    Ok(attempt)
}

/// Freezes the inputs of the next attempt as they are now, whatever was left of an interrupted one; for a dry run in the
/// transaction that is rolled back.
pub(in crate::pay_run) async fn anew(tx: &mut Tx, run: &PayRun) -> Result<i32, Failure> {
    let attempt = run.attempt + 1;
    forget_others(tx, run).await?;
    copy(tx, run, attempt).await?;
    let workdays = workdays(tx, run, attempt).await?;
    describe(tx, run, attempt, &workdays).await?;
    Ok(attempt)
}

/// True where the attempt was frozen and some of its chunks are still to be done.
async fn is_interrupted(tx: &mut Tx, run: &PayRun, attempt: i32) -> Result<bool, Fault> {
    let row = sqlx::query_scalar!(
        "SELECT chunks > (SELECT count(*) FROM run_chunk c WHERE c.run_id = f.run_id AND c.attempt = f.attempt) AS \"is_interrupted!\"
         FROM run_freeze f WHERE run_id = $1 AND attempt = $2",
        run.id.uuid(),
        attempt,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.unwrap_or(false))
}

/// Deletes what earlier attempts left, except the one the run shows until this one has taken its place.
async fn forget_others(tx: &mut Tx, run: &PayRun) -> Result<(), Fault> {
    let (id, shown) = (run.id.uuid(), run.attempt);
    sqlx::query!("DELETE FROM payslip WHERE run_id = $1 AND attempt <> $2", id, shown)
        .execute(tx.connection())
        .await?;
    sqlx::query!("DELETE FROM run_chunk WHERE run_id = $1 AND attempt <> $2", id, shown)
        .execute(tx.connection())
        .await?;
    sqlx::query!("DELETE FROM run_input WHERE run_id = $1 AND attempt <> $2", id, shown)
        .execute(tx.connection())
        .await?;
    sqlx::query!("DELETE FROM run_freeze WHERE run_id = $1 AND attempt <> $2", id, shown)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The workdays of the month in every branch that somebody of the run is, or was, assigned to.
async fn workdays(tx: &mut Tx, run: &PayRun, attempt: i32) -> Result<Workdays, Failure> {
    let branches = sqlx::query!(
        "SELECT DISTINCT b.id, b.zone FROM run_input i JOIN assignment a USING (employee_id) JOIN branch b ON b.id = a.branch_id
         WHERE i.run_id = $1 AND i.attempt = $2",
        run.id.uuid(),
        attempt,
    )
    .fetch_all(tx.connection())
    .await?;
    let mut workdays = Workdays::new();
    for branch in branches {
        let corrupt = |_| Fault::Corrupt { table: "branch", column: "zone", value: branch.zone.clone() };
        let zone = branch.zone.parse().map_err(corrupt)?;
        let schedule = schedule(tx.connection(), BranchId::of(branch.id), zone, run.month.span()).await?;
        workdays.insert(branch.id, schedule.workdays(run.month.span()).collect());
    }
    Ok(workdays)
}

/// Copies the facts of everybody the run pays: whoever had his last assigned day of the month in its branches, and
/// has no slip of that month yet.
async fn copy(tx: &mut Tx, run: &PayRun, attempt: i32) -> Result<(), Fault> {
    let branches: Vec<Uuid> = run.branches.iter().map(|branch| branch.uuid()).collect();
    sqlx::query_file!(
        "src/pay_run/freeze/copy.sql",
        run.id.uuid(),
        attempt,
        run.month.first_day(),
        run.month.end(),
        &branches,
        CHUNK,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn describe(tx: &mut Tx, run: &PayRun, attempt: i32, workdays: &Workdays) -> Result<(), Fault> {
    let workdays = serde_json::to_value(workdays).expect("dates are plain data");
    let now = tx.now().utc();
    sqlx::query!(
        "INSERT INTO run_freeze (run_id, attempt, frozen_at, positions, snapshot, policies, workdays, people, chunks)
         SELECT $1, $2, $3, (SELECT coalesce(jsonb_object_agg(source, seq), '{}') FROM reader), pg_current_snapshot(),
                (SELECT coalesce(jsonb_agg(jsonb_build_object('from', lower(valid), 'version', id, 'policy', parameters) ORDER BY valid), '[]')
                 FROM policy WHERE kind = 'pay' AND branch_id IS NULL AND state = 'approved' AND valid && daterange($4, $5)),
                $6, count(*), coalesce(max(chunk) + 1, 0)
         FROM run_input WHERE run_id = $1 AND attempt = $2",
        run.id.uuid(),
        attempt,
        now,
        run.month.first_day(),
        run.month.end(),
        workdays,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
