//! Customers who order: from the call to the card, the quote, the contract, its visits and its money.

use super::agenda::Act;
use super::calls::{self, Said};
use super::cast::{Branch, Employee};
use super::market::{PRODUCTS, Product};
use super::stage::{Stage, ZONE, local, yuan};
use anyhow::{Context, Result};
use chrono::{Days, NaiveDate};
use kernel::{Fen, Money, Timestamp};
use serde_json::{Value, json};

/// How many contracts are made, one a workday from the 9th of October.
const DEALS: usize = 20;

/// Visits that a contract promises, one a week; the last is after November.
const PROMISED: usize = 4;

/// Visits that are played.
const PLAYED: usize = 3;

/// What happens between a customer and us.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// He calls.
    Ring,
    /// His call is written down, and his card.
    Register,
    /// Sales offers a price, which he takes.
    Quote,
    /// Both sign; the visits are planned and given to a care worker.
    Contract,
    /// He pays half.
    Pay,
    /// The care worker comes, and goes.
    Visit(usize, Coming),
    /// He pays the other half.
    PayRest,
    /// He gets part of the first half back, and the seller's commission with it.
    Reverse,
}

/// Where a visit stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Coming {
    /// The care worker is there.
    Start,
    /// The work is done.
    Finish,
    /// The customer agrees; where he says nothing, time does (P1-4).
    Confirm,
}

/// Every deal's days, and the payments of November.
pub(crate) fn agenda(workdays: &[NaiveDate]) -> Result<Vec<(Timestamp, Act)>> {
    let mut agenda = Vec::new();
    for (place, day) in workdays.iter().take(DEALS).enumerate() {
        let mut add = |day: NaiveDate, time: &str, step| {
            agenda.push((local(&day.to_string(), time)?, Act::Deal(place, step)));
            anyhow::Ok(())
        };
        for (time, step) in [
            ("09:00", Step::Ring),
            ("09:06", Step::Register),
            ("11:00", Step::Quote),
            ("11:30", Step::Contract),
            ("16:00", Step::Pay),
        ] {
            add(*day, time, step)?;
        }
        for visit in 0..PLAYED {
            let day = coming(*day, visit).context("a day of the calendar")?;
            add(day, "09:00", Step::Visit(visit, Coming::Start))?;
            add(day, product(place).until, Step::Visit(visit, Coming::Finish))?;
            if visit % 2 == 0 {
                add(day, "17:10", Step::Visit(visit, Coming::Confirm))?;
            }
        }
        add("2025-11-17".parse()?, "16:00", Step::PayRest)?;
        if place == REVERSED {
            add("2025-11-18".parse()?, "10:00", Step::Reverse)?;
        }
    }
    Ok(agenda)
}

/// The deal whose customer gets money back: the first of the first branch, so that its seller's slip shows it.
const REVERSED: usize = 0;

/// The first visit is two days after the contract, the others a week apart.
fn coming(signed: NaiveDate, visit: usize) -> Option<NaiveDate> {
    signed.checked_add_days(Days::new(2 + 7 * u64::try_from(visit).ok()?))
}

/// Every third contract is a window cleaner's, every fifth a nurse's.
fn product(place: usize) -> &'static Product {
    match place {
        _ if place % 5 == 4 => &PRODUCTS[2],
        _ if place % 3 == 2 => &PRODUCTS[1],
        _ => &PRODUCTS[0],
    }
}

/// Who goes: always the same person to the same home.
fn carer(place: usize, branch: &Branch) -> Result<&Employee> {
    let seat = if place % 5 == 4 { Branch::NURSES.start + place / 5 % 2 } else { place / 3 % 4 };
    branch.carers.get(seat).context("a care worker of the cast")
}

/// A deal under way.
#[derive(Default)]
struct Deal {
    call: Value,
    customer: Value,
    quote: Value,
    contract: Value,
    visits: Vec<Value>,
    payments: Vec<Value>,
}

/// All deals.
pub(crate) struct Deals {
    deals: Vec<Deal>,
}

impl Deals {
    pub(crate) fn new() -> Self {
        Self { deals: (0..DEALS).map(|_| Deal::default()).collect() }
    }

