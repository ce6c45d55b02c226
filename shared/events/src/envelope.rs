//! The envelope of every event: CloudEvents 1.0 in JSON (`events.md` §4).

use kernel::{BranchId, Clause, EventId, EventPayload, Timestamp, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// An event as it stands on the bus, the payload still unread.
///
/// Members this version does not know are ignored: the envelope may grow.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Envelope {
    /// Always `1.0`.
    #[schemars(extend("const" = "1.0"))]
    pub specversion: String,
    /// The event's id; also its message id on the bus.
    pub id: EventId,
    /// `/steward/support`.
    #[schemars(regex(pattern = r"^/steward/[a-z]+$"), example = &"/steward/support")]
    pub source: String,
    /// `steward.support.penalty.confirmed.v1`.
    #[serde(rename = "type")]
    #[schemars(regex(pattern = r"^steward\.[a-z]+\.[a-z_]+\.[a-z_]+\.v[0-9]+$"), example = &"steward.support.penalty.confirmed.v1")]
    pub event_type: String,
    /// The id of the aggregate: `pen_01j…`.
    #[schemars(example = &"pen_01k6gv7k1nfxbr1kd7xv0m2q3t")]
    pub subject: String,
    /// When it happened, by the publisher's clock.
    #[serde(deserialize_with = "kernel::time::recorded")]
    pub time: Timestamp,
    /// Always `application/json`.
    #[schemars(extend("const" = "application/json"))]
    pub datacontenttype: String,
    /// The branch it belongs to; absent for what belongs to the whole network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<BranchId>,
    /// The aggregate's version after this event.
    pub aggversion: Version,
    /// The epoch of the stream.
    #[schemars(range(min = 1), example = 1)]
    pub epoch: i32,
    /// The event's number: gap-free within its source.
    #[schemars(range(min = 1), example = 48_213)]
    pub seq: i64,
    /// Who or what did it: `principal:usr_…`, `timer:…`, `reaction:…`, `operator:…`.
    #[schemars(regex(pattern = r"^(principal|timer|reaction|operator):.+$"), example = &"principal:usr_01k6gv7k1nfxbr1kd7xv0m2q3t")]
    pub actor: String,
    /// The chain it belongs to: the id of the event that began it.
    pub correlationid: EventId,
    /// The event it reacts to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<EventId>,
    /// The clause it happened under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"P6.6-1")]
    pub clause: Option<String>,
    /// The older version of its type that tells the same fact beside it: a reader that handles that one skips this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 1)]
    pub beside: Option<u16>,
    /// W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    pub traceparent: Option<String>,
    /// The payload.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub data: Box<RawValue>,
}

impl Envelope {
    /// The service that published it.
    pub fn service(&self) -> &str {
        self.source.strip_prefix("/steward/").unwrap_or(&self.source)
    }

    /// The type without `steward.` and version, and the version: `("support.penalty.confirmed", 1)`.
    pub fn kind(&self) -> Option<(&str, u16)> {
        let (name, version) = self.event_type.strip_prefix("steward.")?.rsplit_once(".v")?;
        Some((name, version.parse().ok()?))
    }

    /// The payload read as `E`.
    pub fn read<E: EventPayload + for<'de> Deserialize<'de>>(&self) -> Result<Event<E>, serde_json::Error> {
        Ok(Event {
            id: self.id,
            time: self.time,
            branch: self.branch,
            seq: self.seq,
            version: self.aggversion,
            clause: self.clause.as_deref().and_then(Clause::find),
            data: serde_json::from_str(self.data.get())?,
        })
    }
}

/// An event whose payload was read: what a reaction gets.
#[derive(Debug, Clone)]
pub struct Event<E> {
    /// The event's id.
    pub id: EventId,
    /// When it happened, by the publisher's clock.
    pub time: Timestamp,
    /// The branch it belongs to.
    pub branch: Option<BranchId>,
    /// Its number within its source.
    pub seq: i64,
    /// The aggregate's version after it.
    pub version: Version,
    /// The clause it happened under.
    pub clause: Option<Clause>,
    /// What it says.
    pub data: E,
}
