//! The SQL of attendance months and days.

use super::day::{AttendanceDay, closed};
use super::list::{DayFilter, InState, MonthFilter};
use super::month::{AttendanceMonth, Counted, Refusal, State};
use crate::ids::{AttendanceDayId, AttendanceMonthId, CorrectionId};
use chrono::{DateTime, NaiveDate, Utc};
use events::hr::AttendanceResult;
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, RefuseOn, Tx};
use kernel::{BranchId, Decision, EmployeeId, Month, PolicyVersionId, Timestamp, UserId, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// A row of `attendance_month`.
struct MonthRow {
    id: Uuid,
    branch_id: Uuid,
    month: NaiveDate,
    state: String,
    derived_at: DateTime<Utc>,
    days: i64,
    incomplete: i64,
    closed_at: Option<DateTime<Utc>>,
    closer_user: Option<Uuid>,
    version: i32,
}

impl TryFrom<MonthRow> for AttendanceMonth {
    type Error = Fault;
    fn try_from(row: MonthRow) -> Result<Self, Fault> {
        let state = match (row.state.as_str(), row.closer_user, row.closed_at) {
            ("open", None, None) => State::Open,
            ("closed", Some(by), Some(at)) => State::Closed { by: UserId::of(by), at: Timestamp::of(at) },
            _ => return Err(Fault::Corrupt { table: "attendance_month", column: "state", value: row.state }),
        };
        Ok(Self {
            id: AttendanceMonthId::of(row.id),
            branch: BranchId::of(row.branch_id),
            month: Month::of(row.month),
            state,
            derived_at: Timestamp::of(row.derived_at),
            counted: Counted { days: row.days, incomplete: row.incomplete },
            version: Version::of(row.version),
        })
    }
}

/// A row of `attendance_day`.
struct DayRow {
    id: Uuid,
    month_id: Uuid,
    employee_id: Uuid,
    branch_id: Uuid,
    day: NaiveDate,
    shift_start: DateTime<Utc>,
    shift_end: DateTime<Utc>,
    first_in: Option<DateTime<Utc>>,
    last_out: Option<DateTime<Utc>>,
    result: String,
    late_minutes: i64,
    early_minutes: i64,
    policy_version: Uuid,
    correction_id: Option<Uuid>,
    version: i32,
}

impl TryFrom<DayRow> for AttendanceDay {
    type Error = Fault;
    fn try_from(row: DayRow) -> Result<Self, Fault> {
        let result = AttendanceResult::of(&row.result).ok_or(Fault::Corrupt {
            table: "attendance_day",
            column: "result",
            value: row.result,
        })?;
        Ok(Self {
            id: AttendanceDayId::of(row.id),
            month: AttendanceMonthId::of(row.month_id),
            employee: EmployeeId::of(row.employee_id),
            branch: BranchId::of(row.branch_id),
            day: row.day,
            shift_start: Timestamp::of(row.shift_start),
            shift_end: Timestamp::of(row.shift_end),
            first_in: row.first_in.map(Timestamp::of),
            last_out: row.last_out.map(Timestamp::of),
            result,
            late_minutes: row.late_minutes,
            early_minutes: row.early_minutes,
            policy: PolicyVersionId::of(row.policy_version),
            correction: row.correction_id.map(CorrectionId::of),
            version: Version::of(row.version),
        })
    }
}

/// Refuses a change of people from a day on that would reach into a closed month of a branch (H8). The months found
/// are held until the change is done, so that none is closed meanwhile.
pub(crate) async fn refuse_closed(tx: &mut Tx, branch: BranchId, from: NaiveDate) -> Result<(), Failure> {
    let months = sqlx::query!(
        "SELECT month, state FROM attendance_month WHERE branch_id = $1 AND month + interval '1 month' > $2::date ORDER BY month FOR SHARE",
        branch.uuid(),
        from,
    )
    .fetch_all(tx.connection())
    .await?;
    match months.iter().find(|month| month.state == "closed") {
        Some(closed) => Err(Refusal::Closed { month: Month::of(closed.month) }.into()),
        None => Ok(()),
    }
}

/// Inserts a month without days; its event follows in the same transaction.
pub(super) async fn reserve(tx: &mut Tx, month: &AttendanceMonth) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO attendance_month (id, branch_id, month, state, derived_at, days, incomplete, version) VALUES ($1, $2, $3, 'open', $4, 0, 0, 0)",
        month.id.uuid(),
        month.branch.uuid(),
        month.month.first_day(),
        month.derived_at.utc(),
    )
    .execute(tx.connection())
    .await
    .refuse_on("attendance_month_once", Refusal::AlreadyOpened { month: month.month })?;
    Ok(())
}