    /// How many contracts are in force.
    pub(crate) fn contracts(&self) -> usize {
        self.deals.iter().filter(|deal| deal.contract.is_object()).count()
    }

    /// How many visits have taken place.
    pub(crate) fn visits(&self) -> usize {
        self.deals.iter().flat_map(|deal| &deal.visits).filter(|visit| visit["state"] != "assigned").count()
    }

    /// How many payments were taken.
    pub(crate) fn payments(&self) -> usize {
        self.deals.iter().map(|deal| deal.payments.len()).sum()
    }

    pub(crate) async fn step(
        &mut self,
        stage: &mut Stage,
        place: usize,
        step: Step,
        branches: &[Branch],
    ) -> Result<()> {
        let branch = branches.get(place % branches.len()).context("a branch of the cast")?;
        let deal = self.deals.get_mut(place).context("a deal of the table")?;
        let scene = Scene { place, branch };
        match step {
            Step::Ring => {
                let agent = branch.second_agent();
                deal.call = calls::answered(stage, agent, branch.id, 100 + place, 3).await?;
            }
            Step::Register => scene.register(stage, deal).await?,
            Step::Quote => scene.quote(stage, deal).await?,
            Step::Contract => scene.contract(stage, deal).await?,
            Step::Pay | Step::PayRest => {
                let payment = scene.pay(stage, deal).await?;
                deal.payments.push(payment);
            }
            Step::Visit(number, coming) => scene.visit(stage, deal, number, coming).await?,
            Step::Reverse => {
                let first = deal.payments.first().context("paid before")?;
                let back = json!({ "part": "fee", "amount": yuan("30.00") });
                stage.go(&branch.manager().account, (COLLECTIONS, first), "reverse", back).await?;
            }
        }
        Ok(())
    }
}

const QUOTES: &str = "/v1/contracts/quotes";
const CONTRACTS: &str = "/v1/contracts/contracts";
const VISITS: &str = "/v1/contracts/visits";
const COLLECTIONS: &str = "/v1/contracts/collections";

/// Who acts in a deal.
struct Scene<'a> {
    place: usize,
    branch: &'a Branch,
}

