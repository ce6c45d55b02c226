//! The listener: the services of a process behind one address, with health, the API document and, in the
//! development profile, the demo clock.

use crate::body;
use crate::error_code;
use crate::feed::{self, Desk};
use crate::house::House;
use crate::listener::Attended;
use crate::openapi;
use crate::problem::{self, Problem, after_panic, limit_time, render_problems};
use crate::service::{Asked, Running};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use journal::Fault;
use kernel::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

/// Largest request body.
const MAX_BODY: usize = 1_048_576;
/// How long requests that are under way may take to finish once the service shall stop.
const GOODBYE: Duration = Duration::from_secs(10);

/// What kind of installation this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The clock may be set, plain connections on loopback are fine.
    Development,
    /// Neither.
    Production,
}

/// The services of a process, shared by the routes of the house itself.
type Services = Arc<Vec<Running>>;

/// Builds the routes of a process.
pub fn router(mut services: Vec<Running>, profile: Profile) -> (Router, Services) {
    let mut all = OpenApiRouter::new();
    for service in &mut services {
        let routes = std::mem::take(&mut service.routes);
        debug_assert_eq!(
            openapi::clashes(all.get_openapi(), routes.get_openapi()),
            Vec::<String>::new(),
            "schemas of different shapes under one name"
        );
        all = all.merge(routes);
    }
    let services = Arc::new(services);
    let (feed, of_feed) = feed::routes().with_state(Desk::new(services.clone())).split_for_parts();
    let (routes, mut document) = all.split_for_parts();
    document.merge(of_feed);
    let document = Arc::new(openapi::complete(&document));
    let mut own = Router::new().route("/health/ready", get(ready)).route("/v1/version", get(version));
    if profile == Profile::Development {
        own = own.route("/v1/development/clock", post(set_clock)).route("/v1/development/drain", post(drain));
    }
    let router = routes
        .merge(own.with_state(services.clone()))
        .route("/health/live", get(async || StatusCode::NO_CONTENT))
        .route("/v1/openapi.json", get(async move || Json(document.as_ref().clone())))
        .route("/docs", get(openapi::page))
        .route("/errors/{code}", get(problem::explain))
        .fallback(async || Problem::plain(error_code!("resource.not_found")))
        .method_not_allowed_fallback(async || Problem::plain(error_code!("request.method")))
        .layer(axum::middleware::from_fn(body::receive))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(axum::middleware::from_fn(limit_time))
        .merge(unhurried(feed))
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(axum::middleware::from_fn(render_problems));
    (router, services)
}

/// Routes whose requests may wait for longer than others may take; they bound that themselves.
fn unhurried(routes: Router) -> Router {
    routes
        .method_not_allowed_fallback(async || Problem::plain(error_code!("request.method")))
        .layer(axum::middleware::from_fn(body::receive))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// Serves until the token is cancelled, then finishes what is under way: for ten seconds, because a client that
/// does not read its answer must not keep a service from stopping.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> std::io::Result<()> {
    let listener = Attended::new(listener, stop.clone());
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        served = serving.into_future() => served,
        () = async { stop.cancelled().await; tokio::time::sleep(GOODBYE).await } => {
            tracing::warn!("some requests did not finish in time");
            Ok(())
        }
    }
}

/// The version, and what time it is here: on demo data that is not real time.
async fn version(State(services): State<Services>) -> Json<Value> {
    let now = services.first().map(|service| service.house.now());
    Json(json!({ "version": env!("CARGO_PKG_VERSION"), "now": now }))
}

/// Ready, degraded (serves, but something does not get through) or down (503): with a word for each thing a service
/// needs. Why it is so stands in the log; whoever may ask this learns nothing of the inside.
async fn ready(State(services): State<Services>) -> Response {
    let (mut is_degraded, mut is_down) = (false, false);
    let mut report = serde_json::Map::new();
    // All at once: one after the other, databases that do not answer would take longer than a request may.
    let asking: Vec<_> = services.iter().map(|service| tokio::spawn(service.ask())).collect();
    for (service, asked) in services.iter().zip(asking) {
        let Ok(Asked { parked, alarms }) = asked.await else {
            return Problem::plain(error_code!("service.fault")).into_response();
        };
        let relay = service.relay().status();
        let postgres = reachable(service.pool(), &parked);
        let parked = parked.ok();
        let timers = service.timers().status();
        let has_bus = service.bus().is_connected();
        let readers: Vec<Value> = service
            .readers()
            .iter()
            .map(|reader| {
                let status = reader.status();
                is_degraded |= status.stopped.is_some();
                json!({ "source": reader.source, "seq": status.seq, "lag_seconds": status.lag_seconds, "state": goes(status.stopped.as_ref()) })
            })
            .collect();
        is_degraded |= relay.stopped.is_some() || timers.stopped.is_some() || timers.failed > 0;
        is_degraded |= !has_bus || parked != Some(0);
        is_down |= postgres == "unreachable";
        let nats = if has_bus { "ok" } else { "unreachable" };
        report.insert(
            service.name.to_owned(),
            json!({ "postgres": postgres, "nats": nats, "relay": goes(relay.stopped.as_ref()), "epoch": relay.epoch,
                    "last_seq": relay.last_numbered, "published": relay.last_published, "readers": readers, "parked": parked,
                    "timers": goes(timers.stopped.as_ref()), "failed_timers": timers.failed,
                    // Told and nothing more: a service that misses next year's calendar works as well as ever.
                    "alarms": alarms }),
        );
    }
    let (status, state) = match (is_down, is_degraded) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
        (false, true) => (StatusCode::OK, "degraded"),
        (false, false) => (StatusCode::OK, "ready"),
    };
    (status, Json(json!({ "state": state, "services": report }))).into_response()
}

/// The word for the database. A process whose every connection is at work works as hard as it can: whoever takes it away
/// makes it worse. Waiting in vain while connections are to be had means that none can be made.
fn reachable<T>(pool: &PgPool, asked: &Result<T, Fault>) -> &'static str {
    let is_full = pool.num_idle() == 0 && pool.size() >= pool.options().get_max_connections();
    match asked {
        Ok(_) => "ok",
        Err(Fault::Database(sqlx::Error::PoolTimedOut)) if is_full => "busy",
        Err(_) => "unreachable",
    }
}

/// The word for a loop, which knows why it stands still.
const fn goes(stopped: Option<&String>) -> &'static str {
    match stopped {
        None => "ok",
        Some(_) => "stopped",
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    now: Timestamp,
}

async fn set_clock(
    State(services): State<Services>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let to: SetClock = body::parse(&headers, &body)?;
    let houses: Vec<&House> = services.iter().map(|service| &service.house).collect();
    for house in &houses {
        house.clock().set(to.now);
    }
    Ok(Json(json!({ "now": to.now })))
}

/// Waits until timers, relays and readers of this process have nothing left; says where they stand, so that the
/// caller can see whether another process moved something meanwhile.
async fn drain(State(services): State<Services>) -> Result<Json<Value>, Problem> {
    let all: Vec<&Running> = services.iter().collect();
    crate::service::drain(&all).await?;
    let seqs: serde_json::Map<String, Value> = all
        .iter()
        .map(|service| (service.name.to_owned(), Value::from(service.relay().status().last_numbered)))
        .collect();
    Ok(Json(json!({ "last_seq": seqs })))
}
