//! What the backbone counts and measures (`operations.md` §1). Base units; labels whose values the code bounds: services,
//! readers, declared event types.
//!
//! Handles are made once, when a loop starts, and cost an atomic operation each time. What can be asked is not counted:
//! gauges are set when somebody looks ([`ask`], [`crate::RelayStatus`], [`crate::ReaderStatus`]), so that a writer pays
//! nothing for them. Where the process exports nothing, all of this does nothing. Demo clocks jump, so whatever is a
//! duration here is one of real time.

use crate::Fault;
use crate::clock::Clock;
use crate::reader::ReaderContext;
use crate::received::Received;
use ::metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use events::Envelope;
use kernel::{EventId, Timestamp};
use sqlx::PgPool;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// More committed rows without a number than this are not told apart: counting them must not take long.
const COUNTED: i64 = 100_000;

/// What one reader counts.
pub(crate) struct ReaderSeen {
    rebuilds: Counter,
    skipped: Counter,
    gaps: Counter,
    progress: Gauge,
    /// By declared type: nobody else's types become labels.
    end_to_end: BTreeMap<&'static str, Histogram>,
}

impl ReaderSeen {
    pub(crate) fn new(context: &ReaderContext, source: &'static str) -> Self {
        let (service, reader) = (context.relay.service(), context.name);
        let count =
            |name: &'static str| counter!(name, "service" => service, "reader" => reader, "source" => source);
        Self {
            rebuilds: count("steward_reader_rebuilds_total"),
            skipped: count("steward_reader_skipped_total"),
            gaps: count("steward_reader_gaps_total"),
            progress: gauge!("steward_reader_last_progress_timestamp_seconds", "service" => service, "reader" => reader, "source" => source),
            end_to_end: context
                .reactions
                .kinds()
                .filter(|kind| kind.split('.').next() == Some(source))
                .map(|kind| {
                    (
                        kind,
                        histogram!("steward_event_end_to_end_seconds", "service" => service, "type" => kind),
                    )
                })
                .collect(),
        }
    }

    /// It subscribed anew, from its position.
    pub(crate) fn rebuilt(&self) {
        self.rebuilds.increment(1);
    }

    /// Another number came than the position's successor: an event that was applied before, or one after a gap.
    pub(crate) fn out_of_order(&self, position: i64, arrived: i64) {
        let counter = if arrived <= position { &self.skipped } else { &self.gaps };
        counter.increment(1);
    }

    /// A batch was committed; `took_effect` are those of it that had an effect and are not parked.
    pub(crate) fn applied<'a>(&self, took_effect: impl Iterator<Item = &'a Received>) {
        self.took_effect(took_effect.filter_map(|received| received.envelope.as_ref().ok()));
        self.progress.set(since_epoch(Clock::wall()));
    }

    /// These effects were committed.
    pub(crate) fn took_effect<'a>(&self, events: impl Iterator<Item = &'a Envelope>) {
        let now = Clock::wall();
        for envelope in events {
            let declared = envelope.kind().and_then(|(kind, _)| self.end_to_end.get(kind));
            if let (Some(seconds), Some(age)) = (declared, age(envelope.id, now)) {
                seconds.record(age);
            }
        }
    }
}

/// How long ago an event was made: by its id, a UUIDv7, and so by its source's wall clock, whatever the clock says that
/// its `time` was taken from. A source whose wall clock is ahead of ours counts as now.
fn age(event: EventId, now: Timestamp) -> Option<Duration> {
    let (seconds, nanos) = event.uuid().get_timestamp()?.to_unix();
    let made = Duration::new(seconds, nanos);
    Some(since_epoch(now).saturating_sub(made))
}

fn since_epoch(now: Timestamp) -> Duration {
    u64::try_from(now.utc().timestamp_micros()).map_or(Duration::ZERO, Duration::from_micros)
}

/// How long publishes take, from sending one to its acknowledgement.
pub(crate) struct PublishSeen {
    seconds: Histogram,
    /// When each of those under way was sent, in order: as many as the window holds.
    sent: VecDeque<Instant>,
}

impl PublishSeen {
    pub(crate) fn new(service: &'static str) -> Self {
        Self { seconds: histogram!("steward_publish_seconds", "service" => service), sent: VecDeque::new() }
    }

    /// A window begins, or begins again: what was under way was given up.
    pub(crate) fn began(&mut self) {
        self.sent.clear();
    }

    /// One more is under way.
    pub(crate) fn sent(&mut self) {
        self.sent.push_back(Instant::now());
    }

