//! The SQL of what services ask for.

use crate::certificate::Level;
use crate::ids::KnownServiceId;
use crate::standing::{HealthClass, SPREAD};
use chrono::NaiveDate;
use events::Event;
use events::contracts::{RequiredLevel, ServicePublished, ServiceRetired};
use journal::{Fault, Reaction, Tx};
use kernel::{clause, refusals};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// Where no city is named.
const ELSEWHERE: &str = "*";

refusals! {
    /// Contracts asks for a level the national standard does not have.
    UnknownLevel { level: u8 } = "workforce.level_unknown", clause!("P1-1");
}

/// What a service asks from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRequirement {
    /// Which service.
    pub service_code: String,
    /// From this day on.
    pub effective_from: NaiveDate,
    /// The least health class.
    pub health_class: HealthClass,
    /// The least level, per city.
    pub required_levels: Vec<RequiredLevel>,
    /// First day the service is not sold.
    pub retired_from: Option<NaiveDate>,
}

impl KnownRequirement {
    /// The least level in a city; none where none is asked for.
    pub fn level(&self, city: Option<&str>) -> Result<Option<Level>, Fault> {
        let of = |city: &str| self.required_levels.iter().find(|required| required.city == city);
        let Some(required) = city.and_then(of).or_else(|| of(ELSEWHERE)) else { return Ok(None) };
        Level::of_number(i16::from(required.level))
    }
}

/// Keeps what a service asks for, and lets the standings follow, a part of the workers at a time.
pub(crate) async fn published(tx: &mut Tx, event: &Event<ServicePublished>) -> Result<(), Reaction> {
    let service = &event.data;
    for required in &service.required_levels {
        let known = Level::of_number(i16::from(required.level));
        known.map_err(|_| kernel::Refusal::refused(Refusal::UnknownLevel { level: required.level }))?;
    }
    let id = sqlx::query_scalar!(
        "INSERT INTO known_service (id, service_code, spread_after) VALUES (uuidv7(), $1, $2)
         ON CONFLICT (service_code) DO UPDATE SET retired_from = NULL, spread_after = excluded.spread_after RETURNING id",
        service.service_code,
        Uuid::nil(),
    )
    .fetch_one(tx.connection())
    .await?;
    sqlx::query!(
        "INSERT INTO requirement (service_code, effective_from, health_class, required_levels) VALUES ($1, $2, $3, $4)
         ON CONFLICT (service_code, effective_from) DO UPDATE SET health_class = excluded.health_class, required_levels = excluded.required_levels",
        service.service_code,
        service.effective_from,
        service.health_class.word(),
        Json(&service.required_levels) as _,
    )
    .execute(tx.connection())
    .await?;
    Ok(tx.schedule(SPREAD, KnownServiceId::of(id), tx.now()).await?)
}

/// A service that is sold no longer gets no new standings; those there are go on, for visits still to come.
pub(crate) async fn retired(tx: &mut Tx, event: &Event<ServiceRetired>) -> Result<(), Reaction> {
    let service = &event.data;
    sqlx::query!(
        "UPDATE known_service SET retired_from = $2 WHERE service_code = $1",
        service.service_code,
        service.effective_from,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What services ask, oldest first; all of them, or these.
pub(crate) async fn of(
    connection: &mut PgConnection,
    services: Option<&[String]>,
) -> Result<Vec<KnownRequirement>, Fault> {
    let rows = sqlx::query!(
        "SELECT r.service_code, r.effective_from, r.health_class, r.required_levels AS \"required_levels: Json<Vec<RequiredLevel>>\", s.retired_from
         FROM requirement r JOIN known_service s USING (service_code)
         WHERE $1::text[] IS NULL OR r.service_code = ANY ($1) ORDER BY r.service_code, r.effective_from",
        services,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let corrupt = Fault::Corrupt {
                table: "requirement",
                column: "health_class",
                value: row.health_class.clone(),
            };
            Ok(KnownRequirement {
                service_code: row.service_code,
                effective_from: row.effective_from,
                health_class: HealthClass::of(&row.health_class).ok_or(corrupt)?,
                required_levels: row.required_levels.0,
                retired_from: row.retired_from,
            })
        })
        .collect()
}
