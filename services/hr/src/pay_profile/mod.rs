//! Pay profiles: what somebody is paid by from a day on, by the month or by the visit (P6.6-1).
//!
//! One writes a profile, another one approves it, nobody his own (H4). An approved profile goes on until a later one
//! is approved; two never overlap, which the database holds. The checks of probation are [`rules`].

pub mod approve;
pub mod draft;
mod list;
pub mod rules;
mod store;

use crate::ids::PayProfileId;
use crate::payroll::input::Pay;
use crate::person::Person;
use chrono::NaiveDate;
use events::event;
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{
    Aggregate, BasisPoints, BranchId, EmployeeId, Fen, Money, Span, Timestamp, UserId, Version, clause,
    refusals,
};
use serde::Serialize;
use utoipa::ToSchema;

/// What somebody is paid by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayProfile {
    /// Which.
    pub id: PayProfileId,
    /// Whose.
    pub employee: EmployeeId,
    /// The branch he belongs to now.
    pub branch: BranchId,
    /// From the first day; without an end until a later one is approved.
    pub valid: Span<NaiveDate>,
    /// By the month or by the visit.
    pub pay: Pay,
    /// His share of fees he collects, where it is not the policy's.
    pub commission: Option<BasisPoints>,
    /// What an appraisal's coefficient is applied to, fen.
    pub bonus_base: Option<Fen>,
    /// Who wrote it.
    pub author: Person,
    /// Whether it counts.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

/// Whether a profile counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Written; pays nothing yet.
    Draft,
    /// Counts.
    Approved {
        /// Who said so.
        by: Person,
        /// When.
        at: Timestamp,
    },
}

impl State {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved { .. } => "approved",
        }
    }

    /// Who approved it, and when.
    const fn approval(self) -> Option<(Person, Timestamp)> {
        match self {
            Self::Draft => None,
            Self::Approved { by, at } => Some((by, at)),
        }
    }
}

impl Aggregate for PayProfile {
    type Id = PayProfileId;
    const KIND: &'static str = "pay_profile";
    fn id(&self) -> PayProfileId {
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
    /// Nobody is paid on days he is not employed.
    NotEmployed { from: NaiveDate } = "hr.pay_profile.not_employed", clause!("P6.6-1");
    /// A base of nothing is none.
    NoBase {} = "hr.pay_profile.no_base", clause!("P6.6-1");
    /// Nobody enters or approves what he is paid himself.
    OwnPay {} = "sod.pay_profile.own_pay", clause!("P6.6-1");
    /// Whoever wrote a profile does not approve it.
    OwnDraft {} = "sod.pay_profile.author", clause!("P6.6-1");
    /// It is approved already.
    AlreadyApproved {} = "hr.pay_profile.already_approved", clause!("P6.6-1");
    /// An approved profile covers a day of this one and does not simply go on until it.
    Overlap {} = "pay.profile_overlap", clause!("P6.6-1");
    /// A share of more than the whole.
    RateAboveWhole { commission_bp: BasisPoints } = "hr.pay_profile.rate_above_whole", clause!("P6.6-2");
    /// A probation that is over before the profile begins.
    ProbationOver { from: NaiveDate } = "hr.pay_profile.probation_over", clause!("L.labour-contract-19");
}

/// What happened to a profile; amounts are never in it.
#[derive(Debug, Clone, Serialize)]
struct Happened {
    pay_profile_id: PayProfileId,
    employee_id: EmployeeId,
    valid: Span<NaiveDate>,
}

impl Happened {
    fn to(profile: &PayProfile) -> Self {
        Self { pay_profile_id: profile.id, employee_id: profile.employee, valid: profile.valid }
    }
}

/// A profile was written.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PayProfileDrafted(Happened);
event!(PayProfileDrafted, "hr.pay_profile.drafted", internal);

/// A profile counts.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PayProfileApproved(Happened);
event!(PayProfileApproved, "hr.pay_profile.approved", internal);

/// A later profile follows.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PayProfileEnded(Happened);
event!(PayProfileEnded, "hr.pay_profile.ended", internal);

/// A profile as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PayProfileView {
    /// Which.
    pub id: PayProfileId,
    /// Whose.
    pub employee_id: EmployeeId,
    /// First day it pays by.
    pub from: NaiveDate,
    /// First day it does not any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<NaiveDate>,
    /// `salaried` or `by_visit`.
    pub kind: &'static str,
    /// The agreed base of a whole month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Money>,
    /// The first day of full pay, where there is a probation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probation_ends_on: Option<NaiveDate>,
    /// The share of the base until then, 1/10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probation_bp: Option<BasisPoints>,
    /// His share of fees he collects, where it is not the policy's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commission_bp: Option<BasisPoints>,
    /// What an appraisal's coefficient is applied to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bonus_base: Option<Money>,
    /// `draft` or `approved`.
    pub state: &'static str,
    /// Who wrote it.
    pub author: UserId,
    /// Who approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<UserId>,
    /// The ETag.
    pub version: Version,
}

impl Shown for PayProfile {
    type View = PayProfileView;
    fn view(&self, version: Version) -> PayProfileView {
        let (kind, base, probation) = match self.pay {
            Pay::Salaried { base, probation } => ("salaried", Some(base), probation),
            Pay::ByVisit => ("by_visit", None, None),
        };
        PayProfileView {
            id: self.id,
            employee_id: self.employee,
            from: self.valid.from,
            to: self.valid.to,
            kind,
            base: base.map(Money::of),
            probation_ends_on: probation.map(|probation| probation.ends_on),
            probation_bp: probation.map(|probation| probation.bp),
            commission_bp: self.commission,
            bonus_base: self.bonus_base.map(Money::of),
            state: self.state.word(),
            author: self.author.user,
            approver: self.state.approval().map(|(by, _)| by.user),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/hr/pay-profiles/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(draft::route, list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(approve::route))
}
