//! The SQL of standings.

use super::{Standing, StandingView};
use crate::certificate::Level;
use crate::ids::StandingId;
use events::WorkerId;
use events::workforce::StandingInterval;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, Version};
use sqlx::PgPool;
use sqlx::types::Json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Locks workers in one order, so that nobody waits in a ring.
pub(super) async fn lock_workers(tx: &mut Tx, workers: &[Uuid]) -> Result<(), Fault> {
    sqlx::query!("SELECT id FROM worker WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE", workers)
        .fetch_all(tx.connection())
        .await?;
    Ok(())
}

/// The standings of these workers, by worker and service.
pub(super) async fn of_workers(
    tx: &mut Tx,
    workers: &[Uuid],
) -> Result<BTreeMap<(Uuid, String), Standing>, Fault> {
    let rows = sqlx::query!(
        "SELECT s.id, s.worker_id, w.branch_id, s.service_code, s.level, s.intervals AS \"intervals: Json<Vec<StandingInterval>>\", s.version
         FROM standing s JOIN worker w ON w.id = s.worker_id WHERE s.worker_id = ANY ($1)",
        workers,
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let standing = Standing {
                id: StandingId::of(row.id),
                worker: WorkerId::of(row.worker_id),
                branch: BranchId::of(row.branch_id),
                level: Level::of_number(row.level)?,
                intervals: row.intervals.0,
                version: Version::of(row.version),
                service_code: row.service_code.clone(),
            };
            Ok(((row.worker_id, row.service_code), standing))
        })
        .collect()
}

/// Writes what has changed, in one statement, and keeps the events.
pub(super) async fn put(tx: &mut Tx, decisions: &[Decision<Standing>]) -> Result<(), Fault> {
    if decisions.is_empty() {
        return Ok(());
    }
    let states: Vec<&Standing> = decisions.iter().map(Decision::state).collect();
    let intervals: Vec<serde_json::Value> =
        states.iter().map(|one| serde_json::to_value(&one.intervals).unwrap_or_default()).collect();
    let changed = sqlx::query!(
        "INSERT INTO standing AS s (id, worker_id, service_code, level, intervals, version)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::smallint[], $5::jsonb[], $6::int[])
         ON CONFLICT (worker_id, service_code) DO UPDATE SET level = excluded.level, intervals = excluded.intervals, version = excluded.version
         WHERE s.version = excluded.version - 1",
        &states.iter().map(|one| one.id.uuid()).collect::<Vec<_>>(),
        &states.iter().map(|one| one.worker.uuid()).collect::<Vec<_>>(),
        &states.iter().map(|one| one.service_code.clone()).collect::<Vec<_>>(),
        &states.iter().map(|one| one.level.map_or(0, Level::number)).collect::<Vec<_>>(),
        &intervals,
        &decisions.iter().map(|one| one.version().get()).collect::<Vec<_>>(),
    )
    .execute(tx.connection())
    .await?
    .rows_affected();
    if usize::try_from(changed).ok() != Some(decisions.len()) {
        return Err(Fault::Stale);
    }
    for decision in decisions {
        tx.record(decision);
    }
    Ok(())
}

/// Version and standings of a worker within reach; None where he is not.
pub(super) async fn find(
    pool: &PgPool,
    reach: &Reach,
    worker: WorkerId,
) -> Result<Option<(Version, Vec<StandingView>)>, Failure> {
    let rows = sqlx::query!(
        "SELECT s.service_code AS \"service_code?\", s.level AS \"level?\", s.intervals AS \"intervals?: Json<Vec<StandingInterval>>\",
                s.version AS \"version?\"
         FROM worker w LEFT JOIN standing s ON s.worker_id = w.id
         WHERE w.id = $1 AND ($2::uuid[] IS NULL OR w.branch_id = ANY ($2) OR w.id = $3) ORDER BY s.service_code",
        worker.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_all(pool)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut services = Vec::new();
    for row in rows {
        if let (Some(service_code), Some(level), Some(intervals), Some(standing_seq)) =
            (row.service_code, row.level, row.intervals, row.version)
        {
            let level = Level::of_number(level)?;
            services.push(StandingView { service_code, level, intervals: intervals.0, standing_seq });
        }
    }
    // Each standing's number only rises and none goes away: the sum names one state of all of them.
    let version = Version::of(services.iter().map(|one| one.standing_seq).sum());
    Ok(Some((version, services)))
}
