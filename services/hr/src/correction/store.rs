//! The SQL of corrections, and of what they leave for payroll.

use super::list::{CorrectionFilter, InState};
use super::{Correction, Decided, Refusal, State, What};
use crate::attendance::day::AttendanceDay;
use crate::attendance::month::{self, AttendanceMonth};
use crate::ids::{AttendanceDayId, CorrectionId};
use crate::person::Person;
use chrono::{DateTime, NaiveDate, Utc};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, RefuseOn, Tx};
use kernel::{BranchId, Decision, EmployeeId, Month, Timestamp, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// A row of `correction`.
struct Row {
    id: Uuid,
    day_id: Uuid,
    employee_id: Uuid,
    branch_id: Uuid,
    day: NaiveDate,
    kind: String,
    punch_at: Option<DateTime<Utc>>,
    reason: String,
    state: String,
    requester_user: Uuid,
    requester_employee: Option<Uuid>,
    decider_user: Option<Uuid>,
    decider_employee: Option<Uuid>,
    decided_at: Option<DateTime<Utc>>,
    version: i32,
}

impl Row {
    fn what(&self) -> Option<What> {
        match (self.kind.as_str(), self.punch_at) {
            ("excuse_lateness", None) => Some(What::ExcuseLateness),
            ("excuse_absence", None) => Some(What::ExcuseAbsence),
            ("confirm_lateness", None) => Some(What::ConfirmLateness),
            ("missing_punch", Some(at)) => Some(What::MissingPunch { at: Timestamp::of(at) }),
            _ => None,
        }
    }

    fn state(&self) -> Option<State> {
        let decided = self.decider_user.zip(self.decided_at).map(|(user, at)| Decided {
            by: Person::stored(user, self.decider_employee),
            at: Timestamp::of(at),
        });
        match self.state.as_str() {
            "requested" => Some(State::Requested),
            "approved" => decided.map(State::Approved),
            "refused" => decided.map(State::Refused),
            _ => None,
        }
    }
}

impl TryFrom<Row> for Correction {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "correction", column, value: value.to_owned() };
        Ok(Self {
            what: row.what().ok_or_else(|| corrupt("kind", &row.kind))?,
            state: row.state().ok_or_else(|| corrupt("state", &row.state))?,
            id: CorrectionId::of(row.id),
            attendance_day: AttendanceDayId::of(row.day_id),
            employee: EmployeeId::of(row.employee_id),
            branch: BranchId::of(row.branch_id),
            day: row.day,
            reason: row.reason,
            requester: Person::stored(row.requester_user, row.requester_employee),
            version: Version::of(row.version),
        })
    }
}

/// Locks a request within reach.
pub(super) async fn load(tx: &mut Tx, id: CorrectionId) -> Result<Correction, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT id, day_id, employee_id, branch_id, day, kind, punch_at, reason, state, requester_user, requester_employee, decider_user,
                decider_employee, decided_at, version
         FROM correction WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR employee_id = $3) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Inserts a request; one at a time may wait for its decision.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Correction>) -> Result<(), Failure> {
    let correction = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO correction (id, day_id, employee_id, branch_id, day, kind, punch_at, reason, state, requester_user, requester_employee, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        correction.id.uuid(),
        correction.attendance_day.uuid(),
        correction.employee.uuid(),
        correction.branch.uuid(),
        correction.day,
        correction.what.word(),
        correction.what.punch_at().map(Timestamp::utc),
        correction.reason,
        correction.state.word(),
        correction.requester.user.uuid(),
        correction.requester.employee.map(EmployeeId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await.refuse_on("correction_one_open", Refusal::OneIsOpen {})
}

/// Writes the new state if the version is still the one loaded.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Correction>) -> Result<(), Fault> {
    let correction = decision.state();
    let decided = correction.state.decided();
    let statement = sqlx::query!(
        "UPDATE correction SET state = $3, decider_user = $4, decider_employee = $5, decided_at = $6, version = $7
         WHERE id = $1 AND version = $2",
        correction.id.uuid(),
        decision.base().get(),
        correction.state.word(),
        decided.map(|decided| decided.by.user.uuid()),
        decided.and_then(|decided| decided.by.employee).map(EmployeeId::uuid),
        decided.map(|decided| decided.at.utc()),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Leaves a row for payroll where the month is closed: that month is calculated again (`hr.md` §3.9).
pub(super) async fn adjust_if_closed(
    tx: &mut Tx,
    month: &AttendanceMonth,
    before: &AttendanceDay,
    after: &AttendanceDay,
) -> Result<(), Fault> {
    match month.state {
        month::State::Open => return Ok(()),
        month::State::Closed { .. } => {}
    }
    let now = tx.now().utc();
    sqlx::query!(
        "INSERT INTO attendance_adjustment (correction_id, day_id, employee_id, branch_id, day, month, old_result, old_late_minutes, new_result,
                                            new_late_minutes, approved_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        after.correction.map(CorrectionId::uuid),
        after.id.uuid(),
        after.employee.uuid(),
        after.branch.uuid(),
        after.day,
        Month::of(after.day).first_day(),
        before.result.word(),
        before.late_minutes,
        after.result.word(),
        after.late_minutes,
        now,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A request within reach, unlocked.
pub(super) async fn find(
    pool: &PgPool,
    reach: &Reach,
    id: CorrectionId,
) -> Result<Option<Correction>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, day_id, employee_id, branch_id, day, kind, punch_at, reason, state, requester_user, requester_employee, decider_user,
                decider_employee, decided_at, version
         FROM correction WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR employee_id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Correction::try_from).transpose()?)
}

/// One page of requests within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &CorrectionFilter,
    page: PageRequest,
) -> Result<Vec<Correction>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, day_id, employee_id, branch_id, day, kind, punch_at, reason, state, requester_user, requester_employee, decider_user,
                decider_employee, decided_at, version
         FROM correction
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR employee_id = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::uuid IS NULL OR employee_id = $4) AND ($5::text IS NULL OR state = $5) AND id < $6 AND id > $7
         ORDER BY CASE WHEN $8 THEN id END DESC, id LIMIT $9",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.state.map(InState::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Correction::try_from).collect::<Result<_, _>>()?)
}
