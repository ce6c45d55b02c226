//! What somebody's scheduled day came to, as it is kept.

use super::DayResult;
use crate::ids::{AttendanceDayId, AttendanceMonthId, CorrectionId};
use chrono::NaiveDate;
use events::hr::{AttendanceDayClosed, AttendanceResult};
use kernel::{Aggregate, BranchId, Decision, EmployeeId, PolicyVersionId, Timestamp, Version, clause};
use serde::Serialize;
use utoipa::ToSchema;

/// One employee's scheduled day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttendanceDay {
    /// Which.
    pub id: AttendanceDayId,
    /// The month it is counted in.
    pub month: AttendanceMonthId,
    /// Whose.
    pub employee: EmployeeId,
    /// Where he is assigned on it.
    pub branch: BranchId,
    /// The business day on which the shift begins.
    pub day: NaiveDate,
    /// When the shift begins.
    pub shift_start: Timestamp,
    /// When the shift ends.
    pub shift_end: Timestamp,
    /// The first punch that is not a going.
    pub first_in: Option<Timestamp>,
    /// The last punch after it that is not a coming.
    pub last_out: Option<Timestamp>,
    /// What it came to.
    pub result: AttendanceResult,
    /// Minutes after the start, begun ones counted; recorded also where the day is not late.
    pub late_minutes: i64,
    /// Minutes before the end, begun ones counted; costs nothing.
    pub early_minutes: i64,
    /// The attendance policy it was derived under.
    pub policy: PolicyVersionId,
    /// The newest correction that changed it.
    pub correction: Option<CorrectionId>,
    /// How many events it has had; none while it is merely derived.
    pub version: Version,
}

impl Aggregate for AttendanceDay {
    type Id = AttendanceDayId;
    const KIND: &'static str = "attendance_day";
    fn id(&self) -> AttendanceDayId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// What a derived day is called in tables and events.
pub(crate) const fn result(derived: DayResult) -> AttendanceResult {
    match derived {
        DayResult::Present => AttendanceResult::Present,
        DayResult::Late => AttendanceResult::Late,
        DayResult::LateUnconfirmed => AttendanceResult::LateUnconfirmed,
        DayResult::Absent => AttendanceResult::Absent,
        DayResult::Incomplete => AttendanceResult::Incomplete,
        DayResult::OnLeave => AttendanceResult::OnLeave,
    }
}

/// The event of a day that is closed and was not an ordinary one.
pub(super) fn closed(day: AttendanceDay) -> Decision<AttendanceDay> {
    let month = day.month;
    let event = AttendanceDayClosed {
        employee_id: day.employee,
        day: day.day,
        result: day.result,
        minutes_late: day.late_minutes,
    };
    Decision::of(day).and(event).under(clause!("P6.2-4")).born_of(month)
}

/// A day as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttendanceDayView {
    /// Which.
    pub id: AttendanceDayId,
    /// Whose.
    pub employee_id: EmployeeId,
    /// Where he is assigned on it.
    pub branch_id: BranchId,
    /// The business day on which the shift begins.
    pub day: NaiveDate,
    /// When the shift begins.
    pub shift_start: Timestamp,
    /// When the shift ends.
    pub shift_end: Timestamp,
    /// The first punch that is not a going.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_in: Option<Timestamp>,
    /// The last punch after it that is not a coming.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_out: Option<Timestamp>,
    /// What it came to.
    pub result: AttendanceResult,
    /// Minutes after the start, begun ones counted.
    pub late_minutes: i64,
    /// Minutes before the end, begun ones counted.
    pub early_minutes: i64,
    /// The attendance policy it was derived under.
    pub policy_version: PolicyVersionId,
    /// The newest correction that changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction_id: Option<CorrectionId>,
    /// Its version.
    pub version: Version,
}

impl AttendanceDay {
    /// As the API shows it.
    pub fn view(&self) -> AttendanceDayView {
        AttendanceDayView {
            id: self.id,
            employee_id: self.employee,
            branch_id: self.branch,
            day: self.day,
            shift_start: self.shift_start,
            shift_end: self.shift_end,
            first_in: self.first_in,
            last_out: self.last_out,
            result: self.result,
            late_minutes: self.late_minutes,
            early_minutes: self.early_minutes,
            policy_version: self.policy,
            correction_id: self.correction,
            version: self.version,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correction::tests::day;

    #[test]
    fn a_closed_day_that_was_not_an_ordinary_one_is_told_by_person_day_result_and_minutes() {
        let late = day(AttendanceResult::Late, Some("2025-10-09T00:45:00Z"), Some("2025-10-09T09:30:00Z"));
        let told = closed(AttendanceDay { late_minutes: 15, ..late });
        let [fact] = told.facts() else { panic!("one event a day") };
        assert_eq!(fact.event_type, "hr.attendance.day_closed");
        assert_eq!(
            (&fact.data["day"], &fact.data["result"], &fact.data["minutes_late"]),
            (&"2025-10-09".into(), &"late".into(), &15.into())
        );
    }
}
