//! Retraining orders: what upheld complaints lead to, and when they end (P2-1).
//!
//! An order comes from the policy or from a person, and may block services until it ends. What is *not* here yet:
//! enrolling and passing, which come with courses; supervision visits.

mod list;
pub mod open;
pub mod overdue;
mod respond;
mod store;
pub mod undo;
pub mod uphold;
pub mod waive;

use crate::person::Person;
use chrono::NaiveDate;
use events::workforce::RetrainingClosed;
use events::{ComplaintId, RetrainingId, WorkerId};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, Timestamp, Version, clause, refusals};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

pub use respond::{Blocks, ComplaintResponse, Measure, Response, Row, Stops, Upheld, respond};

/// Why somebody is to be retrained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Upheld complaints.
    Complaint,
    /// A supervision visit went wrong.
    FailedSupervision,
    /// He was long away.
    LongAbsence,
    /// A new edition of the standard.
    StandardChange,
    /// A certificate ends.
    Expiry,
}

impl Cause {
    const ALL: [Self; 5] =
        [Self::Complaint, Self::FailedSupervision, Self::LongAbsence, Self::StandardChange, Self::Expiry];

    /// As tables and events write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::FailedSupervision => "failed_supervision",
            Self::LongAbsence => "long_absence",
            Self::StandardChange => "standard_change",
            Self::Expiry => "expiry",
        }
    }

    /// The cause of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }
}

/// A retraining order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Which.
    pub id: RetrainingId,
    /// Who.
    pub worker: WorkerId,
    /// The worker's branch.
    pub branch: BranchId,
    /// Why.
    pub cause: Cause,
    /// The complaints it answers.
    pub answers: BTreeSet<ComplaintId>,
    /// Services blocked while it is open.
    pub blocks_services: BTreeSet<String>,
    /// The last day for it.
    pub due_on: NaiveDate,
    /// Since when.
    pub opened_at: Timestamp,
    /// Who ordered it; nobody where the policy did.
    pub opener: Option<Person>,
    /// How far it has come.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

/// How far an order has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is to be done.
    Open,
    /// Somebody let it go.
    Waived {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// A finding behind it was reversed.
    Undone {
        /// When.
        at: Timestamp,
    },
}

impl State {
    /// As tables and views write it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => Stage::Open.word(),
            Self::Waived { .. } => Stage::Waived.word(),
            Self::Undone { .. } => Stage::Undone.word(),
        }
    }

    /// When it ended.
    pub const fn closed_at(&self) -> Option<Timestamp> {
        match self {
            Self::Open => None,
            Self::Waived { at, .. } | Self::Undone { at } => Some(*at),
        }
    }
}

/// A state without its when and why: what one may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is to be done.
    Open,
    /// Somebody let it go.
    Waived,
    /// A finding behind it was reversed.
    Undone,
}

impl Stage {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waived => "waived",
            Self::Undone => "undone",
        }
    }
}

impl Order {
    /// What others are told when it ends.
    fn closed(&self, reason_code: &str) -> RetrainingClosed {
        RetrainingClosed {
            retraining_id: self.id,
            worker_id: self.worker,
            reason_code: reason_code.to_owned(),
        }
    }
}

impl Aggregate for Order {
    type Id = RetrainingId;
    const KIND: &'static str = "retraining";
    fn id(&self) -> RetrainingId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

refusals! {
    /// It has ended.
    NotOpen { state: &'static str } = "workforce.retraining_not_open", clause!("P2-1");
    /// Whoever ordered it does not waive it.
    OwnOrder {} = "sod.retraining.own_order", clause!("P2-1");
    /// Nobody orders or waives his own retraining.
    OwnCase {} = "sod.retraining.own_case", clause!("P2-1");
    /// A waiver needs a reason of 1 to 500 characters.
    ReasonMissing {} = "workforce.retraining_reason", clause!("P2-1");
    /// It blocks services that exist.
    ServiceUnknown { service_codes: BTreeSet<String> } = "workforce.retraining_service_unknown", clause!("P2-1");
    /// It is due on a day that is over.
    DueInThePast { today: NaiveDate } = "workforce.retraining_due_past", clause!("P2-1");
}

/// The timer of an order's last day.
pub(crate) const OVERDUE: &str = "retraining_overdue";

/// An order as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrderView {
    /// Which.
    pub id: RetrainingId,
    /// Who.
    pub worker_id: WorkerId,
    /// Why.
    pub cause: Cause,
    /// The complaints it answers.
    pub answers: BTreeSet<ComplaintId>,
    /// Services blocked while it is open.
    pub blocks_services: BTreeSet<String>,
    /// The last day for it.
    pub due_on: NaiveDate,
    /// Since when.
    pub opened_at: Timestamp,
    /// `open`, `waived`, `undone`.
    pub state: &'static str,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// The ETag.
    pub version: Version,
}

impl Shown for Order {
    type View = OrderView;
    fn view(&self, version: Version) -> OrderView {
        OrderView {
            id: self.id,
            worker_id: self.worker,
            cause: self.cause,
            answers: self.answers.clone(),
            blocks_services: self.blocks_services.clone(),
            due_on: self.due_on,
            opened_at: self.opened_at,
            state: self.state.word(),
            closed_at: self.state.closed_at(),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/workforce/retraining-orders/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(open::route, list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(waive::route))
}
