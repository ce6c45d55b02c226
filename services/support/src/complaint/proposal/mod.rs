//! Proposals: at least so many, ranked, one at a time, the best first (R8), within authority (R9), after the apology
//! where it is our fault (R2).

pub mod decide;
pub mod prepare;
pub mod present;

use house::{House, OpenApiRouter, routes};

/// The sub-room's routes.
pub(super) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(prepare::route))
        .routes(routes!(present::route))
        .routes(routes!(decide::route))
}
