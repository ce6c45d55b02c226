//! The contracts service through its API, on a real database and a real bus.

mod catalogue;
mod collection;
mod contract;
mod deal;
mod price;
mod quote;
mod scene;
mod upgrade;
mod visit;
