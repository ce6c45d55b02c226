//! Writing a quote: every line is priced now, once, and keeps its price and its reasons (C4, C12).

use super::{
    PromisedStandard, ProrationBasis, Quote, QuoteLine, QuoteView, Refusal, State, store, valid_until,
};
use crate::level::WorkerLevel;
use crate::price::line::{Ask, Tables, Visits, price};
use crate::price::promotion::Customer;
use crate::price::surcharge::DayClasses;
use crate::price::{self, Attributes, PriceEntry, PriceKey, Quantity, ServiceCode, Unit, VisitCount, tariff};
use crate::service::Durations;
use crate::{service, standard};
use chrono::NaiveDate;
use events::{CustomerId, QuoteId, event};
use house::{Addressed, Answer, Command, Commanded, House, New, not_found, permission};
use journal::{Failure, Tx};
use kernel::{BranchId, Decision, EmployeeId, Fen, Timestamp, Version, Zone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a customer asks for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftQuote {
    /// Whose prices.
    pub branch_id: BranchId,
    /// For whom.
    pub customer_id: CustomerId,
    /// The day at whose beginning it is no longer good, in the branch's zone.
    #[serde(deserialize_with = "kernel::time::date")]
    pub valid_until: NaiveDate,
    /// How part of a month will be counted.
    pub proration_basis: ProrationBasis,
    /// The skill level that is promised, 2 (technician, the highest) to 5 (primary).
    #[serde(default)]
    pub worker_level: Option<WorkerLevel>,
    /// What it consists of.
    pub lines: Vec<WantedLine>,
}

/// A line that is wanted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedLine {
    /// The service's code.
    pub service: ServiceCode,
    /// What the quantity counts.
    pub unit: Unit,
    /// Level, live-in and the like.
    #[serde(default)]
    pub attributes: Attributes,
    /// How much each visit, in thousandths of the unit.
    #[serde(deserialize_with = "tariff::asked")]
    pub quantity: Quantity,
    /// How many visits.
    pub visits: VisitCount,
}

impl Addressed for DraftQuote {
    type To = New<QuoteId>;
}

/// A quote was written.
#[derive(Debug, Serialize)]
struct QuoteDrafted {
    customer_id: CustomerId,
    total_fen: Fen,
}
event!(QuoteDrafted, "contracts.quote.drafted", internal);

/// What a quote is written from.
#[derive(Debug)]
pub struct Surroundings {
    /// The branch's zone.
    pub zone: Zone,
    /// Every price of the wanted services.
    pub entries: Vec<PriceEntry>,
    /// The standards in force, one per line.
    pub standards: Vec<PromisedStandard>,
    /// How long a visit of the wanted services lasts, one per line.
    pub durations: Vec<Durations>,
    /// Who sells.
    pub sold_by: Option<EmployeeId>,
}

/// Prices every line at `now` and freezes it.
pub fn decide(
    id: QuoteId,
    body: DraftQuote,
    around: Surroundings,
    now: Timestamp,
) -> Result<Decision<Quote>, Failure> {
    let until = valid_until(body.valid_until, around.zone);
    if until <= now {
        return Err(Refusal::UntilPast { valid_until: until }.into());
    }
    if body.lines.is_empty() {
        return Err(Refusal::NoLines {}.into());
    }
    let mut lines = Vec::new();
    for ((wanted, standard), durations) in body.lines.into_iter().zip(around.standards).zip(around.durations)
    {
        let line = freeze(wanted, standard, (body.branch_id, around.zone, now), &around.entries)?;
        durations.check(&line.key, line.priced.quantity)?;
        lines.push(line);
    }
    let quote = Quote {
        id,
        branch: body.branch_id,
        customer: body.customer_id,
        sold_by: around.sold_by,
        priced_at: now,
        valid_until: until,
        proration_basis: body.proration_basis,
        worker_level: body.worker_level,
        lines,
        state: State::Draft,
        version: Version::NONE,
    };
    let drafted = QuoteDrafted { customer_id: quote.customer, total_fen: quote.total_fen() };
    Ok(Decision::of(quote).and(drafted))
}

fn freeze(
    wanted: WantedLine,
    standard: PromisedStandard,
    (branch_id, zone, at): (BranchId, Zone, Timestamp),
    entries: &[PriceEntry],
) -> Result<QuoteLine, price::Refusal> {
    let key = PriceKey { service: wanted.service, unit: wanted.unit, attributes: wanted.attributes };
    let ask = Ask {
        branch_id,
        zone,
        contract_id: None,
        key: key.clone(),
        quantity: wanted.quantity,
        visits: Visits::Unscheduled(wanted.visits.get()),
        at,
        booked_at: None,
        distance_metres: None,
        customer: Customer::default(),
    };
    let calendar = DayClasses::new();
    let priced =
        price(&ask, &Tables { entries, surcharges: &[], promotions: &[], calendar: &calendar }, None)?;
    let entry = entries.iter().find(|entry| entry.id == priced.entry_id);
    let entry = entry.expect("a price is taken from one of the entries").clone();
    Ok(QuoteLine { key, quantity: wanted.quantity, visits: wanted.visits.get(), priced, entry, standard })
}

async fn surroundings(
    tx: &mut Tx,
    body: &DraftQuote,
    sold_by: Option<EmployeeId>,
    now: Timestamp,
) -> Result<Surroundings, Failure> {
    let zone = price::store::zone(tx.connection(), Some(body.branch_id)).await?;
    if !store::is_customer_known(tx, body.branch_id, body.customer_id).await? {
        return Err(Refusal::CustomerUnknown { customer_id: body.customer_id }.into());
    }
    let services: Vec<String> = body.lines.iter().map(|line| line.service.as_str().to_owned()).collect();
    let durations = service::store::on_sale(tx, &services, now.date_in(zone)).await?;
    let standards = standard::store::in_force(tx, &services).await?;
    let standards = standards.iter().map(PromisedStandard::of).collect();
    let entries = price::store::candidates(tx.connection(), body.branch_id, &services).await?;
    Ok(Surroundings { zone, entries, standards, durations, sold_by })
}

/// Writes a quote and prices it (P1-2).
#[utoipa::path(post, path = "/v1/contracts/quotes", request_body = DraftQuote, responses(Commanded<QuoteView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<DraftQuote, permission!("quote.write")>,
) -> Answer<QuoteView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            if !tx.reach().covers(Some(cmd.body.branch_id)) {
                return Err(not_found().into());
            }
            let around = surroundings(tx, &cmd.body, cmd.principal.employee, now).await?;
            let decision = decide(cmd.id, cmd.body.clone(), around, now)?;
            store::add(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
