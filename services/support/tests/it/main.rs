//! The support service through its API, on a real database and a real bus.

mod call;
mod case;
mod complaint;
mod customer;
mod escalation;
mod fine;
mod penalty;
mod promise;
