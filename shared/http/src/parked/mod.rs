//! Parked events: others' events that could not take effect here, and what operators do with them (`events.md` §5).
//!
//! Every service has this room. The reader parks and unparks; one looks at what is parked, has it tried again, or gives it
//! up with a reason. A retry begins with the oldest event of the same aggregate, whichever was asked for, because they take
//! effect in order only. What is *not* here: the reader's own retries (`journal::parked`).

pub mod discard;
mod list;
pub mod retry;
mod store;

use crate::OpenApiRouter;
use crate::house::{House, Shown};
use kernel::{Aggregate, BranchId, EventId, Fact, Timestamp, UserId, Version, refusals};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

kernel::id!(
    /// An event that is parked in a service; it keeps the id when it is discarded.
    ParkedId, "pkd"
);

/// One parked event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    id: ParkedId,
    service: &'static str,
    reader: String,
    source: String,
    seq: i64,
    event_id: Uuid,
    event_type: String,
    reason: String,
    attempts: i32,
    parked_at: Timestamp,
    next_try_at: Option<Timestamp>,
    discarded: Option<Discarded>,
    version: Version,
}

/// Who gave an event up, when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discarded {
    by: UserId,
    at: Timestamp,
    why: String,
}

impl Aggregate for Parked {
    type Id = ParkedId;
    const KIND: &'static str = "parked";
    fn id(&self) -> ParkedId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        None
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A parked event as the API shows it; what arrived is shown by itself ([`ParkedWhole`]).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ParkedView {
    /// Which one.
    pub id: ParkedId,
    /// The service in which it is parked.
    pub service: &'static str,
    /// The reader that parked it.
    pub reader: String,
    /// The service that published it.
    pub source: String,
    /// Its number there.
    pub seq: i64,
    /// The event, where its id could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// `steward.support.penalty.confirmed.v1`; `unreadable` where nobody can tell.
    #[serde(rename = "type")]
    pub event_type: String,
    /// `not_known_yet`, `behind_parked`, `unreadable`, `unknown_version`, `panicked`, `fault`, or the code of a refusal.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i32,
    /// Since when it is parked.
    pub parked_at: Timestamp,
    /// When it is tried again by itself; absent where nothing but an operator or what stands before it moves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<Timestamp>,
    /// Who gave it up, where somebody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discarded_by: Option<UserId>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discarded_at: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discarded_why: Option<String>,
    /// Its version as a row, the ETag: 0 until an operator does something with it.
    pub version: Version,
}

/// A parked event with what arrived, which may be anything.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParkedWhole {
    /// What is known of it.
    #[serde(flatten)]
    pub parked: ParkedView,
    /// For people: what it waits for, or what failed; it may quote what arrived.
    pub detail: String,
    /// The envelope as it arrived; of an unreadable event a placeholder with what arrived as its data.
    #[schema(value_type = Object)]
    pub envelope: Box<RawValue>,
}

impl Shown for Parked {
    type View = ParkedView;
    fn view(&self, version: Version) -> ParkedView {
        ParkedView {
            id: self.id,
            service: self.service,
            reader: self.reader.clone(),
            source: self.source.clone(),
            seq: self.seq,
            event_id: (!self.event_id.is_nil()).then(|| EventId::of(self.event_id)),
            event_type: self.event_type.clone(),
            reason: self.reason.clone(),
            attempts: self.attempts,
            parked_at: self.parked_at,
            next_try_at: self.next_try_at,
            discarded_by: self.discarded.as_ref().map(|gone| gone.by),
            discarded_at: self.discarded.as_ref().map(|gone| gone.at),
            discarded_why: self.discarded.as_ref().map(|gone| gone.why.clone()),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/{}/parked/{}", self.service, self.id)
    }
}

refusals! {
    /// Nobody could say later why it was given up.
    ReasonMissing { most: usize } = "parked.reason_missing";
}

#[derive(Debug, Clone, Copy)]
enum Happened {
    Retried,
    Discarded,
}

/// What happened to a parked event; the type is the service's own, hence no `event!`. Internal: it is told to nobody but
/// the journal, which remembers who did it.
fn fact(what: Happened, parked: &Parked) -> Fact {
    let [retried, discarded] = match parked.service {
        "support" => ["support.parked.retried", "support.parked.discarded"],
        "hr" => ["hr.parked.retried", "hr.parked.discarded"],
        "workforce" => ["workforce.parked.retried", "workforce.parked.discarded"],
        "contracts" => ["contracts.parked.retried", "contracts.parked.discarded"],
        _ => ["edge.parked.retried", "edge.parked.discarded"],
    };
    let event_type = match what {
        Happened::Retried => retried,
        Happened::Discarded => discarded,
    };
    let data = json!({
        "parked_id": parked.id, "reader": parked.reader, "source": parked.source, "seq": parked.seq,
        "event_id": EventId::of(parked.event_id), "reason": parked.reason,
    });
    Fact { event_type, version: 0, data, clause: None }
}

/// The room's routes under `/v1/{service}/parked`.
pub(crate) fn routes(service: &'static str) -> OpenApiRouter<House> {
    let routes = OpenApiRouter::new()
        .routes(crate::routes!(list::list))
        .routes(crate::routes!(list::list_discarded))
        .routes(crate::routes!(list::read))
        .routes(crate::routes!(retry::route))
        .routes(crate::routes!(discard::route));
    OpenApiRouter::new().nest(&format!("/v1/{service}"), routes)
}

#[cfg(test)]
fn parked() -> Parked {
    Parked {
        id: ParkedId::of(Uuid::from_u128(1)),
        service: "hr",
        reader: "hr".to_owned(),
        source: "support".to_owned(),
        seq: 48,
        event_id: Uuid::from_u128(2),
        event_type: "steward.support.penalty.confirmed.v1".to_owned(),
        reason: "not_known_yet".to_owned(),
        attempts: 3,
        parked_at: Timestamp::of(chrono::DateTime::UNIX_EPOCH),
        next_try_at: None,
        discarded: None,
        version: Version::NONE,
    }
}
