//! The SQL of clocks.

use super::follow::Case;
use super::list::ClockFilter;
use super::policy::{Budget, ClockTerms};
use super::{CaseClock, DUE, Pause, PauseReason, RESUME, State};
use crate::complaint::{self, Complaint};
use crate::hours;
use crate::words::Word;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use events::support::{ClockKind, Severity};
use events::{ClockId, ComplaintId};
use house::list::PageRequest;
use house::not_found;
use house::policy::{InForce, in_force};
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, PolicyVersionId, Reckoned, Timestamp, Version, Zone};
use sqlx::PgPool;
use uuid::Uuid;

struct Row {
    id: Uuid,
    branch_id: Uuid,
    complaint_id: Uuid,
    kind: String,
    cycle_no: i32,
    severity: String,
    budget_of: String,
    unit: String,
    budget_minutes: i32,
    started_at: DateTime<Utc>,
    counted_from: DateTime<Utc>,
    left_us: i64,
    paused_us: i64,
    due_at: DateTime<Utc>,
    provisional: bool,
    policy_version: Uuid,
    hours_version: Uuid,
    state: String,
    paused_at: Option<DateTime<Utc>>,
    pause_reason: Option<String>,
    pause_ends_at: Option<DateTime<Utc>>,
    detected_at: Option<DateTime<Utc>>,
    stopped_at: Option<DateTime<Utc>>,
    version: i32,
}

fn corrupt(column: &'static str, value: &str) -> Fault {
    Fault::Corrupt { table: "case_clock", column, value: value.to_owned() }
}

impl Row {
    fn pause(&self) -> Option<Pause> {
        let reason = PauseReason::of_word(self.pause_reason.as_deref()?)?;
        Some(Pause {
            at: Timestamp::of(self.paused_at?),
            reason,
            ends_at: Timestamp::of(self.pause_ends_at?),
        })
    }

    fn state(&self) -> Option<State> {
        let detected_at = self.detected_at.map(Timestamp::of);
        match self.state.as_str() {
            "running" => Some(State::Running),
            "paused" => self.pause().map(State::Paused),
            "breached" => Some(State::Breached { detected_at: detected_at? }),
            "stopped" => Some(State::Stopped { at: Timestamp::of(self.stopped_at?), detected_at }),
            _ => None,
        }
    }
}

/// As the column `unit` writes it.
const fn unit(budget: Budget) -> &'static str {
    match budget {
        Budget::BusinessMinutes(_) => "business",
        Budget::WallMinutes(_) => "wall",
    }
}

impl TryFrom<Row> for CaseClock {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let minutes = u32::try_from(row.budget_minutes)
            .map_err(|_| corrupt("budget_minutes", &row.budget_minutes.to_string()))?;
        let budget = match row.unit.as_str() {
            "business" => Budget::BusinessMinutes(minutes),
            "wall" => Budget::WallMinutes(minutes),
            other => return Err(corrupt("unit", other)),
        };
        Ok(Self {
            state: row.state().ok_or_else(|| corrupt("state", &row.state))?,
            kind: ClockKind::of(&row.kind).ok_or_else(|| corrupt("kind", &row.kind))?,
            severity: Severity::of(&row.severity).ok_or_else(|| corrupt("severity", &row.severity))?,
            budget_of: Severity::of(&row.budget_of).ok_or_else(|| corrupt("budget_of", &row.budget_of))?,
            cycle: u32::try_from(row.cycle_no).map_err(|_| corrupt("cycle_no", &row.cycle_no.to_string()))?,
            id: ClockId::of(row.id),
            branch: BranchId::of(row.branch_id),
            complaint: ComplaintId::of(row.complaint_id),
            budget,
            started_at: Timestamp::of(row.started_at),
            counted_from: Timestamp::of(row.counted_from),
            left: TimeDelta::microseconds(row.left_us),
            paused: TimeDelta::microseconds(row.paused_us),
            due: Reckoned { value: Timestamp::of(row.due_at), provisional: row.provisional },
            policy: PolicyVersionId::of(row.policy_version),
            hours: PolicyVersionId::of(row.hours_version),
            version: Version::of(row.version),
        })
    }
}

fn minutes(clock: &CaseClock) -> i32 {
    i32::try_from(clock.budget.minutes()).expect("terms bound a budget to a year of minutes")
}

