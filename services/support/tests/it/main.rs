//! The support service through its API, on a real database and a real bus.

mod call;
mod customer;
mod penalty;
mod promise;
