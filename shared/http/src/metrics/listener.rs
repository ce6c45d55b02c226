//! The listener that a scraper asks: gauges are looked up when it does, so that nobody pays for them in between.

use super::record;
use crate::health::{LOOP_WORDS, RELAY_WORDS, reader_word, relay_word};
use crate::service::Running;
use ::metrics::{Gauge, gauge};
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use journal::metrics::Backlog;
use journal::{Bus, Clock, Fault, Reader, Relay, RelayStatus, TimerLoop};
use kernel::Timestamp;
use sqlx::PgPool;
use sqlx::migrate::Migrate;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a database may take to say what it holds; then nobody knows.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often what was measured is put into its buckets, where nobody scrapes: else it would pile up.
const UPKEEP: Duration = Duration::from_secs(5);

/// The tables in which each part's migrations are written down.
const MIGRATIONS: [(&str, &str); 3] =
    [("journal", "_journal_migrations"), ("house", "_house_migrations"), ("service", "_sqlx_migrations")];

/// Serves `GET /metrics`, in the text format of Prometheus, until the token is cancelled; for these services of this
/// process, which [`record`]s already.
pub fn serve(
    listener: TcpListener,
    services: &[Running],
    stop: CancellationToken,
) -> impl Future<Output = std::io::Result<()>> + Send + use<> {
    // One scrape at a time: several scrapers do not ask the databases more than one.
    let looked: Arc<Mutex<Vec<Looked>>> = Arc::new(Mutex::new(services.iter().map(Looked::at).collect()));
    let router = Router::new().route("/metrics", get(scrape)).with_state(looked);
    async move {
        let (served, ()) =
            tokio::join!(crate::server::serve(listener, router, stop.clone()), upkeep(stop.clone()));
        served
    }
}

async fn upkeep(stop: CancellationToken) {
    let mut tick = tokio::time::interval(UPKEEP);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        record().run_upkeep();
    }
}

async fn scrape(State(looked): State<Arc<Mutex<Vec<Looked>>>>) -> Response {
    let services = looked.lock().await;
    let mut looking: JoinSet<()> = services.iter().cloned().map(Looked::look).collect();
    while looking.join_next().await.is_some() {}
    drop(services);
    let format = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, format), (header::CACHE_CONTROL, "no-store")], record().render()).into_response()
}

/// A service that is looked at: handles only, so that it can stop meanwhile.
#[derive(Clone)]
struct Looked {
    name: &'static str,
    pool: PgPool,
    relay: Relay,
    readers: Vec<Reader>,
    timers: TimerLoop,
    bus: Bus,
}

impl Looked {
    fn at(service: &Running) -> Self {
        Self {
            name: service.name,
            pool: service.pool().clone(),
            relay: service.relay().clone(),
            readers: service.readers().to_vec(),
            timers: service.timers().clone(),
            bus: service.bus().clone(),
        }
    }

    fn gauge(&self, name: &'static str) -> Gauge {
        gauge!(name, "service" => self.name)
    }

    /// Sets every gauge of the service.
    async fn look(self) {
        let relay = self.relay.status();
        let published = published(&relay);
        self.look_at_loops(&relay);
        self.gauge("steward_db_pool_in_use")
            .set(f64::from(self.pool.size().saturating_sub(number(self.pool.num_idle()))));
        self.up("nats", u8::from(self.bus.is_connected()));
        self.gauge("steward_journal_unpublished")
            .set(published.map_or(f64::NAN, |published| count(relay.last_numbered - published)));
        let before = Clock::wall();
        let asked =
            tokio::time::timeout(PATIENCE, journal::metrics::ask(&self.pool, published.unwrap_or_default()))
                .await;
        let asked = asked.ok().and_then(Result::ok);
        self.up("postgres", u8::from(asked.is_some()));
        let backlog = |pick: fn(&Backlog) -> f64| asked.as_ref().map_or(f64::NAN, pick);
        self.gauge("steward_journal_unnumbered").set(backlog(|backlog| count(backlog.unnumbered)));
        self.gauge("steward_parked_events").set(backlog(|backlog| count(backlog.parked)));
        self.gauge("steward_journal_oldest_unpublished_seconds")
            .set(published.map_or(f64::NAN, |_| backlog(|backlog| backlog.oldest_unpublished_seconds)));
        let skew = asked.as_ref().map(|backlog| apart(backlog.database_time, (before, Clock::wall())));
        self.gauge("steward_clock_skew_seconds").set(skew.map_or(f64::NAN, |skew| skew.as_secs_f64()));
        if asked.is_some() {
            // What cannot be read stays as it was last seen: migrations do not go back.
            let _ = tokio::time::timeout(PATIENCE, self.look_at_migrations()).await;
        }
    }

