//! Attendance: from punches and a schedule to what a day was (P6.2-4, P6.7-1).
//!
//! The schedule comes from the calendar; here a shift is two instants on a business day.
//! What is *not* here yet: kinds of leave, corrections, outages of devices, the closing of a month.

pub mod derive;
pub mod policy;

pub use derive::{Day, DayResult, Punch, Shift, derive};
pub use policy::AttendancePolicy;
