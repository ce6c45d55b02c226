//! The SQL of certificates.

use super::{Certificate, Issued, Level, StopCause, Stored, StoredWord, VerificationCode};
use crate::ids::PaperId;
use crate::worker::{self, Worker};
use chrono::{DateTime, NaiveDate, Utc};
use events::{CertificateId, WorkerId};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, Span, Timestamp, Version, Zone};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A row of `certificate`, with what is the worker's.
struct Row {
    id: Uuid,
    worker_id: Uuid,
    branch_id: Uuid,
    zone: Option<String>,
    paper_id: Uuid,
    service_codes: Vec<String>,
    level: i16,
    valid_from: NaiveDate,
    valid_to: NaiveDate,
    issued_at: DateTime<Utc>,
    state: String,
    stopped_at: Option<DateTime<Utc>>,
    stop_cause: Option<String>,
    code: i64,
    supersedes: Option<Uuid>,
    told_days: Option<i32>,
    version: i32,
}

/// What a state's columns say.
fn stored(state: &str, at: Option<DateTime<Utc>>, cause: Option<&str>) -> Result<Stored, Fault> {
    let cause = cause.and_then(StopCause::of);
    match (state, at.map(Timestamp::of), cause) {
        ("active", None, None) => Ok(Stored::Active),
        ("suspended", Some(since), Some(cause)) => Ok(Stored::Suspended { since, cause }),
        ("revoked", Some(at), None) => Ok(Stored::Revoked { at }),
        ("superseded", Some(at), None) => Ok(Stored::Superseded { at }),
        _ => Err(Fault::Corrupt { table: "certificate", column: "state", value: state.to_owned() }),
    }
}

fn level(number: i16) -> Result<Level, Fault> {
    let corrupt = Fault::Corrupt { table: "certificate", column: "level", value: number.to_string() };
    Level::of_number(number)?.ok_or(corrupt)
}

impl TryFrom<Row> for Issued {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let zone = match row.zone {
            None => Zone::SHANGHAI,
            Some(zone) => zone.parse().map_err(|_| Fault::Corrupt {
                table: "known_branch",
                column: "zone",
                value: zone,
            })?,
        };
        Ok(Self {
            certificate: Certificate {
                id: CertificateId::of(row.id),
                worker_id: WorkerId::of(row.worker_id),
                service_codes: row.service_codes.into_iter().collect(),
                level: level(row.level)?,
                valid: Span { from: row.valid_from, to: Some(row.valid_to) },
                issued_at: Timestamp::of(row.issued_at),
                stored: stored(&row.state, row.stopped_at, row.stop_cause.as_deref())?,
            },
            branch: BranchId::of(row.branch_id),
            zone,
            paper: PaperId::of(row.paper_id),
            code: VerificationCode::of(row.code.cast_unsigned()),
            supersedes: row.supersedes.map(CertificateId::of),
            told_days: row.told_days.and_then(|days| u32::try_from(days).ok()),
            version: Version::of(row.version),
        })
    }
}

