//! Telephone calls: P3.3.1 clause by clause (support.md §3; rulings R1, R10).
//!
//! A call rings, is answered, talked through, wrapped up and recorded; or it is missed, and then must be returned. What
//! the caller said stands in its row; events carry codes, counts and times only.
//! What is not here: the callback of a missed call (callback), the complaint a call brings (complaint, which calls
//! [`link::to_complaint`] in its own command), scripts and quality reviews.

pub mod abandon;
pub mod answer;
pub mod apologise;
pub mod confirm_recap;
pub mod end;
pub mod link;
mod list;
pub mod miss;
pub mod not_needed;
pub mod offer;
mod policy;
pub mod record;
pub mod record_content;
pub mod return_missed;
pub(crate) mod store;
pub mod transfer;
mod view;

use crate::customer::Phone;
use crate::words::{Code, Text};
use events::{CallId, ComplaintId, CustomerId, VisitId};
use house::{House, OpenApiRouter, routes};
use kernel::{Aggregate, BranchId, Decision, EmployeeId, Timestamp, Version, clause, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use policy::{CallTerms, Promptness};
pub use view::CallView;

/// A telephone call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which.
    pub id: CallId,
    /// The branch that was called.
    pub branch: BranchId,
    /// The number that called, where the switch shows it.
    pub caller: Option<Phone>,
    /// What it belongs to.
    pub links: Links,
    /// When it began to ring.
    pub offered_at: Timestamp,
    /// How far it has come.
    pub state: State,
    /// Whether a courtesy apology is owed (R1).
    pub apology: Option<Apology>,
    /// What the caller said.
    pub content: Content,
    /// When all four points were repeated to him (P3.3.1-7).
    pub recap_at: Option<Timestamp>,
    /// How many events it has had.
    pub version: Version,
}

/// What a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Links {
    /// Who called.
    pub customer: Option<CustomerId>,
    /// The complaint it brought or is about.
    pub complaint: Option<ComplaintId>,
    /// The visit it is about.
    pub visit: Option<VisitId>,
}

/// How far a call has come, with what exists only from there on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nobody has taken it.
    Ringing,
    /// Somebody talks with the caller.
    Answered(Talk),
    /// The talk is over, its record is not complete.
    Wrapping(Talk, Ending),
    /// Its record is complete; it never changes again.
    Recorded(Talk, Ending, Timestamp),
    /// The caller gave up before it counted as missed.
    Abandoned(Timestamp),
    /// Nobody took it: it must be returned.
    Missed(Miss),
    /// The caller was called back.
    Returned(Miss, Return),
    /// There is no need to call back any more.
    NotNeeded(Miss, Timestamp, Code),
}

/// How far a call has come, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CallStage)]
pub enum Stage {
    /// Nobody has taken it.
    Ringing,
    /// Somebody talks with the caller.
    Answered,
    /// The talk is over, its record is not complete.
    Wrapping,
    /// Its record is complete.
    Recorded,
    /// The caller gave up.
    Abandoned,
    /// Nobody took it.
    Missed,
    /// The caller was called back.
    Returned,
    /// There is no need to call back.
    NotNeeded,
}

/// A talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    /// Who has it; after a transfer whoever took it over.
    pub agent: EmployeeId,
    /// Since when.
    pub at: Timestamp,
    /// How often it rang.
    pub rings: u16,
    /// How long the caller waited.
    pub wait_ms: i64,
}

/// How a talk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Who ended it.
    pub by: EndedBy,
    /// When.
    pub at: Timestamp,
}

/// A call nobody took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Miss {
    /// When.
    pub at: Timestamp,
    /// Whether the branch was open.
    pub window: Window,
}

/// A missed call that was returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Return {
    /// Who called back.
    pub by: EmployeeId,
    /// When.
    pub at: Timestamp,
}

/// Who ended a talk (P3.3.1-8: the customer hangs up first).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The caller.
    Caller,
    /// One of us.
    Agent,
    /// The line, the switch.
    System,
    /// Nobody can say.
    Unknown,
}

/// Whether the branch was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CallWindow)]
pub enum Window {
    /// It was.
    Open,
    /// It was not.
    Closed,
}

/// A courtesy apology for a late pick-up: about the contact, never about a grievance (R1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Apology {
    /// It is owed.
    Due,
    /// It was said.
    Said,
}

/// Why somebody called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// To ask something.
    Enquiry,
    /// To order or change a service.
    Order,
    /// To complain.
    Complaint,
    /// To praise or propose.
    Feedback,
    /// Anything else.
    Other,
    /// To insult.
    Abuse,
    /// Nobody spoke.
    Silent,
    /// He wanted somebody else.
    WrongNumber,
}

macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal),+ $(,)? })+) => { $(
        impl $name {
            /// As tables and events write it.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// Of a word.
            pub fn of(word: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|it| it.word() == word)
            }
        }
    )+ };
}

words! {
    Stage {
        Ringing = "ringing", Answered = "answered", Wrapping = "wrapping", Recorded = "recorded", Abandoned = "abandoned",
        Missed = "missed", Returned = "returned", NotNeeded = "not_needed",
    }
    EndedBy { Caller = "caller", Agent = "agent", System = "system", Unknown = "unknown" }
    Window { Open = "open", Closed = "closed" }
    Apology { Due = "due", Said = "said" }
    ReasonCode {
        Enquiry = "enquiry", Order = "order", Complaint = "complaint", Feedback = "feedback", Other = "other",
        Abuse = "abuse", Silent = "silent", WrongNumber = "wrong_number",
    }
}

