//! The bus: NATS JetStream, one stream per service and epoch (`events.md` §4). Nobody else talks to NATS.

use crate::Fault;
use crate::epoch::Epochs;
use crate::login::Login;
use crate::numbering::JournalRow;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::context::{PublishAckFuture, PublishError};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{Event, ServerError};
use events::Envelope;
use kernel::{BranchId, EventId, Version};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// How long to wait for an answer of the bus.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How long a service that starts waits for the bus before it goes on without it.
const FIRST: Duration = Duration::from_secs(2);

/// A connection to the bus, shared by relay and readers of a service.
#[derive(Clone)]
pub struct Bus {
    pub(crate) jetstream: jetstream::Context,
    connected: watch::Receiver<u64>,
    refusals: Arc<AtomicU64>,
    pub(crate) replicas: Option<Replicas>,
}

/// On how many nodes of a cluster each stream is kept: 1, 3 or 5. An even number survives no more failures than the odd one
/// below it, and NATS keeps no more than five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u8")]
pub struct Replicas(u8);

impl Replicas {
    /// As NATS's configuration of a stream counts them.
    pub(crate) fn count(self) -> usize {
        self.0.into()
    }
}

impl TryFrom<u8> for Replicas {
    type Error = &'static str;

    fn try_from(count: u8) -> Result<Self, Self::Error> {
        match count {
            1 | 3 | 5 => Ok(Self(count)),
            _ => Err("a stream has 1, 3 or 5 replicas"),
        }
    }
}

/// Why the bus cannot be used, said once: the library tries again every second, and tells nobody that a password is wrong.
#[derive(Default)]
struct Complaints(Mutex<Option<String>>);

impl Complaints {
    /// What an event complains of, unless the one before complained of the same. A connection that was made ends that.
    fn news(&self, event: &Event) -> Option<String> {
        let now = match event {
            Event::ServerError(why) => Some(why.to_string()),
            Event::ClientError(why) => Some(why.to_string()),
            Event::Connected => None,
            _ => return None,
        };
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = *last != now;
        last.clone_from(&now);
        now.filter(|_| is_news)
    }
}

/// Where a stream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamState {
    /// The number of its newest event; the number before its first where it is empty.
    pub last_seq: i64,
    /// The number of its oldest event.
    pub first_seq: i64,
    /// How many it holds.
    pub messages: u64,
    /// The id of its newest event, where it holds any.
    pub last_event: Option<Uuid>,
    /// When it was made: another value means another stream under the same name.
    pub created: i64,
}

/// The name of a service's stream: `STEWARD_SUPPORT_E1`.
pub fn stream_name(service: &str, epoch: i32) -> String {
    format!("STEWARD_{}_E{epoch}", service.to_ascii_uppercase())
}

