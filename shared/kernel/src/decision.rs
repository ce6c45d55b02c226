//! What a pure rule answers: the new state of one aggregate and what happened to it.

use crate::{BranchId, Clause, Id};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// How many events an aggregate has had; its ETag, and the guard of every write.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = i32)]
pub struct Version(i32);

impl Version {
    /// An aggregate that nothing has happened to: it does not exist yet.
    pub const NONE: Self = Self(0);

    /// A version as the database stores it.
    pub const fn of(version: i32) -> Self {
        Self(version)
    }

    /// The number, for SQL parameters.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// So many events later.
    pub fn after(self, events: usize) -> Self {
        let events = i32::try_from(events).expect("a decision holds a handful of events");
        Self(self.0.checked_add(events).expect("an aggregate has fewer than two billion events"))
    }
}

/// A thing with an identity, a version and a history: a fine, a contract, a pay run.
pub trait Aggregate {
    /// Its id.
    type Id: Id;
    /// Its name in subjects and in the journal: `penalty`.
    const KIND: &'static str;
    /// Which one.
    fn id(&self) -> Self::Id;
    /// The branch it belongs to; `None` for what belongs to the whole network.
    fn branch(&self) -> Option<BranchId>;
    /// The version it was loaded with; [`Version::NONE`] for a new one.
    fn version(&self) -> Version;
}

/// What an event says. Implemented by `event!` in the crate `events`, for published and internal ones alike.
pub trait EventPayload: Serialize {
    /// `support.penalty.confirmed`.
    const TYPE: &'static str;
    /// The version of the shape, 1 upwards.
    const VERSION: u16;
}

/// Something that happened, ready for the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// `support.penalty.confirmed`.
    pub event_type: &'static str,
    /// The version of the payload's shape.
    pub version: u16,
    /// The payload.
    pub data: Value,
    /// The clause it happened under.
    pub clause: Option<Clause>,
}

/// The new state of an aggregate together with what happened: nothing changes without an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<A> {
    state: A,
    facts: Vec<Fact>,
    born_of: Option<uuid::Uuid>,
}

impl<A: Aggregate> Decision<A> {
    /// The state as it shall be from now on; at least one event must follow.
    pub fn of(state: A) -> Self {
        Self { state, facts: Vec::new(), born_of: None }
    }

    /// What happened, next in order.
    #[must_use]
    pub fn and<E: EventPayload>(mut self, event: E) -> Self {
        let data = serde_json::to_value(&event).expect("payloads are plain data");
        self.facts.push(Fact { event_type: E::TYPE, version: E::VERSION, data, clause: None });
        self
    }

    /// A fact whose type is known only at run time; everything else goes through [`Decision::and`].
    #[must_use]
    pub fn and_fact(mut self, fact: Fact) -> Self {
        self.facts.push(fact);
        self
    }

    /// The last event happened under this clause.
    #[must_use]
    pub fn under(mut self, clause: Clause) -> Self {
        if let Some(last) = self.facts.last_mut() {
            last.clause = Some(clause);
        }
        self
    }

    /// A new aggregate that came out of another one: it carries on that one's correlation id (`events.md` §4).
    #[must_use]
    pub fn born_of<I: Id>(mut self, parent: I) -> Self {
        self.born_of = Some(parent.uuid());
        self
    }

    /// The new state.
    pub const fn state(&self) -> &A {
        &self.state
    }

    /// The new state, taken out.
    pub fn into_state(self) -> A {
        self.state
    }

    /// What happened, in order.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// The aggregate it came out of.
    pub const fn parent(&self) -> Option<uuid::Uuid> {
        self.born_of
    }

    /// The version the state was loaded with.
    pub fn base(&self) -> Version {
        self.state.version()
    }

    /// The version after this decision: it rises by the number of events (`events.md` §1).
    pub fn version(&self) -> Version {
        self.state.version().after(self.facts.len())
    }
}
