//! The SQL of what services ask for.

use crate::certificate::Level;
use crate::standing::{HealthClass, SPREAD};
use chrono::NaiveDate;
use events::Event;
use events::contracts::{RequiredLevel, ServicePublished};
use journal::{Fault, Reaction, Tx};
use kernel::{clause, refusals};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use std::collections::BTreeSet;
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
}

impl KnownRequirement {
    /// The least level in a city; none where none is asked for.
    pub fn level(&self, city: Option<&str>) -> Result<Option<Level>, Fault> {
        let of = |city: &str| self.required_levels.iter().find(|required| required.city == city);
        let Some(required) = city.and_then(of).or_else(|| of(ELSEWHERE)) else { return Ok(None) };
        Level::of_number(i16::from(required.level))
    }
}

/// Levels of the national standard, or 0 for none.
fn are_known(levels: &[RequiredLevel]) -> Result<(), Refusal> {
    match levels.iter().find(|required| Level::of_number(i16::from(required.level)).is_err()) {
        Some(required) => Err(Refusal::UnknownLevel { level: required.level }),
        None => Ok(()),
    }
}

/// Keeps what a service asks for, and lets the standings follow, a part of the workers at a time.
pub(crate) async fn published(tx: &mut Tx, event: &Event<ServicePublished>) -> Result<(), Reaction> {
    let service = &event.data;
    are_known(&service.required_levels).map_err(kernel::Refusal::refused)?;
    sqlx::query!(
        "INSERT INTO known_service (id, service_code) VALUES (uuidv7(), $1) ON CONFLICT (service_code) DO NOTHING",
        service.service_code,
    )
    .execute(tx.connection())
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
    Ok(spread(tx, Some(&service.service_code)).await?)
}

/// Lets the standings of every worker follow what the services ask, a part of them at a time: all services, or one.
pub(crate) async fn spread(tx: &mut Tx, service: Option<&str>) -> Result<(), Fault> {
    let services = sqlx::query_scalar!(
        "UPDATE known_service SET spread_after = $2 WHERE $1::text IS NULL OR service_code = $1 RETURNING id",
        service,
        Uuid::nil(),
    )
    .fetch_all(tx.connection())
    .await?;
    let now = vec![tx.now().utc(); services.len()];
    tx.schedule_all(SPREAD, &services, &now).await
}

/// Those of the services that contracts never published.
pub(crate) async fn unknown(tx: &mut Tx, services: &BTreeSet<String>) -> Result<BTreeSet<String>, Fault> {
    let wanted: Vec<String> = services.iter().cloned().collect();
    let unknown = sqlx::query_scalar!(
        "SELECT code AS \"code!\" FROM UNNEST($1::text[]) AS wanted (code)
         WHERE NOT EXISTS (SELECT FROM known_service WHERE service_code = wanted.code)",
        &wanted,
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(unknown.into_iter().collect())
}

/// What services ask, oldest first; all of them, or these.
pub(crate) async fn of(
    connection: &mut PgConnection,
    services: Option<&[String]>,
) -> Result<Vec<KnownRequirement>, Fault> {
    let rows = sqlx::query!(
        "SELECT r.service_code, r.effective_from, r.health_class, r.required_levels AS \"required_levels: Json<Vec<RequiredLevel>>\"
         FROM requirement r
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
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_asks_for_levels_of_the_standard_only() {
        let asks = |level| are_known(&[RequiredLevel { city: "*".to_owned(), level }]);
        for level in [0, 2, 3, 4, 5] {
            assert_eq!(asks(level), Ok(()));
        }
        for level in [1, 6, 255] {
            assert_eq!(asks(level), Err(Refusal::UnknownLevel { level }));
        }
    }
}
