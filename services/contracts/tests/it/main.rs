//! The contracts service through its API, on a real database and a real bus.

mod collection;
mod contract;
mod price;
mod scene;
mod visit;
