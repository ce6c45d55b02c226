//! Policies: versioned rule data with an effective range and a clause (P3.2-1, P3.4-4; `requirements.md`).
//!
//! Every service has this room. A number in a rule comes from the version in force on the day the rule looks at,
//! never from code; what is in force by default stands in `rulebook/policies/`, each value with its clause. One
//! writes a version, another one approves it; an approved one never changes, a later one ends it.
//!
//! What is not here yet: a branch's override. Rows and reading know it (`branch_id`), no command writes one.

pub mod approve;
pub mod draft;
mod list;
mod rulebook;
mod store;

pub use rulebook::RuleBook;

use crate::OpenApiRouter;
use crate::access::Principal;
use crate::house::{House, Shown};
use chrono::{Days, NaiveDate};
use events::policy::{PolicyApproved, PolicyDrafted, PolicyEnded, PolicyVersion};
use journal::{Actor, Failure, Fault, Reach, Tx};
use kernel::{
    Aggregate, BranchId, Clause, Decision, EmployeeId, Fact, PolicyVersionId, Refused, Span, Timestamp,
    UserId, Version, refusals,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use std::pin::Pin;
use utoipa::ToSchema;
use uuid::Uuid;

/// The terms of one kind of policy, typed.
pub trait Terms: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `fine`, `pay`.
    const KIND: &'static str;
    /// The clause it carries out.
    const CLAUSE: Clause;
    /// Where the service's defaults stand.
    const BOOK: RuleBook;
    /// What is in force until somebody decides otherwise.
    fn defaults() -> Self {
        Self::BOOK.defaults(Self::KIND)
    }
    /// Refuses terms that contradict each other or the clause, each being within its bounds.
    fn agree(&self) -> Result<(), Refused> {
        Ok(())
    }
    /// Refuses terms that are out of bounds, or do not agree; asked when a version is drafted.
    fn check(&self) -> Result<(), Refused> {
        Self::BOOK.within_bounds(Self::KIND, self)?;
        self.agree()
    }
    /// The refusal of terms that do not agree, with a word for whoever wrote them.
    fn wrong(note: &str) -> Refused {
        kernel::Refusal::refused(wrong_terms(note)).under(Self::CLAUSE)
    }
}

/// A kind of policy, as a service declares it.
#[derive(Clone)]
pub struct PolicyKind {
    kind: &'static str,
    clause: Clause,
    defaults: fn() -> Value,
    check: fn(&Value) -> Result<(), Failure>,
    guard: Option<Guard>,
    follow: Option<Follow>,
    alarm: Option<Alarm>,
}

/// What an operator must be told of the terms in force on a day, as a code with what it is about
/// (`calendar_missing:2027`); None where all is well.
type Alarm = fn(&Value, NaiveDate) -> Result<Option<String>, serde_json::Error>;

/// What a service asks before a version of a kind is put in force over a range of days: no rule changes for what was
/// decided under the one before. An `async fn` in a box, because a kind is plain data.
pub type Guard =
    for<'a> fn(&'a mut Tx, Span<NaiveDate>) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// What a service does once a version of a kind is approved, in that transaction: which version, and over which days.
pub type Follow = for<'a> fn(&'a mut Tx, PolicyVersionId, Span<NaiveDate>) -> Following<'a>;

/// What a [`Follow`] returns.
pub type Following<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

impl PolicyKind {
    /// The kind whose terms are `T`.
    pub fn of<T: Terms>() -> Self {
        Self {
            kind: T::KIND,
            clause: T::CLAUSE,
            defaults: || serde_json::to_value(T::defaults()).expect("terms are plain data"),
            check: |value| {
                Ok(T::deserialize(value).map_err(|error| wrong_terms(&error.to_string()))?.check()?)
            },
            guard: None,
            follow: None,
            alarm: None,
        }
    }

    /// With a question of the service's own before an approval.
    #[must_use]
    pub fn guarded_by(self, guard: Guard) -> Self {
        Self { guard: Some(guard), ..self }
    }

    /// With something that operators are told of the terms in force, on the days on which it is so.
    #[must_use]
    pub fn alarmed_by(self, alarm: Alarm) -> Self {
        Self { alarm: Some(alarm), ..self }
    }

    /// With something of the service's own that follows from an approval.
    #[must_use]
    pub fn followed_by(self, follow: Follow) -> Self {
        Self { follow: Some(follow), ..self }
    }
}

fn wrong_terms(note: &str) -> Refusal {
    Refusal::WrongTerms { note: note.to_owned() }
}

/// One version of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Which version; decisions cite it.
    pub id: PolicyVersionId,
    service: &'static str,
    kind: String,
    branch: Option<BranchId>,
    valid: Span<NaiveDate>,
    state: State,
    clause: Clause,
    parameters: Value,
    reason: String,
    author: Person,
    version: Version,
    created_at: Timestamp,
}

