//! The transaction of one change: state, journal rows and timers together, or nothing.

use crate::{Fault, Trace};
use kernel::{Aggregate, BranchId, Clause, Decision, EmployeeId, EventId, Id, Timestamp, UserId};
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use sqlx::{PgPool, Postgres, Transaction};
use std::fmt;
use uuid::Uuid;

/// Who or what does it, as journal and envelope show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who signed in.
    Principal(UserId),
    /// Time, by the timer of this kind.
    Timer(&'static str),
    /// An event of another service, by the reader of this name.
    Reaction(String),
    /// Somebody at the machine, by this verb of `steward`.
    Operator(&'static str),
}

impl Actor {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Principal(_) => "principal",
            Self::Timer(_) => "timer",
            Self::Reaction(_) => "reaction",
            Self::Operator(_) => "operator",
        }
    }

    pub(crate) fn id(&self) -> String {
        match self {
            Self::Principal(user) => user.to_string(),
            Self::Timer(kind) | Self::Operator(kind) => (*kind).to_owned(),
            Self::Reaction(name) => name.clone(),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.id())
    }
}

/// Which rows may be seen and changed: every query names them (`access.md` §2), as
/// `($n::uuid[] IS NULL OR branch_id = ANY ($n) OR employee_id = $m)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    branches: Option<Vec<Uuid>>,
    own: Option<EmployeeId>,
}

impl Reach {
    /// Every row.
    pub const fn network() -> Self {
        Self { branches: None, own: None }
    }

    /// Rows of these branches, and rows about this employee wherever they are.
    pub fn of(branches: Vec<BranchId>, own: Option<EmployeeId>) -> Self {
        Self { branches: Some(branches.into_iter().map(BranchId::uuid).collect()), own }
    }

    /// The branches; `None` for all of them.
    pub fn branches(&self) -> Option<&[Uuid]> {
        self.branches.as_deref()
    }

    /// The employee whose own rows are within reach too.
    pub fn own(&self) -> Option<Uuid> {
        self.own.map(EmployeeId::uuid)
    }

    /// True where the whole network is within reach.
    pub const fn is_network(&self) -> bool {
        self.branches.is_none()
    }

    /// True where a row of this branch (or of the network, `None`) lies within reach.
    pub fn covers(&self, branch: Option<BranchId>) -> bool {
        match &self.branches {
            None => true,
            Some(branches) => branch.is_some_and(|branch| branches.contains(&branch.uuid())),
        }
    }
}

/// The event a change reacts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The event.
    pub event_id: EventId,
    /// The chain it belongs to.
    pub correlation_id: EventId,
}

/// A row that will go to the journal when the transaction ends.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) event_id: Uuid,
    pub(crate) event_type: String,
    pub(crate) aggregate: &'static str,
    pub(crate) subject: String,
    pub(crate) aggregate_id: Uuid,
    pub(crate) aggversion: i32,
    pub(crate) branch_id: Option<Uuid>,
    pub(crate) actor: Actor,
    pub(crate) cause: Option<Cause>,
    pub(crate) parent: Option<Uuid>,
    pub(crate) clause: Option<Clause>,
    pub(crate) data: serde_json::Value,
    pub(crate) traceparent: Option<String>,
}

/// One transaction. Only the house, a reader or a job begins one; inside it nothing is awaited but the database.
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    now: Timestamp,
    actor: Actor,
    reach: Reach,
    cause: Option<Cause>,
    traceparent: Option<String>,
    pub(crate) pending: Vec<Pending>,
    /// Whether it has written journal rows.
    pub(crate) has_told: bool,
}

impl Tx {
    /// Begins a transaction at an instant of the service's clock.
    pub async fn begin(pool: &PgPool, now: Timestamp, actor: Actor, reach: Reach) -> Result<Self, Fault> {
        let inner = pool.begin().await?;
        Ok(Self {
            inner,
            now,
            actor,
            reach,
            cause: None,
            traceparent: None,
            pending: Vec::new(),
            has_told: false,
        })
    }