    fn look_at_loops(&self, relay: &RelayStatus) {
        self.gauge("steward_stream_epoch").set(f64::from(relay.epoch));
        self.gauge("steward_journal_holes").set(f64::from(number(relay.holes)));
        let goes = relay_word(relay);
        for word in RELAY_WORDS {
            gauge!("steward_relay_state", "service" => self.name, "state" => word)
                .set(f64::from(u8::from(word == goes)));
        }
        self.gauge("steward_timers_failed").set(f64::from(number(self.timers.status().failed)));
        for reader in &self.readers {
            let status = reader.status();
            let (name, source, goes) = (reader.name, reader.source, reader_word(&status));
            for word in LOOP_WORDS {
                gauge!("steward_reader_state", "service" => self.name, "reader" => name, "source" => source, "state" => word)
                    .set(f64::from(u8::from(word == goes)));
            }
            gauge!("steward_reader_lag_seconds", "service" => self.name, "reader" => name, "source" => source)
                .set(status.lag_seconds.map_or(f64::NAN, count));
        }
    }

    fn up(&self, dependency: &'static str, answers: u8) {
        gauge!("steward_dependency_up", "service" => self.name, "dependency" => dependency)
            .set(f64::from(answers));
    }

    async fn look_at_migrations(&self) -> Result<(), Fault> {
        let mut connection = self.pool.acquire().await?;
        for (part, table) in MIGRATIONS {
            let Ok(applied) = connection.list_applied_migrations(table).await else { continue };
            let newest = applied.iter().map(|migration| migration.version).max().unwrap_or_default();
            gauge!("steward_migration_version", "service" => self.name, "part" => part).set(count(newest));
        }
        Ok(())
    }
}

/// The last number that the stream is known to have; nothing where this process does not lead, or has not agreed with
/// the stream since it started.
fn published(relay: &RelayStatus) -> Option<i64> {
    let has_agreed = relay.last_published > 0 || relay.last_numbered == 0 || relay.stopped.is_none();
    (relay.epoch > 0 && !relay.stands_by && has_agreed).then_some(relay.last_published)
}

/// How far two clocks are apart; the other one was read between the two instants, in the middle as far as is known.
fn apart(other: Timestamp, (before, after): (Timestamp, Timestamp)) -> Duration {
    let middle = before.plus(after.since(before) / 2);
    other.since(middle).abs().to_std().unwrap_or_default()
}

/// A count as a gauge shows it: exact to four billion, and no more than that.
fn count(count: i64) -> f64 {
    f64::from(u32::try_from(count.max(0)).unwrap_or(u32::MAX))
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_knows_is_not_counted() {
        let led = RelayStatus { epoch: 1, last_numbered: 9, last_published: 7, ..RelayStatus::default() };
        assert_eq!(published(&led), Some(7));
        assert_eq!(published(&RelayStatus { stands_by: true, ..led.clone() }), None);
        let cut_off = RelayStatus { stopped: Some("no bus".to_owned()), ..led };
        assert_eq!(published(&cut_off), Some(7), "it knew");
        assert_eq!(published(&RelayStatus { last_published: 0, ..cut_off }), None);
        assert_eq!(published(&RelayStatus::default()), None, "nobody leads here yet");
    }

    #[test]
    fn clocks_are_compared_with_the_middle_of_the_question() {
        let at = |millis| Timestamp::of(chrono::DateTime::from_timestamp_millis(millis).expect("an instant"));
        assert_eq!(apart(at(1_500), (at(1_000), at(2_000))), Duration::ZERO);
        assert_eq!(apart(at(5_500), (at(1_000), at(2_000))), Duration::from_secs(4));
        assert_eq!(apart(at(0), (at(4_000), at(4_000))), Duration::from_secs(4));
    }
}
