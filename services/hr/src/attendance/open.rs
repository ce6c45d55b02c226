//! Opening the attendance of a month: its days are derived for the first time.

use super::month::{AttendanceMonth, AttendanceMonthView, Counted, State};
use super::{Stage, job, store};
use crate::branch;
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
            let month = begin(cmd.id, branch.id, cmd.body.month, now);
            store::reserve(tx, &month).await?;
            let counted = job::derive(tx, &month, branch.zone, Stage::Open).await?;
            let decision = decide(AttendanceMonth { counted, ..month });
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
