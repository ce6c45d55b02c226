//! What would it cost, and why: the trace of every candidate (P1-2; `contracts.md` §2).

use super::line::{Ask as Question, Tables, Visits, price, pricing_instant};
use super::promotion::Customer;
use super::shown::PricedView;
use super::surcharge::DayClasses;
use super::{Attributes, PriceKey, Quantity, ServiceCode, Unit, store, tariff};
use crate::contract;
use crate::window::Window;
use axum::Json;
use events::ContractId;
use house::{Ask, House, Problem, not_found, permission};
use journal::Failure;
use kernel::{BranchId, Money, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What shall be priced.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainPrice {
    /// The branch whose prices count.
    pub branch_id: BranchId,
    /// The service's code.
    pub service: ServiceCode,
    /// What the quantity counts.
    pub unit: Unit,
    /// Level, live-in and the like.
    #[serde(default)]
    pub attributes: Attributes,
    /// How much, in thousandths of the unit: 3 hours are 3000.
    #[serde(deserialize_with = "tariff::asked")]
    pub quantity: Quantity,
    /// When; the price is looked up at its beginning.
    pub window: Window,
    /// The contract in force it would be under: then its own prices alone count.
    #[serde(default)]
    pub contract_id: Option<ContractId>,
    /// When it was booked.
    #[serde(default)]
    pub booked_at: Option<Timestamp>,
}

/// What it costs, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Explained {
    /// Before surcharges and promotions.
    pub base: Money,
    /// What the customer pays.
    pub total: Money,
    /// How it came about, with every candidate and why it lost.
    pub line: PricedView,
}

/// What a service would cost, with the trace of every candidate (P1-2). Changes nothing.
#[utoipa::path(post, path = "/v1/contracts/prices/explain", request_body = ExplainPrice, responses((status = 200, body = Explained)))]
pub(crate) async fn route(
    house: House,
    ask: Ask<ExplainPrice, permission!("price.read")>,
) -> Result<Json<Explained>, Problem> {
    if !ask.reach.covers(Some(ask.body.branch_id)) {
        return Err(not_found().into());
    }
    Ok(Json(explain(&house, ask.body).await?))
}

async fn explain(house: &House, body: ExplainPrice) -> Result<Explained, Failure> {
    let mut connection = house.pool().acquire().await?;
    let zone = store::zone(&mut connection, Some(body.branch_id)).await?;
    let services = [body.service.as_str().to_owned()];
    let mut entries = store::candidates(&mut connection, body.branch_id, &services).await?;
    if let Some(contract) = body.contract_id {
        entries.extend(contract::store::frozen(&mut connection, body.branch_id, contract).await?);
    }
    let calendar = DayClasses::new();
    let tables = Tables { entries: &entries, surcharges: &[], promotions: &[], calendar: &calendar };
    let question = Question {
        branch_id: body.branch_id,
        zone,
        contract_id: body.contract_id,
        key: PriceKey { service: body.service, unit: body.unit, attributes: body.attributes },
        quantity: body.quantity,
        visits: Visits::At(body.window),
        at: pricing_instant(None, body.window.starts_at()),
        booked_at: body.booked_at,
        distance_metres: None,
        customer: Customer::default(),
    };
    let line = price(&question, &tables, None)?;
    let line = PricedView::from(&line);
    Ok(Explained { base: line.base, total: line.total, line })
}
