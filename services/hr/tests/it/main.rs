//! The hr service through its API, on a real database and a real bus.
