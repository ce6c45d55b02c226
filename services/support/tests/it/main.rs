//! The support service through its API, on a real database and a real bus.

mod complaint;
mod fine;
mod penalty;
