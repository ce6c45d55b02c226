//! The SQL of papers.

use super::{Paper, State};
use crate::ids::PaperId;
use crate::person::Person;
use crate::standing::{Check, Document, Proof, proof_of};
use chrono::{DateTime, NaiveDate, Utc};
use events::WorkerId;
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Span, Timestamp, UserId, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// A row of `compliance_paper` with its worker's branch.
struct Row {
    id: Uuid,
    worker_id: Uuid,
    branch_id: Uuid,
    kind: String,
    health_class: Option<String>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    file_sha256: String,
    state: String,
    registered_user: Uuid,
    registered_employee: Option<Uuid>,
    checked_at: Option<DateTime<Utc>>,
    checked_user: Option<Uuid>,
    checked_employee: Option<Uuid>,
    version: i32,
}

impl TryFrom<Row> for Paper {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let check = match (row.state.as_str(), row.checked_at.map(Timestamp::of)) {
            ("submitted", _) => Check::Submitted,
            ("verified", Some(at)) => Check::Verified { at },
            ("rejected", Some(at)) => Check::Rejected { at },
            ("void", _) => Check::Void,
            _ => {
                let value = row.state;
                return Err(Fault::Corrupt { table: "compliance_paper", column: "state", value });
            }
        };
        let proof = proof_of(&row.kind, row.health_class.as_deref())?;
        let valid = Span { from: row.valid_from, to: row.valid_to };
        Ok(Self {
            id: PaperId::of(row.id),
            worker: WorkerId::of(row.worker_id),
            branch: BranchId::of(row.branch_id),
            document: Document { proof, valid, check },
            file_sha256: row.file_sha256,
            registrant: Person::stored(row.registered_user, row.registered_employee),
            checker: row.checked_user.map(|user| Person::stored(user, row.checked_employee)),
            version: Version::of(row.version),
        })
    }
}

/// Locks a paper within reach.
pub(crate) async fn load(tx: &mut Tx, id: PaperId) -> Result<Paper, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT p.id, p.worker_id, w.branch_id, p.kind, p.health_class, p.valid_from, p.valid_to, p.file_sha256, p.state, p.registered_user,
                p.registered_employee, p.checked_at, p.checked_user, p.checked_employee, p.version
         FROM compliance_paper p JOIN worker w ON w.id = p.worker_id
         WHERE p.id = $1 AND ($2::uuid[] IS NULL OR w.branch_id = ANY ($2) OR p.worker_id = $3) FOR UPDATE OF p",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Writes a new paper.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Paper>) -> Result<(), Fault> {
    let paper = decision.state();
    let (kind, class) = match paper.document.proof {
        Proof::Paper(kind) => (kind.word(), None),
        Proof::Health(class) => ("health", Some(class.word())),
    };
    let statement = sqlx::query!(
        "INSERT INTO compliance_paper (id, worker_id, kind, health_class, valid_from, valid_to, file_sha256, state, registered_user,
                                       registered_employee, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        paper.id.uuid(),
        paper.worker.uuid(),
        kind,
        class,
        paper.document.valid.from,
        paper.document.valid.to,
        paper.file_sha256,
        paper.word(),
        paper.registrant.user.uuid(),
        paper.registrant.employee.map(EmployeeId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the new state if the version is still the one loaded, else [`Fault::Stale`].
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Paper>) -> Result<(), Fault> {
    let paper = decision.state();
    let checked_at = match paper.document.check {
        Check::Verified { at } | Check::Rejected { at } => Some(at),
        Check::Submitted | Check::Void => None,
    };
    let statement = sqlx::query!(
        "UPDATE compliance_paper SET state = $3, checked_at = coalesce($4, checked_at), checked_user = coalesce($5, checked_user),
                checked_employee = coalesce($6, checked_employee), version = $7
         WHERE id = $1 AND version = $2",
        paper.id.uuid(),
        decision.base().get(),
        paper.word(),
        checked_at.map(Timestamp::utc),
        paper.checker.map(|checker| UserId::uuid(checker.user)),
        paper.checker.and_then(|checker| checker.employee).map(EmployeeId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// A paper within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: PaperId) -> Result<Option<Paper>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT p.id, p.worker_id, w.branch_id, p.kind, p.health_class, p.valid_from, p.valid_to, p.file_sha256, p.state, p.registered_user,
                p.registered_employee, p.checked_at, p.checked_user, p.checked_employee, p.version
         FROM compliance_paper p JOIN worker w ON w.id = p.worker_id
         WHERE p.id = $1 AND ($2::uuid[] IS NULL OR w.branch_id = ANY ($2) OR p.worker_id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Paper::try_from).transpose()?)
}

/// One page of papers within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &super::list::PaperFilter,
    page: PageRequest,
) -> Result<Vec<Paper>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT p.id, p.worker_id, w.branch_id, p.kind, p.health_class, p.valid_from, p.valid_to, p.file_sha256, p.state, p.registered_user,
                p.registered_employee, p.checked_at, p.checked_user, p.checked_employee, p.version
         FROM compliance_paper p JOIN worker w ON w.id = p.worker_id
         WHERE ($1::uuid[] IS NULL OR w.branch_id = ANY ($1) OR p.worker_id = $2) AND ($3::uuid IS NULL OR w.branch_id = $3)
           AND ($4::uuid IS NULL OR p.worker_id = $4) AND ($5::text IS NULL OR p.state = $5) AND p.id < $6 AND p.id > $7
         ORDER BY CASE WHEN $8 THEN p.id END DESC, p.id LIMIT $9",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.worker_id.map(WorkerId::uuid),
        filter.state.map(State::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Paper::try_from).collect::<Result<_, _>>()?)
}
