//! Slips before and when they are issued.

pub(crate) mod store;
