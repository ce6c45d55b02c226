//! How far a service's events have come: numbered, published, and read from others (`events.md` §5).
//!
//! Positions and parked events are the database's, true whichever process leads; what only the leading process knows, is
//! told by whichever is asked, as far as it knows. What is *not* here: metrics, health.

use crate::house::House;
use crate::openapi::One;
use crate::{OpenApiRouter, Problem, Sole, permission};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use journal::bus::stream_name;
use journal::{Bus, Failure, Reader};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// How far a service has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LagView {
    /// `support`.
    pub service: &'static str,
    /// The epoch of its stream; 0 before its relay has taken the stream up.
    pub epoch: i32,
    /// The number of its last event.
    pub last_numbered: i64,
    /// The number that the stream has confirmed last.
    pub last_published: i64,
    /// Journal ids given out and not seen yet.
    pub holes: usize,
    /// `ok`, or `stopped`: why stands in the log.
    pub relay: &'static str,
    /// Each service it reads.
    pub readers: Vec<ReaderLagView>,
    /// Events of others that have not taken effect, over all readers.
    pub parked: i64,
}

/// How far a reader has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReaderLagView {
    /// The service it reads.
    pub source: &'static str,
    /// The epoch it reads.
    pub epoch: i32,
    /// The number of the last event applied.
    pub seq: i64,
    /// The number of the source's last event; absent where the bus does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_last_seq: Option<i64>,
    /// How many events it is behind; absent where the bus does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<i64>,
    /// Seconds since the oldest event happened that has not been applied; absent where it cannot be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<i64>,
    /// How many events it has parked.
    pub parked: i64,
    /// `ok`, or `stopped`: why stands in the log.
    pub state: &'static str,
}

/// What the lag is asked of.
#[derive(Clone)]
pub(crate) struct Watched {
    readers: Arc<Vec<Reader>>,
    bus: Bus,
}

impl Watched {
    pub(crate) fn of(readers: &[Reader], bus: &Bus) -> Self {
        Self { readers: Arc::new(readers.to_vec()), bus: bus.clone() }
    }
}

const fn goes(stopped: Option<&String>) -> &'static str {
    if stopped.is_none() { "ok" } else { "stopped" }
}

#[utoipa::path(get, path = "/lag", responses(One<LagView>))]
async fn route(
    house: House,
    Extension(watched): Extension<Watched>,
    _asked: Sole<permission!("lag.read")>,
) -> Result<Response, Problem> {
    Ok(Json(look(&house, &watched).await?).into_response())
}

async fn look(house: &House, watched: &Watched) -> Result<LagView, Failure> {
    let positions = sqlx::query!(
        "SELECT reader.source, reader.epoch, reader.seq, count(parked.id) AS \"parked!\"
         FROM reader LEFT JOIN parked ON parked.reader = reader.name AND parked.source = reader.source
         WHERE reader.name = $1 GROUP BY reader.source, reader.epoch, reader.seq",
        house.service(),
    )
    .fetch_all(house.pool())
    .await?;
    let mut readers = Vec::new();
    for reader in watched.readers.iter() {
        let position = positions.iter().find(|position| position.source == reader.source);
        let status = reader.status();
        let epoch = position.map_or(1, |position| position.epoch);
        let seq = position.map_or(0, |position| position.seq);
        let source_last_seq = last_of(&watched.bus, reader.source, epoch).await;
        readers.push(ReaderLagView {
            source: reader.source,
            epoch,
            seq,
            source_last_seq,
            behind: source_last_seq.map(|last| (last - seq).max(0)),
            lag_seconds: status.lag_seconds,
            parked: position.map_or(0, |position| position.parked),
            state: goes(status.stopped.as_ref()),
        });
    }
    let relay = house.relay().status();
    Ok(LagView {
        service: house.service(),
        epoch: relay.epoch,
        last_numbered: relay.last_numbered,
        last_published: relay.last_published,
        holes: relay.holes,
        relay: goes(relay.stopped.as_ref()),
        readers,
        parked: journal::parked::count(house.pool()).await?,
    })
}

/// The last number of a source's stream. Nobody waits for a bus that is not there: then it is not known.
async fn last_of(bus: &Bus, source: &str, epoch: i32) -> Option<i64> {
    if !bus.is_connected() {
        return None;
    }
    bus.state(&stream_name(source, epoch)).await.ok()?.map(|stream| stream.last_seq)
}

/// The route under `/v1/{service}/lag`.
pub(crate) fn routes(service: &'static str, watched: Watched) -> OpenApiRouter<House> {
    let routes = OpenApiRouter::new().routes(crate::routes!(route)).layer(Extension(watched));
    OpenApiRouter::new().nest(&format!("/v1/{service}"), routes)
}
