//! What a process counts and measures, and the listener that shows it (`operations.md` §1).
//!
//! One recorder per process, shared by all of its services; every series says whose it is by the label `service`. Labels
//! are bounded by the code: templates of routes, codes of the catalogue, names of permissions. The public listener shows
//! nothing of this: whoever scrapes reaches an address of its own.

mod catalogue;
mod listener;
pub(crate) mod requests;

pub use catalogue::{Kind, METRICS, Metric};
pub use listener::serve;

use ::metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;

/// Upper bounds in seconds of every histogram: from a publish on this machine to a day-old backlog read again.
const SECONDS: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Begins to record, for the whole process. What is counted before this call is not recorded, so it comes before the
/// services start; a second call changes nothing.
///
/// # Panics
/// Where another recorder was installed in this process: ours would record nothing, and nobody would know.
pub fn record() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new().set_buckets(&SECONDS).expect("there are buckets");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        ::metrics::set_global_recorder(recorder).expect("nobody else records in this process");
        catalogue::describe();
        handle
    })
}

/// What the commands of a service count.
pub(crate) struct CommandsSeen {
    wait: Histogram,
    fresh: Counter,
    replayed: Counter,
    in_progress: Counter,
    reused: Counter,
}

impl CommandsSeen {
    pub(crate) fn new(service: &'static str) -> Self {
        let result = |result: &'static str| counter!("steward_idempotency_total", "service" => service, "result" => result);
        Self {
            wait: histogram!("steward_db_pool_wait_seconds", "service" => service),
            fresh: result("fresh"),
            replayed: result("replayed"),
            in_progress: result("in_progress"),
            reused: result("reused"),
        }
    }

    /// A command waited so long for its transaction to begin: for a connection, and once over the wire.
    pub(crate) fn began_after(&self, waited: Duration) {
        self.wait.record(waited);
    }

    /// A command's key was not seen before.
    pub(crate) fn fresh(&self) {
        self.fresh.increment(1);
    }

    /// It was answered from its record.
    pub(crate) fn replayed(&self) {
        self.replayed.increment(1);
    }

    /// It was refused for its key, where this is the code of such a refusal.
    pub(crate) fn refused(&self, code: &str) {
        match code {
            "idempotency.in_progress" => self.in_progress.increment(1),
            "idempotency.key_reused" => self.reused.increment(1),
            _ => {}
        }
    }
}

/// Somebody asked for what this permission is needed for, and does not hold it.
pub(crate) fn denied(service: &'static str, permission: &'static str) {
    counter!("steward_authz_denied_total", "service" => service, "permission" => permission).increment(1);
}

/// A client that a stream of events is sent to, for as long as this lives.
pub struct SseClient(Gauge);

impl SseClient {
    /// One more of this service.
    pub fn of(service: &'static str) -> Self {
        let clients = gauge!("steward_sse_clients", "service" => service);
        clients.increment(1);
        Self(clients)
    }
}

impl Drop for SseClient {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
