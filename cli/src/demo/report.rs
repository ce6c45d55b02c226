//! What the demo shows at its end: payroll by branch, one slip explained, the trail of one fine, the audit.

use super::Played;
use super::stage::{Stage, text};
use crate::audit;
use crate::installation::Running;
use crate::trace;
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Prints everything, and returns the one object of `--json`.
pub(crate) async fn print(stage: &mut Stage, played: &Played, running: &Running) -> Result<Value> {
    payroll(played);
    let slips = slips(stage, played).await?;
    let (slip, penalty) = explained(stage, played, &slips).await?;
    let trail = trail(running, &penalty).await?;
    carried(stage, played).await?;
    println!("\nConservation audit");
    let audit = audit::conservation(&running.databases).await?;
    print!("{}", audit.text());
    let at = &running.base_url;
    println!("\nWhere to look next");
    println!("  documentation  {at}/docs");
    println!("  a token        steward token --role AU");
    println!("  one fine       steward trace {penalty}");
    let net: i64 = slips.iter().filter_map(|slip| fen(&slip["net"])).sum();
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
        "explained_payslip": slip,
        "trail": trail,
        "exceptions": audit.exceptions,
    }))
}

fn payroll(played: &Played) {
    println!("\nPayroll by branch (before social insurance and tax)");
    println!(
        "{} punches, {} complaints, {} fines assessed",
        played.punches,
        played.cases.complaints().count(),
        played.cases.penalties().count()
    );
    for run in &played.runs {
        println!(
            "  {}  {} slips  gross {}  net {}  {}",
            word(run, "month"),
            run["totals"]["payslips"],
            amount(&run["totals"]["gross"]),
            amount(&run["totals"]["net"]),
            word(run, "state")
        );
        for cost in run["totals"]["branches"].as_array().into_iter().flatten() {
            let name = played
                .branches
                .iter()
                .find(|branch| cost["branch_id"] == json!(branch.id))
                .map_or("?", |branch| branch.name);
            println!("    {name}  {}", amount(&cost["cost"]));
        }
    }
}

async fn slips(stage: &mut Stage, played: &Played) -> Result<Vec<Value>> {
    let mut slips = Vec::new();
    for run in &played.runs {
        slips.extend(
            stage.all(&played.hq.payroll, &format!("/v1/hr/payslips?run_id={}", text(run, "id")?)).await?,
        );
    }
    Ok(slips)
}

/// The slip of the person whose fine met the floor: every line with its formula. Returns the slip's id and the fine.
async fn explained(stage: &mut Stage, played: &Played, slips: &[Value]) -> Result<(String, String)> {
    let accused = &played.branches[0].office[2];
    let slip = slips
        .iter()
        .find(|slip| slip["employee_id"] == json!(accused.id))
        .context("a slip of October for the one who was fined")?;
    let id = text(slip, "id")?.to_owned();
    let explained = stage.get(&played.hq.payroll, &format!("/v1/hr/payslips/{id}/explain")).await?;
    println!(
        "\nOne payslip: {} {} (before social insurance and tax), net {}",
        accused.name,
        word(slip, "month"),
        amount(&slip["net"])
    );
    let mut penalty = None;
    for line in explained["lines"].as_array().into_iter().flatten() {
        println!(
            "  {:<18} {:>10}  {:<8} {}",
            word(line, "kind"),
            amount(&line["amount"]),
            word(line, "clause"),
            word(&line["formula"], "zh")
        );
        for cause in line["chain"].as_array().into_iter().flatten() {
            let cause = cause["id"].as_str().unwrap_or_default();
            if cause.starts_with("pen_") {
                penalty = Some(cause.to_owned());
            }
        }
    }
    Ok((id, penalty.context("a line that takes a fine")?))
}

/// Call → complaint → finding → fine → event → deduction → slip, and back: one chain over all services.
async fn trail(running: &Running, penalty: &str) -> Result<Vec<Value>> {
    println!("\nThe trail of {penalty}");
    let (prefix, _) = penalty.split_once('_').context("an id has a prefix")?;
    let uuid = kernel::id::decode(prefix, penalty)?;
    let events = trace::chain(&running.databases, uuid).await?;
    let mut trail = Vec::new();
    for event in &events {
        println!("  {}  {:<46} {}", event.time, event.event_type, event.subject);
        trail.push(json!({ "kind": event.event_type, "id": event.subject }));
    }
    Ok(trail)
}

/// Whose fine did not fit, and why.
async fn carried(stage: &mut Stage, played: &Played) -> Result<()> {
    println!("\nCarried over or given back");
    for deduction in stage.all(&played.hq.auditor, "/v1/hr/deductions").await? {
        let of = |member: &str| fen(&deduction[member]).unwrap_or_default();
        if of("open") > 0 || of("refunded") > 0 || of("reversed") > 0 || of("written_off") > 0 {
            println!(
                "  {}  fine {}  posted {}  refunded {}  open {}  reversed {}",
                word(&deduction, "penalty_id"),
                amount(&deduction["amount"]),
                amount(&deduction["posted"]),
                amount(&deduction["refunded"]),
                amount(&deduction["open"]),
                amount(&deduction["reversed"]),
            );
        }
    }
    Ok(())
}

fn word<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

fn amount(money: &Value) -> &str {
    word(money, "amount")
}

/// Fen of `{"amount":"-12.30",…}`.
fn fen(money: &Value) -> Option<i64> {
    let text = money["amount"].as_str()?;
    text.replace('.', "").parse().ok()
}
