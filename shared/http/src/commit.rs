//! What every commit does before and after a verb's own work (`House::commit`).
//!
//! It stands apart, in boxes, so that it is compiled once: what stands in the generic function is compiled again for
//! every route of every service.

use crate::command::{Mode, Received, etag};
use crate::error_code;
use crate::hidden::without;
use crate::house::House;
use crate::problem::Problem;
use crate::record;
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use journal::{Actor, Failure, Fault, Tx};
use kernel::{Refused, Timestamp, Version};
use serde_json::{Value, json};
use std::pin::Pin;
use std::time::Instant;

/// A future whose type is the same for every caller.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What goes back to the client, and into the idempotency record.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) etag: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) is_replayed: bool,
    pub(crate) body: Value,
}

/// A command that may be worked on, or was committed before.
pub(crate) enum Begun {
    Fresh(Tx),
    Replayed(Reply),
}

/// What a verb's work made.
pub(crate) struct Made {
    /// The state's version.
    pub(crate) version: Version,
    /// The state as the API shows it.
    pub(crate) view: Value,
    /// Where a new thing is found.
    pub(crate) path: Option<String>,
    /// Members of its events that the sender may not read.
    pub(crate) hidden: &'static [&'static str],
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let mut set = |name: HeaderName, value: Option<String>| {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                response.headers_mut().insert(name, value);
            }
        };
        set(header::ETAG, self.etag);
        set(header::LOCATION, self.location);
        set(HeaderName::from_static("idempotency-replayed"), self.is_replayed.then(|| "true".to_owned()));
        response
    }
}

/// Begins the transaction, and answers a repetition from its record.
///
/// Whatever ends without a commit rolls back at once and not when the connection is reused: until then its
/// idempotency lock would tell the next request that this one is still under way.
pub(crate) fn begin<'a>(
    house: &'a House,
    received: &'a Received,
    now: Timestamp,
) -> Boxed<'a, Result<Begun, Problem>> {
    Box::pin(async move {
        let actor = Actor::Principal(received.record.user);
        let waits = Instant::now();
        let mut tx = Tx::begin(house.pool(), now, actor, received.reach.clone()).await?;
        house.seen().began_after(waits.elapsed());
        tx.traced(received.trace.map(|trace| trace.to_string()));
        let replayed = match received.mode {
            Mode::Real => record::replay(&mut tx, &received.record).await,
            // A rehearsal is never answered with what was really done.
            Mode::Dry => Ok(None),
        };
        match replayed {
            Ok(None) => {
                if received.mode == Mode::Real {
                    house.seen().fresh();
                }
                Ok(Begun::Fresh(tx))
            }
            Ok(Some(reply)) => {
                house.seen().replayed();
                tx.rollback().await?;
                Ok(Begun::Replayed(reply))
            }
            Err(problem) => {
                house.seen().refused(problem.code());
                tx.rollback().await?;
                Err(problem)
            }
        }
    })
}

/// Commits what was made, with its journal rows and its record, and answers it; a dry run does the same up to the commit,
/// with every check that the database keeps for the end, and only says what would be.
pub(crate) fn settle<'a>(
    house: &'a House,
    mut tx: Tx,
    received: &'a Received,
    made: Made,
) -> Boxed<'a, Result<Reply, Problem>> {
    Box::pin(async move {
        match received.mode {
            Mode::Dry => {
                let events: Vec<Value> = tx
                    .would_send()
                    .map(|(kind, subject, data)| {
                        json!({ "type": kind, "subject": subject, "data": without(data, made.hidden) })
                    })
                    .collect();
                let checked = tx.settle().await;
                tx.rollback().await?;
                checked?;
                let body = json!({ "dry_run": true, "would_be": made.view, "events": events });
                Ok(Reply { status: StatusCode::OK, etag: None, location: None, is_replayed: false, body })
            }
            Mode::Real => {
                let reply = Reply {
                    status: if made.path.is_some() { StatusCode::CREATED } else { StatusCode::OK },
                    etag: Some(etag(made.version)),
                    location: made.path,
                    is_replayed: false,
                    body: made.view,
                };
                if let Err(fault) = write_last(&mut tx, received, &reply).await {
                    tx.rollback().await?;
                    return Err(fault.into());
                }
                tx.commit().await?;
                house.relay().nudge();
                Ok(reply)
            }
        }
    })
}

/// What is written last of all: the journal rows, then the record.
async fn write_last(tx: &mut Tx, received: &Received, reply: &Reply) -> Result<(), Fault> {
    tx.flush().await?;
    record::remember(tx, &received.record, reply).await
}

/// Leaves nothing behind, not even a record, so that the same key may be sent again; why, for the client.
pub(crate) fn give_up<'a>(
    house: &'a House,
    tx: Tx,
    received: &'a Received,
    failure: Failure,
) -> Boxed<'a, Problem> {
    Box::pin(async move {
        match tx.rollback().await {
            Ok(()) => explained(house, received, failure).await,
            Err(fault) => fault.into(),
        }
    })
}

/// A stale command is told what came between: the version now, who made it so, when, and by which events. Both
/// ways to notice end here, the comparison with `If-Match` and a lost race for the row.
async fn explained(house: &House, received: &Received, failure: Failure) -> Problem {
    let is_stale = match &failure {
        Failure::Refused(refused) => refused.error.code == "request.stale",
        Failure::Fault(fault) => matches!(fault, Fault::Stale),
    };
    if !is_stale {
        return failure.into();
    }
    let newest_first = sqlx::query!(
        "SELECT aggversion, type AS event_type, actor_kind || ':' || actor_id AS \"actor!\", occurred_at FROM journal
             WHERE aggregate_id = $1 ORDER BY aggversion DESC LIMIT 20",
        received.id,
    )
    .fetch_all(house.pool())
    .await
    .unwrap_or_default();
    let Some(newest) = newest_first.first() else { return failure.into() };
    let since = received.expected.map_or(0, Version::get);
    if newest.aggversion <= since {
        // Another thing that the same command changes was overtaken: about that one nothing is known here.
        return failure.into();
    }
    let between = newest_first.iter().rev().filter(|change| change.aggversion > since);
    let through: Vec<&str> = between.map(|change| change.event_type.as_str()).collect();
    Refused::plain(error_code!("request.stale"))
        .with("current_version", newest.aggversion)
        .with("changed_by", newest.actor.as_str())
        .with("changed_at", json!(Timestamp::of(newest.occurred_at)))
        .with("changed_through", through)
        .into()
}