    /// The connection, for queries.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.inner
    }

    /// The instant of this change.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Who or what does it.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// A fresh id, to be passed into `decide`.
    pub fn fresh<I: Id>(&self) -> I {
        I::of(fresh_uuid())
    }

    /// 64 random bits, to be passed into `decide`: a code that nobody shall guess.
    #[expect(
        clippy::disallowed_methods,
        reason = "randomness is made here, outside every rule, and passed into it"
    )]
    pub fn random_bits(&self) -> u64 {
        // 122 of its 128 bits are random, and the six fixed ones never meet: each bit of the sum is random.
        let (high, low) = Uuid::new_v4().as_u64_pair();
        high ^ low
    }

    /// The branches within reach, for `$n::uuid[] IS NULL OR branch_id = ANY ($n)`.
    pub fn branches(&self) -> Option<Vec<Uuid>> {
        self.reach.branches().map(<[Uuid]>::to_vec)
    }

    /// The employee whose own rows are within reach too, for `OR employee_id = $n`.
    pub fn own(&self) -> Option<Uuid> {
        self.reach.own()
    }

    /// Which rows may be seen and changed.
    pub const fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Whether there is something to number once this is committed.
    pub(crate) fn tells(&self) -> bool {
        self.has_told || !self.pending.is_empty()
    }

    /// What follows is caused by this event: journal rows carry it as `causation_id`.
    pub(crate) fn caused_by(&mut self, cause: Option<Cause>, traceparent: Option<String>) {
        self.cause = cause;
        self.traceparent = traceparent;
    }

    /// What follows is done by this actor.
    pub(crate) fn acts_as(&mut self, actor: Actor) {
        self.actor = actor;
    }

    /// The trace this change belongs to (W3C `traceparent`).
    pub fn traced(&mut self, traceparent: Option<String>) {
        self.traceparent = traceparent;
    }

    /// Runs the statement that writes the new state, and keeps the events for the journal. The statement must
    /// change exactly one row: it inserts, or it updates `WHERE version = ` the one loaded; else [`Fault::Stale`].
    pub async fn save<A: Aggregate>(
        &mut self,
        decision: &Decision<A>,
        statement: Query<'_, Postgres, PgArguments>,
    ) -> Result<(), Fault> {
        let changed = statement.execute(self.connection()).await?.rows_affected();
        if changed != 1 {
            return Err(Fault::Stale);
        }
        self.record(decision);
        Ok(())
    }

    /// Keeps the events of a decision whose state was written by other means (a set-based statement).
    pub fn record<A: Aggregate>(&mut self, decision: &Decision<A>) {
        let state = decision.state();
        // What nobody else began, a job or an operator's verb, is a trace of its own.
        let traceparent = self.traceparent.get_or_insert_with(|| Trace::fresh().to_string()).clone();
        for (place, fact) in decision.facts().iter().enumerate() {
            self.pending.push(Pending {
                event_id: fresh_uuid(),
                event_type: format!("{}.v{}", fact.event_type, fact.version),
                aggregate: A::KIND,
                subject: state.id().to_string(),
                aggregate_id: state.id().uuid(),
                aggversion: decision.base().after(place + 1).get(),
                branch_id: state.branch().map(BranchId::uuid),
                actor: self.actor.clone(),
                cause: self.cause,
                parent: decision.parent(),
                clause: fact.clause,
                data: fact.data.clone(),
                traceparent: Some(traceparent.clone()),
            });
        }
    }

    /// What will be sent if this transaction commits: type and payload, for dry runs.
    pub fn would_send(&self) -> impl Iterator<Item = (&str, &str, &serde_json::Value)> {
        self.pending.iter().map(|row| (row.event_type.as_str(), row.subject.as_str(), &row.data))
    }

    /// Writes the journal rows, last of all: a command reads before it inserts them, or causes and effects
    /// change places (`events.md` §2). The caller may add its own last row and then [`Tx::commit`].
    pub async fn flush(&mut self) -> Result<(), Fault> {
        crate::append::append(self).await
    }

    /// Writes what is pending and commits.
    pub async fn commit(mut self) -> Result<(), Fault> {
        self.flush().await?;
        self.inner.commit().await?;
        Ok(())
    }

    /// Leaves nothing behind.
    pub async fn rollback(self) -> Result<(), Fault> {
        self.inner.rollback().await?;
        Ok(())
    }

    /// Marks a point to come back to with [`Tx::back_to`].
    pub(crate) async fn savepoint(&mut self) -> Result<Savepoint, Fault> {
        sqlx::query!("SAVEPOINT event").execute(self.connection()).await?;
        // What was settled before this point was checked at once, and a released point does not undo that.
        sqlx::query!("SET CONSTRAINTS ALL DEFERRED").execute(self.connection()).await?;
        Ok(Savepoint { pending: self.pending.len() })
    }

    /// Undoes everything since the point, also where a statement has failed since.
    pub(crate) async fn back_to(&mut self, point: Savepoint) -> Result<(), Fault> {
        sqlx::query!("ROLLBACK TO SAVEPOINT event").execute(self.connection()).await?;
        self.pending.truncate(point.pending);
        self.release(point).await
    }

    /// Lets go of the point; what was done since stays.
    pub(crate) async fn release(&mut self, _point: Savepoint) -> Result<(), Fault> {
        sqlx::query!("RELEASE SAVEPOINT event").execute(self.connection()).await?;
        Ok(())
    }

    /// Writes the journal rows and has the database check now what it would check at the end, so that a refusal
    /// hits whoever caused it, and a rehearsal meets all that the command would.
    pub async fn settle(&mut self) -> Result<(), Fault> {
        self.flush().await?;
        sqlx::query!("SET CONSTRAINTS ALL IMMEDIATE").execute(self.connection()).await?;
        Ok(())
    }
}

/// A point inside a transaction.
pub(crate) struct Savepoint {
    pending: usize,
}

#[expect(clippy::disallowed_methods, reason = "ids are made here, outside every rule, and passed into it")]
fn fresh_uuid() -> Uuid {
    Uuid::now_v7()
}