fn cycle(clock: &CaseClock) -> i32 {
    i32::try_from(clock.cycle).expect("a case is not reopened two billion times")
}

fn micros(time: TimeDelta) -> i64 {
    time.num_microseconds().expect("a budget is a year at most")
}

/// Writes a new clock and waits for its end.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<CaseClock>) -> Result<(), Fault> {
    let clock = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO case_clock (id, branch_id, complaint_id, kind, cycle_no, severity, budget_of, unit, budget_minutes, started_at, counted_from,
                                 left_us, paused_us, due_at, provisional, policy_version, hours_version, state, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        clock.id.uuid(),
        clock.branch.uuid(),
        clock.complaint.uuid(),
        clock.kind.word(),
        cycle(clock),
        clock.severity.word(),
        clock.budget_of.word(),
        unit(clock.budget),
        minutes(clock),
        clock.started_at.utc(),
        clock.counted_from.utc(),
        micros(clock.left),
        micros(clock.paused),
        clock.due.value.utc(),
        clock.due.provisional,
        clock.policy.uuid(),
        clock.hours.uuid(),
        clock.state.word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await?;
    tx.schedule(DUE, clock.id, clock.due.value).await
}

/// Writes the new state if the version is still the one loaded, else [`Fault::Stale`]; its timers follow.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<CaseClock>) -> Result<(), Fault> {
    let clock = decision.state();
    let (mut pause, mut stopped_at) = (None, None);
    match clock.state {
        State::Paused(now) => pause = Some(now),
        State::Stopped { at, .. } => stopped_at = Some(at),
        State::Running | State::Breached { .. } => {}
    }
    let statement = sqlx::query!(
        "UPDATE case_clock SET severity = $3, unit = $4, budget_minutes = $5, counted_from = $6, left_us = $7, paused_us = $8, due_at = $9,
                provisional = $10, policy_version = $11, hours_version = $12, state = $13, paused_at = $14, pause_reason = $15,
                pause_ends_at = $16, detected_at = $17, stopped_at = $18, version = $19, budget_of = $20
         WHERE id = $1 AND version = $2",
        clock.id.uuid(),
        decision.base().get(),
        clock.severity.word(),
        unit(clock.budget),
        minutes(clock),
        clock.counted_from.utc(),
        micros(clock.left),
        micros(clock.paused),
        clock.due.value.utc(),
        clock.due.provisional,
        clock.policy.uuid(),
        clock.hours.uuid(),
        clock.state.word(),
        pause.map(|pause| pause.at.utc()),
        pause.map(|pause| pause.reason.word()),
        pause.map(|pause| pause.ends_at.utc()),
        clock.state.detected_at().map(Timestamp::utc),
        stopped_at.map(Timestamp::utc),
        decision.version().get(),
        clock.budget_of.word(),
    );
    tx.save(decision, statement).await?;
    watch(tx, clock).await
}

/// A running clock waits for its end, a paused one for the end of its pause, any other for nothing.
async fn watch(tx: &mut Tx, clock: &CaseClock) -> Result<(), Fault> {
    match clock.state {
        State::Running => {
            tx.cancel(RESUME, clock.id).await?;
            tx.schedule(DUE, clock.id, clock.due.value).await
        }
        State::Paused(pause) => {
            tx.cancel(DUE, clock.id).await?;
            tx.schedule(RESUME, clock.id, pause.ends_at).await
        }
        State::Breached { .. } | State::Stopped { .. } => {
            tx.cancel(RESUME, clock.id).await?;
            tx.cancel(DUE, clock.id).await
        }
    }
}

