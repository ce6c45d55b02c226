//! Reading attendance: months, and days; `result=incomplete` is the list of what waits for a correction.

use super::day::{AttendanceDay, AttendanceDayView};
use super::month::{AttendanceMonth, AttendanceMonthView};
use super::store;
use crate::ids::{AttendanceDayId, AttendanceMonthId};
use axum::response::Response;
use events::hr::AttendanceResult;
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, EmployeeId, Month};
use serde::Deserialize;

/// Which months.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MonthFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// This month.
    pub month: Option<Month>,
    /// `open`, `closed`.
    #[param(value_type = Option<String>)]
    pub state: Option<InState>,
}

/// The states one may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InState {
    /// Days may still be derived.
    Open,
    /// Only corrections change a day.
    Closed,
}

impl InState {
    /// As the table writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// Which days.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DayFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Of this employee.
    pub employee_id: Option<EmployeeId>,
    /// Of this month.
    pub month: Option<Month>,
    /// That came to this.
    pub result: Option<AttendanceResult>,
}

/// Attendance months within the caller's reach.
#[utoipa::path(get, path = "/v1/hr/attendance-months", params(MonthFilter), responses(Page<AttendanceMonthView>))]
pub(super) async fn months(
    house: House,
    list: List<MonthFilter, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let months = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(months.iter().map(|month: &AttendanceMonth| month.view(month.version())).collect())
            },
            |view: &AttendanceMonthView| view.id.uuid(),
        )
        .await
}

/// One attendance month.
#[utoipa::path(get, path = "/v1/hr/attendance-months/{id}", responses(One<AttendanceMonthView>))]
pub(super) async fn month(
    house: House,
    read: Read<AttendanceMonthId, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let month = store::find(pool, &read.reach, read.id).await?;
            Ok(month.map(|month| (month.version(), month.view(month.version()))))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/hr/attendance-months/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn month_history(
    house: House,
    read: Read<AttendanceMonthId, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}

/// Attendance days within the caller's reach.
#[utoipa::path(get, path = "/v1/hr/attendance-days", params(DayFilter), responses(Page<AttendanceDayView>))]
pub(super) async fn days(
    house: House,
    list: List<DayFilter, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let days = store::days(pool, &list.reach, &list.filter, list.page).await?;
                Ok(days.iter().map(AttendanceDay::view).collect())
            },
            |view: &AttendanceDayView| view.id.uuid(),
        )
        .await
}

/// One attendance day.
#[utoipa::path(get, path = "/v1/hr/attendance-days/{id}", responses(One<AttendanceDayView>))]
pub(super) async fn day(
    house: House,
    read: Read<AttendanceDayId, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let day = store::find_day(pool, &read.reach, read.id).await?;
            Ok(day.map(|day| (day.version(), day.view())))
        })
        .await
}

/// What happened to it, oldest first.
#[utoipa::path(get, path = "/v1/hr/attendance-days/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn day_history(
    house: House,
    read: Read<AttendanceDayId, permission!("attendance.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find_day(pool, &read.reach, read.id).await).await
}
