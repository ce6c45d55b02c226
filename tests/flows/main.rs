//! What happens across services, each on a database of its own, over a real bus.

mod admitted;
mod alone;
mod containers;
mod demo;
mod facts_to_payslip;
mod fine_to_payslip;
mod instances;
mod notice;
mod office;
mod pay_order;
mod pay_run;
mod payslip;
mod seen;
#[path = "../story/mod.rs"]
mod story;
mod subscribers;
mod up;
mod whole_month;
