//! Writing a service into the catalogue; nobody can buy it yet.

use super::{Refusal, Service, ServiceId, ServiceView, State, store};
use crate::price::Unit;
use events::contracts::{HealthClass, RequiredLevel};
use events::event;
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::{Failure, RefuseOn};
use kernel::{Decision, Version};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A service for the catalogue.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftService {
    /// `CLEAN-STD`; never changed afterwards.
    pub code: String,
    /// The trade.
    pub trade: String,
    /// What it may be sold by.
    pub units: Vec<Unit>,
    /// The skill level per city; none: no level is asked for anywhere.
    #[serde(default)]
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
}

impl Addressed for DraftService {
    type To = New<ServiceId>;
}

/// A service was written into the catalogue.
#[derive(Debug, Serialize)]
struct ServiceDrafted {
    service_code: String,
    health_class: HealthClass,
}
event!(ServiceDrafted, "contracts.service.drafted", internal);

/// The lowest level there is: 5 (primary); 0 asks for none.
const LEVELS: std::ops::RangeInclusive<u8> = 0..=5;

/// Writes a service that nobody can buy yet.
pub fn decide(id: ServiceId, body: DraftService) -> Result<Decision<Service>, Refusal> {
    let is_code = (2..=32).contains(&body.code.len())
        && body.code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let mut units = body.units;
    units.sort_unstable();
    units.dedup();
    let is_good = is_code
        && !units.is_empty()
        && body.required_levels.iter().all(|required| LEVELS.contains(&required.level))
        && body.duration_min_minutes > 0
        && body.duration_step_minutes > 0;
    if !is_good {
        return Err(Refusal::Malformed {});
    }
    let drafted = ServiceDrafted { service_code: body.code.clone(), health_class: body.health_class };
    let service = Service {
        id,
        code: body.code,
        trade: body.trade,
        units,
        required_levels: body.required_levels,
        health_class: body.health_class,
        duration_min_minutes: body.duration_min_minutes,
        duration_step_minutes: body.duration_step_minutes,
        text_zh: body.text_zh,
        text_en: body.text_en,
        state: State::Draft,
        version: Version::NONE,
    };
    Ok(Decision::of(service).and(drafted))
}

/// Writes a service into the catalogue.
#[utoipa::path(post, path = "/v1/contracts/services", request_body = DraftService, responses(Commanded<ServiceView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<DraftService, permission!("service.write")>,
) -> Answer<ServiceView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let decision = decide(cmd.id, cmd.body.clone())?;
            let service_code = cmd.body.code.clone();
            store::add(tx, &decision)
                .await
                .refuse_on("service_code_once", Refusal::Exists { service_code })?;
            Ok::<_, Failure>(decision)
        })
        .await
}