impl Bus {
    /// Connects, and goes on connecting for as long as it lives; an error only where the address, or the key, cannot be
    /// one. `name` is the user's, where he has a key.
    pub async fn connect(login: impl Into<Login>, name: &str) -> Result<Self, Fault> {
        let (sender, mut connected) = watch::channel(0);
        let (addresses, options) = login.into().prepare(name)?;
        let refusals = Arc::new(AtomicU64::new(0));
        let (named, complaints, counted) = (name.to_owned(), Complaints::default(), refusals.clone());
        let client = options
            // A service starts without the bus as it goes on without it: commands need the database only.
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(|attempts| {
                let attempts = u64::try_from(attempts).unwrap_or(u64::MAX);
                Duration::from_millis(attempts.saturating_mul(50).min(1_000))
            })
            .event_callback(move |event| {
                if matches!(event, Event::Connected | Event::Disconnected) {
                    sender.send_modify(|times| *times += 1);
                }
                if is_refusal(&event) {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                if let Some(why) = complaints.news(&event) {
                    tracing::warn!(name = named, why, "the bus refuses, or cannot be reached");
                }
                std::future::ready(())
            })
            .connect(addresses)
            .await
            .map_err(|error| Fault::Bus(error.to_string()))?;
        let jetstream = jetstream::ContextBuilder::new()
            .timeout(PATIENCE)
            // What was given up with a window counts until it times out: room for that, and not for long.
            .ack_timeout(PATIENCE)
            .max_ack_inflight(4 * WINDOW)
            .build(client);
        // The first connection is no reason to rebuild anything: its event comes a moment after `connect`. Where it does
        // not come, relay and readers say that they stand still, and go on once it does.
        let first = tokio::time::timeout(FIRST, connected.wait_for(|times| *times > 0)).await;
        let is_there = first.is_ok_and(|connected| connected.is_ok());
        if !is_there {
            tracing::warn!(name, "the bus does not answer yet; trying on");
        }
        Ok(Self { jetstream, connected, refusals, replicas: None })
    }

    /// Has each stream that is published kept on so many nodes, also one that is there already. Where nothing is said a
    /// stream keeps what it has, and a new one has one.
    #[must_use]
    pub fn replicated(self, replicas: Option<Replicas>) -> Self {
        Self { replicas, ..self }
    }

    /// Changes whenever the connection was lost or made again: subscriptions are then rebuilt from their positions,
    /// because the library's own recovery is slow and silent about a stream that went backwards.
    pub fn connected(&self) -> watch::Receiver<u64> {
        self.connected.clone()
    }

    /// Whether the connection stands at this moment.
    pub fn is_connected(&self) -> bool {
        self.jetstream.client().connection_state() == async_nats::connection::State::Connected
    }

    /// How often the server refused this user a subject since the start: zero wherever the rights are what they should be.
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// JetStream, for what is asked of it elsewhere in this crate.
    pub(crate) fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    /// Where a stream stands; `None` where there is none.
    pub async fn state(&self, stream: &str) -> Result<Option<StreamState>, Fault> {
        Ok(self.info(stream).await?.map(|(_, state)| state))
    }

    /// Sends one event to the stream of the latest epoch, which takes it only as the successor of `seq − 1`. Its envelope
    /// names the epoch that its number belongs to, also where an older one is published again.
    pub(crate) async fn send(
        &self,
        service: &str,
        epochs: &Epochs,
        row: JournalRow,
    ) -> Result<PublishAckFuture, Fault> {
        let before = u64::try_from(row.seq - 1).map_err(|error| Fault::Bus(error.to_string()))?;
        let envelope = envelope(service, epochs.of(row.seq), row)?;
        // Grown as it is written it would be copied several times.
        let mut payload = Vec::with_capacity(envelope.data.get().len() + BESIDE_DATA);
        serde_json::to_writer(&mut payload, &envelope).map_err(|error| Fault::Bus(error.to_string()))?;
        let mut message = PublishMessage::build()
            .payload(payload.into())
            .message_id(envelope.id.to_string())
            .expected_stream(stream_name(service, epochs.latest().epoch))
            .expected_last_sequence(before)
            .header("Steward-Type", envelope.event_type.as_str());
        if let Some(traceparent) = &envelope.traceparent {
            message = message.header("traceparent", traceparent.as_str());
        }
        let subject = subject_of(&envelope).ok_or_else(|| Fault::Corrupt {
            table: "journal",
            column: "type",
            value: envelope.event_type.clone(),
        })?;
        self.jetstream.send_publish(subject, message).await.map_err(bus)
    }

    /// Reads a stream in order from `seq`.
    pub(crate) async fn read(&self, stream: &str, seq: i64) -> Result<pull::Ordered, Fault> {
        let stream =
            self.jetstream.get_stream_no_info(stream).await.map_err(|error| Fault::Bus(error.to_string()))?;
        let start_sequence = u64::try_from(seq).map_err(|error| Fault::Bus(error.to_string()))?;
        let config = pull::OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
            ..pull::OrderedConfig::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(|error| Fault::Bus(error.to_string()))?;
        consumer.messages().await.map_err(|error| Fault::Bus(error.to_string()))
    }
}

/// Bytes of an envelope beside its data, about.
const BESIDE_DATA: usize = 768;

/// How many publishes may be under way at once.
pub(crate) const WINDOW: usize = 1_024;

fn bus(error: PublishError) -> Fault {
    Fault::Bus(error.to_string())
}

/// Whether the server refuses this user what he just tried (`Permissions Violation for Publish to "…"`).
fn is_refusal(event: &Event) -> bool {
    matches!(event, Event::ServerError(ServerError::Other(why)) if why.to_ascii_lowercase().contains("permissions violation"))
}

pub(crate) fn is_missing(error: &jetstream::context::GetStreamError) -> bool {
    matches!(error.kind(), jetstream::context::GetStreamErrorKind::JetStream(inner) if inner.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

pub(crate) fn to_seq(sequence: u64) -> Result<i64, Fault> {
    i64::try_from(sequence).map_err(|error| Fault::Bus(error.to_string()))
}

/// `steward.v1.support.br_01j….penalty.confirmed`; `net` where it belongs to no branch. `None` where the type is
/// none of ours.
pub(crate) fn subject_of(envelope: &Envelope) -> Option<String> {
    let branch = envelope.branch.map_or_else(|| "net".to_owned(), |branch| branch.to_string());
    let (kind, _) = envelope.kind()?;
    let (service, rest) = kind.split_once('.')?;
    Some(format!("steward.v1.{service}.{branch}.{rest}"))
}

/// The envelope of a numbered row: the same on the bus, at the feed and in the history. `epoch` is that of its number
/// ([`Epochs::of`]).
pub fn envelope(service: &str, epoch: i32, row: JournalRow) -> Result<Envelope, Fault> {
    let corrupt = |error: serde_json::Error| Fault::Corrupt {
        table: "journal",
        column: "data",
        value: error.to_string(),
    };
    Ok(Envelope {
        specversion: "1.0".to_owned(),
        id: EventId::of(row.event_id),
        source: format!("/steward/{service}"),
        event_type: format!("steward.{}", row.event_type),
        time: row.time(),
        subject: row.subject,
        datacontenttype: "application/json".to_owned(),
        branch: row.branch_id.map(BranchId::of),
        aggversion: Version::of(row.aggversion),
        epoch,
        seq: row.seq,
        actor: format!("{}:{}", row.actor_kind, row.actor_id),
        correlationid: EventId::of(row.correlation_id),
        causationid: row.causation_id.map(EventId::of),
        clause: row.clause,
        beside: None,
        traceparent: row.traceparent,
        data: RawValue::from_string(row.data).map_err(corrupt)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_nats::ClientError;

    #[test]
    fn a_stream_is_kept_on_an_odd_number_of_nodes_up_to_five() {
        let counts: Vec<u8> = (0..=u8::MAX).filter(|count| Replicas::try_from(*count).is_ok()).collect();
        assert_eq!(counts, [1, 3, 5]);
    }

    #[test]
    fn why_the_bus_refuses_is_said_once() {
        let complaints = Complaints::default();
        let refused = |why: &str| complaints.news(&Event::ClientError(ClientError::Other(why.to_owned())));
        assert_eq!(refused("authorization violation").as_deref(), Some("nats: authorization violation"));
        assert_eq!(refused("authorization violation"), None);
        assert_eq!(complaints.news(&Event::Disconnected), None);
        assert_eq!(refused("authorization violation"), None, "still the same");
        assert_eq!(refused("timed out").as_deref(), Some("nats: timed out"));
        assert_eq!(complaints.news(&Event::Connected), None);
        assert_eq!(refused("timed out").as_deref(), Some("nats: timed out"), "it was there in between");
    }
}
