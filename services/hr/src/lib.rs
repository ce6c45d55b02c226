//! hr: who works here, when they came, what they are paid and why (`hr.md`).
//!
//! The rules of pay and attendance are pure: no clock, no database, no network. The same arguments always give the
//! same answer, so a payroll of last year is replayed by calling them again.

pub mod attendance;
pub mod branch;
pub mod correction;
pub mod deduction;
pub mod employee;
mod fact;
pub mod ids;
pub mod pay_entry;
pub mod pay_profile;
pub mod pay_run;
pub mod payroll;
pub mod payslip;
pub mod person;
mod policies;
pub mod punch;
mod reactions;
mod timers;
pub mod work_calendar;

use attendance::AttendancePolicy;
use house::Service;
use house::policy::PolicyKind;
use payroll::PayPolicy;
use work_calendar::WorkCalendar;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service, ready to be started.
pub fn service() -> Service {
    Service::new("hr", &MIGRATOR)
        .room(branch::routes())
        .room(employee::routes())
        .room(pay_profile::routes())
        .room(work_calendar::routes())
        .room(punch::routes())
        .room(attendance::routes())
        .room(correction::routes())
        .room(pay_entry::routes())
        .room(deduction::routes())
        .room(pay_run::routes())
        .room(payslip::routes())
        .reacts(reactions::reactions())
        .times(timers::timers())
        .governed_by(PolicyKind::of::<PayPolicy>().guarded_by(pay_run::guard))
        .governed_by(PolicyKind::of::<AttendancePolicy>())
        .governed_by(PolicyKind::of::<WorkCalendar>().alarmed_by(work_calendar::alarm))
}
