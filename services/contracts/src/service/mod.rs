//! Services: what is sold, by which units, and what a worker needs for it (`contracts.md` §2, P1-2).
//!
//! workforce computes the standing of every worker for every service that is published here. What is not here: what
//! a service costs (`price_book`) and how well it must be rendered (`standard`).

pub mod draft;
pub mod duration;
mod list;
pub mod publish;
pub mod retire;
pub(crate) mod store;

use crate::price::{Quantity, Unit};
use chrono::NaiveDate;
use events::contracts::{HealthClass, RequiredLevel};
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, Version, clause, id, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use duration::Durations;

id!(
    /// A service of the catalogue.
    ServiceId, "svc"
);

refusals! {
    /// The code is taken.
    Exists { service_code: String } = "contracts.service_exists";
    /// Something in it cannot be.
    Malformed {} = "contracts.service_malformed";
    /// Its state does not allow this.
    NotPossible { state: &'static str } = "contracts.service_state", clause!("P1-2");
    /// There is no such service on sale.
    Unknown { service_code: String } = "contracts.service_unknown", clause!("P1-2");
    /// A sale begins and ends today or later, and ends after it began: what was sold was on sale.
    Backdated { effective_from: NaiveDate, earliest: NaiveDate } = "contracts.service_backdated", clause!("P1-2");
    /// Fewer hours than the shortest visit.
    TooShort { service: String, quantity: Quantity, least: Quantity } = "contracts.quantity_below_minimum", clause!("P1-2");
    /// Hours between two steps.
    OffStep { service: String, minutes: i64, step_minutes: i64 } = "contracts.quantity_off_step", clause!("P1-2");
}

/// A service of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Which.
    pub id: ServiceId,
    /// Its code, which prices, contracts and standing name.
    pub code: String,
    /// The trade.
    pub trade: String,
    /// What it may be sold by.
    pub units: Vec<Unit>,
    /// The skill level per city.
    pub required_levels: Vec<RequiredLevel>,
    /// How strict the health check must be.
    pub health_class: HealthClass,
    /// The shortest visit.
    pub duration_min_minutes: i32,
    /// What a visit grows by.
    pub duration_step_minutes: i32,
    /// What customers read, Chinese.
    pub text_zh: String,
    /// What customers read, English.
    pub text_en: String,
    /// How far it has come.
    pub state: State,
    /// How many events it has had.
    pub version: Version,
}

/// How far a service has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Being written.
    Draft,
    /// On sale.
    Published {
        /// The first day.
        from: NaiveDate,
    },
    /// On sale no longer.
    Retired {
        /// The first day it was on sale.
        from: NaiveDate,
        /// The first day it is not.
        to: NaiveDate,
    },
}

impl State {
    /// As tables and refusals write it.
    pub const fn word(self) -> &'static str {
        self.name().word()
    }

    /// Its name.
    pub const fn name(self) -> StateName {
        match self {
            Self::Draft => StateName::Draft,
            Self::Published { .. } => StateName::Published,
            Self::Retired { .. } => StateName::Retired,
        }
    }

    const fn days(self) -> (Option<NaiveDate>, Option<NaiveDate>) {
        match self {
            Self::Draft => (None, None),
            Self::Published { from } => (Some(from), None),
            Self::Retired { from, to } => (Some(from), Some(to)),
        }
    }
}

/// The name of a state, as views and filters write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ServiceStateName)]
pub enum StateName {
    /// Being written.
    Draft,
    /// On sale.
    Published,
    /// On sale no longer.
    Retired,
}

impl StateName {
    /// As tables write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Retired => "retired",
        }
    }
}

impl Aggregate for Service {
    type Id = ServiceId;
    const KIND: &'static str = "service";
    fn id(&self) -> ServiceId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        None
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A service as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ServiceView {
    /// Which.
    pub id: ServiceId,
    /// Its code.
    pub code: String,
    /// The trade.
    pub trade: String,
    /// What it may be sold by.
    pub units: Vec<Unit>,
    /// The skill level per city.
    pub required_levels: Vec<RequiredLevel>,
    /// How strict the health check must be.
    pub health_class: HealthClass,
    /// The shortest visit.
    pub duration_min_minutes: i32,
    /// What a visit grows by.
    pub duration_step_minutes: i32,
    /// What customers read, Chinese.
    pub text_zh: String,
    /// What customers read, English.
    pub text_en: String,
    /// How far it has come.
    pub state: StateName,
    /// First day on sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<NaiveDate>,
    /// First day not on sale any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_from: Option<NaiveDate>,
    /// The ETag.
    pub version: Version,
}

impl Shown for Service {
    type View = ServiceView;
    fn view(&self, version: Version) -> ServiceView {
        let (effective_from, retired_from) = self.state.days();
        ServiceView {
            id: self.id,
            code: self.code.clone(),
            trade: self.trade.clone(),
            units: self.units.clone(),
            required_levels: self.required_levels.clone(),
            health_class: self.health_class,
            duration_min_minutes: self.duration_min_minutes,
            duration_step_minutes: self.duration_step_minutes,
            text_zh: self.text_zh.clone(),
            text_en: self.text_en.clone(),
            state: self.state.name(),
            effective_from,
            retired_from,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/contracts/services/{}", self.id)
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list::list, draft::route))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(publish::route))
        .routes(routes!(retire::route))
}
