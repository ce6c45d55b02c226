//! The closed lists of words a complaint is described with.

use crate::words::Word;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who complains (P6.6-1 names sales staff besides customers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComplainantKind {
    /// A customer.
    Customer,
    /// Our own sales staff.
    SalesStaff,
    /// Anybody else.
    Other,
}
impl Word for ComplainantKind {}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AboutKind {
    /// A care worker.
    Worker,
    /// Somebody at the desk.
    Agent,
    /// The company.
    Company,
    /// A bill.
    Billing,
    /// A contract.
    Contract,
    /// Somebody who is not ours.
    ThirdParty,
}
impl Word for AboutKind {}

/// Ordinary, major, or no complaint at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// S1 and S2.
    Ordinary,
    /// S3 and above: reported at once (P3.3.3-6).
    Major,
    /// No complaint against us: no fine, no liability apology (C13).
    Invalid,
}
impl Word for Class {}

/// What sets the severity (`support.md` §11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// Somebody was hurt.
    Injury,
    /// A matter of health.
    Medical,
    /// The safety of a child or an elderly person.
    ChildOrElderSafety,
    /// Something was stolen.
    Theft,
    /// Somebody was attacked.
    Assault,
    /// Somebody was harassed.
    Harassment,
    /// Personal data got out.
    PrivacyLeak,
    /// The press, or a regulator (12315).
    MediaOrRegulator,
    /// The police.
    Police,
    /// Damage from the policy's threshold on; set by the amount.
    DamageLarge,
    /// The worker did not come to somebody who depends on him.
    NoShowDependentCare,
    /// Damage below the threshold; set by the amount.
    DamageSmall,
    /// The work must be done again.
    Rework,
    /// More than an hour late.
    LateOverHour,
    /// Manner.
    Manner,
    /// A small omission.
    SmallOmission,
    /// The third complaint of a household in 90 days; counted by the house.
    RepeatedComplaint,
    /// A second promise broken in one case; counted by the house.
    RepeatedBrokenPromise,
}
impl Word for Factor {}

/// Whose fault it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The company's.
    Company,
    /// The worker's, or another employee's.
    Worker,
    /// Ours and somebody else's.
    Shared,
    /// The customer's own.
    Customer,
    /// Somebody else's.
    ThirdParty,
    /// Nobody's: what was complained about did not happen.
    Unfounded,
}
impl Word for FindingKind {}

impl FindingKind {
    /// True where it is our fault, at least in part: only then a liability apology, and then always (R1, R2).
    pub const fn is_ours(self) -> bool {
        match self {
            Self::Company | Self::Worker | Self::Shared => true,
            Self::Customer | Self::ThirdParty | Self::Unfounded => false,
        }
    }
}

/// Who bears a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The company.
    Company,
    /// An employee of ours.
    Worker,
    /// The customer.
    Customer,
    /// Somebody else.
    ThirdParty,
}
impl Word for Party {}

/// The three speech acts (R1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApologyKind {
    /// About the contact: a late pick-up, waiting, an interruption.
    Courtesy,
    /// I understand that this troubles you.
    Empathy,
    /// It was our fault: about the grievance.
    Liability,
}
impl Word for ApologyKind {}

/// What is done at once, without admitting anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeasureKind {
    /// Another carer goes now.
    SendReplacement,
    /// The work stops.
    StopJob,
    /// What could be lost is kept.
    SecureEvidence,
}
impl Word for MeasureKind {}

/// What puts it right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemedyKind {
    /// Doing it again.
    Redo,
    /// Another worker.
    ReplaceWorker,
    /// Money back.
    Refund,
    /// Money, or its worth, on top.
    Compensate,
    /// An explanation.
    Explain,
}
impl Word for RemedyKind {}

/// How far a proposal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    /// The customer does not know it.
    Prepared,
    /// It is on the table.
    Presented,
    /// The customer does not want it.
    Objected,
    /// The customer wants it.
    Accepted,
}
impl Word for Offer {}

/// How a case ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Put right.
    Resolved,
    /// Given way although right; never implies liability (R9).
    Goodwill,
    /// Not our fault, and explained.
    Unfounded,
    /// The customer wants nothing any more.
    Withdrawn,
    /// Others decide it: a court, a regulator.
    ExternalDispute,
}
impl Word for Outcome {}

/// What is kept as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A photograph.
    Photo,
    /// A recording.
    Recording,
    /// A paper.
    Document,
    /// What an employee says.
    Statement,
    /// Anything else.
    Other,
}
impl Word for EvidenceKind {}

/// Why somebody higher is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EscalationCause {
    /// Beyond the owner's ability (R7).
    BeyondAbility,
    /// The customer asks for it.
    CustomerAsks,
    /// It cannot wait.
    Urgent,
    /// A promise was broken (P8).
    PromiseBroken,
    /// A broken promise was not renewed in time (P8).
    RenewalMissed,
    /// The level asked has not acknowledged in time (K11).
    Unacknowledged,
    /// The case became so grave that a higher level is asked first (K11).
    Graver,
}
impl Word for EscalationCause {}

impl EscalationCause {
    /// True for what only the house says.
    pub const fn is_of_the_house(self) -> bool {
        match self {
            Self::BeyondAbility | Self::CustomerAsks | Self::Urgent => false,
            Self::PromiseBroken | Self::RenewalMissed | Self::Unacknowledged | Self::Graver => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_page_and_come_back() {
        assert_eq!(
            (AboutKind::ThirdParty.word().as_str(), Outcome::ExternalDispute.word().as_str()),
            ("third_party", "external_dispute")
        );
        assert_eq!(RemedyKind::of_word("replace_worker"), Some(RemedyKind::ReplaceWorker));
        assert_eq!(RemedyKind::of_word("replace worker"), None);
    }

    #[test]
    fn r1_ours_is_company_worker_and_shared() {
        use FindingKind::{Company, Customer, Shared, ThirdParty, Unfounded, Worker};
        assert!([Company, Worker, Shared].into_iter().all(FindingKind::is_ours));
        assert!(![Customer, ThirdParty, Unfounded].into_iter().any(FindingKind::is_ours));
    }
}
