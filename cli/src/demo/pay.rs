//! Pay: what somebody earns extra, and closing a month: attendance in every branch, then the run that pays it, by two
//! pairs of eyes.

use super::cast::{Branch, Headquarters};
use super::stage::{Stage, local, text, yuan};
use anyhow::Result;
use serde_json::{Value, json};

/// A bonus for every seller and an allowance for every manager: written by the clerk, approved by payroll.
pub(crate) async fn bonus(
    stage: &mut Stage,
    branches: &[Branch],
    hq: &Headquarters,
    month: &str,
) -> Result<()> {
    for branch in branches {
        for (earner, kind, amount, reason) in [
            (branch.seller(), "bonus", "300.00", "客户表扬"),
            (branch.manager(), "allowance", "200.00", "通讯补贴"),
        ] {
            let entry = json!({
                "employee_id": earner.id, "month": month, "kind": kind, "amount": yuan(amount), "reason": reason
            });
            let rooms = "/v1/hr/pay-entries";
            let drafted = stage.create(&hq.clerk, rooms, entry).await?;
            stage.go(&hq.payroll, (rooms, &drafted), "approve", json!({})).await?;
        }
    }
    Ok(())
}

/// Closes attendance of a month on the morning of `date`, calculates, reviews, approves, pays and closes its run.
/// Returns the run as it stands then.
pub(crate) async fn month(
    stage: &mut Stage,
    branches: &[Branch],
    hq: &Headquarters,
    month: &str,
    date: &str,
) -> Result<Value> {
    stage.at(local(date, "18:30")?).await?;
    for branch in branches {
        let opened = stage
            .create(&hq.clerk, "/v1/hr/attendance-months", json!({ "branch_id": branch.id, "month": month }))
            .await?;
        let thing = format!("/v1/hr/attendance-months/{}", text(&opened, "id")?);
        stage.tell(&hq.clerk, &thing, "close", json!({})).await?;
    }
    let scope: Vec<_> = branches.iter().map(|branch| branch.id).collect();
    let run =
        stage.create(&hq.clerk, "/v1/hr/pay-runs", json!({ "month": month, "branches": scope })).await?;
    let thing = format!("/v1/hr/pay-runs/{}", text(&run, "id")?);
    for (time, who, verb) in [
        ("09:30", &hq.clerk, "calculate"),
        ("19:00", &hq.clerk, "review"),
        ("19:30", &hq.payroll, "approve"),
        ("20:00", &hq.payroll, "pay"),
        ("20:30", &hq.clerk, "close"),
    ] {
        stage.at(local(date, time)?).await?;
        stage.tell(who, &thing, verb, json!({})).await?;
    }
    stage.drain().await?;
    stage.get(&hq.payroll, &thing).await
}
