//! Our copy of standing: what workforce last said of a worker and a service.

mod store;

pub(super) use store::{known, level, newest, take};
