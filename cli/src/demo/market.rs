//! What is sold, at which prices, and who may do it: set up in September.

use super::cast::{Branch, Headquarters};
use super::stage::{Stage, text};
use anyhow::{Context, Result};
use kernel::{BranchId, Fen, Money};
use serde_json::{Value, json};

/// A service as the demo sells it.
pub(crate) struct Product {
    pub(crate) service: &'static str,
    pub(crate) unit: &'static str,
    /// Thousandths of the unit each visit.
    pub(crate) quantity: u32,
    /// When a visit that begins at nine is over: where hours are sold, after so many.
    pub(crate) until: &'static str,
    /// How strict the health check must be, and the skill level that a certificate must prove; 0 for none.
    health: &'static str,
    level: u8,
    pub(crate) zh: &'static str,
    en: &'static str,
}

/// What is sold.
pub(crate) const PRODUCTS: [Product; 3] = [
    Product {
        service: "cleaning",
        unit: "hour",
        quantity: 3_000,
        until: "12:00",
        health: "general",
        level: 0,
        zh: "日常保洁",
        en: "Cleaning",
    },
    Product {
        service: "windows",
        unit: "visit",
        quantity: 1_000,
        until: "17:00",
        health: "general",
        level: 0,
        zh: "擦窗",
        en: "Windows",
    },
    Product {
        service: "maternity",
        unit: "hour",
        quantity: 8_000,
        until: "17:00",
        health: "maternal_infant",
        level: 4,
        zh: "月嫂日间护理",
        en: "Maternity care by day",
    },
];

/// Prices of a unit in fen: whose (`None` for the network), from, until, and of each product.
type Prices = (Option<usize>, &'static str, Option<&'static str>, [Option<i64>; 3]);

const BOOKS: [Prices; 4] = [
    (None, "2025-10-01", Some("2025-11-01"), [Some(5_000), Some(18_000), Some(9_000)]),
    (None, "2025-11-01", None, [Some(5_200), Some(18_000), Some(9_500)]),
    (Some(1), "2025-10-01", Some("2026-01-01"), [Some(5_500), None, None]),
    (Some(2), "2025-10-01", Some("2026-01-01"), [Some(4_600), Some(17_000), None]),
];

/// Puts services, standards and prices on sale, and proves of every care worker what the services ask for.
pub(crate) async fn open(stage: &mut Stage, hq: &Headquarters, branches: &[Branch]) -> Result<()> {
    for product in &PRODUCTS {
        offer(stage, hq, product).await?;
    }
    for (branch, from, until, prices) in BOOKS {
        let branch = branch.map(|place| branches.get(place).context("a branch of the cast")).transpose()?;
        publish(stage, hq, book(branch.map(|branch| branch.id), from, until, prices)).await?;
    }
    stage.drain().await?;
    for branch in branches {
        for (place, _) in branch.carers.iter().enumerate() {
            papers(stage, hq, branch, place).await?;
        }
    }
    stage.drain().await
}

async fn offer(stage: &mut Stage, hq: &Headquarters, product: &Product) -> Result<()> {
    let service = json!({
        "code": product.service, "trade": "household", "units": [product.unit], "health_class": product.health,
        "duration_min_minutes": 60, "duration_step_minutes": 30, "text_zh": product.zh, "text_en": product.en,
        "required_levels": [{ "city": "*", "level": product.level }]
    });
    let rooms = "/v1/contracts/services";
    let drafted = stage.create(&hq.admin, rooms, service).await?;
    stage.go(&hq.admin, (rooms, &drafted), "publish", json!({ "effective_from": "2025-10-01" })).await?;
    let content = json!({
        "items": [{ "code": "result", "text": "按标准完成", "check": "客户当面验收" }],
        "min_staffing": 1, "response_hours": 2, "replacement_days": 3
    });
    let rooms = "/v1/contracts/standards";
    let standard = json!({ "service": product.service, "content": content });
    let drafted = stage.create(&hq.admin, rooms, standard).await?;
    stage.go(&hq.admin, (rooms, &drafted), "publish", json!({})).await?;
    Ok(())
}

fn book(branch: Option<BranchId>, from: &str, until: Option<&str>, prices: [Option<i64>; 3]) -> Value {
    let priced = PRODUCTS.iter().zip(prices).filter_map(|(product, fen)| Some((product, Fen::new(fen?))));
    let entries: Vec<Value> = priced
        .map(|(product, fen)| {
            json!({
                "key": { "service": product.service, "unit": product.unit },
                "terms": { "tariff": { "tier_mode": "none", "unit_price": Money::of(fen) }, "rounding": { "rounding": "exact" } }
            })
        })
        .collect();
    let mut book = json!({ "valid_from": from, "entries": entries });
    if let Some(branch) = branch {
        book["branch_id"] = json!(branch);
    }
    if let Some(until) = until {
        book["valid_to"] = json!(until);
    }
    book
}

/// One writes a book, another approves it.
async fn publish(stage: &mut Stage, hq: &Headquarters, book: Value) -> Result<()> {
    let rooms = "/v1/contracts/price-books";
    let drafted = stage.create(&hq.admin, rooms, book).await?;
    let approved = stage.go(&hq.judge, (rooms, &drafted), "approve", json!({})).await?;
    stage.go(&hq.admin, (rooms, &approved), "publish", json!({ "on_overlap": "refuse" })).await?;
    Ok(())
}

/// Identity, background, insurance and health of a care worker; the last two of a branch are licensed for maternity
/// care and certified.
async fn papers(stage: &mut Stage, hq: &Headquarters, branch: &Branch, place: usize) -> Result<()> {
    let carer = branch.carers.get(place).context("a care worker of the cast")?;
    let nurse = Branch::NURSES.contains(&place);
    let health = if nurse { "maternal_infant" } else { "general" };
    let mut proofs = vec![
        (json!({ "paper": "id" }), "2035-01-01"),
        (json!({ "paper": "background" }), "2026-09-01"),
        (json!({ "paper": "insurance" }), "2026-09-01"),
        (json!({ "health": health }), "2026-08-01"),
    ];
    if nurse {
        proofs.push((json!({ "paper": "licence" }), "2028-01-01"));
    }
    let rooms = "/v1/workforce/compliance-papers";
    for (scan, (proof, until)) in proofs.into_iter().enumerate() {
        let is_licence = proof["paper"] == "licence";
        // No two papers have the same scan.
        let sha256 = format!("{:032x}{scan:032x}", carer.id.uuid().as_u128());
        let paper = json!({
            "worker_id": carer.worker(), "proof": proof, "valid": { "from": "2025-08-01", "to": until }, "file_sha256": sha256
        });
        let paper = stage.create(&hq.clerk, rooms, paper).await?;
        stage.go(&branch.manager().account, (rooms, &paper), "verify", json!({})).await?;
        if is_licence {
            let certificate =
                json!({ "paper_id": text(&paper, "id")?, "service_codes": ["maternity"], "level": "middle" });
            stage.create(&hq.admin, "/v1/workforce/certificates", certificate).await?;
        }
    }
    Ok(())
}
