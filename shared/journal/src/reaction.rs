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

type Effect<'a> = Pin<Box<dyn Future<Output = Result<(), Outcome>> + Send + 'a>>;
type Handler = Arc<dyn for<'a> Fn(&'a mut Tx, &'a Envelope) -> Effect<'a> + Send + Sync>;

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
    handlers: BTreeMap<&'static str, (u16, Vec<Handler>)>,
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
        let handler: Handler = Arc::new(move |tx, envelope| {
            let react = react.clone();
            Box::pin(async move {
                let event: Event<E> =
                    envelope.read().map_err(|error| Outcome::Unreadable(error.to_string()))?;
                react(tx, &event).await.map_err(Outcome::Reaction)
            })
        });
        self.handlers.entry(E::TYPE).or_insert_with(|| (E::VERSION, Vec::new())).1.push(handler);
        self
    }

    /// The services whose streams must be read.
    pub fn sources(&self) -> BTreeSet<&'static str> {
        self.handlers.keys().filter_map(|kind| kind.split('.').next()).collect()
    }

    /// The types that were declared.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.handlers.keys().copied()
    }

    /// The version and handlers of a type, if anybody declared it.
    pub(crate) fn of(&self, kind: &str) -> Option<(u16, &[Handler])> {
        self.handlers.get(kind).map(|(version, handlers)| (*version, handlers.as_slice()))
    }
}