impl Scene<'_> {
    async fn register(&self, stage: &mut Stage, deal: &mut Deal) -> Result<()> {
        let agent = self.branch.second_agent();
        let said = Said {
            caller: "林先生", topic: "想请人上门服务", why: "看到门店招牌", reason: "order"
        };
        deal.call = calls::recorded(stage, agent, &deal.call, &said).await?;
        let card = json!({
            "branch_id": self.branch.id, "name": format!("林先生{}", self.place + 1), "phone": calls::number(100 + self.place),
            "place": format!("幸福路 {} 号", self.place + 1), "area_code": "310115", "source_code": "sign",
            "came_for": "上门服务", "first_touch": "call", "call_id": deal.call["id"]
        });
        deal.customer = stage.create(&agent.account, "/v1/support/customers", card).await?;
        Ok(())
    }

    async fn quote(&self, stage: &mut Stage, deal: &mut Deal) -> Result<()> {
        let seller = &self.branch.seller().account;
        let product = product(self.place);
        let good_until = stage.now().date_in(ZONE).checked_add_days(Days::new(14));
        let wanted = json!({
            "branch_id": self.branch.id, "customer_id": deal.customer["id"], "valid_until": good_until,
            "proration_basis": "actual_days",
            "lines": [{ "service": product.service, "unit": product.unit, "quantity": product.quantity, "visits": PROMISED }]
        });
        let drafted = stage.create(seller, QUOTES, wanted).await?;
        let offered = stage.go(seller, (QUOTES, &drafted), "offer", json!({})).await?;
        deal.quote = stage.go(seller, (QUOTES, &offered), "accept", json!({})).await?;
        Ok(())
    }

    async fn contract(&self, stage: &mut Stage, deal: &mut Deal) -> Result<()> {
        let manager = &self.branch.manager().account;
        let today = stage.now().date_in(ZONE);
        let (half, rest) = halves(&deal.quote)?;
        // The company keeps a fifth of what the customer pays.
        let parts = total(&deal.quote)?.split(&[4, 1]);
        let (wage, fee) =
            (parts.first().copied().unwrap_or_default(), parts.last().copied().unwrap_or_default());
        let terms = json!({
            "quote_id": deal.quote["id"], "term_from": today, "term_to": today.checked_add_days(Days::new(92)),
            "splits": [{ "wage": Money::of(wage), "management": Money::of(fee), "material": Money::of(Fen::ZERO), "pass_through": "wage" }],
            "plan": [{ "due_on": today, "amount": Money::of(half) }, { "due_on": "2025-11-17", "amount": Money::of(rest) }]
        });
        let drafted = stage.create(manager, CONTRACTS, terms).await?;
        let mut contract = stage.go(manager, (CONTRACTS, &drafted), "offer", self.particulars()?).await?;
        for party in ["customer", "company"] {
            let signature = json!({ "party": party, "method": "paper", "hash": contract["hash"], "evidence_hash": "cd".repeat(32) });
            contract = stage.go(manager, (CONTRACTS, &contract), "sign", signature).await?;
        }
        let worker = carer(self.place, self.branch)?.worker();
        for number in 0..PROMISED {
            let day = coming(today, number).context("a day of the calendar")?.to_string();
            let until = product(self.place).until;
            let window = json!({ "starts_at": local(&day, "09:00")?, "ends_at": local(&day, until)? });
            let plan = json!({ "contract_id": contract["id"], "line": 0, "window": window });
            let planned = stage.create(manager, VISITS, plan).await?;
            let given =
                stage.go(manager, (VISITS, &planned), "assign", json!({ "worker_id": worker })).await?;
            deal.visits.push(given);
        }
        deal.contract = contract;
        Ok(())
    }

    fn particulars(&self) -> Result<Value> {
        let carer = carer(self.place, self.branch)?;
        Ok(json!({
            "company": { "name": self.branch.name, "address": "世纪大道 1 号", "head": self.branch.manager().name, "contact": "021-5000" },
            "workers": [{ "name": carer.name, "id_number": "在档", "health_status": "良好", "training_record": "在档", "contact": "在档" }],
            "customer": { "name": "林先生", "id_number": "在档", "address": format!("幸福路 {} 号", self.place + 1), "contact": "在档" },
            "service": { "place": format!("幸福路 {} 号", self.place + 1), "content": product(self.place).zh, "manner": "上门", "term": "三个月" },
            "payment_form": "微信",
            "clauses": { "rights": "见服务标准", "breach": "按约定", "dispute": "协商，协商不成提交仲裁" }
        }))
    }

    async fn visit(&self, stage: &mut Stage, deal: &mut Deal, number: usize, coming: Coming) -> Result<()> {
        let manager = &self.branch.manager().account;
        let carer = &carer(self.place, self.branch)?.account;
        let (who, verb) = match coming {
            Coming::Start => (carer, "start"),
            Coming::Finish => (carer, "finish"),
            Coming::Confirm => (manager, "confirm"),
        };
        let visit = deal.visits.get_mut(number).context("planned before")?;
        *visit = stage.go(who, (VISITS, visit), verb, json!({})).await?;
        Ok(())
    }

    /// The first half on the day of the contract, the rest in November.
    async fn pay(&self, stage: &mut Stage, deal: &Deal) -> Result<Value> {
        let (half, rest) = halves(&deal.quote)?;
        let paid = deal.payments.len();
        let payment = json!({
            "contract_id": deal.contract["id"], "channel": "wechat", "external_ref": format!("demo-{}-{paid}", self.place),
            "amount": Money::of(if paid == 0 { half } else { rest }), "collected_on": stage.now().date_in(ZONE)
        });
        stage.create(&self.branch.manager().account, COLLECTIONS, payment).await
    }
}

/// What a quote comes to, in two equal payments.
fn halves(quote: &Value) -> Result<(Fen, Fen)> {
    let parts = total(quote)?.split(&[1, 1]);
    Ok((*parts.first().context("two halves")?, *parts.last().context("two halves")?))
}

fn total(quote: &Value) -> Result<Fen> {
    let total: Money = serde_json::from_value(quote["total"].clone()).context("a quote has a total")?;
    Ok(total.fen())
}
