//! Freezing the inputs of a run: one REPEATABLE READ transaction copies them by set-based SQL (`hr.md` §3).
//!
//! The calculation reads nothing else, so it may be killed and resumed, and it may be done again in a year.

use super::PayRun;
use super::facts::Workdays;
use chrono::NaiveDate;
use house::House;
use journal::{Actor, Failure, Fault, Tx};
use kernel::calendar::{Calendar, Hours, Interval, Layer, Layers, OfficialYear, Weekly};
use kernel::{Month, Zone};
use uuid::Uuid;

/// How many people are calculated, and held in memory, at once.
pub(super) const CHUNK: i64 = 2_000;

/// Freezes the inputs of the next attempt, unless one that was interrupted is there already: then that one goes on.
pub(super) async fn freeze(house: &House, actor: Actor, run: &PayRun) -> Result<i32, Failure> {
    let attempt = run.attempt + 1;
    let mut tx = house.begin(actor).await?;
    sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(tx.connection()).await?;
    if is_interrupted(&mut tx, run, attempt).await? {
        tx.rollback().await?;
        return Ok(attempt);
    }
    forget_others(&mut tx, run).await?;
    let workdays = workdays(&mut tx, run.month).await?;
    copy(&mut tx, run, attempt).await?;
    describe(&mut tx, run, attempt, &workdays).await?;
    tx.commit().await?;
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
    sqlx::query!("DELETE FROM payslip WHERE run_id = $1 AND attempt <> $2", id, shown).execute(tx.connection()).await?;
    sqlx::query!("DELETE FROM run_chunk WHERE run_id = $1 AND attempt <> $2", id, shown).execute(tx.connection()).await?;
    sqlx::query!("DELETE FROM run_input WHERE run_id = $1 AND attempt <> $2", id, shown).execute(tx.connection()).await?;
    sqlx::query!("DELETE FROM run_freeze WHERE run_id = $1 AND attempt <> $2", id, shown).execute(tx.connection()).await?;
    Ok(())
}

/// The workdays of every branch in the month. Shifts and overrides of a branch come with the work calendar.
async fn workdays(tx: &mut Tx, month: Month) -> Result<Workdays, Fault> {
    let branches = sqlx::query!("SELECT id, zone FROM branch").fetch_all(tx.connection()).await?;
    let zone = |text: &str| text.parse::<Zone>().unwrap_or(Zone::SHANGHAI);
    Ok(branches.iter().map(|branch| (branch.id, national(zone(&branch.zone), month))).collect())
}

/// The official calendar with an office week; on which days work is scheduled does not depend on the hours.
fn national(zone: Zone, month: Month) -> Vec<NaiveDate> {
    let hours = Interval::new(0, 60).and_then(|hour| Hours::new(vec![hour])).expect("an hour is an interval");
    let network = Layer { weekly: Some(Weekly::workdays(&hours)), ..Layer::default() };
    let layers =
        Layers { zone, national: OfficialYear::shipped().to_vec(), network, branch: Layer::default() };
    let calendar = Calendar::new(layers).expect("the shipped years do not contradict themselves");
    month.days().filter(|day| calendar.is_workday(*day).value).collect()
}

/// Copies the facts of everybody the run pays: whoever had his last assigned day of the month in its branches, and
/// has no slip of that month yet.
async fn copy(tx: &mut Tx, run: &PayRun, attempt: i32) -> Result<(), Fault> {
    let branches: Vec<Uuid> = run.branches.iter().map(|branch| branch.uuid()).collect();
    sqlx::query_file!(
        "src/pay_run/freeze.sql",
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
