//! Contacts: the one fact every clock reads (support.md §1).
//!
//! Append-only; written by calls, callbacks, promises and replies inside their own commands. Whether a promise was
//! kept, a first response given, a customer reached: all of it is read from here and from nowhere else.
//! What is not here: what was said; that belongs to whatever the contact was about.

mod store;

use events::support::ContactRecorded;
use events::{CallId, CallbackId, ComplaintId, CustomerId};
use journal::{Failure, Tx};
use kernel::{Aggregate, BranchId, Decision, EmployeeId, Timestamp, Version, clause, id};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;
use uuid::Uuid;

pub use store::about;

id!(
    /// A contact with a customer.
    ContactId, "ctc"
);

/// Who spoke to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The customer came to us.
    In,
    /// We went to the customer.
    Out,
}

impl Direction {
    /// As tables and events write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }

    /// The direction of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::In, Self::Out].into_iter().find(|direction| direction.word() == word)
    }
}

/// By what means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A telephone call.
    Phone,
    /// A text message.
    Message,
    /// An electronic letter.
    Email,
    /// Face to face.
    Visit,
    /// A form, an app.
    Web,
}

impl Channel {
    const ALL: [Self; 5] = [Self::Phone, Self::Message, Self::Email, Self::Visit, Self::Web];

    /// As tables and events write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Message => "message",
            Self::Email => "email",
            Self::Visit => "visit",
            Self::Web => "web",
        }
    }

    /// The channel of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }

    /// True where it waits for the customer to read it, instead of reaching him or not (P3).
    pub const fn is_written(self) -> bool {
        match self {
            Self::Message | Self::Email | Self::Web => true,
            Self::Phone | Self::Visit => false,
        }
    }
}

/// How much it said: clocks tell these apart (K7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The matter itself.
    Substantive,
    /// How far it has come, even "no result yet".
    Progress,
    /// Thanks, an apology for waiting, another time.
    Courtesy,
    /// By a machine.
    Auto,
    /// Among ourselves.
    Internal,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Substantive, Self::Progress, Self::Courtesy, Self::Auto, Self::Internal];

    /// As tables and events write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Substantive => "substantive",
            Self::Progress => "progress",
            Self::Courtesy => "courtesy",
            Self::Auto => "auto",
            Self::Internal => "internal",
        }
    }

    /// The kind of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// True where the customer learns how his matter stands (P2).
    pub const fn states_progress(self) -> bool {
        match self {
            Self::Substantive | Self::Progress => true,
            Self::Courtesy | Self::Auto | Self::Internal => false,
        }
    }
}

/// What a contact, or a promise, is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reference {
    /// A complaint.
    Complaint(ComplaintId),
    /// A call.
    Call(CallId),
    /// A callback.
    Callback(CallbackId),
}

impl Reference {
    /// As tables write its kind.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Complaint(_) => "complaint",
            Self::Call(_) => "call",
            Self::Callback(_) => "callback",
        }
    }

    /// The UUID inside.
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Complaint(id) => id.uuid(),
            Self::Call(id) => id.uuid(),
            Self::Callback(id) => id.uuid(),
        }
    }

    /// The reference of a kind and a UUID.
    pub fn of(word: &str, uuid: Uuid) -> Option<Self> {
        match word {
            "complaint" => Some(Self::Complaint(ComplaintId::of(uuid))),
            "call" => Some(Self::Call(CallId::of(uuid))),
            "callback" => Some(Self::Callback(CallbackId::of(uuid))),
            _ => None,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complaint(id) => id.fmt(f),
            Self::Call(id) => id.fmt(f),
            Self::Callback(id) => id.fmt(f),
        }
    }
}

/// A contact with a customer; it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// Which.
    pub id: ContactId,
    /// The branch of what it is about.
    pub branch: BranchId,
    /// The customer, where he is known.
    pub customer: Option<CustomerId>,
    /// Who of us.
    pub employee: Option<EmployeeId>,
    /// What happened.
    pub said: Said,
    /// When.
    pub at: Timestamp,
}

/// What happened between us and a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Who spoke to whom.
    pub direction: Direction,
    /// By what means.
    pub channel: Channel,
    /// Whether the customer was reached.
    pub reached: bool,
    /// How much it said.
    pub kind: Kind,
    /// What it was about.
    pub about: Reference,
}

impl Aggregate for Contact {
    type Id = ContactId;
    const KIND: &'static str = "contact";
    fn id(&self) -> ContactId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        Version::NONE
    }
}

/// Whose contact it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parties {
    /// The branch of what it is about.
    pub branch: BranchId,
    /// The customer, where he is known.
    pub customer: Option<CustomerId>,
    /// Who of us.
    pub employee: Option<EmployeeId>,
}

/// Records a contact now, inside the command it belongs to. It is never backdated: that would mend a promise that
/// was broken (P7).
pub async fn record(tx: &mut Tx, parties: Parties, said: Said) -> Result<Contact, Failure> {
    let Parties { branch, customer, employee } = parties;
    let contact = Contact { id: tx.fresh(), branch, customer, employee, said, at: tx.now() };
    store::add(tx, &decide(contact)).await?;
    Ok(contact)
}

fn decide(contact: Contact) -> Decision<Contact> {
    let Said { direction, channel, reached, kind, about } = contact.said;
    let recorded = ContactRecorded {
        direction: direction.word().to_owned(),
        channel: channel.word().to_owned(),
        reached,
        kind: kind.word().to_owned(),
        reference: about.to_string(),
    };
    let decision = Decision::of(contact).and(recorded).under(clause!("P6.1-3"));
    match about {
        Reference::Complaint(id) => decision.born_of(id),
        Reference::Call(id) => decision.born_of(id),
        Reference::Callback(id) => decision.born_of(id),
    }
}
