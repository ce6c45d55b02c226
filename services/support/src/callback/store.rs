//! The SQL of callbacks.

use super::{Answer, Callback, MISSED_CALL, Stage, State};
use crate::words::Code;
use chrono::{DateTime, Utc};
use events::{CallId, CallbackId, CustomerId};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Timestamp, Version};
use sqlx::PgPool;
use uuid::Uuid;

struct Row {
    id: Uuid,
    branch_id: Uuid,
    call_id: Uuid,
    customer_id: Option<Uuid>,
    due_at: DateTime<Utc>,
    provisional: bool,
    state: String,
    attempts: i32,
    employee_id: Option<Uuid>,
    closed_at: Option<DateTime<Utc>>,
    cause: Option<String>,
    score: Option<i16>,
    topics: Vec<String>,
    version: i32,
}

impl Row {
    fn code(&self) -> Option<Code> {
        self.cause.as_deref().map(Code::of)
    }

    fn state(&self) -> Option<State> {
        let by = self.employee_id.map(EmployeeId::of);
        let closed_at = self.closed_at.map(Timestamp::of);
        match self.state.as_str() {
            "scheduled" => Some(State::Scheduled),
            "due" => Some(State::Due),
            "in_progress" => Some(State::InProgress { by: by? }),
            "failed" => Some(State::Failed { by: by?, cause: self.code()? }),
            "done" => {
                let score = self.score.and_then(|score| u8::try_from(score).ok());
                let topics = self.topics.iter().map(|topic| Code::of(topic)).collect();
                let answer = Answer { score, topics };
                Some(State::Done { by: by?, at: closed_at?, answer })
            }
            "abandoned" => Some(State::Abandoned { at: closed_at?, reason: self.code()? }),
            _ => None,
        }
    }
}

impl TryFrom<Row> for Callback {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt = |column, value: String| Fault::Corrupt { table: "callback", column, value };
        Ok(Self {
            state: row.state().ok_or_else(|| corrupt("state", row.state.clone()))?,
            attempts: u32::try_from(row.attempts)
                .map_err(|_| corrupt("attempts", row.attempts.to_string()))?,
            id: CallbackId::of(row.id),
            branch: BranchId::of(row.branch_id),
            call: CallId::of(row.call_id),
            customer: row.customer_id.map(CustomerId::of),
            due_at: Timestamp::of(row.due_at),
            provisional: row.provisional,
            version: Version::of(row.version),
        })
    }
}

/// Writes a new callback.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Callback>) -> Result<(), Fault> {
    let callback = decision.state();
    let topics: &[String] = &[];
    let statement = sqlx::query!(
        "INSERT INTO callback (id, branch_id, kind, call_id, customer_id, due_at, provisional, state, attempts, topics, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        callback.id.uuid(),
        callback.branch.uuid(),
        MISSED_CALL,
        callback.call.uuid(),
        callback.customer.map(CustomerId::uuid),
        callback.due_at.utc(),
        callback.provisional,
        callback.state.word(),
        i32::try_from(callback.attempts).expect("attempts are counted one by one"),
        topics,
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the new state if the version is still the one loaded, else [`Fault::Stale`].
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Callback>) -> Result<(), Fault> {
    let callback = decision.state();
    let (mut closed_at, mut cause, mut answer) = (None, None, Answer::default());
    match &callback.state {
        State::Scheduled | State::Due | State::InProgress { .. } => {}
        State::Failed { cause: why, .. } => cause = Some(why.as_str()),
        State::Done { at, answer: said, .. } => (closed_at, answer) = (Some(at.utc()), said.clone()),
        State::Abandoned { at, reason } => (closed_at, cause) = (Some(at.utc()), Some(reason.as_str())),
    }
    let topics: Vec<String> = answer.topics.into_iter().map(Code::into).collect();
    let statement = sqlx::query!(
        "UPDATE callback SET due_at = $3, state = $4, attempts = $5, employee_id = $6, closed_at = $7, cause = $8, score = $9, topics = $10,
                version = $11
         WHERE id = $1 AND version = $2",
        callback.id.uuid(),
        decision.base().get(),
        callback.due_at.utc(),
        callback.state.word(),
        i32::try_from(callback.attempts).expect("attempts are counted one by one"),
        callback.state.employee().map(EmployeeId::uuid),
        closed_at,
        cause,
        answer.score.map(i16::from),
        &topics,
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Locks the call of a callback: what ends both locks the call before its callback, from whichever of them it came, for
/// else two of them could wait for each other.
pub(super) async fn lock_call(tx: &mut Tx, id: CallbackId) -> Result<(), Fault> {
    sqlx::query_scalar!(
        "SELECT id FROM call WHERE id = (SELECT call_id FROM callback WHERE id = $1) FOR UPDATE",
        id.uuid(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(())
}

/// Locks a callback within reach: of one's branches, or taken by oneself.
pub(super) async fn load(tx: &mut Tx, id: CallbackId) -> Result<Callback, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, call_id, customer_id, due_at, provisional, state, attempts, employee_id, closed_at, cause, score, topics, version
         FROM callback WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR employee_id = $3) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Locks the open callback of a missed call, if it has one.
pub(super) async fn open_of(tx: &mut Tx, branch: BranchId, call: CallId) -> Result<Option<Callback>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, call_id, customer_id, due_at, provisional, state, attempts, employee_id, closed_at, cause, score, topics, version
         FROM callback WHERE branch_id = $1 AND call_id = $2 AND state NOT IN ('done', 'abandoned') FOR UPDATE",
        branch.uuid(),
        call.uuid(),
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(Callback::try_from).transpose()
}

/// A callback within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: CallbackId) -> Result<Option<Callback>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, call_id, customer_id, due_at, provisional, state, attempts, employee_id, closed_at, cause, score, topics, version
         FROM callback WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR employee_id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Callback::try_from).transpose()?)
}

/// One page of callbacks within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &super::list::CallbackFilter,
    page: PageRequest,
) -> Result<Vec<Callback>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, call_id, customer_id, due_at, provisional, state, attempts, employee_id, closed_at, cause, score, topics, version
         FROM callback
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR employee_id = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::uuid IS NULL OR call_id = $4) AND ($5::uuid IS NULL OR employee_id = $5) AND ($6::text IS NULL OR state = $6)
           AND id < $7 AND id > $8
         ORDER BY CASE WHEN $9 THEN id END DESC, id LIMIT $10",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.call_id.map(CallId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.state.map(Stage::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Callback::try_from).collect::<Result<_, _>>()?)
}
