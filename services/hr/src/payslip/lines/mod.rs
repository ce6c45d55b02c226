//! The lines of slips.

pub(in crate::payslip) mod list;
