//! The support service through its API, on a real database and a real bus.

mod call;
mod customer;
mod complaint;
mod fine;
mod penalty;
mod promise;