/// Writes many running clocks at once, and keeps their events; each must still have the version it was loaded with.
pub(super) async fn save_all(tx: &mut Tx, decisions: &[Decision<CaseClock>]) -> Result<(), Fault> {
    let states = || decisions.iter().map(Decision::state);
    let ids: Vec<_> = states().map(|clock| clock.id.uuid()).collect();
    let due_at: Vec<_> = states().map(|clock| clock.due.value.utc()).collect();
    let changed = sqlx::query!(
        "UPDATE case_clock c SET budget_minutes = n.budget, counted_from = n.counted_from, left_us = n.left_us, due_at = n.due_at,
                provisional = n.provisional, policy_version = n.policy, hours_version = n.hours, version = n.version
         FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::timestamptz[], $5::bigint[], $6::timestamptz[], $7::bool[], $8::uuid[], $9::uuid[],
                     $10::int[]) AS n (id, base, budget, counted_from, left_us, due_at, provisional, policy, hours, version)
         WHERE c.id = n.id AND c.version = n.base",
        &ids,
        &decisions.iter().map(|decision| decision.base().get()).collect::<Vec<_>>(),
        &states().map(minutes).collect::<Vec<_>>(),
        &states().map(|clock| clock.counted_from.utc()).collect::<Vec<_>>(),
        &states().map(|clock| micros(clock.left)).collect::<Vec<_>>(),
        &due_at,
        &states().map(|clock| clock.due.provisional).collect::<Vec<_>>(),
        &states().map(|clock| clock.policy.uuid()).collect::<Vec<_>>(),
        &states().map(|clock| clock.hours.uuid()).collect::<Vec<_>>(),
        &decisions.iter().map(|decision| decision.version().get()).collect::<Vec<_>>(),
    )
    .execute(tx.connection())
    .await?
    .rows_affected();
    if usize::try_from(changed) != Ok(decisions.len()) {
        return Err(Fault::Stale);
    }
    for decision in decisions {
        tx.record(decision);
    }
    tx.schedule_all(DUE, &ids, &due_at).await
}

/// All clocks of a case's cycle, and those of earlier ones that have not stopped.
pub(super) async fn of_case(tx: &mut Tx, case: &Case) -> Result<Vec<CaseClock>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, complaint_id, kind, cycle_no, severity, budget_of, unit, budget_minutes, started_at, counted_from, left_us, paused_us,
                due_at, provisional, policy_version, hours_version, state, paused_at, pause_reason, pause_ends_at, detected_at, stopped_at, version
         FROM case_clock WHERE branch_id = $1 AND complaint_id = $2 AND (state <> 'stopped' OR cycle_no = $3 AND kind <> 'next_reply')
         ORDER BY id FOR UPDATE",
        case.branch.uuid(),
        case.complaint.uuid(),
        i32::try_from(case.cycle).expect("a case is not reopened two billion times"),
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter().map(CaseClock::try_from).collect()
}

