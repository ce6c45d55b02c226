//! The slips of a run, calculated.

pub(in crate::pay_run) mod job;
