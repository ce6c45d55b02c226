//! Corrections of attendance days: a lateness or an absence is excused, one by a clock that was off is confirmed, a
//! missing punch is given (H8, P6.2-4).
//!
//! One asks, also about his own day; another one decides, never about his own. In a closed month an approved
//! correction changes the day and leaves `attendance_adjustment` for payroll, which calculates that month again.

pub mod approve;
mod list;
pub mod refuse;
pub mod request;
mod store;

use crate::ids::{AttendanceDayId, CorrectionId};
use crate::person::Person;
use chrono::NaiveDate;
use events::event;
use events::hr::AttendanceResult;
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, EmployeeId, Month, Timestamp, UserId, Version, clause, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A request to correct a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Which.
    pub id: CorrectionId,
    /// The day.
    pub attendance_day: AttendanceDayId,
    /// Whose day.
    pub employee: EmployeeId,
    /// Where he was assigned on it.
    pub branch: BranchId,
    /// The business day.
    pub day: NaiveDate,
    /// What shall be corrected.
    pub what: What,
    /// Why; never in an event.
    pub reason: String,
    /// Who asks.
    pub requester: Person,
    /// Whether it was decided.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

/// What shall be corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// He came late for a reason.
    ExcuseLateness,
    /// He was away for a reason.
    ExcuseAbsence,
    /// He did come late, though the clock of the device was off.
    ConfirmLateness,
    /// He was there, and no device knows.
    MissingPunch {
        /// When he came or went.
        at: Timestamp,
    },
}

impl What {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ExcuseLateness => "excuse_lateness",
            Self::ExcuseAbsence => "excuse_absence",
            Self::ConfirmLateness => "confirm_lateness",
            Self::MissingPunch { .. } => "missing_punch",
        }
    }

    /// When he came or went, of a missing punch.
    const fn punch_at(self) -> Option<Timestamp> {
        match self {
            Self::ExcuseLateness | Self::ExcuseAbsence | Self::ConfirmLateness => None,
            Self::MissingPunch { at } => Some(at),
        }
    }
}

/// Whether a request was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not yet.
    Requested,
    /// The day was corrected.
    Approved(Decided),
    /// It stays as it is.
    Refused(Decided),
}

/// Who decided, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// Who.
    pub by: Person,
    /// When.
    pub at: Timestamp,
}

impl State {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved(_) => "approved",
            Self::Refused(_) => "refused",
        }
    }

    /// Who decided, and when.
    const fn decided(self) -> Option<Decided> {
        match self {
            Self::Requested => None,
            Self::Approved(decided) | Self::Refused(decided) => Some(decided),
        }
    }
}

