//! hr: who works here, when they came, what they are paid and why (`hr.md`).
//!
//! Here are the pure rules of pay and attendance: no clock, no database, no network. The same arguments
//! always give the same answer, so a payroll of last year is replayed by calling it again.

pub mod attendance;
pub mod deduction;
pub mod pay_profile;
pub mod payroll;
pub mod rulebook;
