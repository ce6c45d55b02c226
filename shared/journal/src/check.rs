//! Compares a service's stream with its journal, and changes nothing (`steward stream check`).

use crate::Fault;
use crate::bus::{Bus, Replicas, StreamState, stream_name};
use crate::epoch::{self, Epochs, Stretch};
use crate::stream::{config, first_of};
use async_nats::jetstream::stream::{Config, Info};
use serde::Serialize;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// Numbers that a sample compares, both ends among them.
const SAMPLE: i64 = 64;
/// Events of one page of a whole comparison.
const PAGE: usize = 2_000;
/// Findings about single events that are told at the most: where there are more, they have one cause.
const MOST: usize = 100;
/// How long the relay may take to publish what was numbered when the check began.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Which events are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Both ends, and some in between.
    Sample,
    /// The page of them after this number.
    After(i64),
}

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The service.
    pub service: String,
    /// The epoch it publishes in.
    pub epoch: i32,
    /// The stream of that epoch.
    pub stream: String,
    /// The number of its oldest event.
    pub first_seq: i64,
    /// The number of its newest event.
    pub last_seq: i64,
    /// How many it holds.
    pub messages: u64,
    /// The last number that the journal has given.
    pub last_numbered: i64,
    /// How many events were compared.
    pub compared: usize,
    /// Of a whole comparison: go on after this number; absent where it was the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
    /// What does not agree; nothing where the stream is clean.
    pub findings: Vec<Finding>,
}

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// What was expected, and what is there.
    pub detail: String,
}

/// What can be wrong with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// There is none.
    Missing,
    /// It ends before the journal does.
    Behind,
    /// It ends after the journal does, or belongs to an epoch that the journal does not know.
    Ahead,
    /// It begins later than it should.
    BeginsLate,
    /// Messages are missing between its ends.
    Holes,
    /// Another event stands at a number.
    OtherEvent,
    /// An event cannot be read, or names another epoch than its number's.
    WrongEnvelope,
    /// It is not configured as the relay makes it.
    Configuration,
}

impl Report {
    /// True where nothing was found.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// True where the stream holds what the journal does not know: a new epoch is needed, and deleting it would lose that.
    pub fn holds_others(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding.kind, Kind::Ahead | Kind::OtherEvent))
    }

    fn found(&mut self, kind: Kind, detail: String) {
        if self.findings.len() < MOST {
            self.findings.push(Finding { kind, detail });
        }
    }
}

/// Compares. Events that were numbered when it begins and are still on their way get a moment.
pub async fn check(pool: &PgPool, bus: &Bus, service: &str, depth: Depth) -> Result<Report, Fault> {
    let relay = sqlx::query!("SELECT epoch, next_seq FROM relay").fetch_one(pool).await?;
    let epochs = epoch::load(pool).await?;
    let last_numbered = relay.next_seq - 1;
    let stream = stream_name(service, relay.epoch);
    let mut report = Report {
        service: service.to_owned(),
        epoch: relay.epoch,
        stream: stream.clone(),
        first_seq: 0,
        last_seq: 0,
        messages: 0,
        last_numbered,
        compared: 0,
        next: None,
        findings: Vec::new(),
    };
    if let Some(newest) = bus.newest(service).await?.filter(|newest| newest.epoch > relay.epoch) {
        let name = stream_name(service, newest.epoch);
        report.found(
            Kind::Ahead,
            format!("{name} is published, and the journal knows no epoch {}", newest.epoch),
        );
    }
    let Some((info, state)) = published(bus, &stream, last_numbered).await? else {
        if last_numbered > 0 {
            report.found(Kind::Missing, format!("there is no stream {stream}"));
        }
        return Ok(report);
    };
    (report.first_seq, report.last_seq, report.messages) = (state.first_seq, state.last_seq, state.messages);
    for detail in unlike(&info, &config(service, &epochs, state.first_seq, bus.replicas)?, bus.replicas) {
        report.found(Kind::Configuration, detail);
    }
    ends(pool, bus, &epochs, &state, &mut report).await?;
    if state.messages > 0 {
        events(pool, bus, &epochs, depth, &mut report).await?;
    }
    Ok(report)
}

