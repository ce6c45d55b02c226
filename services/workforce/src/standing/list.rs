//! Reading the standings of a worker.

use super::{WorkerStanding, store};
use axum::response::Response;
use events::WorkerId;
use house::{House, One, Problem, Read, permission};

/// For which services a worker may be sent, and when.
#[utoipa::path(get, path = "/v1/workforce/workers/{id}/standing", responses(One<WorkerStanding>))]
pub(super) async fn read(
    house: House,
    read: Read<WorkerId, permission!("standing.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, &read.reach, read.id).await?;
            Ok(found.map(|(version, services)| (version, WorkerStanding { worker_id: read.id, services })))
        })
        .await
}
