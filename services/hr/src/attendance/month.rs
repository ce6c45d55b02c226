//! The attendance of one branch in one month: derived as often as one likes, then closed for good (H8).

use crate::ids::AttendanceMonthId;
use chrono::NaiveDate;
use events::event;
use house::Shown;
use kernel::{Aggregate, BranchId, Month, Timestamp, UserId, Version, clause, refusals};
use serde::Serialize;
use utoipa::ToSchema;

/// The attendance of a branch in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttendanceMonth {
    /// Which.
    pub id: AttendanceMonthId,
    /// Where.
    pub branch: BranchId,
    /// When.
    pub month: Month,
    /// Whether days may still be derived.
    pub state: State,
    /// When its days were derived last.
    pub derived_at: Timestamp,
    /// What was found then.
    pub counted: Counted,
    /// How many events it has had.
    pub version: Version,
}

/// How many days a month has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counted {
    /// Scheduled days of all people.
    pub days: i64,
    /// Those of them with only one of two punches.
    pub incomplete: i64,
}

/// Whether days may still be derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// They may.
    Open,
    /// Only an approved correction changes a day (H8).
    Closed {
        /// Who closed it.
        by: UserId,
        /// When.
        at: Timestamp,
    },
}

impl State {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed { .. } => "closed",
        }
    }
}

impl Aggregate for AttendanceMonth {
    type Id = AttendanceMonthId;
    const KIND: &'static str = "attendance_month";
    fn id(&self) -> AttendanceMonthId {
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
    /// The branch's month is there already.
    AlreadyOpened { month: Month } = "hr.attendance.already_opened", clause!("P6.2-4");
    /// The branch was not there in that month.
    BeforeOpening { month: Month, opened_on: NaiveDate } = "hr.attendance.before_opening", clause!("P6.2-4");
    /// The month has not begun where the branch is.
    MonthAhead { month: Month } = "hr.attendance.month_ahead", clause!("P6.2-4");
    /// The month, or its last shift, is not over.
    NotOver { ends_at: Timestamp } = "hr.attendance.not_over", clause!("P6.2-4");
    /// The year has no official calendar yet (K13).
    ProvisionalYear { month: Month } = "hr.attendance.provisional_year", clause!("L.holidays");
    /// It is closed: only an approved correction changes a day (H8).
    Closed { month: Month } = "hr.attendance.month_closed", clause!("P6.2-4");
}

/// The days of a month were derived.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AttendanceDerived {
    pub(super) attendance_month_id: AttendanceMonthId,
    pub(super) branch_id: BranchId,
    pub(super) month: Month,
    pub(super) counted: Counted,
}
event!(AttendanceDerived, "hr.attendance.month_derived", internal);

impl AttendanceMonth {
    /// The event that its days were derived.
    pub(super) const fn derived(&self) -> AttendanceDerived {
        AttendanceDerived {
            attendance_month_id: self.id,
            branch_id: self.branch,
            month: self.month,
            counted: self.counted,
        }
    }
}

/// A month as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttendanceMonthView {
    /// Which.
    pub id: AttendanceMonthId,
    /// Where.
    pub branch_id: BranchId,
    /// When.
    pub month: Month,
    /// `open`, `closed`.
    pub state: &'static str,
    /// When its days were derived last.
    pub derived_at: Timestamp,
    /// Scheduled days of all people.
    pub days: i64,
    /// Those of them with only one of two punches.
    pub incomplete: i64,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// The ETag.
    pub version: Version,
}

impl Shown for AttendanceMonth {
    type View = AttendanceMonthView;
    fn view(&self, version: Version) -> AttendanceMonthView {
        AttendanceMonthView {
            id: self.id,
            branch_id: self.branch,
            month: self.month,
            state: self.state.word(),
            derived_at: self.derived_at,
            days: self.counted.days,
            incomplete: self.counted.incomplete,
            closed_at: match self.state {
                State::Open => None,
                State::Closed { at, .. } => Some(at),
            },
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/hr/attendance-months/{}", self.id)
    }
}