/// The stream, once it ends where the journal ended, or as it stands after a moment.
async fn published(bus: &Bus, stream: &str, last: i64) -> Result<Option<(Info, StreamState)>, Fault> {
    let mut looks = PUBLISHED_WITHIN.as_millis() / LOOK_AGAIN.as_millis();
    loop {
        let found = bus.info(stream).await?;
        let is_there = found.as_ref().map_or(0, |(_, state)| state.last_seq) >= last;
        if is_there || looks == 0 {
            return Ok(found);
        }
        looks -= 1;
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Where the stream begins and ends, and whether it holds everything between.
async fn ends(
    pool: &PgPool,
    bus: &Bus,
    epochs: &Epochs,
    state: &StreamState,
    report: &mut Report,
) -> Result<(), Fault> {
    // What was numbered since may be there already.
    let now = sqlx::query_scalar!("SELECT next_seq - 1 AS \"last!\" FROM relay").fetch_one(pool).await?;
    if state.last_seq < report.last_numbered {
        report.found(
            Kind::Behind,
            format!("the journal ends at {}, the stream at {}", report.last_numbered, state.last_seq),
        );
    }
    if state.last_seq > now {
        report.found(Kind::Ahead, format!("the journal ends at {now}, the stream at {}", state.last_seq));
    }
    if state.messages == 0 {
        return Ok(());
    }
    let between = state.last_seq - state.first_seq + 1;
    if i64::try_from(state.messages).ok() != Some(between) {
        report.found(
            Kind::Holes,
            format!(
                "{} to {} are {between} numbers, and {} messages",
                state.first_seq, state.last_seq, state.messages
            ),
        );
    }
    let wanted = first_of((pool, bus, &report.service), epochs, report.last_numbered).await?;
    if state.first_seq > wanted && !is_of_age(pool, state.first_seq - 1).await? {
        report.found(
            Kind::BeginsLate,
            format!("it begins with {}, and the journal still has {wanted}", state.first_seq),
        );
    }
    Ok(())
}

/// Whether the stream may have let go of an event: about as old as streams keep them, or gone from the journal too.
async fn is_of_age(pool: &PgPool, seq: i64) -> Result<bool, Fault> {
    let is_of_age = sqlx::query_scalar!(
        "SELECT recorded_at < clock_timestamp() - interval '395 days' AS \"is_of_age!\"
         FROM journal_order AS o JOIN journal AS j ON j.id = o.id WHERE o.seq = $1",
        seq
    )
    .fetch_optional(pool)
    .await?;
    Ok(is_of_age.unwrap_or(true))
}

/// Compares the events themselves, as far as the depth asks.
async fn events(
    pool: &PgPool,
    bus: &Bus,
    epochs: &Epochs,
    depth: Depth,
    report: &mut Report,
) -> Result<(), Fault> {
    let (first, last) = (report.first_seq, report.last_seq);
    let mut held: Vec<(i64, Option<Uuid>)> = Vec::new();
    match depth {
        Depth::Sample => {
            for seq in sample(first, last) {
                held.push((seq, bus.event_at(&report.stream, seq).await?));
            }
        }
        Depth::After(after) => {
            let stretch = Stretch { epoch: report.epoch, from: first.max(after.saturating_add(1)), to: last };
            let page = bus.between(&report.service, stretch, PAGE).await?;
            report.next = page.last().map(|event| event.seq).filter(|seq| *seq < last);
            for event in page {
                match &event.envelope {
                    Err(why) => report.found(Kind::WrongEnvelope, format!("{}: {why}", event.seq)),
                    Ok(envelope) if envelope.epoch != epochs.of(event.seq) => report.found(
                        Kind::WrongEnvelope,
                        format!(
                            "{} belongs to epoch {}, and says {}",
                            event.seq,
                            epochs.of(event.seq),
                            envelope.epoch
                        ),
                    ),
                    Ok(_) => {}
                }
                held.push((event.seq, Some(event.event_id)));
            }
        }
    }
    let own = ids(pool, &held).await?;
    report.compared = held.len();
    for (seq, there) in held {
        // What the journal has dropped cannot be compared any more.
        if let Some(own) = own.get(&seq)
            && there != Some(*own)
        {
            let there = there.map_or("none of ours".to_owned(), |id| kernel::EventId::of(id).to_string());
            let own = kernel::EventId::of(*own);
            report
                .found(Kind::OtherEvent, format!("{seq} is {own} in the journal, and {there} in the stream"));
        }
    }
    Ok(())
}

/// The journal's own ids at these numbers.
async fn ids(pool: &PgPool, at: &[(i64, Option<Uuid>)]) -> Result<BTreeMap<i64, Uuid>, Fault> {
    let seqs: Vec<i64> = at.iter().map(|(seq, _)| *seq).collect();
    let rows = sqlx::query!(
        "SELECT o.seq, j.event_id FROM journal_order AS o JOIN journal AS j ON j.id = o.id WHERE o.seq = ANY ($1)",
        &seqs
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.seq, row.event_id)).collect())
}

/// Numbers spread evenly from the first to the last, both included.
fn sample(first: i64, last: i64) -> Vec<i64> {
    let span = last - first;
    let steps = span.min(SAMPLE - 1);
    if steps <= 0 {
        return vec![first];
    }
    // In 128 bits, where no product of two numbers is too large.
    let at = |step: i64| {
        let offset = i128::from(span) * i128::from(step) / i128::from(steps);
        first + i64::try_from(offset).expect("at most the span")
    };
    (0..=steps).map(at).collect()
}

/// What of a stream's configuration is not as the relay makes it; how many copies a cluster keeps is its own affair.
fn unlike(info: &Info, ours: &Config, replicas: Option<Replicas>) -> Vec<String> {
    let is = &info.config;
    let unbounded = |limit: i64| limit <= 0;
    let said = |config: &Config| config.metadata.get(crate::stream::EPOCHS).cloned().unwrap_or_default();
    // Streams of a service that was never restored need not tell of epochs.
    let is_told = said(is) == said(ours) || ours.name.ends_with("_E1") && said(is).is_empty();
    let as_ours = [
        ("subjects", is.subjects == ours.subjects),
        ("storage", is.storage == ours.storage),
        ("discard", is.discard == ours.discard),
        ("retention", is.retention == ours.retention),
        ("max_age", is.max_age == ours.max_age),
        ("max_messages", unbounded(is.max_messages) && unbounded(is.max_messages_per_subject)),
        ("deny_delete", is.deny_delete == ours.deny_delete),
        ("deny_purge", is.deny_purge == ours.deny_purge),
        ("allow_direct", is.allow_direct == ours.allow_direct),
        ("num_replicas", replicas.is_none() || is.num_replicas == ours.num_replicas),
        ("metadata", is_told),
    ];
    as_ours
        .into_iter()
        .filter(|(_, is_so)| !is_so)
        .map(|(name, _)| format!("{name} is not as the relay makes it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_holds_both_ends_and_nothing_twice() {
        assert_eq!(sample(5, 5), [5]);
        assert_eq!(sample(5, 8), [5, 6, 7, 8]);
        let far = sample(1, i64::MAX);
        assert_eq!((far.len(), far.first(), far.last()), (64, Some(&1), Some(&i64::MAX)));
        assert!(far.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