impl Aggregate for Correction {
    type Id = CorrectionId;
    const KIND: &'static str = "correction";
    fn id(&self) -> CorrectionId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

refusals! {
    /// The day is not what the request says it is, or the punch lies outside of its shift's window.
    ChangesNothing { result: AttendanceResult } = "hr.correction.changes_nothing", clause!("P6.2-4");
    /// A request says why, in a sentence.
    ReasonLength { most: usize } = "hr.correction.reason_length", clause!("P6.2-4");
    /// A punch in the future is none.
    PunchInTheFuture { at: Timestamp } = "hr.correction.punch_in_the_future", clause!("P6.2-4");
    /// Another request for that day waits for its decision.
    OneIsOpen {} = "hr.correction.one_is_open", clause!("P6.2-4");
    /// It was decided before.
    AlreadyDecided { state: &'static str } = "hr.correction.already_decided", clause!("P6.2-4");
    /// Whoever asks does not decide.
    OwnRequest {} = "sod.correction.own_request", clause!("P6.2-4");
    /// Nobody decides about his own day.
    OwnDay {} = "sod.correction.own_day", clause!("P6.2-4");
}

/// What happened to a request.
#[derive(Debug, Clone, Serialize)]
struct Happened {
    correction_id: CorrectionId,
    attendance_day_id: AttendanceDayId,
    employee_id: EmployeeId,
    day: NaiveDate,
    what: &'static str,
}

impl Happened {
    const fn to(correction: &Correction) -> Self {
        Self {
            correction_id: correction.id,
            attendance_day_id: correction.attendance_day,
            employee_id: correction.employee,
            day: correction.day,
            what: correction.what.word(),
        }
    }
}

/// Somebody asks.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct CorrectionRequested(Happened);
event!(CorrectionRequested, "hr.correction.requested", internal);

/// The day was corrected.
#[derive(Debug, Clone, Serialize)]
struct CorrectionApproved {
    #[serde(flatten)]
    happened: Happened,
    month: Month,
    result: AttendanceResult,
    late_minutes: i64,
}
event!(CorrectionApproved, "hr.correction.approved", internal);

/// It stays as it is.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct CorrectionRefused(Happened);
event!(CorrectionRefused, "hr.correction.refused", internal);

/// A day is something else now, by a correction.
#[derive(Debug, Clone, Serialize)]
struct AttendanceDayCorrected {
    correction_id: CorrectionId,
    employee_id: EmployeeId,
    day: NaiveDate,
    result: AttendanceResult,
    late_minutes: i64,
}
event!(AttendanceDayCorrected, "hr.attendance.day_corrected", internal);

/// A request as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CorrectionView {
    /// Which.
    pub id: CorrectionId,
    /// The day.
    pub attendance_day_id: AttendanceDayId,
    /// Whose day.
    pub employee_id: EmployeeId,
    /// Where he was assigned on it.
    pub branch_id: BranchId,
    /// The business day.
    pub day: NaiveDate,
    /// `excuse_lateness`, `excuse_absence`, `confirm_lateness`, `missing_punch`.
    pub what: &'static str,
    /// When he came or went, of a missing punch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub punch_at: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub requester: UserId,
    /// `requested`, `approved`, `refused`.
    pub state: &'static str,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decider: Option<UserId>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// The ETag.
    pub version: Version,
}

impl Shown for Correction {
    type View = CorrectionView;
    fn view(&self, version: Version) -> CorrectionView {
        CorrectionView {
            id: self.id,
            attendance_day_id: self.attendance_day,
            employee_id: self.employee,
            branch_id: self.branch,
            day: self.day,
            what: self.what.word(),
            punch_at: self.what.punch_at(),
            reason: self.reason.clone(),
            requester: self.requester.user,
            state: self.state.word(),
            decider: self.state.decided().map(|decided| decided.by.user),
            decided_at: self.state.decided().map(|decided| decided.at),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/hr/corrections/{}", self.id)
    }
}

/// Refuses a second decision, and one by who asked or about one's own day (H4).
fn check_decider(correction: &Correction, by: Person) -> Result<(), Refusal> {
    if correction.state != State::Requested {
        return Err(Refusal::AlreadyDecided { state: correction.state.word() });
    }
    if by.is(&correction.requester) {
        return Err(Refusal::OwnRequest {});
    }
    if by.is_employee(correction.employee) {
        return Err(Refusal::OwnDay {});
    }
    Ok(())
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(request::route, list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(approve::route))
        .routes(routes!(refuse::route))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::attendance::AttendancePolicy;
    use crate::attendance::day::AttendanceDay;
    use crate::attendance::derive::{Duty, Punch, Shift};
    use crate::attendance::evidence::Evidence;
    use crate::employee::tests::date;
    use crate::ids::AttendanceMonthId;
    use house::policy::Terms;
    use kernel::PolicyVersionId;
    use uuid::Uuid;

    pub(super) fn at(text: &str) -> Timestamp {
        Timestamp::of(text.parse().expect("a literal"))
    }

    pub(super) fn person(user: u128, employee: Option<u128>) -> Person {
        Person {
            user: UserId::of(Uuid::from_u128(user)),
            employee: employee.map(|id| EmployeeId::of(Uuid::from_u128(id))),
        }
    }

    /// 9 October 2025 in Shanghai, 08:30–17:30.
    pub(crate) fn day(
        result: AttendanceResult,
        first_in: Option<&str>,
        last_out: Option<&str>,
    ) -> AttendanceDay {
        AttendanceDay {
            id: AttendanceDayId::of(Uuid::from_u128(1)),
            month: AttendanceMonthId::of(Uuid::from_u128(2)),
            employee: EmployeeId::of(Uuid::from_u128(9)),
            branch: BranchId::of(Uuid::from_u128(3)),
            day: date("2025-10-09"),
            shift_start: at("2025-10-09T00:30:00Z"),
            shift_end: at("2025-10-09T09:30:00Z"),
            first_in: first_in.map(at),
            last_out: last_out.map(at),
            result,
            late_minutes: 0,
            early_minutes: 0,
            policy: PolicyVersionId::of(Uuid::from_u128(4)),
            correction: None,
            version: Version::of(1),
        }
    }

    /// These punches around that day, by default policy.
    pub(super) fn evidence(punches: &[Punch]) -> Evidence {
        let day = day(AttendanceResult::Absent, None, None);
        let shift = Shift { day: day.day, start: day.shift_start, end: day.shift_end, duty: Duty::Work };
        Evidence { shifts: vec![shift], punches: punches.to_vec(), policy: AttendancePolicy::defaults() }
    }

    pub(super) fn correction(what: What) -> Correction {
        Correction {
            id: CorrectionId::of(Uuid::from_u128(7)),
            attendance_day: AttendanceDayId::of(Uuid::from_u128(1)),
            employee: EmployeeId::of(Uuid::from_u128(9)),
            branch: BranchId::of(Uuid::from_u128(3)),
            day: date("2025-10-09"),
            what,
            reason: "地铁故障".to_owned(),
            requester: person(10, Some(11)),
            state: State::Requested,
            version: Version::of(1),
        }
    }

    #[test]
    fn h4_neither_who_asked_nor_whose_day_it_is_decides_also_not_by_a_second_account() {
        let asked = correction(What::ExcuseLateness);
        for same in [person(10, None), person(99, Some(11))] {
            assert_eq!(check_decider(&asked, same), Err(Refusal::OwnRequest {}));
        }
        assert_eq!(check_decider(&asked, person(50, Some(9))), Err(Refusal::OwnDay {}));
        assert_eq!(check_decider(&asked, person(20, Some(21))), Ok(()));
    }
}
