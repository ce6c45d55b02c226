//! Handing a case over: it changes its owner only when the other one accepts (C2, R7).

pub mod accept;
pub mod hand_over;

use house::{House, OpenApiRouter, routes};

/// The sub-room's routes.
pub(super) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new().routes(routes!(hand_over::route)).routes(routes!(accept::route))
}
