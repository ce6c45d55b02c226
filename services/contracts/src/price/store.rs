//! The SQL of prices: every candidate for an answer, of the branch and of the network.

use super::{BookState, Owner, PriceEntry, PriceEntryId, PriceKey, ServiceCode, Terms, Unit};
use chrono::NaiveDate;
use journal::{Failure, Fault};
use kernel::{BranchId, Span, Zone, refusals};
use serde::Deserialize;
use serde_json::Value;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

refusals! {
    /// hr has not told us of this branch yet.
    BranchUnknown { branch_id: BranchId } = "contracts.branch_unknown";
}

/// A row of `price_entry`.
pub(crate) struct EntryRow {
    pub(crate) id: Uuid,
    pub(crate) price_book_id: Uuid,
    pub(crate) branch_id: Option<Uuid>,
    pub(crate) service: String,
    pub(crate) unit: String,
    pub(crate) attributes: String,
    pub(crate) valid_from: NaiveDate,
    pub(crate) valid_to: Option<NaiveDate>,
    pub(crate) state: String,
    pub(crate) terms: Value,
    pub(crate) out_of_bounds: bool,
}

impl TryFrom<EntryRow> for PriceEntry {
    type Error = Fault;
    fn try_from(row: EntryRow) -> Result<Self, Fault> {
        let corrupt = |column, value: String| Fault::Corrupt { table: "price_entry", column, value };
        let attributes = serde_json::from_str(&row.attributes)
            .map_err(|error| corrupt("attributes", error.to_string()))?;
        Ok(Self {
            id: PriceEntryId::of(row.id),
            owner: row.branch_id.map(BranchId::of).map_or(Owner::Network, Owner::Branch),
            state: BookState::of(&row.state).ok_or_else(|| corrupt("state", row.state))?,
            key: PriceKey {
                service: ServiceCode::new(row.service),
                unit: Unit::of(&row.unit).ok_or_else(|| corrupt("unit", row.unit))?,
                attributes,
            },
            valid: Span { from: row.valid_from, to: row.valid_to },
            terms: Terms::deserialize(&row.terms).map_err(|error| corrupt("terms", error.to_string()))?,
        })
    }
}

/// Every price of these services that the branch or the network ever wrote: the trace names them all.
pub(crate) async fn candidates(
    connection: &mut PgConnection,
    branch: BranchId,
    services: &[String],
) -> Result<Vec<PriceEntry>, Fault> {
    let rows = sqlx::query_as!(
        EntryRow,
        "SELECT id, price_book_id, branch_id, service, unit, attributes, lower(valid) AS \"valid_from!\", upper(valid) AS valid_to, state, terms,
                out_of_bounds
         FROM price_entry WHERE service = ANY ($1) AND (branch_id IS NULL OR branch_id = $2) ORDER BY id",
        services,
        branch.uuid(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(PriceEntry::try_from).collect()
}

/// The zone of a branch; the network's is that of the rule book.
pub(crate) async fn zone(connection: &mut PgConnection, branch: Option<BranchId>) -> Result<Zone, Failure> {
    let Some(branch) = branch else { return Ok(Zone::SHANGHAI) };
    let zone = sqlx::query_scalar!("SELECT zone FROM known_branch WHERE id = $1", branch.uuid())
        .fetch_optional(connection)
        .await?;
    let zone = zone.ok_or(Refusal::BranchUnknown { branch_id: branch })?;
    let corrupt = |_| Fault::Corrupt { table: "known_branch", column: "zone", value: zone.clone() };
    Ok(zone.parse().map_err(corrupt)?)
}