/// Locks a certificate within reach.
pub(crate) async fn load(tx: &mut Tx, id: CertificateId) -> Result<Issued, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT c.id, c.worker_id, w.branch_id, b.zone AS \"zone?\", c.paper_id, c.service_codes, c.level, c.valid_from, c.valid_to, c.issued_at,
                c.state, c.stopped_at, c.stop_cause, c.code, c.supersedes, c.told_days, c.version
         FROM certificate c JOIN worker w ON w.id = c.worker_id LEFT JOIN known_branch b ON b.id = w.branch_id
         WHERE c.id = $1 AND ($2::uuid[] IS NULL OR w.branch_id = ANY ($2) OR c.worker_id = $3) FOR UPDATE OF c",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Writes a new certificate and its services; the constraints of W1 refuse.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Issued>) -> Result<(), Fault> {
    let issued = decision.state();
    let one = &issued.certificate;
    let services: Vec<String> = one.service_codes.iter().cloned().collect();
    let statement = sqlx::query!(
        "INSERT INTO certificate (id, worker_id, paper_id, service_codes, level, valid_from, valid_to, issued_at, state, code, supersedes, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        one.id.uuid(),
        one.worker_id.uuid(),
        issued.paper.uuid(),
        &services,
        one.level.number(),
        one.valid.from,
        one.valid.to,
        one.issued_at.utc(),
        one.stored.word(),
        issued.code.bits().cast_signed(),
        issued.supersedes.map(CertificateId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await?;
    sqlx::query!(
        "INSERT INTO certificate_service (certificate_id, service_code, worker_id, level, valid_from, valid_to, state)
         SELECT id, unnest(service_codes), worker_id, level, valid_from, valid_to, state FROM certificate WHERE id = $1",
        one.id.uuid(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes the new state if the version is still the one loaded, else [`Fault::Stale`]; the services' rows follow.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Issued>) -> Result<(), Fault> {
    let one = &decision.state().certificate;
    let (stopped_at, cause) = match one.stored {
        Stored::Active => (None, None),
        Stored::Suspended { since, cause } => (Some(since), Some(cause.word())),
        Stored::Revoked { at } | Stored::Superseded { at } => (Some(at), None),
    };
    let statement = sqlx::query!(
        "UPDATE certificate SET state = $3, stopped_at = $4, stop_cause = $5, told_days = $6, version = $7 WHERE id = $1 AND version = $2",
        one.id.uuid(),
        decision.base().get(),
        one.stored.word(),
        stopped_at.map(Timestamp::utc),
        cause,
        decision.state().told_days.and_then(|days| i32::try_from(days).ok()),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// The certificates of these workers, of every state.
pub(crate) async fn of_workers(
    connection: &mut PgConnection,
    workers: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<Certificate>>, Fault> {
    let rows = sqlx::query!(
        "SELECT id, worker_id, service_codes, level, valid_from, valid_to, issued_at, state, stopped_at, stop_cause
         FROM certificate WHERE worker_id = ANY ($1) ORDER BY id",
        workers,
    )
    .fetch_all(connection)
    .await?;
    let mut found: BTreeMap<Uuid, Vec<Certificate>> = BTreeMap::new();
    for row in rows {
        found.entry(row.worker_id).or_default().push(Certificate {
            id: CertificateId::of(row.id),
            worker_id: WorkerId::of(row.worker_id),
            service_codes: row.service_codes.into_iter().collect(),
            level: level(row.level)?,
            valid: Span { from: row.valid_from, to: Some(row.valid_to) },
            issued_at: Timestamp::of(row.issued_at),
            stored: stored(&row.state, row.stopped_at, row.stop_cause.as_deref())?,
        });
    }
    Ok(found)
}

/// The certificate of a code and its worker, whoever asks: the code is the permission.
pub(super) async fn by_code(
    connection: &mut PgConnection,
    code: VerificationCode,
) -> Result<Option<(Issued, Worker)>, Fault> {
    let bits = code.bits().cast_signed();
    let row = sqlx::query_as!(
        Row,
        "SELECT c.id, c.worker_id, w.branch_id, b.zone AS \"zone?\", c.paper_id, c.service_codes, c.level, c.valid_from, c.valid_to, c.issued_at,
                c.state, c.stopped_at, c.stop_cause, c.code, c.supersedes, c.told_days, c.version
         FROM certificate c JOIN worker w ON w.id = c.worker_id LEFT JOIN known_branch b ON b.id = w.branch_id WHERE c.code = $1",
        bits,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let issued = Issued::try_from(row)?;
    let worker = worker::store::of_certificate(connection, issued.certificate.worker_id).await?;
    Ok(Some((issued, worker)))
}

/// A certificate within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: CertificateId) -> Result<Option<Issued>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT c.id, c.worker_id, w.branch_id, b.zone AS \"zone?\", c.paper_id, c.service_codes, c.level, c.valid_from, c.valid_to, c.issued_at,
                c.state, c.stopped_at, c.stop_cause, c.code, c.supersedes, c.told_days, c.version
         FROM certificate c JOIN worker w ON w.id = c.worker_id LEFT JOIN known_branch b ON b.id = w.branch_id
         WHERE c.id = $1 AND ($2::uuid[] IS NULL OR w.branch_id = ANY ($2) OR c.worker_id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Issued::try_from).transpose()?)
}

/// One page of certificates within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &super::list::CertificateFilter,
    page: PageRequest,
) -> Result<Vec<Issued>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT c.id, c.worker_id, w.branch_id, b.zone AS \"zone?\", c.paper_id, c.service_codes, c.level, c.valid_from, c.valid_to, c.issued_at,
                c.state, c.stopped_at, c.stop_cause, c.code, c.supersedes, c.told_days, c.version
         FROM certificate c JOIN worker w ON w.id = c.worker_id LEFT JOIN known_branch b ON b.id = w.branch_id
         WHERE ($1::uuid[] IS NULL OR w.branch_id = ANY ($1) OR c.worker_id = $2) AND ($3::uuid IS NULL OR w.branch_id = $3)
           AND ($4::uuid IS NULL OR c.worker_id = $4) AND ($5::text IS NULL OR c.state = $5) AND c.id < $6 AND c.id > $7
         ORDER BY CASE WHEN $8 THEN c.id END DESC, c.id LIMIT $9",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.worker_id.map(WorkerId::uuid),
        filter.state.map(StoredWord::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Issued::try_from).collect::<Result<_, _>>()?)
}
