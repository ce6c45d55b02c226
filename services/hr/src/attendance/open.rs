//! Opening the attendance of a month: its days are derived for the first time.

use super::month::{AttendanceMonth, AttendanceMonthView, Counted, Refusal, State};
use super::{Stage, job, store};
use crate::branch::{self, Branch};
use crate::ids::AttendanceMonthId;
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::Failure;
use kernel::{BranchId, Decision, Month, Timestamp, Version};
use serde::Deserialize;
use utoipa::ToSchema;

/// The attendance of a branch in a month.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenAttendanceMonth {
    /// Where.
    pub branch_id: BranchId,
    /// When.
    pub month: Month,
}

impl Addressed for OpenAttendanceMonth {
    type To = New<AttendanceMonthId>;
}

/// A month that has no days yet.
pub fn begin(id: AttendanceMonthId, branch: BranchId, month: Month, now: Timestamp) -> AttendanceMonth {
    AttendanceMonth {
        id,
        branch,
        month,
        state: State::Open,
        derived_at: now,
        counted: Counted::default(),
        version: Version::NONE,
    }
}

/// Refuses a month that no day of the branch can be in: before it opened, or ahead of today where it is.
pub fn check(branch: &Branch, month: Month, now: Timestamp) -> Result<(), Refusal> {
    if month < Month::of(branch.opened_on) {
        return Err(Refusal::BeforeOpening { month, opened_on: branch.opened_on });
    }
    if month > now.month_in(branch.zone) {
        return Err(Refusal::MonthAhead { month });
    }
    Ok(())
}

/// Opens the attendance of a month; `month` has been counted.
pub fn decide(month: AttendanceMonth) -> Decision<AttendanceMonth> {
    let derived = month.derived();
    Decision::of(month).and(derived)
}

/// Opens the attendance of a month and derives the days that are over (P6.2-4).
#[utoipa::path(post, path = "/v1/hr/attendance-months", request_body = OpenAttendanceMonth, responses(Commanded<AttendanceMonthView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<OpenAttendanceMonth, permission!("attendance.write")>,
) -> Answer<AttendanceMonthView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let branch = branch::store::load(tx, cmd.body.branch_id).await?;
            check(&branch, cmd.body.month, now)?;
            let month = begin(cmd.id, branch.id, cmd.body.month, now);
            store::reserve(tx, &month).await?;
            let counted = job::derive(tx, &month, branch.zone, Stage::Open).await?;
            let decision = decide(AttendanceMonth { counted, ..month });
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::branch::tests::branch;

    #[test]
    fn a_month_is_opened_from_the_one_the_branch_opened_in_until_this_one() {
        // In Shanghai it is December already.
        let now = Timestamp::of("2025-11-30T16:00:00Z".parse().expect("a literal"));
        let month = |text: &str| text.parse::<Month>().expect("a month");
        let branch = branch();
        let opened = |text: &str| check(&branch, month(text), now);
        assert_eq!((opened("2025-09"), opened("2025-12")), (Ok(()), Ok(())));
        for early in ["2000-01", "2025-08"] {
            let refused = Refusal::BeforeOpening { month: month(early), opened_on: branch.opened_on };
            assert_eq!(opened(early), Err(refused));
        }
        for late in ["2026-01", "2199-12"] {
            assert_eq!(opened(late), Err(Refusal::MonthAhead { month: month(late) }));
        }
        assert_eq!(
            decide(begin_of(branch.id, month("2025-09"), now)).facts()[0].event_type,
            "hr.attendance.month_derived"
        );
    }

    fn begin_of(branch: BranchId, month: Month, now: Timestamp) -> AttendanceMonth {
        begin(AttendanceMonthId::of(uuid::Uuid::from_u128(1)), branch, month, now)
    }
}
