//! hr: who works here, when they came, what they are paid and why (`hr.md`).
//!
//! The rules of pay and attendance are pure: no clock, no database, no network. The same arguments always
//! give the same answer, so a payroll of last year is replayed by calling it again.

pub mod attendance;
pub mod deduction;
mod fact;
pub mod pay_profile;
pub mod pay_run;
pub mod payroll;
pub mod payslip;
pub mod person;
mod reactions;
pub mod rulebook;

use house::Service;
use house::policy::PolicyKind;
use payroll::PayPolicy;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service, ready to be started.
pub fn service() -> Service {
    Service::new("hr", &MIGRATOR)
        .room(deduction::routes())
        .room(pay_run::routes())
        .room(payslip::routes())
        .reacts(reactions::reactions())
        .governed_by(PolicyKind::of::<PayPolicy>())
}
