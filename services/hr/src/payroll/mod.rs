//! Payroll: from the frozen facts of a person and month to lines that explain themselves (`hr.md` §3).
//!
//! `calculate` follows the nine steps in their order, one file each; `run` folds slips into totals and a hash.
//! Clauses: P6.6-1 base and fines, P6.6-2 commission, P6.6-3 bonus, P6.7-1 lateness, R6 and L.wage-payment-16
//! what may be taken at most. What is *not* here: storing and approving, and steps 7 and 8.

pub mod absence;
pub mod adjustment;
pub mod base;
pub mod calculate;
pub mod commission;
pub mod cost;
pub mod entries;
pub mod input;
pub mod lateness;
pub mod line;
pub mod penalty;
pub mod policy;
pub mod refund;
pub mod run;
pub mod slip;
pub mod timeline;

#[cfg(test)]
mod examples;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod properties;

pub use calculate::calculate;
pub use input::Input;
pub use line::{Line, LineKind, Source, Step};
pub use policy::{PayPolicy, Policies, PolicyInForce};
pub use slip::{Exception, FineOutcome, RefundOutcome, Slip};