/// Locks a month within reach.
pub(crate) async fn load(tx: &mut Tx, id: AttendanceMonthId) -> Result<AttendanceMonth, Failure> {
    let branches = tx.branches();
    let row = sqlx::query_as!(
        MonthRow,
        "SELECT id, branch_id, month, state, derived_at, days, incomplete, closed_at, closer_user, version
         FROM attendance_month WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2)) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Writes the new state if the version is still the one loaded.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<AttendanceMonth>) -> Result<(), Fault> {
    let month = decision.state();
    let closed = match month.state {
        State::Open => None,
        State::Closed { by, at } => Some((by.uuid(), at.utc())),
    };
    let statement = sqlx::query!(
        "UPDATE attendance_month SET state = $3, derived_at = $4, days = $5, incomplete = $6, closer_user = $7, closed_at = $8, version = $9
         WHERE id = $1 AND version = $2",
        month.id.uuid(),
        decision.base().get(),
        month.state.word(),
        month.derived_at.utc(),
        month.counted.days,
        month.counted.incomplete,
        closed.map(|(by, _)| by),
        closed.map(|(_, at)| at),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Records what every day of a month came to that was not an ordinary one; the month is closed next.
pub(super) async fn close_days(tx: &mut Tx, month: &AttendanceMonth) -> Result<(), Failure> {
    let rows = sqlx::query_as!(
        DayRow,
        "UPDATE attendance_day SET version = version + 1
         WHERE month_id = $1 AND result NOT IN ('present', 'on_leave')
         RETURNING id, month_id, employee_id, branch_id, day, shift_start, shift_end, first_in, last_out, result, late_minutes, early_minutes,
                   policy_version, correction_id, version - 1 AS \"version!\"",
        month.id.uuid(),
    )
    .fetch_all(tx.connection())
    .await?;
    let mut days = rows.into_iter().map(AttendanceDay::try_from).collect::<Result<Vec<_>, _>>()?;
    days.sort_by_key(|day| (day.day, day.employee));
    for day in days {
        tx.record(&closed(day));
    }
    Ok(())
}

/// Locks a day within reach.
pub(crate) async fn load_day(tx: &mut Tx, id: AttendanceDayId) -> Result<AttendanceDay, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        DayRow,
        "SELECT id, month_id, employee_id, branch_id, day, shift_start, shift_end, first_in, last_out, result, late_minutes, early_minutes, policy_version,
                correction_id, version
         FROM attendance_day WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR employee_id = $3) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Whether the month of a day is closed; held until the change is done.
pub(crate) async fn month_of(tx: &mut Tx, day: &AttendanceDay) -> Result<AttendanceMonth, Failure> {
    let row = sqlx::query_as!(
        MonthRow,
        "SELECT id, branch_id, month, state, derived_at, days, incomplete, closed_at, closer_user, version
         FROM attendance_month WHERE id = $1 AND branch_id = $2 FOR SHARE",
        day.month.uuid(),
        day.branch.uuid(),
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(row.try_into()?)
}

/// Writes a corrected day.
pub(crate) async fn save_day(tx: &mut Tx, decision: &Decision<AttendanceDay>) -> Result<(), Fault> {
    let day = decision.state();
    let statement = sqlx::query!(
        "UPDATE attendance_day SET first_in = $3, last_out = $4, result = $5, late_minutes = $6, early_minutes = $7, correction_id = $8, version = $9
         WHERE id = $1 AND version = $2",
        day.id.uuid(),
        decision.base().get(),
        day.first_in.map(Timestamp::utc),
        day.last_out.map(Timestamp::utc),
        day.result.word(),
        day.late_minutes,
        day.early_minutes,
        day.correction.map(CorrectionId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// A month within reach, unlocked.
pub(super) async fn find(
    pool: &PgPool,
    reach: &Reach,
    id: AttendanceMonthId,
) -> Result<Option<AttendanceMonth>, Failure> {
    let row = sqlx::query_as!(
        MonthRow,
        "SELECT id, branch_id, month, state, derived_at, days, incomplete, closed_at, closer_user, version
         FROM attendance_month WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2))",
        id.uuid(),
        reach.branches(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(AttendanceMonth::try_from).transpose()?)
}

/// One page of months within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &MonthFilter,
    page: PageRequest,
) -> Result<Vec<AttendanceMonth>, Failure> {
    let rows = sqlx::query_as!(
        MonthRow,
        "SELECT id, branch_id, month, state, derived_at, days, incomplete, closed_at, closer_user, version
         FROM attendance_month
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1)) AND ($2::uuid IS NULL OR branch_id = $2) AND ($3::date IS NULL OR month = $3)
           AND ($4::text IS NULL OR state = $4) AND id < $5 AND id > $6
         ORDER BY CASE WHEN $7 THEN id END DESC, id LIMIT $8",
        reach.branches(),
        filter.branch.map(BranchId::uuid),
        filter.month.map(Month::first_day),
        filter.state.map(InState::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(AttendanceMonth::try_from).collect::<Result<_, _>>()?)
}

/// A day within reach, unlocked.
pub(super) async fn find_day(
    pool: &PgPool,
    reach: &Reach,
    id: AttendanceDayId,
) -> Result<Option<AttendanceDay>, Failure> {
    let row = sqlx::query_as!(
        DayRow,
        "SELECT id, month_id, employee_id, branch_id, day, shift_start, shift_end, first_in, last_out, result, late_minutes, early_minutes, policy_version,
                correction_id, version
         FROM attendance_day WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR employee_id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(AttendanceDay::try_from).transpose()?)
}

/// One page of days within reach.
pub(super) async fn days(
    pool: &PgPool,
    reach: &Reach,
    filter: &DayFilter,
    page: PageRequest,
) -> Result<Vec<AttendanceDay>, Failure> {
    let rows = sqlx::query_as!(
        DayRow,
        "SELECT id, month_id, employee_id, branch_id, day, shift_start, shift_end, first_in, last_out, result, late_minutes, early_minutes, policy_version,
                correction_id, version
         FROM attendance_day
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR employee_id = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::uuid IS NULL OR employee_id = $4) AND ($5::date IS NULL OR day >= $5) AND ($6::date IS NULL OR day < $6)
           AND ($7::text IS NULL OR result = $7) AND id < $8 AND id > $9
         ORDER BY CASE WHEN $10 THEN id END DESC, id LIMIT $11",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.month.map(Month::first_day),
        filter.month.map(Month::end),
        filter.result.map(AttendanceResult::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(AttendanceDay::try_from).collect::<Result<_, _>>()?)
}
