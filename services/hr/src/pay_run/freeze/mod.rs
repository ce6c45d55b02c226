//! The facts of a run, frozen.

pub(in crate::pay_run) mod job;
