//! Whom a standing is computed for, and from what: the files of many workers in a handful of queries.

mod store;

pub(crate) use store::proof;
pub(super) use store::{Subject, of};