    /// The oldest one is acknowledged.
    pub(crate) fn acknowledged(&mut self) {
        if let Some(sent) = self.sent.pop_front() {
            self.seconds.record(sent.elapsed());
        }
    }
}

/// A timer fired, so long after it was due. Where the clock was moved nothing is measured: a jump is no delay.
pub(crate) fn fired(service: &'static str, clock: &Clock, (kind, due_at): (&'static str, Timestamp)) {
    if !clock.is_moved()
        && let Ok(late) = clock.now().since(due_at).to_std()
    {
        histogram!("steward_timer_fire_delay_seconds", "service" => service, "kind" => kind).record(late);
    }
}

/// What only the database can say of the backbone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backlog {
    /// Committed events without a number; no more than 100,000 above the last number and as many below it are counted.
    pub unnumbered: i64,
    /// Seconds since the oldest event was committed that is not on the bus yet; 0 where all are.
    pub oldest_unpublished_seconds: f64,
    /// Events of others that wait to take effect.
    pub parked: i64,
    /// What time it is there.
    pub database_time: Timestamp,
}

/// Asks the database, with the last number that the stream is known to have. Both ages and times are the database's
/// own, so no clock of another machine is compared with them.
pub async fn ask(pool: &PgPool, last_published: i64) -> Result<Backlog, Fault> {
    let row = sqlx::query!(
        "SELECT (SELECT count(*) FROM (SELECT FROM journal WHERE id > relay.max_seen LIMIT $2) AS above)
              + (SELECT count(*) FROM (SELECT FROM journal_hole AS hole
                     CROSS JOIN LATERAL (SELECT FROM journal WHERE id >= lower(hole.ids) AND id < upper(hole.ids)) AS row
                     LIMIT $2) AS late) AS \"unnumbered!\",
                coalesce(extract(epoch FROM clock_timestamp() - least(
                    (SELECT journal.recorded_at FROM journal_order JOIN journal USING (id)
                     WHERE journal_order.seq > $1 ORDER BY journal_order.seq LIMIT 1),
                    (SELECT recorded_at FROM journal WHERE id > relay.max_seen ORDER BY id LIMIT 1))), 0)::float8
                    AS \"oldest_unpublished_seconds!\",
                (SELECT count(*) FROM parked) AS \"parked!\",
                clock_timestamp() AS \"database_time!\"
         FROM relay",
        last_published,
        COUNTED,
    )
    .fetch_one(pool)
    .await?;
    Ok(Backlog {
        unnumbered: row.unnumbered,
        oldest_unpublished_seconds: row.oldest_unpublished_seconds,
        parked: row.parked,
        database_time: Timestamp::of(row.database_time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use uuid::{NoContext, Uuid};

    /// What is shown of what was counted meanwhile.
    fn shown(count: impl FnOnce()) -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        ::metrics::with_local_recorder(&recorder, count);
        recorder.handle().render()
    }

    #[test]
    fn a_timer_is_measured_by_real_time_or_not_at_all() {
        let mut clock = Clock::default();
        let due = |clock: &Clock| clock.now().minus(chrono::TimeDelta::seconds(7));
        let late = shown(|| fired("support", &clock, ("promise", due(&clock))));
        assert!(
            late.contains("steward_timer_fire_delay_seconds_count{service=\"support\",kind=\"promise\"} 1"),
            "{late}"
        );
        clock = Clock::default();
        clock.set(clock.now().plus(chrono::TimeDelta::days(30)));
        assert_eq!(shown(|| fired("support", &clock, ("promise", due(&clock)))), "", "a jump is no delay");
    }

    #[test]
    fn a_window_that_is_given_up_is_not_measured() {
        let text = shown(|| {
            let mut seen = PublishSeen::new("support");
            seen.began();
            (0..3).for_each(|_| seen.sent());
            seen.acknowledged();
            seen.began();
            seen.acknowledged();
        });
        assert!(text.contains("steward_publish_seconds_count{service=\"support\"} 1"), "{text}");
    }

    #[test]
    fn an_event_is_as_old_as_its_id_says() {
        let made = |second| EventId::of(Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, second, 0)));
        let now = Timestamp::of(chrono::DateTime::from_timestamp(1_000, 500_000_000).expect("an instant"));
        assert_eq!(age(made(997), now), Some(Duration::from_millis(3_500)));
        assert_eq!(age(made(2_000), now), Some(Duration::ZERO), "the source's clock is ahead");
        assert_eq!(age(EventId::of(Uuid::from_u128(7)), now), None, "an id that tells no time");
    }
}
