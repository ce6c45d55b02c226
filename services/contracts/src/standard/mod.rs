//! Service standards: what "well rendered" means, in checkable items, by editions whose text never changes (P1-2).
//!
//! A contract freezes the edition and the hash of its text. What is not here: whether a visit met it (inspection).

pub mod draft;
mod list;
pub mod publish;
pub(crate) mod store;

use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, Version, clause, id, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

id!(
    /// One edition of a service standard.
    StandardId, "std"
);

refusals! {
    /// Something in it cannot be.
    Malformed {} = "contracts.standard_malformed";
    /// Its state does not allow this.
    NotPossible { state: State } = "contracts.standard_state", clause!("P1-2");
    /// Another edition came first.
    ChangedMeanwhile {} = "contracts.standard_changed_meanwhile";
    /// The service has no edition in force.
    Missing { service: String } = "contracts.standard_missing", clause!("P1-2");
}

/// What is promised: the text that is hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// What is done, item by item.
    pub items: Vec<Item>,
    /// What is not done.
    #[serde(default)]
    pub exclusions: Vec<String>,
    /// What the worker brings.
    #[serde(default)]
    pub tools: Vec<String>,
    /// How many come at least.
    pub min_staffing: u32,
    /// A request is answered within so many hours.
    pub response_hours: u32,
    /// A worker is replaced within so many days of the request.
    pub replacement_days: u32,
}

/// One item of a standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its code.
    pub code: String,
    /// What is done.
    pub text: String,
    /// How one sees that it was done.
    pub check: String,
}

/// One edition of a standard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standard {
    /// Which.
    pub id: StandardId,
    /// Of which service.
    pub service: String,
    /// 1 upwards.
    pub edition: i32,
    /// The text.
    pub content: Content,
    /// Of the canonical text (C3).
    pub hash: String,
    /// How far it has come.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

/// How far an edition has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StandardState)]
pub enum State {
    /// Being written.
    Draft,
    /// In force.
    Published,
    /// A later edition took its place.
    Superseded,
}

impl State {
    const ALL: [Self; 3] = [Self::Draft, Self::Published, Self::Superseded];

    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Superseded => "superseded",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl Aggregate for Standard {
    type Id = StandardId;
    const KIND: &'static str = "standard";
    fn id(&self) -> StandardId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        None
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// An edition as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StandardView {
    /// Which.
    pub id: StandardId,
    /// Of which service.
    pub service: String,
    /// 1 upwards.
    pub edition: i32,
    /// The text.
    pub content: Content,
    /// SHA-256 of the canonical text.
    pub hash: String,
    /// How far it has come.
    pub state: State,
    /// The ETag.
    pub version: Version,
}

impl Shown for Standard {
    type View = StandardView;
    fn view(&self, version: Version) -> StandardView {
        StandardView {
            id: self.id,
            service: self.service.clone(),
            edition: self.edition,
            content: self.content.clone(),
            hash: self.hash.clone(),
            state: self.state,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/contracts/standards/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list, draft::route))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(publish::route))
}
