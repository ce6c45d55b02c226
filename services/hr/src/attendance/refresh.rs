//! Deriving the days of an open month again: punches come late, and more days are over.

use super::month::{AttendanceMonth, AttendanceMonthView, Counted, Refusal, State};
use super::{Stage, job, store};
use crate::branch;
use crate::ids::AttendanceMonthId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

/// Look again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshAttendanceMonth {}

impl Addressed for RefreshAttendanceMonth {
    type To = AttendanceMonthId;
}

/// What an open month counts now.
pub fn decide(
    month: AttendanceMonth,
    counted: Counted,
    now: Timestamp,
) -> Result<Decision<AttendanceMonth>, Refusal> {
    check(&month)?;
    let month = AttendanceMonth { counted, derived_at: now, ..month };
    let derived = month.derived();
    Ok(Decision::of(month).and(derived))
}

/// Refuses a closed month before anything is derived (H8).
pub(super) fn check(month: &AttendanceMonth) -> Result<(), Refusal> {
    match month.state {
        State::Open => Ok(()),
        State::Closed { .. } => Err(Refusal::Closed { month: month.month }),
    }
}

/// Derives the days of an open month again (P6.2-4).
#[utoipa::path(post, path = "/v1/hr/attendance-months/{id}/refresh", request_body = RefreshAttendanceMonth, responses(Commanded<AttendanceMonthView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RefreshAttendanceMonth, permission!("attendance.write")>,
) -> Answer<AttendanceMonthView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let month = cmd.current(store::load(tx, cmd.id).await?)?;
            check(&month)?;
            let branch = branch::store::load(tx, month.branch).await?;
            let counted = job::derive(tx, &month, branch.zone, Stage::Open).await?;
            let decision = decide(month, counted, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
