//! The listener: the services of a process behind one address, with health, the API document and, in the
//! development profile, the demo clock.

use crate::body;
use crate::error_code;
use crate::feed::{self, Desk};
use crate::health::ready;
use crate::house::House;
use crate::listener::Attended;
use crate::metrics::requests::Requests;
use crate::observe::observe;
use crate::openapi;
use crate::problem::{self, Problem, after_panic, limit_time, render_problems};
use crate::service::Running;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use kernel::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

/// Largest request body.
const MAX_BODY: usize = 1_048_576;
/// How long requests that are under way may take to finish once the service shall stop: with what else there is to do, it
/// is gone within ten seconds.
const GOODBYE: Duration = Duration::from_secs(8);

/// The house's own routes, which the API document does not name.
const OWN: [&str; 8] = [
    "/health/live",
    "/health/ready",
    "/v1/version",
    "/v1/openapi.json",
    "/v1/development/clock",
    "/v1/development/drain",
    "/docs",
    "/errors/{code}",
];

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
    let names: Vec<&'static str> = services.iter().map(|service| service.name).collect();
    let services = Arc::new(services);
    let (feed, of_feed) = feed::routes().with_state(Desk::new(services.clone())).split_for_parts();
    let (routes, mut document) = all.split_for_parts();
    document.merge(of_feed);
    let templates = document.paths.paths.keys().cloned().chain(OWN.map(str::to_owned));
    let requests = Arc::new(Requests::of(templates, &names));
    let document = openapi::text(document);
    let mut own = Router::new().route("/health/ready", get(ready)).route("/v1/version", get(version));
    if profile == Profile::Development {
        own = own.route("/v1/development/clock", post(set_clock)).route("/v1/development/drain", post(drain));
    }
    let router = routes
        .merge(own.with_state(services.clone()))
        .route("/health/live", get(async || StatusCode::NO_CONTENT))
        .route("/v1/openapi.json", get(async move || ([(CONTENT_TYPE, "application/json")], document)))
        .route("/docs", get(openapi::page))
        .route("/errors/{code}", get(problem::explain))
        .fallback(async || Problem::plain(error_code!("resource.not_found")))
        .method_not_allowed_fallback(async || Problem::plain(error_code!("request.method")))
        .layer(axum::middleware::from_fn(body::receive))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(axum::middleware::from_fn(limit_time))
        .merge(unhurried(feed))
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(axum::middleware::from_fn(render_problems))
        .layer(axum::middleware::from_fn_with_state(requests, observe));
    (router, services)
}

/// Routes whose requests may wait for longer than others may take; they bound that themselves.
fn unhurried(routes: Router) -> Router {
    routes
        .method_not_allowed_fallback(async || Problem::plain(error_code!("request.method")))
        .layer(axum::middleware::from_fn(body::receive))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// Serves until the token is cancelled, then finishes what is under way: for eight seconds, because a client that
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
