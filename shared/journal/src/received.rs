//! One message of a stream, read with suspicion: what does not say the same in all places is not believed.
//!
//! | arrives | outcome |
//! |---|---|
//! | no JSON, no UTF-8, not an envelope, nested without end, larger than any event | parked, `unreadable` |
//! | without the relay's header; another number, epoch, source, subject, branch or id than where it stands | parked, `forged` |
//! | an aggregate's version that is not above the one that came before it | parked, `forged` |
//! | a version of a type that is not known here | parked, `unknown_version`, unless it stands beside a known one |
//! | a payload that is not what its type says | parked, `unreadable` |
//! | once more at its own number, or below the position | skipped: it has had its effect |
//! | out of order, or with a gap | the reader stops, reads on from its position, and says so |
//! | however late | takes effect: order counts, not time |
//!
//! The header is the relay's mark. Only a service's own user may publish to its subjects, but JetStream delivers answers and
//! stored messages with rights of its own, wherever somebody who may ask it anything wants them ([`crate::rights`]); such a
//! message bears no header that names this stream, because no other stream stores one that does.

use crate::Fault;
use crate::bus::{stream_name, subject_of, to_seq};
use async_nats::header::{HeaderName, NATS_EXPECTED_STREAM, NATS_MESSAGE_ID};
use events::Envelope;
use kernel::Version;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use uuid::Uuid;

/// Larger than any event: the journal takes 64 KB of data, and the rest of an envelope is far smaller than this.
const LARGEST: usize = 80 * 1_024;

/// How much of what cannot be read is kept for the operator.
const KEPT: usize = 4 * 1_024;

/// Of how many aggregates the last version is remembered.
const REMEMBERED: usize = 16_384;

/// Why a message is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Disbelief {
    /// It is no event.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// It is one, and says something else than the place where it stands: not what the relay wrote.
    #[error("forged: {0}")]
    Forged(String),
}

/// One message of the stream.
pub(crate) struct Received {
    pub(crate) seq: i64,
    pub(crate) event_id: Uuid,
    /// The nil one where nobody can say.
    pub(crate) aggregate: Uuid,
    /// How many more the stream held when this one was sent.
    pub(crate) pending: u64,
    /// Its place among the messages of its subscription, 1 upwards; 0 where it came by none.
    pub(crate) delivered: u64,
    /// The event, or why it cannot be believed.
    pub(crate) envelope: Result<Envelope, Disbelief>,
    payload: bytes::Bytes,
}

impl Received {
    /// An event that came from its source's history, where more may wait behind it.
    pub(crate) fn of_history(envelope: Envelope, source: &str) -> Self {
        let aggregate = subject_uuid(&envelope.subject).unwrap_or_default();
        let (seq, event_id) = (envelope.seq, envelope.id.uuid());
        let envelope = if envelope.service() == source {
            Ok(envelope)
        } else {
            Err(Disbelief::Forged(format!("source {} in the history of {source}", envelope.source)))
        };
        Self { seq, event_id, aggregate, pending: 1, delivered: 0, envelope, payload: bytes::Bytes::new() }
    }

    /// Stands for an event that cannot be read, so that it can be parked and looked at: what arrived is its data.
    pub(crate) fn placeholder(&self, source: &str) -> Envelope {
        let id = kernel::EventId::of(self.event_id);
        let kept = self.payload.get(..KEPT).unwrap_or(&self.payload);
        let arrived = Value::from(String::from_utf8_lossy(kept)).to_string();
        Envelope {
            specversion: "1.0".to_owned(),
            id,
            source: format!("/steward/{source}"),
            event_type: "unreadable".to_owned(),
            subject: String::new(),
            time: kernel::Timestamp::of(chrono::DateTime::UNIX_EPOCH),
            datacontenttype: "application/json".to_owned(),
            branch: None,
            aggversion: kernel::Version::NONE,
            epoch: 0,
            seq: self.seq,
            actor: String::new(),
            correlationid: id,
            causationid: None,
            clause: None,
            beside: None,
            traceparent: None,
            data: RawValue::from_string(arrived).unwrap_or_default(),
        }
    }
}