/// When the customer of a case was last reached about the matter, in this cycle and by us (K7).
pub(crate) async fn told_at(
    tx: &mut Tx,
    branch: BranchId,
    complaint: ComplaintId,
    since: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let at = sqlx::query_scalar!(
        "SELECT max(at) FROM contact
         WHERE branch_id = $1 AND ref_kind = 'complaint' AND ref_id = $2 AND at >= $3
           AND direction = 'out' AND reached AND kind IN ('substantive', 'progress')",
        branch.uuid(),
        complaint.uuid(),
        since.utc(),
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(at.map(Timestamp::of))
}

/// The case of a clock within reach, locked: whoever works on a clock works on its case, and a case is locked before its
/// clocks.
pub(super) async fn case_of(tx: &mut Tx, id: ClockId) -> Result<Complaint, Failure> {
    let found = sqlx::query_scalar!("SELECT complaint_id FROM case_clock WHERE id = $1", id.uuid())
        .fetch_optional(tx.connection())
        .await?;
    complaint::load(tx, ComplaintId::of(found.ok_or_else(not_found)?)).await
}

/// Locks a clock whose case was loaded within reach.
pub(super) async fn load(tx: &mut Tx, id: ClockId) -> Result<CaseClock, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, complaint_id, kind, cycle_no, severity, budget_of, unit, budget_minutes, started_at, counted_from, left_us, paused_us,
                due_at, provisional, policy_version, hours_version, state, paused_at, pause_reason, pause_ends_at, detected_at, stopped_at, version
         FROM case_clock WHERE id = $1 FOR UPDATE",
        id.uuid(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Locks the clock a timer is about, after its case, as commands do.
pub(super) async fn load_due(tx: &mut Tx, id: ClockId) -> Result<CaseClock, Failure> {
    sqlx::query_scalar!(
        "SELECT id FROM complaint WHERE id = (SELECT complaint_id FROM case_clock WHERE id = $1) FOR UPDATE",
        id.uuid(),
    )
    .fetch_optional(tx.connection())
    .await?;
    load(tx, id).await
}

/// Running clocks that have counted since before an instant and run out after it, after an id, in their order, locked.
pub(super) async fn running_before(
    tx: &mut Tx,
    at: Timestamp,
    after: Option<ClockId>,
    most: i64,
) -> Result<Vec<CaseClock>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, complaint_id, kind, cycle_no, severity, budget_of, unit, budget_minutes, started_at, counted_from, left_us, paused_us,
                due_at, provisional, policy_version, hours_version, state, paused_at, pause_reason, pause_ends_at, detected_at, stopped_at, version
         FROM case_clock
         WHERE state = 'running' AND counted_from < $1 AND due_at > $1 AND ($2::uuid IS NULL OR id > $2)
         ORDER BY id LIMIT $3 FOR UPDATE",
        at.utc(),
        after.map(ClockId::uuid),
        most,
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter().map(CaseClock::try_from).collect()
}

/// The zones that branches lie in.
pub(super) async fn zones(tx: &mut Tx) -> Result<Vec<Zone>, Fault> {
    let names = sqlx::query_scalar!("SELECT DISTINCT zone FROM known_branch ORDER BY zone LIMIT 600")
        .fetch_all(tx.connection())
        .await?;
    let zone = |name: String| {
        name.parse().map_err(|_| Fault::Corrupt { table: "known_branch", column: "zone", value: name })
    };
    names.into_iter().map(zone).collect()
}

/// The days on which a version of a policy begins and ends to be in force.
pub(super) async fn turns(tx: &mut Tx, version: PolicyVersionId) -> Result<Vec<NaiveDate>, Failure> {
    let valid = sqlx::query!(
        "SELECT lower(valid) AS \"from!\", upper(valid) AS \"to\" FROM policy WHERE id = $1",
        version.uuid()
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or_else(not_found)?;
    Ok([Some(valid.from), valid.to].into_iter().flatten().collect())
}

/// The terms in force now.
pub(super) async fn terms(tx: &mut Tx, branch: BranchId) -> Result<InForce<ClockTerms>, Fault> {
    hours::today::<ClockTerms>(tx, branch).await
}

/// The terms in force on a day.
pub(super) async fn terms_on(
    tx: &mut Tx,
    branch: BranchId,
    day: NaiveDate,
) -> Result<InForce<ClockTerms>, Fault> {
    in_force::<ClockTerms>(tx.connection(), Some(branch), day).await
}

/// A clock within reach: of the branch, or of a case one owns.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: ClockId) -> Result<Option<CaseClock>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT k.id, k.branch_id, complaint_id, kind, k.cycle_no, k.severity, budget_of, unit, budget_minutes, started_at, counted_from, left_us, paused_us,
                due_at, provisional, k.policy_version, hours_version, k.state, paused_at, pause_reason, pause_ends_at, detected_at, stopped_at,
                k.version
         FROM case_clock AS k JOIN complaint AS c ON c.id = k.complaint_id
         WHERE k.id = $1 AND ($2::uuid[] IS NULL OR k.branch_id = ANY ($2) OR c.owner_id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(CaseClock::try_from).transpose()?)
}

/// One page of clocks within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &ClockFilter,
    page: PageRequest,
) -> Result<Vec<CaseClock>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT k.id, k.branch_id, complaint_id, kind, k.cycle_no, k.severity, budget_of, unit, budget_minutes, started_at, counted_from, left_us, paused_us,
                due_at, provisional, k.policy_version, hours_version, k.state, paused_at, pause_reason, pause_ends_at, detected_at, stopped_at,
                k.version
         FROM case_clock AS k JOIN complaint AS c ON c.id = k.complaint_id
         WHERE ($1::uuid[] IS NULL OR k.branch_id = ANY ($1) OR c.owner_id = $2) AND ($3::uuid IS NULL OR k.branch_id = $3)
           AND ($4::uuid IS NULL OR complaint_id = $4) AND ($5::text IS NULL OR kind = $5) AND ($6::text IS NULL OR k.state = $6)
           AND k.id < $7 AND k.id > $8
         ORDER BY CASE WHEN $9 THEN k.id END DESC, k.id LIMIT $10",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.complaint_id.map(ComplaintId::uuid),
        filter.kind.map(ClockKind::word),
        filter.state.map(|state| state.word()),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(CaseClock::try_from).collect::<Result<_, _>>()?)
}