/// Somebody who writes or approves: two accounts of one person are one person (`access.md`, separation of duties).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub user: UserId,
    /// The employee behind it.
    pub employee: Option<EmployeeId>,
}

impl Person {
    /// Whoever sent a command.
    pub const fn of(principal: &Principal) -> Self {
        Self { user: principal.user, employee: principal.employee }
    }

    /// True where both are one person.
    pub fn is(&self, other: &Self) -> bool {
        self.user == other.user || self.employee.is_some() && self.employee == other.employee
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Draft,
    Approved { by: Person },
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved { .. } => "approved",
        }
    }
}

impl Aggregate for Policy {
    type Id = PolicyVersionId;
    const KIND: &'static str = "policy";
    fn id(&self) -> PolicyVersionId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        self.branch
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A version of a policy as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyView {
    /// The version's id, which decisions and payslips cite.
    pub id: PolicyVersionId,
    /// `fine`, `pay`.
    pub kind: String,
    /// The branch whose override it is; absent for the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_id: Option<BranchId>,
    /// First day it is in force.
    pub valid_from: NaiveDate,
    /// First day it is not any more; absent for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<NaiveDate>,
    /// `draft` or `approved`.
    pub state: &'static str,
    /// The clause it carries out.
    #[schema(value_type = String)]
    pub clause: Clause,
    /// The terms.
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// Why it was written.
    pub reason: String,
    /// Who wrote it.
    pub author: UserId,
    /// Who approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<UserId>,
    /// Its version as a row: the ETag.
    pub version: Version,
}

impl Shown for Policy {
    type View = PolicyView;
    fn view(&self, version: Version) -> PolicyView {
        PolicyView {
            id: self.id,
            kind: self.kind.clone(),
            branch_id: self.branch,
            valid_from: self.valid.from,
            valid_to: self.valid.to,
            state: self.state.word(),
            clause: self.clause,
            parameters: self.parameters.clone(),
            reason: self.reason.clone(),
            author: self.author.user,
            approver: match self.state {
                State::Draft => None,
                State::Approved { by } => Some(by.user),
            },
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/{}/policies/{}", self.service, self.id)
    }
}

refusals! {
    /// The terms are not of this kind's shape, or contradict themselves.
    WrongTerms { note: String } = "policy.wrong_terms";
    /// There is no such kind in this service.
    UnknownKind { kind: String } = "policy.unknown_kind";
    /// Whoever wrote a policy does not approve it.
    OwnPolicy {} = "sod.policy.author", kernel::clause!("P3.2-1");
    /// It is approved already.
    AlreadyApproved {} = "policy.already_approved", kernel::clause!("P3.2-1");
    /// Another approved version is in force in that time and does not simply go on until it.
    Overlap {} = "policy.overlap", kernel::clause!("P3.2-1");
    /// It would end the version in force and then leave days without any.
    Gap { valid_to: Option<NaiveDate> } = "policy.gap", kernel::clause!("P3.2-1");
    /// A rule does not change for days that are over.
    Backdated { valid_from: NaiveDate, today: NaiveDate } = "policy.backdated", kernel::clause!("P3.4-4");
}

/// What happened to a policy; the type is the service's own, hence no `event!` (`events::policy`).
fn fact(service: &'static str, what: Happened, policy: &Policy) -> Fact {
    let [drafted, approved, ended] = match service {
        "support" => ["support.policy.drafted", "support.policy.approved", "support.policy.ended"],
        "hr" => ["hr.policy.drafted", "hr.policy.approved", "hr.policy.ended"],
        "workforce" => ["workforce.policy.drafted", "workforce.policy.approved", "workforce.policy.ended"],
        "contracts" => ["contracts.policy.drafted", "contracts.policy.approved", "contracts.policy.ended"],
        _ => ["edge.policy.drafted", "edge.policy.approved", "edge.policy.ended"],
    };
    let version = PolicyVersion {
        policy_version: policy.id,
        kind: policy.kind.clone(),
        valid_from: policy.valid.from,
        valid_to: policy.valid.to,
    };
    let (event_type, data) = match what {
        Happened::Drafted => (drafted, serde_json::to_value(PolicyDrafted(version))),
        Happened::Approved => (approved, serde_json::to_value(PolicyApproved(version))),
        Happened::Ended => (ended, serde_json::to_value(PolicyEnded(version))),
    };
    let data = data.expect("a payload is plain data");
    Fact { event_type, version: 1, data, clause: Some(policy.clause) }
}

#[derive(Debug, Clone, Copy)]
enum Happened {
    Drafted,
    Approved,
    /// A later version takes over earlier than this one was to end.
    Ended,
}

/// The terms in force for a branch on a day, with the version to cite.
#[derive(Debug, Clone)]
pub struct InForce<T> {
    /// The version.
    pub id: PolicyVersionId,
    /// Its terms.
    pub terms: T,
}

/// The terms of a kind in force on a day: the branch's override, else the network's.
pub async fn in_force<T: Terms>(
    connection: &mut PgConnection,
    branch: Option<BranchId>,
    on: NaiveDate,
) -> Result<InForce<T>, Fault> {
    let (id, parameters) = store::in_force(connection, T::KIND, branch, on).await?;
    let terms = T::deserialize(&parameters).map_err(|error| Fault::Corrupt {
        table: "policy",
        column: "parameters",
        value: error.to_string(),
    })?;
    Ok(InForce { id, terms })
}

/// What operators must be told of the network's terms in force today, and of those that have a say then.
pub(crate) async fn alarms(
    pool: &PgPool,
    kinds: &[PolicyKind],
    today: NaiveDate,
) -> Result<Vec<String>, Fault> {
    let alarming: Vec<(&str, Alarm)> =
        kinds.iter().filter_map(|kind| Some((kind.kind, kind.alarm?))).collect();
    let names: Vec<String> = alarming.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    let terms = store::of_network(pool, &names, today).await?;
    let mut told = Vec::new();
    for (kind, alarm) in alarming {
        let Some(parameters) = terms.get(kind) else { continue };
        let corrupt = |error: serde_json::Error| Fault::Corrupt {
            table: "policy",
            column: "parameters",
            value: error.to_string(),
        };
        told.extend(alarm(parameters, today).map_err(corrupt)?.map(|what| format!("{kind}.{what}")));
    }
    Ok(told)
}

/// All terms of a kind in force for a branch on some day of a range, because a rule may change in the middle of a
/// month; one statement, whatever the range.
pub async fn in_force_during<T: Terms>(
    connection: &mut PgConnection,
    branch: Option<BranchId>,
    during: Span<NaiveDate>,
) -> Result<Versions<T>, Fault> {
    let rows = store::in_force_during(connection, T::KIND, branch, during).await?;
    let versions = rows.into_iter().map(|(id, valid, parameters)| {
        let terms = T::deserialize(&parameters).map_err(|error| Fault::Corrupt {
            table: "policy",
            column: "parameters",
            value: error.to_string(),
        })?;
        Ok((valid, InForce { id, terms }))
    });
    Ok(Versions { versions: versions.collect::<Result<_, Fault>>()? })
}

/// The terms of a kind over a range of days.
#[derive(Debug, Clone)]
pub struct Versions<T> {
    /// The branch's overrides before the network's.
    versions: Vec<(Span<NaiveDate>, InForce<T>)>,
}

impl<T: Terms> Versions<T> {
    /// Those in force on a day of the range: the branch's override, else the network's.
    pub fn on(&self, day: NaiveDate) -> Result<&InForce<T>, Fault> {
        let found = self.versions.iter().find(|(valid, _)| valid.contains(day));
        found.map(|(_, in_force)| in_force).ok_or_else(|| Fault::Corrupt {
            table: "policy",
            column: "kind",
            value: format!("no {} in force on {day}", T::KIND),
        })
    }

