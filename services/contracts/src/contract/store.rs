//! The SQL of contracts.

use crate::price::PriceEntry;
use events::ContractId;
use journal::Fault;
use kernel::BranchId;
use sqlx::postgres::PgConnection;

/// A signed contract's prices.
pub(crate) async fn frozen(_: &mut PgConnection, _: BranchId, _: ContractId) -> Result<Vec<PriceEntry>, Fault> {
    Ok(Vec::new())
}
