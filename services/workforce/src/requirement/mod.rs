//! What services ask of a worker: a projection of what contracts publishes.
//!
//! A service that changes keeps its older requirements: a standing follows each from its day on. One that is sold no
//! longer keeps them too: what was sold is still to be done, also by those who are hired or certified later. What is *not* here:
//! the papers every service asks for (policy `papers`), and the services themselves (contracts).

mod store;

pub use store::KnownRequirement;
pub(crate) use store::{of, published, spread, unknown};