impl ReasonCode {
    /// True where there is nobody to repeat anything to, and one may hang up (B2, B3).
    pub const fn is_no_conversation(self) -> bool {
        match self {
            Self::Abuse | Self::Silent | Self::WrongNumber => true,
            Self::Enquiry | Self::Order | Self::Complaint | Self::Feedback | Self::Other => false,
        }
    }
}

/// What a caller says when asked: something, or that he would rather not (B1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stated {
    /// He said it.
    Given(Text),
    /// He would rather not, or there was nobody to ask.
    Refused,
}

/// What a caller said (P3.3.1-6): each point is absent until it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// His name.
    pub caller_name: Option<Stated>,
    /// The place it is about.
    pub place: Option<Stated>,
    /// What it is about.
    pub topic: Option<Stated>,
    /// Why he called.
    pub why: Option<Stated>,
    /// The same as a code.
    pub reason: Option<ReasonCode>,
}

impl State {
    /// The same by name.
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Ringing => Stage::Ringing,
            Self::Answered(_) => Stage::Answered,
            Self::Wrapping(..) => Stage::Wrapping,
            Self::Recorded(..) => Stage::Recorded,
            Self::Abandoned(_) => Stage::Abandoned,
            Self::Missed(_) => Stage::Missed,
            Self::Returned(..) => Stage::Returned,
            Self::NotNeeded(..) => Stage::NotNeeded,
        }
    }

    /// As tables and refusals write it.
    pub const fn word(&self) -> &'static str {
        self.stage().word()
    }

    /// The talk, where there is or was one.
    pub const fn talk(&self) -> Option<Talk> {
        match self {
            Self::Answered(talk) | Self::Wrapping(talk, _) | Self::Recorded(talk, ..) => Some(*talk),
            Self::Ringing
            | Self::Abandoned(_)
            | Self::Missed(_)
            | Self::Returned(..)
            | Self::NotNeeded(..) => None,
        }
    }
}

impl Call {
    /// The talk of a call whose record is still open; else the refusal.
    fn open_talk(&self) -> Result<Talk, Refusal> {
        match &self.state {
            State::Answered(talk) | State::Wrapping(talk, _) => Ok(*talk),
            State::Ringing
            | State::Recorded(..)
            | State::Abandoned(_)
            | State::Missed(_)
            | State::Returned(..)
            | State::NotNeeded(..) => Err(Refusal::WrongState { state: self.state.word() }),
        }
    }

    /// The call as it was just written.
    pub(crate) fn saved(decision: Decision<Self>) -> Self {
        Self { version: decision.version(), ..decision.into_state() }
    }
}

impl Aggregate for Call {
    type Id = CallId;
    const KIND: &'static str = "call";
    fn id(&self) -> CallId {
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
    /// Not from this state.
    WrongState { state: &'static str } = "support.call.wrong_state", clause!("P6.1-2");
    /// Neither rings nor seconds were given.
    NotCounted {} = "support.call.not_counted", clause!("P3.3.1-1");
    /// No switch can have counted so much.
    WaitOutOfBounds { most_rings: u16, most_seconds: u16 } = "support.call.wait_out_of_bounds", clause!("P3.3.1-1");
    /// What was not asked yet (B1), or not before it was to be repeated (B2).
    Incomplete { missing: Vec<&'static str> } = "support.call.incomplete", clause!("P3.3.1-6");
    /// What was not repeated to the caller (B2).
    RecapIncomplete { missing: Vec<&'static str> } = "support.call.recap_incomplete", clause!("P3.3.1-7");
    /// More than five rings, and no apology for the waiting (R1, R10).
    ApologyDue { rings: u32 } = "support.call.apology_due", clause!("P3.3.1-1");
    /// There is nothing to apologise for, or it was said.
    NoApologyDue {} = "support.call.no_apology_due", clause!("R10");
    /// A transfer needs name and gist (B4).
    TransferIncomplete { missing: Vec<&'static str> } = "support.call.transfer_incomplete", clause!("P3.3.1-12");
    /// He cannot take it over: not employed in this branch, or has it already.
    CannotTake { employee_id: EmployeeId } = "support.call.cannot_take", clause!("P3.3.1-12");
    /// It is linked to another complaint.
    LinkedOtherwise { complaint_id: ComplaintId } = "support.call.linked_otherwise", clause!("P3.3.1-9");
    /// Nothing was named that it could be linked to.
    NothingToLink {} = "support.call.nothing_to_link";
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list, offer::route))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(answer::route))
        .routes(routes!(abandon::route))
        .routes(routes!(miss::route))
        .routes(routes!(apologise::route))
        .routes(routes!(transfer::route))
        .routes(routes!(end::route))
        .routes(routes!(record_content::route))
        .routes(routes!(confirm_recap::route))
        .routes(routes!(link::route))
        .routes(routes!(record::route))
        .routes(routes!(return_missed::route))
        .routes(routes!(not_needed::route))
}
