//! The SQL of promises.

use super::{Agreed, Case, Promise, Release, Renewal, RenewalClock, State};
use crate::contact::Channel;
use crate::words::Word;
use chrono::{DateTime, Utc};
use events::support::Severity;
use events::{ComplaintId, PromiseId};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, PolicyVersionId, Timestamp, Version};
use sqlx::PgPool;
use uuid::Uuid;

struct Row {
    id: Uuid,
    branch_id: Uuid,
    ref_id: Uuid,
    made_by: Uuid,
    made_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    zone: String,
    agreed: String,
    channel: String,
    on_call: Option<Uuid>,
    severity: Option<String>,
    policy_version: Uuid,
    provisional: bool,
    warn_at: Vec<DateTime<Utc>>,
    state: String,
    ended_at: Option<DateTime<Utc>>,
    attempts: Option<i32>,
    released_for: Option<String>,
    next_promise: Option<Uuid>,
    renewal: Option<String>,
    escalations: Option<i32>,
    version: i32,
}

impl Row {
    fn renewal(&self) -> Option<Renewal> {
        let clock = RenewalClock::of(self.renewal.as_deref()?)?;
        Some(Renewal { clock, escalations: u32::try_from(self.escalations?).ok()? })
    }

    fn state(&self) -> Option<State> {
        let ended_at = self.ended_at.map(Timestamp::of);
        match self.state.as_str() {
            "active" => Some(State::Active),
            "kept" => Some(State::Kept { at: ended_at? }),
            "kept_by_attempt" => Some(State::KeptByAttempt {
                at: ended_at?,
                attempts: u32::try_from(self.attempts?).ok()?,
                renewal: self.renewal()?,
            }),
            "broken" => Some(State::Broken { detected_at: ended_at?, renewal: self.renewal()? }),
            "released" => {
                Some(State::Released { at: ended_at?, reason: Release::of(self.released_for.as_deref()?)? })
            }
            "superseded" => Some(State::Superseded { at: ended_at?, by: PromiseId::of(self.next_promise?) }),
            _ => None,
        }
    }
}

impl TryFrom<Row> for Promise {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "promise", column, value: value.to_owned() };
        let severity = row
            .severity
            .as_deref()
            .map(|word| Severity::of(word).ok_or_else(|| corrupt("severity", word)))
            .transpose()?;
        Ok(Self {
            state: row.state().ok_or_else(|| corrupt("state", &row.state))?,
            zone: row.zone.parse().map_err(|_| corrupt("zone", &row.zone))?,
            agreed: Agreed::of(&row.agreed).ok_or_else(|| corrupt("agreed", &row.agreed))?,
            channel: Channel::of(&row.channel).ok_or_else(|| corrupt("channel", &row.channel))?,
            severity,
            id: PromiseId::of(row.id),
            case: Case { branch: BranchId::of(row.branch_id), complaint: ComplaintId::of(row.ref_id) },
            made_by: EmployeeId::of(row.made_by),
            made_at: Timestamp::of(row.made_at),
            due_at: Timestamp::of(row.due_at),
            on_call: row.on_call.map(EmployeeId::of),
            policy: PolicyVersionId::of(row.policy_version),
            provisional: row.provisional,
            warn_at: row.warn_at.into_iter().map(Timestamp::of).collect(),
            version: Version::of(row.version),
        })
    }
}

