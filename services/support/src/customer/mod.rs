//! Customers and their households: the card, the archive (P3.2-3, P6.1-3; support.md §2).
//!
//! A customer belongs to a branch. That a telephone number is the primary one of one customer of a branch is held by an
//! index of the database; a second registration answers which customer has it. Personal fields are shown masked, except
//! to whoever registered the customer or spoke with him.
//! What is not here yet: consent, merging, erasure (their states come with them), market feedback, encryption.

pub mod activate;
pub mod add_contact_point;
pub mod block;
mod list;
mod phone;
pub mod register;
mod search;
mod store;
pub mod update_profile;

use crate::words::{AreaCode, Code, Email, Name, Place, Text};
use events::{CallId, CustomerId, HouseholdId, event};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, EmployeeId, Timestamp, Version, clause, id, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use phone::Phone;
pub(crate) use store::is_of;

id!(
    /// A telephone number or address of a customer.
    ContactPointId, "ctp"
);

/// A person we serve, or may serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Who.
    pub id: CustomerId,
    /// The branch he belongs to.
    pub branch: BranchId,
    /// Where he lives.
    pub household: Household,
    /// His name.
    pub name: Name,
    /// How he found us.
    pub source: Code,
    /// Why he came.
    pub came_for: Text,
    /// How he first came.
    pub first_touch: FirstTouch,
    /// The call he came by.
    pub call: Option<CallId>,
    /// Who registered him.
    pub registered_by: Option<EmployeeId>,
    /// When.
    pub registered_at: Timestamp,
    /// How he can be reached; the first one is the primary telephone number.
    pub points: Vec<ContactPoint>,
    /// How he stands with us.
    pub state: State,
    /// How many events he has had.
    pub version: Version,
}

/// Persons at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Household {
    /// Which.
    pub id: HouseholdId,
    /// The address.
    pub place: Place,
    /// The district.
    pub area: Option<AreaCode>,
}

/// One way to reach a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPoint {
    /// Which.
    pub id: ContactPointId,
    /// What it is, in the form it is compared in.
    pub value: PointValue,
    /// Primary or further.
    pub rank: Rank,
    /// Whether he wants to be reached there.
    pub opt_in: OptIn,
}

/// A number or an address, normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointValue {
    /// A telephone number.
    Phone(Phone),
    /// An electronic address.
    Email(Email),
}

impl PointValue {
    /// As tables write its kind.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
        }
    }

    fn normalised(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Email(address) => address.as_str(),
        }
    }

    fn masked(&self) -> String {
        match self {
            Self::Phone(phone) => phone.masked(),
            Self::Email(address) => {
                let address = address.as_str();
                let (name, host) = address.split_once('@').unwrap_or((address, ""));
                format!("{}***@{host}", name.chars().take(1).collect::<String>())
            }
        }
    }
}

/// Which one to take first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// One per kind; a primary telephone number names one customer of a branch.
    Primary,
    /// Any other one.
    Further,
}

impl Rank {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Further => "further",
        }
    }

    /// Of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Primary, Self::Further].into_iter().find(|rank| rank.word() == word)
    }
}

/// Whether a customer wants to be reached somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptIn {
    /// He said so.
    Yes,
    /// He did not.
    #[default]
    No,
}

impl OptIn {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
        }
    }

    /// Of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Yes, Self::No].into_iter().find(|opt_in| opt_in.word() == word)
    }
}

/// How a customer first came to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FirstTouch {
    /// By telephone.
    Call,
    /// In person.
    Visit,
    /// By a form or an app.
    Web,
}

impl FirstTouch {
    /// As tables and events write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Visit => "visit",
            Self::Web => "web",
        }
    }

    /// Of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Call, Self::Visit, Self::Web].into_iter().find(|touch| touch.word() == word)
    }
}

/// How a customer stands with us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// He has asked, and nothing more.
    Prospect,
    /// He is served.
    Active,
    /// He has not been for long.
    Dormant,
    /// We do not serve him.
    Blocked {
        /// Why, as a code.
        reason: Code,
    },
}

/// How a customer stands with us, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CustomerStage)]
pub enum Stage {
    /// He has asked, and nothing more.
    Prospect,
    /// He is served.
    Active,
    /// He has not been for long.
    Dormant,
    /// We do not serve him.
    Blocked,
}

impl Stage {
    /// As tables and views write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Prospect => "prospect",
            Self::Active => "active",
            Self::Dormant => "dormant",
            Self::Blocked => "blocked",
        }
    }
}

impl State {
    /// The same by name.
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Prospect => Stage::Prospect,
            Self::Active => Stage::Active,
            Self::Dormant => Stage::Dormant,
            Self::Blocked { .. } => Stage::Blocked,
        }
    }

    /// As tables write it.
    pub const fn word(&self) -> &'static str {
        self.stage().word()
    }
}

