//! The SQL of our copy of standing.

use crate::price::ServiceCode;
use crate::visit::{Interval, Standing};
use events::WorkerId;
use events::workforce::{StandingChanged, StandingInterval};
use journal::{Fault, Tx};
use kernel::Span;
use serde::Deserialize;
use serde_json::Value;

fn intervals(said: Vec<StandingInterval>) -> Vec<Interval> {
    let interval = |said: StandingInterval| Interval {
        span: Span { from: said.from, to: said.to },
        light: said.light,
        reasons: said.reasons.into_iter().collect(),
    };
    said.into_iter().map(interval).collect()
}

/// Keeps a standing if its number is newer than the one we know; `None` where it is not (W12).
pub(in crate::visit) async fn take(
    tx: &mut Tx,
    changed: &StandingChanged,
) -> Result<Option<Standing>, Fault> {
    let said = serde_json::to_value(&changed.intervals).expect("plain data");
    let kept = sqlx::query!(
        "INSERT INTO known_standing (worker_id, service, seq, intervals, level) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (worker_id, service) DO UPDATE SET seq = excluded.seq, intervals = excluded.intervals, level = excluded.level
         WHERE known_standing.seq < excluded.seq",
        changed.worker_id.uuid(),
        changed.service_code,
        changed.standing_seq,
        said,
        i16::from(changed.level),
    )
    .execute(tx.connection())
    .await?
    .rows_affected();
    Ok((kept == 1).then(|| Standing {
        worker_id: changed.worker_id,
        service: ServiceCode::new(changed.service_code.clone()),
        seq: changed.standing_seq,
        intervals: intervals(changed.intervals.clone()),
    }))
}

/// The newest standing we know, held until the transaction ends: one that arrives meanwhile waits, and then looks
/// at what was decided here. Of whom we know nothing nothing is green.
pub(in crate::visit) async fn newest(
    tx: &mut Tx,
    worker: WorkerId,
    service: &ServiceCode,
) -> Result<Standing, Fault> {
    let row = sqlx::query_as!(
        Row,
        "SELECT seq, intervals FROM known_standing WHERE worker_id = $1 AND service = $2 FOR SHARE",
        worker.uuid(),
        service.as_str(),
    )
    .fetch_optional(tx.connection())
    .await?;
    standing(worker, service, row)
}

/// The same, not held: for a visit of this worker that the caller holds, where whatever arrives meanwhile waits for
/// the visit. To hold both here, in the other order than a standing that arrives, would be a deadlock.
pub(in crate::visit) async fn known(
    tx: &mut Tx,
    worker: WorkerId,
    service: &ServiceCode,
) -> Result<Standing, Fault> {
    let row = sqlx::query_as!(
        Row,
        "SELECT seq, intervals FROM known_standing WHERE worker_id = $1 AND service = $2",
        worker.uuid(),
        service.as_str(),
    )
    .fetch_optional(tx.connection())
    .await?;
    standing(worker, service, row)
}

struct Row {
    seq: i64,
    intervals: Value,
}

fn standing(worker: WorkerId, service: &ServiceCode, row: Option<Row>) -> Result<Standing, Fault> {
    let (seq, said) = match row {
        None => (0, Vec::new()),
        Some(row) => {
            let said = Vec::<StandingInterval>::deserialize(&row.intervals).map_err(|error| {
                Fault::Corrupt { table: "known_standing", column: "intervals", value: error.to_string() }
            })?;
            (row.seq, said)
        }
    };
    Ok(Standing { worker_id: worker, service: service.clone(), seq, intervals: intervals(said) })
}

/// The skill level a worker has reached in a service: 2 is the highest, 5 the lowest, 0 is none that we know of.
pub(in crate::visit) async fn level(
    tx: &mut Tx,
    worker: WorkerId,
    service: &ServiceCode,
) -> Result<u8, Fault> {
    let level = sqlx::query_scalar!(
        "SELECT level FROM known_standing WHERE worker_id = $1 AND service = $2",
        worker.uuid(),
        service.as_str(),
    )
    .fetch_optional(tx.connection())
    .await?
    .unwrap_or_default();
    let corrupt = |_| Fault::Corrupt { table: "known_standing", column: "level", value: level.to_string() };
    u8::try_from(level).map_err(corrupt)
}
