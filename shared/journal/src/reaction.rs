//! What a service does when others' events arrive: `reactions().on::<PenaltyConfirmed>(post_deduction)`.

use crate::received::Disbelief;
use crate::supervise::Panicked;
use crate::{Failure, Fault, Tx};
use events::{Envelope, Event};
use kernel::{EventPayload, Id, Refused};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use uuid::Uuid;

/// Why a reaction had no effect.
#[derive(Debug)]
pub enum Reaction {
    /// It needs something that has not arrived yet; tried again by itself when that is announced.
    Waits {
        /// What is missing.
        for_id: Uuid,
    },
    /// A rule said no, for good: the event is parked until an operator decides.
    Refused(Refused),
    /// The machine failed. A passing fault is tried again; a lasting one parks the event.
    Fault(Fault),
}

impl Reaction {
    /// It needs what this id names, which has not arrived yet.
    pub fn waits_for<I: Id>(id: I) -> Self {
        Self::Waits { for_id: id.uuid() }
    }
}

impl<E: Into<Failure>> From<E> for Reaction {
    fn from(error: E) -> Self {
        match error.into() {
            Failure::Refused(refused) => Self::Refused(refused),
            Failure::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// An `async fn(&mut Tx, &Event<E>) -> Result<(), Reaction>`; spelled as a trait, because the future borrows both.
pub trait React<'a, E: 'a>: Fn(&'a mut Tx, &'a Event<E>) -> Self::Done {
    /// The future it returns.
    type Done: Future<Output = Result<(), Reaction>> + Send + 'a;
}

impl<'a, E: 'a, F, D> React<'a, E> for F
where
    F: Fn(&'a mut Tx, &'a Event<E>) -> D,
    D: Future<Output = Result<(), Reaction>> + Send + 'a,
{
    type Done = D;
}

/// An `async fn(&mut Tx, &[Event<E>]) -> Result<(), Reaction>`.
pub trait ReactToAll<'a, E: 'a>: Fn(&'a mut Tx, &'a [Event<E>]) -> Self::Done {
    /// The future it returns.
    type Done: Future<Output = Result<(), Reaction>> + Send + 'a;
}

impl<'a, E: 'a, F, D> ReactToAll<'a, E> for F
where
    F: Fn(&'a mut Tx, &'a [Event<E>]) -> D,
    D: Future<Output = Result<(), Reaction>> + Send + 'a,
{
    type Done = D;
}

type Effect<'a> = Pin<Box<dyn Future<Output = Result<(), Outcome>> + Send + 'a>>;
type Handler = Arc<dyn for<'a> Fn(&'a mut Tx, &'a [&'a Envelope]) -> Effect<'a> + Send + Sync>;

/// What happens when events of one type arrive.
#[derive(Clone)]
pub(crate) struct Declared {
    /// The version that is known here.
    pub(crate) version: u16,
    /// Whether events that follow each other may be handed over together.
    pub(crate) takes: Takes,
    pub(crate) handlers: Vec<Handler>,
}

/// How many events a type's reactions are given at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// One.
    One,
    /// As many as have come one after the other.
    Many,
}

/// What became of one event, below [`Reaction`]: the payload may also be unreadable.
pub(crate) enum Outcome {
    Unreadable(String),
    Forged(String),
    UnknownVersion(String),
    Panicked(Panicked),
    Reaction(Reaction),
}

impl From<Disbelief> for Outcome {
    fn from(why: Disbelief) -> Self {
        match why {
            Disbelief::Unreadable(detail) => Self::Unreadable(detail),
            Disbelief::Forged(detail) => Self::Forged(detail),
        }
    }
}

/// Which event types a service reacts to, and how.
#[derive(Clone, Default)]
pub struct Reactions {
    declared: BTreeMap<&'static str, Declared>,
}

impl Reactions {
    /// Reacts to nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reacts to events of type `E`; several reactions to one type run in the order they were added.
    #[must_use]
    pub fn on<E>(mut self, react: impl for<'a> React<'a, E> + Send + Sync + 'static) -> Self
    where
        E: EventPayload + DeserializeOwned + Send + Sync + 'static,
    {
        let react = Arc::new(react);
        self.declare::<E>(
            Takes::One,
            Arc::new(move |tx, envelopes| {
                let react = react.clone();
                Box::pin(async move {
                    for event in &read::<E>(envelopes)? {
                        react(tx, event).await.map_err(Outcome::Reaction)?;
                    }
                    Ok(())
                })
            }),
        );
        self
    }

    /// Keeps rows about events of type `E`, set by set: those that have come one after the other arrive together, in order,
    /// and may be of one aggregate. Where one of them has no effect, each is tried alone. For rows of the reader's own only:
    /// it takes no decisions, because nobody could say which of the events caused them.
    #[must_use]
    pub fn on_all<E>(mut self, react: impl for<'a> ReactToAll<'a, E> + Send + Sync + 'static) -> Self
    where
        E: EventPayload + DeserializeOwned + Send + Sync + 'static,
    {
        let react = Arc::new(react);
        self.declare::<E>(
            Takes::Many,
            Arc::new(move |tx, envelopes| {
                let react = react.clone();
                Box::pin(async move {
                    let (events, before) = (read::<E>(envelopes)?, tx.pending.len());
                    react(tx, &events).await.map_err(Outcome::Reaction)?;
                    if tx.pending.len() == before { Ok(()) } else { Err(decided(E::TYPE)) }
                })
            }),
        );
        self
    }

    /// A type of which one reaction wants each event by itself is handed over so to all.
    fn declare<E: EventPayload>(&mut self, takes: Takes, handler: Handler) {
        let declared = self.declared.entry(E::TYPE).or_insert(Declared {
            version: E::VERSION,
            takes,
            handlers: Vec::new(),
        });
        if takes == Takes::One {
            declared.takes = Takes::One;
        }
        declared.handlers.push(handler);
    }

    /// The services whose streams must be read.
    pub fn sources(&self) -> BTreeSet<&'static str> {
        self.declared.keys().filter_map(|kind| kind.split('.').next()).collect()
    }

    /// The types that were declared.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.declared.keys().copied()
    }

    /// What was declared of a type, if anything.
    pub(crate) fn of(&self, kind: &str) -> Option<&Declared> {
        self.declared.get(kind)
    }
}

fn read<E: EventPayload + DeserializeOwned>(envelopes: &[&Envelope]) -> Result<Vec<Event<E>>, Outcome> {
    let events = envelopes.iter().map(|envelope| envelope.read());
    events.collect::<Result<_, _>>().map_err(|error| Outcome::Unreadable(error.to_string()))
}

fn decided(kind: &str) -> Outcome {
    Outcome::Panicked(Panicked(format!("a reaction to all of {kind} took a decision")))
}
