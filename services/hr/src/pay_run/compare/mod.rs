//! A run beside the month before.

pub(in crate::pay_run) mod list;