/// A customer stands otherwise with us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerStateChanged {
    /// The customer.
    pub customer_id: CustomerId,
    /// How he stands now.
    pub state: String,
    /// Why, as a code, where he was blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<String>,
}
event!(CustomerStateChanged, "support.customer.state_changed", internal);

impl Aggregate for Customer {
    type Id = CustomerId;
    const KIND: &'static str = "customer";
    fn id(&self) -> CustomerId {
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
    /// A customer of this branch has this primary number already.
    PhoneKnown { customer_id: CustomerId } = "support.customer.phone_known", clause!("P3.2-3");
    /// A card needs this member.
    Empty { member: &'static str } = "support.customer.empty", clause!("P3.2-3");
    /// It says the same as before.
    NothingChanged {} = "support.customer.nothing_changed";
    /// He stands so already, or cannot stand so from here.
    WrongState { state: &'static str } = "support.customer.wrong_state";
    /// He has this number or address already, or another primary one of its kind.
    PointKnown {} = "support.customer.point_known";
    /// There is no such household in this branch.
    NoSuchHousehold {} = "support.customer.no_such_household";
    /// A search needs a number or the beginning of a name.
    NothingAsked {} = "support.customer.nothing_asked";
}

/// A customer as the API shows him.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CustomerView {
    /// Who.
    pub id: CustomerId,
    /// The branch he belongs to.
    pub branch_id: BranchId,
    /// His household.
    pub household_id: HouseholdId,
    /// His name; masked unless one spoke with him oneself.
    pub name: String,
    /// The address; only for whoever spoke with him.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The district.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_code: Option<AreaCode>,
    /// How he can be reached.
    pub contact_points: Vec<ContactPointView>,
    /// How he found us, as a code.
    pub source_code: Code,
    /// Why he came; only for whoever spoke with him.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came_for: Option<Text>,
    /// How he first came.
    pub first_touch: FirstTouch,
    /// The call he came by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// How he stands with us.
    pub state: Stage,
    /// Why he is blocked, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_for: Option<Code>,
    /// When he was registered.
    pub registered_at: Timestamp,
    /// The ETag.
    pub version: Version,
}

/// One way to reach a customer, as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContactPointView {
    /// Which.
    pub id: ContactPointId,
    /// `phone` or `email`.
    pub kind: &'static str,
    /// The number or address; masked unless one spoke with him oneself.
    pub value: String,
    /// Primary or further.
    pub rank: Rank,
    /// Whether he wants to be reached there.
    pub opt_in: OptIn,
}

/// How much of a customer's particulars is shown (`access.md` §2: own calls unmasked).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Everything.
    Plain,
    /// `王**`, `138****5678`, and no address.
    Masked,
}

impl Customer {
    pub(crate) fn seen(&self, sight: Sight, version: Version) -> CustomerView {
        let is_plain = sight == Sight::Plain;
        let point = |point: &ContactPoint| ContactPointView {
            id: point.id,
            kind: point.value.word(),
            value: if is_plain { point.value.normalised().to_owned() } else { point.value.masked() },
            rank: point.rank,
            opt_in: point.opt_in,
        };
        CustomerView {
            id: self.id,
            branch_id: self.branch,
            household_id: self.household.id,
            name: if is_plain { self.name.clone().into() } else { masked_name(self.name.as_str()) },
            place: is_plain.then(|| self.household.place.clone()),
            area_code: self.household.area.clone(),
            contact_points: self.points.iter().map(point).collect(),
            source_code: self.source.clone(),
            came_for: is_plain.then(|| self.came_for.clone()),
            first_touch: self.first_touch,
            call_id: self.call,
            state: self.state.stage(),
            blocked_for: match &self.state {
                State::Blocked { reason } => Some(reason.clone()),
                State::Prospect | State::Active | State::Dormant => None,
            },
            registered_at: self.registered_at,
            version,
        }
    }
}

/// `王**`.
pub(crate) fn masked_name(name: &str) -> String {
    name.trim().chars().take(1).chain("**".chars()).collect()
}

impl Shown for Customer {
    type View = CustomerView;
    /// Answers of commands are kept with their idempotency keys, so they never show more than masks.
    fn view(&self, version: Version) -> CustomerView {
        self.seen(Sight::Masked, version)
    }
    fn path(&self) -> String {
        format!("/v1/support/customers/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list, register::route))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(search::route))
        .routes(routes!(update_profile::route))
        .routes(routes!(add_contact_point::route))
        .routes(routes!(activate::route))
        .routes(routes!(block::route))
}
