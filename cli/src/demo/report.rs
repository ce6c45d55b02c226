//! What the demo shows at its end: payroll by branch, one slip explained, the trail of one fine and back, what was
//! carried and given back, the audit, and where to look next.

use super::Played;
use super::stage::{Stage, text};
use crate::audit::{self, Period};
use crate::installation::{Installation, Running};
use crate::trace::Trail;
use anyhow::{Context, Result, bail};
use kernel::Fen;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Prints everything, and returns the one object of `--json`.
pub(crate) async fn print(
    stage: &mut Stage,
    played: &Played,
    (installation, running): (&Installation, &Running),
) -> Result<Value> {
    payroll(played);
    let slips = slips(stage, played).await?;
    let explained = Explained::of(stage, played, &slips).await?;
    explained.print();
    let trail = explained.trail(running).await?;
    carried(stage, played, &slips).await?;
    println!("\nConservation audit 资金守恒审计");
    let audit = audit::conservation(&running.databases, Period::default()).await?;
    print!("{}", audit.text());
    let at = &running.base_url;
    println!("\nWhere to look next 接下来看什么");
    println!("  {:<46} the API, every route with its rights and refusals", format!("{at}/docs"));
    println!("  {:<46} the same for machines", format!("{at}/v1/openapi.json"));
    println!("  {:<46} a token, e.g. of payroll; then, with it:", installation.command("token --role PA"));
    println!("  curl -H \"Authorization: Bearer $TOKEN\" {at}/v1/hr/payslips/{}/explain", explained.slip);
    println!("  {}", installation.command(&format!("trace {}", explained.penalty)));
    let mut net = Fen::ZERO;
    for slip in slips.values() {
        net = net + fen(&slip["net"])?;
    }
    Ok(json!({
        "network": "Steward demo",
        "branches": played.branches.len(),
        "complaints": played.cases.complaints().count(),
        "penalties_confirmed_fen": audit.confirmed_fen,
        "deductions_posted_fen": audit.posted_fen,
        "deductions_refunded_fen": audit.refunded_fen,
        "deductions_refund_due_fen": audit.refund_due_fen,
        "deductions_open_fen": audit.open_fen,
        "deductions_written_off_fen": audit.written_off_fen,
        "deductions_reversed_fen": audit.reversed_fen,
        "payslips": slips.len(),
        "net_total_fen": net,
        "explained_payslip": explained.slip,
        "trail": trail,
        "exceptions": audit.exceptions,
    }))
}

fn payroll(played: &Played) {
    println!("\nTwo months in numbers 两个月的业务");
    println!(
        "  {} calls, {} complaints, {} fines assessed; {} contracts, {} visits, {} payments; {} punches",
        played.calls(),
        played.cases.complaints().count(),
        played.cases.penalties().count(),
        played.deals.contracts(),
        played.deals.visits(),
        played.deals.payments(),
        played.punches
    );
    println!("\nPayroll by branch (before social insurance and tax) 各店工资（未扣社保与个税）");
    for run in &played.runs {
        let totals = &run["totals"];
        println!(
            "  {}  {} slips  gross {}  lateness {}  fines {}  refunds {}  net {}  ({})",
            word(run, "month"),
            totals["slips"],
            amount(&totals["gross"]),
            amount(&totals["lateness"]),
            amount(&totals["penalties"]),
            amount(&totals["refunds"]),
            amount(&totals["net"]),
            word(run, "state")
        );
        for branch in totals["branches"].as_array().into_iter().flatten() {
            let name = played
                .branches
                .iter()
                .find(|known| branch["branch_id"] == json!(known.id))
                .map_or("?", |known| known.name);
            println!("    {name}  net {:>9}", amount(&branch["net"]));
        }
    }
}

/// Every slip of both runs, by its id.
async fn slips(stage: &mut Stage, played: &Played) -> Result<BTreeMap<String, Value>> {
    let mut slips = BTreeMap::new();
    for run in &played.runs {
        let path = format!("/v1/hr/payslips?run_id={}", text(run, "id")?);
        for slip in stage.all(&played.hq.payroll, &path).await? {
            slips.insert(text(&slip, "id")?.to_owned(), slip);
        }
    }
    Ok(slips)
}

/// The slip with most kinds of lines: a seller's of October, with a fine that an appeal halves in November.
struct Explained {
    name: &'static str,
    slip: String,
    lines: Value,
    view: Value,
    penalty: String,
}

impl Explained {
    async fn of(stage: &mut Stage, played: &Played, slips: &BTreeMap<String, Value>) -> Result<Self> {
        let accused = played.branches.first().context("a branch of the cast")?.seller();
        let is_his = |slip: &&Value| slip["employee_id"] == json!(accused.id) && slip["month"] == "2025-10";
        let view = slips.values().find(is_his).context("his slip of October")?.clone();
        let slip = text(&view, "id")?.to_owned();
        let explained = stage.get(&played.hq.payroll, &format!("/v1/hr/payslips/{slip}/explain")).await?;
        let lines = explained["lines"].clone();
        let fine = rows(&lines).find(|line| line["kind"] == "fine").context("a line that takes a fine")?;
        let penalty = text(&fine["source"], "penalty_id")?.to_owned();
        Ok(Self { name: accused.name, slip, lines, view, penalty })
    }

