//! Asking afterwards how it was (P4-2, R11): what gates closing (C5), and what reopens by itself (C6).

pub mod enough;
pub mod follow_up;

use house::{House, OpenApiRouter, routes};

/// The sub-room's routes.
pub(super) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new().routes(routes!(follow_up::route))
}