    /// The first day of each version.
    pub fn first_days(&self) -> impl Iterator<Item = NaiveDate> {
        self.versions.iter().map(|(valid, _)| valid.from)
    }

    /// Each version once.
    pub fn all(&self) -> impl Iterator<Item = &InForce<T>> {
        self.versions.iter().map(|(_, in_force)| in_force)
    }
}

/// Writes the rule book's defaults where a kind has no version yet.
pub async fn seed(
    pool: &PgPool,
    service: &'static str,
    kinds: &[PolicyKind],
    now: Timestamp,
) -> Result<(), Fault> {
    let mut tx = Tx::begin(pool, now, Actor::Operator("migrate"), Reach::network()).await?;
    for kind in kinds {
        if store::has_any(tx.connection(), kind.kind).await? {
            continue;
        }
        let rule_book = Person { user: UserId::of(Uuid::nil()), employee: None };
        let policy = Policy {
            id: tx.fresh(),
            service,
            kind: kind.kind.to_owned(),
            branch: None,
            valid: Span { from: kernel::time::FIRST_DAY, to: None },
            state: State::Approved { by: rule_book },
            clause: kind.clause,
            parameters: (kind.defaults)(),
            reason: "rulebook".to_owned(),
            author: rule_book,
            version: Version::NONE,
            created_at: now,
        };
        let fact = fact(service, Happened::Approved, &policy);
        store::add(&mut tx, &Decision::of(policy).and_fact(fact)).await?;
    }
    tx.commit().await
}

/// The room's routes under `/v1/{service}/policies`.
pub(crate) fn routes(service: &'static str, kinds: Vec<PolicyKind>) -> OpenApiRouter<House> {
    let routes = OpenApiRouter::new()
        .routes(crate::routes!(draft::route, list::list))
        .routes(crate::routes!(list::read))
        .routes(crate::routes!(approve::route))
        .layer(axum::Extension(kinds));
    OpenApiRouter::new().nest(&format!("/v1/{service}"), routes)
}

/// The day before which nothing may change any more.
fn earliest(today: NaiveDate) -> NaiveDate {
    today + Days::new(1)
}
