//! The support service through its API, on a real database and a real bus.

mod call;
mod case_clock;
mod complaint;
mod customer;
mod fine;
mod penalty;
mod promise;
