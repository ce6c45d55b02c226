//! One message of a stream, read with suspicion: what does not say the same in all places is not believed.

use crate::Fault;
use crate::bus::{subject_of, to_seq};
use events::Envelope;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

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
    pub(crate) envelope: Result<Envelope, String>,
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
            Err(format!("source {} in the history of {source}", envelope.source))
        };
        Self { seq, event_id, aggregate, pending: 1, delivered: 0, envelope, payload: bytes::Bytes::new() }
    }

    /// Stands for an event that cannot be read, so that it can be parked and looked at: what arrived is its data.
    pub(crate) fn placeholder(&self, source: &str) -> Envelope {
        let id = kernel::EventId::of(self.event_id);
        let arrived = Value::from(String::from_utf8_lossy(&self.payload)).to_string();
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
    let envelope = serde_json::from_slice::<Envelope>(&message.payload)
        .map_err(|error| error.to_string())
        .and_then(|envelope| believed(envelope, seq, source, &message.subject));
    let header =
        message.headers.as_ref().and_then(|headers| headers.get(async_nats::header::NATS_MESSAGE_ID));
    // The header first: the relay compares by it too, and it is there where the payload is unreadable.
    let from_header = header.and_then(|id| id.as_str().parse::<kernel::EventId>().ok());
    let event_id = from_header
        .or_else(|| envelope.as_ref().ok().map(|envelope| envelope.id))
        .map_or(Uuid::nil(), kernel::EventId::uuid);
    let aggregate = match &envelope {
        Ok(envelope) => subject_uuid(&envelope.subject),
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

fn believed(envelope: Envelope, seq: i64, source: &str, subject: &str) -> Result<Envelope, String> {
    if envelope.seq != seq {
        return Err(format!("says it is number {}, but stands at {seq}", envelope.seq));
    }
    if envelope.service() != source {
        return Err(format!("source {} on the stream of {source}", envelope.source));
    }
    if subject_of(&envelope).as_deref() != Some(subject) {
        return Err(format!("type and branch do not belong to the subject {subject}"));
    }
    Ok(envelope)
}

/// The UUID of a subject of any kind: `pen_01j…`.
fn subject_uuid(subject: &str) -> Option<Uuid> {
    let (prefix, _) = subject.split_once('_')?;
    kernel::id::decode(prefix, subject).ok()
}
