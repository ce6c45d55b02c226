//! What the API shows of a call: the caller's words only to whoever spoke with him.

use super::{Apology, Call, EndedBy, Miss, ReasonCode, Stage, State, Stated, Window};
use crate::customer::{Sight, masked_name};
use crate::words::Text;
use events::{CallId, ComplaintId, CustomerId, VisitId};
use house::Shown;
use kernel::{BranchId, EmployeeId, Timestamp, Version};
use serde::Serialize;
use utoipa::ToSchema;

/// A call as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CallView {
    /// Which.
    pub id: CallId,
    /// The branch that was called.
    pub branch_id: BranchId,
    /// How far it has come.
    pub state: Stage,
    /// The number that called; masked unless one took the call oneself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_number: Option<String>,
    /// Who called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The complaint it brought or is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complaint_id: Option<ComplaintId>,
    /// The visit it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visit_id: Option<VisitId>,
    /// When it began to ring.
    pub offered_at: Timestamp,
    /// Who has or had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<EmployeeId>,
    /// When it was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// How often it rang.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rings: Option<u16>,
    /// Whether a courtesy apology is owed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apology: Option<Apology>,
    /// Who ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<EndedBy>,
    /// When it was missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed_at: Option<Timestamp>,
    /// Whether the branch was open then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed_in: Option<Window>,
    /// What the caller said.
    pub content: ContentView,
    /// When all four points were repeated to him.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recap_at: Option<Timestamp>,
    /// How complete the record is, 0-100.
    pub completeness: u8,
    /// The ETag.
    pub version: Version,
}

/// What a caller said, as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContentView {
    /// His name; masked unless one took the call oneself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_name: Option<Stated>,
    /// The place; only for whoever took the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Stated>,
    /// What it is about; only for whoever took the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<Stated>,
    /// Why he called; only for whoever took the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Stated>,
    /// The same as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<ReasonCode>,
}

impl Call {
    /// Who has or had it, or called back.
    pub(crate) fn employee(&self) -> Option<EmployeeId> {
        match &self.state {
            State::Returned(_, back) => Some(back.by),
            State::Ringing
            | State::Answered(_)
            | State::Wrapping(..)
            | State::Recorded(..)
            | State::Abandoned(_)
            | State::Missed(_)
            | State::NotNeeded(..) => self.state.talk().map(|talk| talk.agent),
        }
    }

    /// When it was missed.
    pub(crate) fn miss(&self) -> Option<Miss> {
        match &self.state {
            State::Missed(miss) | State::Returned(miss, _) | State::NotNeeded(miss, ..) => Some(*miss),
            State::Ringing
            | State::Answered(_)
            | State::Wrapping(..)
            | State::Recorded(..)
            | State::Abandoned(_) => None,
        }
    }

    fn ended_by(&self) -> Option<EndedBy> {
        match &self.state {
            State::Wrapping(_, ending) | State::Recorded(_, ending, _) => Some(ending.by),
            State::Ringing
            | State::Answered(_)
            | State::Abandoned(_)
            | State::Missed(_)
            | State::Returned(..)
            | State::NotNeeded(..) => None,
        }
    }

    pub(crate) fn seen(&self, sight: Sight, version: Version) -> CallView {
        let is_plain = sight == Sight::Plain;
        let words = |stated: &Option<Stated>| stated.clone().filter(|_| is_plain);
        let name = |stated: &Stated| match stated {
            Stated::Given(name) if !is_plain => Stated::Given(Text::of(&masked_name(name.as_str()))),
            Stated::Given(_) | Stated::Refused => stated.clone(),
        };
        let number = |phone: &crate::customer::Phone| {
            if is_plain { phone.as_str().to_owned() } else { phone.masked() }
        };
        let (talk, miss) = (self.state.talk(), self.miss());
        CallView {
            id: self.id,
            branch_id: self.branch,
            state: self.state.stage(),
            caller_number: self.caller.as_ref().map(number),
            customer_id: self.links.customer,
            complaint_id: self.links.complaint,
            visit_id: self.links.visit,
            offered_at: self.offered_at,
            employee_id: self.employee(),
            answered_at: talk.map(|talk| talk.at),
            rings: talk.map(|talk| talk.rings),
            apology: self.apology,
            ended_by: self.ended_by(),
            missed_at: miss.map(|miss| miss.at),
            missed_in: miss.map(|miss| miss.window),
            content: ContentView {
                caller_name: self.content.caller_name.as_ref().map(name),
                place: words(&self.content.place),
                topic: words(&self.content.topic),
                why: words(&self.content.why),
                reason_code: self.content.reason,
            },
            recap_at: self.recap_at,
            completeness: self.content.completeness(),
            version,
        }
    }
}

impl Shown for Call {
    type View = CallView;
    /// Answers of commands are kept with their idempotency keys, so they never show more than masks.
    fn view(&self, version: Version) -> CallView {
        self.seen(Sight::Masked, version)
    }
    fn path(&self) -> String {
        format!("/v1/support/calls/{}", self.id)
    }
}
