//! Carrying out what the customer accepted (C4).

pub mod complete;
pub mod start;

use house::{House, OpenApiRouter, routes};

/// The sub-room's routes.
pub(super) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new().routes(routes!(start::route)).routes(routes!(complete::route))
}