/// Writes a new promise.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Promise>) -> Result<(), Fault> {
    let promise = decision.state();
    let warn_at: Vec<_> = promise.warn_at.iter().map(|at| at.utc()).collect();
    let statement = sqlx::query!(
        "INSERT INTO promise (id, branch_id, ref_kind, ref_id, made_by, made_at, due_at, zone, agreed, channel, on_call, severity, policy_version,
                              provisional, warn_at, state, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        promise.id.uuid(),
        promise.case.branch.uuid(),
        promise.case.reference().word(),
        promise.case.complaint.uuid(),
        promise.made_by.uuid(),
        promise.made_at.utc(),
        promise.due_at.utc(),
        promise.zone.name(),
        promise.agreed.word(),
        promise.channel.word(),
        promise.on_call.map(EmployeeId::uuid),
        promise.severity.map(Severity::word),
        promise.policy.uuid(),
        promise.provisional,
        &warn_at,
        promise.state.word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the new state if the version is still the one loaded, else [`Fault::Stale`]. Its time is not among the
/// columns (P1).
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Promise>) -> Result<(), Fault> {
    let promise = decision.state();
    let (mut attempts, mut released_for, mut next) = (None, None, None);
    match promise.state {
        State::KeptByAttempt { attempts: tried, .. } => attempts = i32::try_from(tried).ok(),
        State::Released { reason, .. } => released_for = Some(reason.word()),
        State::Superseded { by, .. } => next = Some(by.uuid()),
        State::Active | State::Kept { .. } | State::Broken { .. } => {}
    }
    let renewal = promise.state.renewal();
    let statement = sqlx::query!(
        "UPDATE promise SET state = $3, ended_at = $4, attempts = $5, released_for = $6, next_promise = $7, renewal = $8, escalations = $9,
                version = $10
         WHERE id = $1 AND version = $2",
        promise.id.uuid(),
        decision.base().get(),
        promise.state.word(),
        promise.state.ended_at().map(Timestamp::utc),
        attempts,
        released_for,
        next,
        renewal.map(|renewal| renewal.clock.word()),
        renewal.and_then(|renewal| i32::try_from(renewal.escalations).ok()),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Locks the active promise of a case, if it has one.
pub async fn active_of(tx: &mut Tx, case: Case) -> Result<Option<Promise>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, ref_id, made_by, made_at, due_at, zone, agreed, channel, on_call, severity, policy_version, provisional, warn_at,
                state, ended_at, attempts, released_for, next_promise, renewal, escalations, version
         FROM promise WHERE branch_id = $1 AND ref_id = $2 AND state = 'active' FOR UPDATE",
        case.branch.uuid(),
        case.complaint.uuid(),
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(Promise::try_from).transpose()
}

/// Locks the promise of a case whose clock of renewal runs, if one does.
pub(super) async fn to_renew(tx: &mut Tx, case: Case) -> Result<Option<Promise>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, ref_id, made_by, made_at, due_at, zone, agreed, channel, on_call, severity, policy_version, provisional, warn_at,
                state, ended_at, attempts, released_for, next_promise, renewal, escalations, version
         FROM promise WHERE branch_id = $1 AND ref_id = $2 AND renewal = 'running' FOR UPDATE",
        case.branch.uuid(),
        case.complaint.uuid(),
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(Promise::try_from).transpose()
}

/// Locks the case of a promise that a timer is about: commands lock the case before its promise, and whoever did it
/// the other way round would wait for one that waits for him.
pub(super) async fn lock_case(tx: &mut Tx, promise: Uuid) -> Result<(), Fault> {
    sqlx::query_scalar!(
        "SELECT id FROM complaint WHERE id = (SELECT ref_id FROM promise WHERE id = $1) FOR UPDATE",
        promise,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(())
}

/// Locks the promise a timer is about.
pub(super) async fn load_due(tx: &mut Tx, id: Uuid) -> Result<Promise, Failure> {
    let branches = tx.branches();
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, ref_id, made_by, made_at, due_at, zone, agreed, channel, on_call, severity, policy_version, provisional, warn_at,
                state, ended_at, attempts, released_for, next_promise, renewal, escalations, version
         FROM promise WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2)) FOR UPDATE",
        id,
        branches.as_deref(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// A promise within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: PromiseId) -> Result<Option<Promise>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, ref_id, made_by, made_at, due_at, zone, agreed, channel, on_call, severity, policy_version, provisional, warn_at,
                state, ended_at, attempts, released_for, next_promise, renewal, escalations, version
         FROM promise WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR made_by = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Promise::try_from).transpose()?)
}

/// One page of promises within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &super::list::PromiseFilter,
    page: PageRequest,
) -> Result<Vec<Promise>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, ref_id, made_by, made_at, due_at, zone, agreed, channel, on_call, severity, policy_version, provisional, warn_at,
                state, ended_at, attempts, released_for, next_promise, renewal, escalations, version
         FROM promise
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR made_by = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::uuid IS NULL OR ref_id = $4) AND ($5::uuid IS NULL OR made_by = $5) AND ($6::text IS NULL OR state = $6)
           AND id < $7 AND id > $8
         ORDER BY CASE WHEN $9 THEN id END DESC, id LIMIT $10",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.complaint_id.map(ComplaintId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.state.map(|state| state.word()),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Promise::try_from).collect::<Result<_, _>>()?)
}
