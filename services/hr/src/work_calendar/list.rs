//! Reading calendars: when a branch works in a month, by the versions in force on its days (`hr.md` §5).

use super::{Schedule, schedule};
use crate::branch;
use axum::response::Response;
use chrono::NaiveDate;
use house::{House, List, Page, Problem, not_found, permission};
use kernel::{BranchId, Month, PolicyVersionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whose calendar, and of which month.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CalendarFilter {
    /// Of this branch.
    pub branch: BranchId,
    /// Of this month: `2025-10`.
    #[param(value_type = String)]
    pub month: Month,
}

/// When a branch works in a month.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarView {
    /// Where.
    pub branch_id: BranchId,
    /// When.
    #[schema(value_type = String, example = "2025-10")]
    pub month: Month,
    /// How many days have a shift.
    pub workdays: usize,
    /// Whether a day of it lies in a year without an official calendar (K13): its attendance cannot be closed yet.
    pub is_provisional: bool,
    /// Every day, in order.
    pub days: Vec<CalendarDay>,
}

/// One day of a branch.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarDay {
    /// Which, in the zone of the branch.
    pub day: NaiveDate,
    /// When its offices work; absent on a day off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<ShiftView>,
}

/// The shift of a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShiftView {
    /// When it starts.
    pub start: Timestamp,
    /// When it ends, perhaps on the next day.
    pub end: Timestamp,
    /// The version of the calendar that says so.
    pub policy_version: PolicyVersionId,
}

/// The calendar of a branch in a month, one on the page (P6.7-1).
#[utoipa::path(get, path = "/v1/hr/calendars", params(CalendarFilter), responses(Page<CalendarView>))]
pub(super) async fn list(
    house: House,
    list: List<CalendarFilter, permission!("branch.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let CalendarFilter { branch, month } = list.filter;
                let branch = branch::store::find(pool, &list.reach, branch).await?.ok_or_else(not_found)?;
                let mut connection = pool.acquire().await?;
                let schedule = schedule(&mut connection, branch.id, branch.zone, month.span()).await?;
                Ok(vec![view(branch.id, month, &schedule)])
            },
            |view: &CalendarView| view.branch_id.uuid(),
        )
        .await
}

fn view(branch: BranchId, month: Month, schedule: &Schedule) -> CalendarView {
    let shift_on = |day: NaiveDate| {
        let (shift, version) = schedule.shifts.iter().find(|(shift, _)| shift.day == day)?;
        Some(ShiftView { start: shift.start, end: shift.end, policy_version: *version })
    };
    CalendarView {
        branch_id: branch,
        month,
        workdays: schedule.shifts.len(),
        is_provisional: !schedule.provisional.is_empty(),
        days: month.days().map(|day| CalendarDay { day, shift: shift_on(day) }).collect(),
    }
}
