//! The contracts service through its API, on a real database and a real bus.

mod price;
mod scene;
