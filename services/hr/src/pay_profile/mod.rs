//! A pay profile: what somebody is paid from a day on, by the month or by the visit (P6.6-1).
//!
//! Here are the checks of a profile when it is written; payroll trusts approved ones.
//! What is *not* here yet: drafting, approval and storing.

pub mod rules;
