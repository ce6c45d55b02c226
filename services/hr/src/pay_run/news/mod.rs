//! What has arrived since a run was calculated.

pub(in crate::pay_run) mod list;
