//! The lines of slips.

pub(in crate::payslip) mod list;

pub use list::{LineView, of_trail};
