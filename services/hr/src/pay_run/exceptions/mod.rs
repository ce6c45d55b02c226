//! What somebody must look at in a run.

pub(in crate::pay_run) mod list;