/// Reads a message of the stream of `source`.
pub(crate) fn receive(message: &async_nats::jetstream::Message, source: &str) -> Result<Received, Fault> {
    let info = message.info().map_err(|error| Fault::Bus(error.to_string()))?;
    let seq = to_seq(info.stream_sequence)?;
    let header = |name: HeaderName| message.headers.as_ref().and_then(|headers| headers.get(name));
    let place = Place {
        seq,
        source,
        stream: info.stream,
        subject: &message.subject,
        marked: header(NATS_EXPECTED_STREAM).map(|stream| stream.as_str()),
        id: header(NATS_MESSAGE_ID).map(|id| id.as_str()),
    };
    let envelope = place.read(&message.payload);
    // The header first: the relay compares by it too, and it is there where the payload is unreadable.
    let event_id = place
        .id
        .and_then(|id| id.parse::<kernel::EventId>().ok())
        .or_else(|| envelope.as_ref().ok().map(|envelope| envelope.id))
        .map_or(Uuid::nil(), kernel::EventId::uuid);
    let aggregate = match &envelope {
        Ok(envelope) => subject_uuid(&envelope.subject),
        // What the relay did not write shall not hold back the aggregate that it names.
        Err(_) if !place.is_marked() => None,
        Err(_) => serde_json::from_slice::<Value>(&message.payload)
            .ok()
            .and_then(|value| subject_uuid(value.get("subject")?.as_str()?)),
    };
    Ok(Received {
        seq,
        event_id,
        aggregate: aggregate.unwrap_or_default(),
        pending: info.pending,
        delivered: info.consumer_sequence,
        envelope,
        payload: message.payload.clone(),
    })
}

/// Where a message stands, and what its headers say.
struct Place<'a> {
    seq: i64,
    source: &'a str,
    stream: &'a str,
    subject: &'a str,
    /// The stream that it was published for.
    marked: Option<&'a str>,
    /// The event's id.
    id: Option<&'a str>,
}

impl Place<'_> {
    /// Whether it was published for this stream, and so by the only one who may.
    fn is_marked(&self) -> bool {
        self.marked == Some(self.stream)
    }

    fn read(&self, payload: &[u8]) -> Result<Envelope, Disbelief> {
        if !self.is_marked() {
            let named = self.marked.unwrap_or("none");
            return Err(Disbelief::Forged(format!("published for the stream {named}, not by the relay")));
        }
        if payload.len() > LARGEST {
            return Err(Disbelief::Unreadable(format!(
                "{} bytes; no event has more than {LARGEST}",
                payload.len()
            )));
        }
        let envelope = serde_json::from_slice::<Envelope>(payload)
            .map_err(|error| Disbelief::Unreadable(error.to_string()))?;
        self.lie(&envelope).map_or(Ok(envelope), |lie| Err(Disbelief::Forged(lie)))
    }

    /// What the envelope says that is not so here.
    fn lie(&self, envelope: &Envelope) -> Option<String> {
        let Self { seq, source, stream, subject, .. } = self;
        if envelope.seq != *seq {
            return Some(format!("says it is number {}, but stands at {seq}", envelope.seq));
        }
        if envelope.service() != *source {
            return Some(format!("source {} on the stream of {source}", envelope.source));
        }
        if stream_name(source, envelope.epoch) != *stream {
            return Some(format!("says it is of epoch {}, but stands in {stream}", envelope.epoch));
        }
        if subject_of(envelope).as_deref() != Some(*subject) {
            return Some(format!("type and branch do not belong to the subject {subject}"));
        }
        if self.id.is_some_and(|id| id != envelope.id.to_string()) {
            return Some(format!(
                "is {} by its header and {} by itself",
                self.id.unwrap_or_default(),
                envelope.id
            ));
        }
        (envelope.aggversion <= Version::NONE)
            .then(|| format!("version {} of {}: the first is 1", envelope.aggversion.get(), envelope.subject))
    }
}

/// The versions of the aggregates that were read last: each must rise. What was read in an earlier session, or so many
/// aggregates ago that it was forgotten, cannot be held against an event.
#[derive(Default)]
pub(crate) struct Versions(HashMap<Uuid, (i32, Version)>);

impl Versions {
    /// Believes no event whose aggregate had that version, or a later one, before. A new epoch begins anew: what only
    /// the old one had is gone there.
    pub(crate) fn check(&mut self, batch: &mut [Received]) {
        for received in batch {
            let Ok(envelope) = &received.envelope else { continue };
            let (epoch, version) = (envelope.epoch, envelope.aggversion);
            match self.0.get(&received.aggregate) {
                Some((before, last)) if *before == epoch && version <= *last => {
                    let why =
                        format!("version {} of {} after {}", version.get(), envelope.subject, last.get());
                    received.envelope = Err(Disbelief::Forged(why));
                }
                Some(_) | None => {
                    if self.0.len() >= REMEMBERED {
                        self.0.clear();
                    }
                    self.0.insert(received.aggregate, (epoch, version));
                }
            }
        }
    }
}

/// The UUID of a subject of any kind: `pen_01j…`.
fn subject_uuid(subject: &str) -> Option<Uuid> {
    let (prefix, _) = subject.split_once('_')?;
    kernel::id::decode(prefix, subject).ok()
}
