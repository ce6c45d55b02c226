//! The SQL of service standards. They are the network's: their rows belong to no branch.

use super::list::StandardFilter;
use super::{Content, Refusal, Standard, StandardId, State};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Tx};
use kernel::{Decision, Version};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

struct Row {
    id: Uuid,
    service: String,
    edition: i32,
    content: Value,
    hash: String,
    state: String,
    version: i32,
}

impl TryFrom<Row> for Standard {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt = |column, value: String| Fault::Corrupt { table: "service_standard", column, value };
        Ok(Self {
            id: StandardId::of(row.id),
            service: row.service,
            edition: row.edition,
            content: Content::deserialize(&row.content)
                .map_err(|error| corrupt("content", error.to_string()))?,
            hash: row.hash,
            state: State::of(&row.state).ok_or_else(|| corrupt("state", row.state))?,
            version: Version::of(row.version),
        })
    }
}

/// Locks an edition.
pub(super) async fn load(tx: &mut Tx, id: StandardId) -> Result<Standard, Failure> {
    let row = sqlx::query_as!(Row, "SELECT * FROM service_standard WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(tx.connection())
        .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Locks the edition in force, if there is one.
pub(super) async fn in_force_for_update(tx: &mut Tx, service: &str) -> Result<Option<Standard>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "SELECT * FROM service_standard WHERE service = $1 AND state = 'published' FOR UPDATE",
        service
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(Standard::try_from).transpose()
}

/// The edition in force of each of these services, in their order; a service without one cannot be promised.
pub(crate) async fn in_force(tx: &mut Tx, services: &[String]) -> Result<Vec<Standard>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM service_standard WHERE service = ANY ($1) AND state = 'published'",
        services
    )
    .fetch_all(tx.connection())
    .await?;
    let standards = rows.into_iter().map(Standard::try_from).collect::<Result<Vec<_>, _>>()?;
    let of = |service: &String| {
        let missing = || Refusal::Missing { service: service.clone() };
        Ok(standards.iter().find(|standard| standard.service == *service).cloned().ok_or_else(missing)?)
    };
    services.iter().map(of).collect()
}

/// The number of the next edition.
pub(super) async fn next_edition(tx: &mut Tx, service: &str) -> Result<i32, Fault> {
    let next = sqlx::query_scalar!(
        "SELECT coalesce(max(edition), 0) + 1 AS \"next!\" FROM service_standard WHERE service = $1",
        service
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(next)
}

/// Writes a new one.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Standard>) -> Result<(), Fault> {
    let standard = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO service_standard (id, service, edition, content, hash, state, version) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        standard.id.uuid(),
        standard.service,
        standard.edition,
        serde_json::to_value(&standard.content).expect("plain data"),
        standard.hash,
        standard.state.word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the new state; the text never changes.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Standard>) -> Result<(), Fault> {
    let standard = decision.state();
    let statement = sqlx::query!(
        "UPDATE service_standard SET state = $3, version = $4 WHERE id = $1 AND version = $2",
        standard.id.uuid(),
        decision.base().get(),
        standard.state.word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// One edition.
pub(super) async fn find(pool: &PgPool, id: StandardId) -> Result<Option<Standard>, Failure> {
    let row = sqlx::query_as!(Row, "SELECT * FROM service_standard WHERE id = $1", id.uuid())
        .fetch_optional(pool)
        .await?;
    Ok(row.map(Standard::try_from).transpose()?)
}

/// One page.
pub(super) async fn page(
    pool: &PgPool,
    filter: &StandardFilter,
    page: PageRequest,
) -> Result<Vec<Standard>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM service_standard
         WHERE ($1::text IS NULL OR service = $1) AND ($2::text IS NULL OR state = $2) AND id < $3 AND id > $4
         ORDER BY CASE WHEN $5 THEN id END DESC, id LIMIT $6",
        filter.service,
        filter.state.map(State::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Standard::try_from).collect::<Result<_, _>>()?)
}
