//! Every metric there is: what it is called, what it counts, what it says (`operations.md` §1). Dashboards and alerts use
//! these and no others; a test holds them to it.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until the process ends.
    Counter,
    /// It is as it is at this moment.
    Gauge,
    /// How many took how long, in seconds.
    Histogram,
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// `steward_http_requests_total`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub help: &'static str,
}

const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, help }
}

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, help }
}

/// All of them. A gauge whose value nobody can know at the moment is NaN, which no alert takes for a number.
pub const METRICS: [Metric; 29] = [
    counter("steward_http_requests_total", "Requests answered, by route template and status."),
    histogram("steward_http_request_seconds", "From the request's head to the head of its answer."),
    gauge("steward_http_inflight", "Requests under way."),
    counter("steward_problem_total", "Requests answered with a problem, by its code."),
    counter("steward_authz_denied_total", "Requests whose sender does not hold the permission."),
    counter(
        "steward_idempotency_total",
        "Commands by what their idempotency key met: fresh, replayed, in_progress, reused.",
    ),
    gauge("steward_journal_unnumbered", "Committed events without a number yet."),
    gauge("steward_journal_unpublished", "Numbered events that the stream has not confirmed."),
    gauge("steward_journal_holes", "Numbers of rows given out and not seen yet."),
    gauge(
        "steward_journal_oldest_unpublished_seconds",
        "Age of the oldest committed event that is not on the bus.",
    ),
    histogram("steward_publish_seconds", "From sending an event to the bus to its acknowledgement."),
    gauge(
        "steward_relay_state",
        "1 for the word that says how the relay goes: ok, stand_by, stopped, refused.",
    ),
    gauge("steward_reader_state", "1 for the word that says how a reader goes: ok, stand_by, stopped."),
    gauge("steward_reader_lag_seconds", "Age of the oldest event that waits to take effect."),
    gauge("steward_reader_last_progress_timestamp_seconds", "When a reader last committed a batch."),
    counter("steward_reader_rebuilds_total", "Subscriptions made anew from the position."),
    counter("steward_reader_skipped_total", "Events that came again and were not applied."),
    counter("steward_reader_gaps_total", "Events that came after a gap, which is always a fault."),
    gauge("steward_parked_events", "Events of others that have not taken effect and were put aside."),
    histogram(
        "steward_event_end_to_end_seconds",
        "From the making of an event to the commit of its effect here, in real time.",
    ),
    gauge("steward_stream_epoch", "The epoch of the service's own stream; 0 before a relay has taken it up."),
    histogram("steward_db_pool_wait_seconds", "What a command waits until its transaction has begun."),
    gauge("steward_db_pool_in_use", "Connections to the database that are at work."),
    gauge(
        "steward_migration_version",
        "The newest migration of the database, by part: journal, house, service.",
    ),
    histogram(
        "steward_timer_fire_delay_seconds",
        "From the time a timer was due to the commit of its effect.",
    ),
    gauge("steward_timers_failed", "Timers whose effect failed and is tried again later."),
    gauge("steward_clock_skew_seconds", "How far the wall clocks of process and database are apart."),
    gauge("steward_sse_clients", "Clients that a stream of events is sent to."),
    gauge("steward_dependency_up", "1 where the database, or the bus, answers."),
];

/// Tells the recorder what each of them says.
pub(super) fn describe() {
    for Metric { name, kind, help } in METRICS {
        match kind {
            Kind::Counter => describe_counter!(name, Unit::Count, help),
            Kind::Gauge => describe_gauge!(name, help),
            Kind::Histogram => describe_histogram!(name, Unit::Seconds, help),
        }
    }
}
