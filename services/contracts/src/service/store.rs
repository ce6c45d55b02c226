//! The SQL of services. The catalogue is the network's: its rows belong to no branch.

use super::list::ServiceFilter;
use super::{Durations, Refusal, Service, ServiceId, State, StateName};
use crate::price::{PriceKey, Unit};
use chrono::NaiveDate;
use events::contracts::HealthClass;
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Tx};
use kernel::{Decision, Version};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;
use std::collections::BTreeMap;
use uuid::Uuid;

struct Row {
    id: Uuid,
    code: String,
    trade: String,
    units: Vec<String>,
    required_levels: Value,
    health_class: String,
    duration_min_minutes: i32,
    duration_step_minutes: i32,
    text_zh: String,
    text_en: String,
    state: String,
    effective_from: Option<NaiveDate>,
    retired_from: Option<NaiveDate>,
    version: i32,
}

impl TryFrom<Row> for Service {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "service", column, value: value.to_owned() };
        let state = match (row.state.as_str(), row.effective_from, row.retired_from) {
            ("draft", None, None) => State::Draft,
            ("published", Some(from), None) => State::Published { from },
            ("retired", Some(from), Some(to)) => State::Retired { from, to },
            _ => return Err(corrupt("state", &row.state)),
        };
        let units = row.units.iter().map(|unit| Unit::of(unit).ok_or_else(|| corrupt("units", unit)));
        Ok(Self {
            id: ServiceId::of(row.id),
            units: units.collect::<Result<_, _>>()?,
            required_levels: Vec::deserialize(&row.required_levels)
                .map_err(|error| corrupt("required_levels", &error.to_string()))?,
            health_class: HealthClass::of(&row.health_class)
                .ok_or_else(|| corrupt("health_class", &row.health_class))?,
            code: row.code,
            trade: row.trade,
            duration_min_minutes: row.duration_min_minutes,
            duration_step_minutes: row.duration_step_minutes,
            text_zh: row.text_zh,
            text_en: row.text_en,
            state,
            version: Version::of(row.version),
        })
    }
}

/// Locks a service.
pub(super) async fn load(tx: &mut Tx, id: ServiceId) -> Result<Service, Failure> {
    let row = sqlx::query_as!(Row, "SELECT * FROM service WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(tx.connection())
        .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Writes a new one.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Service>) -> Result<(), Fault> {
    let service = decision.state();
    let units: Vec<String> = service.units.iter().map(|unit| unit.word().to_owned()).collect();
    let levels = serde_json::to_value(&service.required_levels).expect("plain data");
    let statement = sqlx::query!(
        "INSERT INTO service (id, code, trade, units, required_levels, health_class, duration_min_minutes, duration_step_minutes, text_zh, text_en,
                              state, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        service.id.uuid(),
        service.code,
        service.trade,
        &units,
        levels,
        service.health_class.word(),
        service.duration_min_minutes,
        service.duration_step_minutes,
        service.text_zh,
        service.text_en,
        service.state.word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the new state.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Service>) -> Result<(), Fault> {
    let service = decision.state();
    let (from, to) = service.state.days();
    let statement = sqlx::query!(
        "UPDATE service SET state = $3, effective_from = $4, retired_from = $5, version = $6 WHERE id = $1 AND version = $2",
        service.id.uuid(),
        decision.base().get(),
        service.state.word(),
        from,
        to,
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// The first of these keys whose service is not in the catalogue, or not sold by that unit.
pub(crate) async fn first_unknown<'k>(
    tx: &mut Tx,
    keys: &[&'k PriceKey],
) -> Result<Option<&'k PriceKey>, Fault> {
    let services: Vec<String> = keys.iter().map(|key| key.service.as_str().to_owned()).collect();
    let rows =
        sqlx::query!("SELECT code, units FROM service WHERE code = ANY ($1) AND state <> 'draft'", &services)
            .fetch_all(tx.connection())
            .await?;
    let is_known = |key: &PriceKey| {
        rows.iter().any(|row| {
            row.code == key.service.as_str() && row.units.iter().any(|unit| unit == key.unit.word())
        })
    };
    Ok(keys.iter().copied().find(|key| !is_known(key)))
}

/// How long a visit of each of these services lasts, in their order; refuses one that is not on sale on a day.
pub(crate) async fn on_sale(
    tx: &mut Tx,
    services: &[String],
    on: NaiveDate,
) -> Result<Vec<Durations>, Failure> {
    let rows = sqlx::query!(
        "SELECT code, duration_min_minutes, duration_step_minutes FROM service
         WHERE code = ANY ($1) AND effective_from <= $2 AND (retired_from IS NULL OR $2 < retired_from)",
        services,
        on,
    )
    .fetch_all(tx.connection())
    .await?;
    let on_sale: BTreeMap<String, Durations> = rows
        .into_iter()
        .map(|row| {
            let (min_minutes, step_minutes) = (row.duration_min_minutes, row.duration_step_minutes);
            (row.code, Durations { min_minutes, step_minutes })
        })
        .collect();
    let of = |service: &String| {
        let unknown = || Refusal::Unknown { service_code: service.clone() };
        Ok(on_sale.get(service).copied().ok_or_else(unknown)?)
    };
    services.iter().map(of).collect()
}

/// One service.
pub(super) async fn find(pool: &PgPool, id: ServiceId) -> Result<Option<Service>, Failure> {
    let row =
        sqlx::query_as!(Row, "SELECT * FROM service WHERE id = $1", id.uuid()).fetch_optional(pool).await?;
    Ok(row.map(Service::try_from).transpose()?)
}

/// One page.
pub(super) async fn page(
    pool: &PgPool,
    filter: &ServiceFilter,
    page: PageRequest,
) -> Result<Vec<Service>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM service
         WHERE ($1::text IS NULL OR code = $1) AND ($2::text IS NULL OR state = $2) AND id < $3 AND id > $4
         ORDER BY CASE WHEN $5 THEN id END DESC, id LIMIT $6",
        filter.code,
        filter.state.map(StateName::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Service::try_from).collect::<Result<_, _>>()?)
}
