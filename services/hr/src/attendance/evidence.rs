//! What a day is derived from again when it is corrected (P6.2-4).

use super::derive::{Day, Punch, Shift, Stage, derive};
use super::policy::AttendancePolicy;
use chrono::NaiveDate;

/// What is known of somebody around a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The day's shift as it was kept, and those of the days around it: their windows may meet.
    pub shifts: Vec<Shift>,
    /// His punches that count, as the devices gave them until the month was closed, and those that corrections of that day
    /// gave.
    pub punches: Vec<Punch>,
    /// The policy in force on the day.
    pub policy: AttendancePolicy,
}

impl Evidence {
    /// What a day comes to with one more punch; none where the punch lies outside of the window of the day's shift.
    pub fn with(&self, day: NaiveDate, punch: Punch) -> Option<Day> {
        let punches: Vec<Punch> = self.punches.iter().copied().chain([punch]).collect();
        // An open stage: a day that still lacks a punch is called incomplete and not what a closing would make of it.
        let days = derive(&self.shifts, &punches, &self.policy, Stage::Open);
        days.into_iter().find(|again| again.day == day && again.punches.contains(&punch.event))
    }
}
