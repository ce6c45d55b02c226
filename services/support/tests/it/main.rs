//! The support service through its API, on a real database and a real bus.

mod call;
mod complaint;
mod customer;
mod fine;
mod hearing;
mod penalty;
mod promise;
mod sight;
