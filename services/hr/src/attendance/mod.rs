//! Attendance: from punches and a schedule to what a day was (P6.2-4, P6.7-1), kept per branch and month (H8).
//!
//! [`derive()`] is the pure rule; a month is opened, refreshed as punches come, and closed. The schedule comes from
//! `work_calendar`; here a shift is two instants on a business day. What is *not* here: asking for a correction
//! (`correction`); kinds of leave; outages of devices declared for all people of a band of time (`hr.md` §2): until there
//! are, what nobody could punch is corrected day by day, also by two persons.

pub mod close;
pub mod day;
pub mod derive;
pub mod evidence;
pub(crate) mod job;
mod list;
pub mod month;
pub mod open;
pub mod policy;
pub mod refresh;
pub(crate) mod store;

pub use derive::{Day, DayResult, Punch, Shift, Stage, derive};
pub use policy::AttendancePolicy;

use house::{House, OpenApiRouter, routes};

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(open::route, list::months))
        .routes(routes!(list::month))
        .routes(routes!(list::month_history))
        .routes(routes!(refresh::route))
        .routes(routes!(close::route))
        .routes(routes!(list::days))
        .routes(routes!(list::day))
        .routes(routes!(list::day_history))
}