    fn print(&self) {
        println!(
            "\nOne payslip 一张工资条: {} {}, net {} (before social insurance and tax)",
            self.name,
            word(&self.view, "month"),
            amount(&self.view["net"])
        );
        for line in rows(&self.lines) {
            let rule = &line["rule"];
            println!(
                "  {:>9}  {:<12} {:<10} {}",
                amount(&line["amount"]),
                word(line, "kind"),
                word(rule, "clause"),
                word(&line["formula"], "zh-CN")
            );
            println!("  {:>9}  {:<12} {:<10} {}", "", "", "", word(&line["formula"], "en"));
            println!("  {:>9}  {:<12} {:<10} from {}", "", "", "", back(line));
        }
    }

    /// Call → complaint → finding → fine → event → deduction → payslip line, and back by the line's own explanation.
    async fn trail(&self, running: &Running) -> Result<Vec<Value>> {
        println!("\nThe trail of one fine 一笔罚款的来龙去脉: {}", self.penalty);
        let whole = Trail::of(&running.databases, &self.penalty).await?;
        let mut trail = Vec::new();
        for (kind, step, is_event) in HOPS {
            let hops = whole.steps.iter().filter(|known| known.kind == step);
            for hop in hops.filter(|hop| kind != "penalty" || hop.id == self.penalty) {
                println!("  {kind:<11} {}", hop.text());
                let id = if is_event { &hop.within } else { &hop.id };
                trail.push(json!({ "kind": kind, "id": id }));
                if kind == "pay_line" {
                    trail.push(json!({ "kind": "payslip", "id": hop.within }));
                }
            }
        }
        println!(
            "  and back    {}",
            rows(&self.lines).find(|line| line["kind"] == "fine").map(back).unwrap_or_default()
        );
        Ok(trail)
    }
}

/// The hops of a trail: its kind, the step that shows it, and whether the event is meant or what it is about.
const HOPS: [(&str, &str, bool); 9] = [
    ("call", "support.call.recorded.v1", false),
    ("complaint", "support.complaint.registered.v1", false),
    ("finding", "support.complaint.liability_found.v1", true),
    ("penalty", "support.penalty.assessed.v1", false),
    ("event", "support.penalty.confirmed.v1", true),
    ("event", "support.penalty.reversed.v1", true),
    ("deduction", "hr.deduction.opened.v1", false),
    ("event", "hr.deduction.posted.v1", true),
    ("pay_line", "pay_line", false),
];

/// What a line comes from, as its explanation says, nearest first.
fn back(line: &Value) -> String {
    let chain = rows(&line["chain"]).map(|link| format!("{} {}", word(link, "what"), word(link, "id")));
    let chain: Vec<String> = chain.collect();
    chain.join(" ← ")
}

/// Which fines were not taken at once and in full, and why.
async fn carried(stage: &mut Stage, played: &Played, slips: &BTreeMap<String, Value>) -> Result<()> {
    println!("\nCarried over, given back, taken back 结转、退还、撤销");
    let lines = stage.all(&played.hq.payroll, "/v1/hr/lines?sort=id").await?;
    for deduction in stage.all(&played.hq.auditor, "/v1/hr/deductions?sort=id").await? {
        let whole = fen(&deduction["amount"])?;
        let of_it = lines.iter().filter(|line| line["source"]["penalty_id"] == deduction["penalty_id"]);
        let of_it: Vec<&Value> = of_it.collect();
        let in_full = of_it.len() == 1 && fen(&deduction["posted"])? == whole;
        if in_full {
            continue;
        }
        println!(
            "  {} of {}, {} taken back on appeal",
            word(&deduction, "penalty_id"),
            amount(&deduction["amount"]),
            amount(&deduction["reversed"])
        );
        let mut open = whole;
        for line in of_it {
            let slip = slips.get(word(line, "payslip_id")).context("a line stands on a slip")?;
            let taken = fen(&line["amount"])?;
            let is_fine = line["kind"] == "fine";
            open = if is_fine { open + taken } else { open };
            let why = if is_fine && open > Fen::ZERO { limit(slip) } else { String::new() };
            println!(
                "    {}  {:>8}  {}{why}",
                word(line, "month"),
                amount(&line["amount"]),
                word(&line["formula"], "en")
            );
        }
    }
    Ok(())
}

/// The two limits of a slip, of which the lower one let it take no more; how they come about is payroll's rule.
fn limit(slip: &Value) -> String {
    format!(
        "; the rest is carried over 结转: at most 上限 {}, of gross 应发 {} at least 至少留 {}",
        amount(&slip["cap"]),
        amount(&slip["gross"]),
        amount(&slip["floor"])
    )
}

fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn word<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

fn amount(money: &Value) -> &str {
    word(money, "amount")
}

/// Fen of `{"amount":"-12.30",…}`.
fn fen(money: &Value) -> Result<Fen> {
    let text = money["amount"].as_str().with_context(|| format!("{money} is no amount"))?;
    let (yuan, cents) = text.rsplit_once('.').with_context(|| format!("{text} has no fen"))?;
    if cents.len() != 2 {
        bail!("{text} has no two decimals");
    }
    Ok(Fen::new(format!("{yuan}{cents}").parse().with_context(|| format!("{text} is no amount"))?))
}
