//! Writing a service into the catalogue; nobody can buy it yet.

use super::{Refusal, Service, ServiceId, ServiceView, State, store};
use crate::level::WorkerLevel;
use crate::price::{ServiceCode, Unit};
use events::contracts::{HealthClass, RequiredLevel};
use events::event;
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::{Failure, RefuseOn};
use kernel::{Decision, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
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

/// The longest visit, in minutes: as long as any window may be.
const LONGEST: i32 = 31 * 24 * 60;
/// Characters of a trade or a city, and of a text for customers.
const LONGEST_NAME: usize = 40;
const LONGEST_TEXT: usize = 2_000;
/// Cities whose own level may be named: as many as there are, while the event stays small.
const MOST_CITIES: usize = 400;

/// Each city once, with a level that the national standard knows, or none at all.
fn are_levels(required: &[RequiredLevel]) -> bool {
    let cities: BTreeSet<&str> = required.iter().map(|one| one.city.as_str()).collect();
    let is_known = |one: &RequiredLevel| one.level == 0 || WorkerLevel::of(one.level).is_some();
    cities.len() == required.len()
        && cities.len() <= MOST_CITIES
        && cities.into_iter().all(|city| is_said(city, LONGEST_NAME))
        && required.iter().all(is_known)
}

fn is_said(text: &str, longest: usize) -> bool {
    !text.trim().is_empty() && text.trim() == text && text.chars().count() <= longest
}

/// Writes a service that nobody can buy yet.
pub fn decide(id: ServiceId, body: DraftService) -> Result<Decision<Service>, Refusal> {
    let is_duration = |minutes: i32| (1..=LONGEST).contains(&minutes);
    let mut units = body.units;
    units.sort_unstable();
    units.dedup();
    let is_good = ServiceCode::try_from(body.code.clone()).is_ok()
        && !units.is_empty()
        && are_levels(&body.required_levels)
        && is_duration(body.duration_min_minutes)
        && is_duration(body.duration_step_minutes)
        && is_said(&body.trade, LONGEST_NAME)
        && is_said(&body.text_zh, LONGEST_TEXT)
        && is_said(&body.text_en, LONGEST_TEXT);
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use uuid::Uuid;

    fn body() -> DraftService {
        DraftService {
            code: "CLEAN-STD".into(),
            trade: "household".into(),
            units: vec![Unit::Hour],
            required_levels: Vec::new(),
            health_class: HealthClass::General,
            duration_min_minutes: 120,
            duration_step_minutes: 30,
            text_zh: "日常保洁".into(),
            text_en: "Cleaning".into(),
        }
    }

    pub(in super::super) fn drafted() -> Service {
        decide(ServiceId::of(Uuid::from_u128(1)), body()).expect("well formed").into_state()
    }

    fn is_good(change: impl FnOnce(&mut DraftService)) -> bool {
        let mut body = body();
        change(&mut body);
        decide(ServiceId::of(Uuid::from_u128(1)), body) != Err(Refusal::Malformed {})
    }

    #[test]
    fn levels_are_those_of_the_national_standard_and_each_city_has_one() {
        let asks = |required: &[(&str, u8)]| {
            let required =
                required.iter().map(|(city, level)| RequiredLevel { city: (*city).into(), level: *level });
            let required = required.collect();
            is_good(|body| body.required_levels = required)
        };
        let known: Vec<u8> = (0..=255).filter(|level| asks(&[("*", *level)])).collect();
        assert_eq!(known, [0, 2, 3, 4, 5], "workforce knows no level 1");
        assert!(asks(&[("*", 5), ("shanghai", 4)]));
        for bad in [[("*", 5), ("*", 4)], [("*", 5), ("", 4)], [("*", 5), (" ", 4)]] {
            assert!(!asks(&bad), "{bad:?}");
        }
        assert!(!asks(&[(&"a".repeat(41), 5)]));
    }

    #[test]
    fn a_service_is_short_and_lasts_a_month_at_most() {
        assert!(is_good(|_| {}) && is_good(|body| body.duration_min_minutes = LONGEST));
        assert!(!is_good(|body| body.duration_min_minutes = LONGEST + 1));
        assert!(!is_good(|body| body.duration_step_minutes = 0));
        assert!(!is_good(|body| body.trade = "x".repeat(41)));
        assert!(!is_good(|body| body.text_zh = " ".into()));
        assert!(!is_good(|body| body.code = "清洁".into()));
        assert!(!is_good(|body| body.units = Vec::new()));
    }
}
