//! Why a slip is what it is.

pub(in crate::payslip) mod list;
