//! Asking somebody higher: the ladder and its clocks (K11). Owner and promise stay (R7).

pub(crate) mod ack;
pub mod acknowledge;
pub mod broken;
pub mod escalate;
pub mod ladder;
mod store;

use house::{House, OpenApiRouter, routes};

pub(crate) use broken::{after_attempts, after_broken_promise};

/// The sub-room's routes.
pub(super) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new().routes(routes!(escalate::route)).routes(routes!(acknowledge::route))
}
