//! Telephone calls: how one goes from ringing to its record, and the callers who only ask.

use super::agenda::Act;
use super::cast::{Branch, Employee};
use super::stage::{Stage, local, text};
use anyhow::{Context, Result};
use chrono::NaiveDate;
use kernel::{BranchId, Timestamp};
use serde_json::{Value, json};

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It rings.
    Ring,
    /// It has ended and is written down; a missed one is called back.
    Record,
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    Answered,
    /// After six rings, which is apologised for (P3.3.1-1).
    Late,
    /// Handed to the colleague, with name and gist (P3.3.1-12).
    HandedOn,
    /// Nobody was free; called back (P3.3.1-11).
    Missed,
}

/// Calls that neither order nor complain, spread over both months.
const ENQUIRIES: usize = 25;

const fn course(place: usize) -> Course {
    match place {
        3 | 17 => Course::Late,
        6 | 20 => Course::HandedOn,
        9 | 14 | 22 => Course::Missed,
        _ => Course::Answered,
    }
}

/// When people call only to ask.
pub(crate) fn agenda(workdays: &[NaiveDate]) -> Result<Vec<(Timestamp, Act)>> {
    let mut agenda = Vec::new();
    for place in 0..ENQUIRIES {
        let day = workdays
            .get(place * workdays.len() / ENQUIRIES)
            .context("there are more workdays than enquiries")?;
        for (time, step) in [("15:20", Step::Ring), ("15:26", Step::Record)] {
            agenda.push((local(&day.to_string(), time)?, Act::Enquiry(place, step)));
        }
    }
    Ok(agenda)
}

/// The calls of those who only ask, as they were last seen.
pub(crate) struct Enquiries {
    calls: Vec<Option<Value>>,
}

impl Enquiries {
    pub(crate) fn new() -> Self {
        Self { calls: vec![None; ENQUIRIES] }
    }

    /// How many have called so far.
    pub(crate) fn count(&self) -> usize {
        self.calls.iter().flatten().count()
    }

    pub(crate) async fn step(
        &mut self,
        stage: &mut Stage,
        place: usize,
        step: Step,
        branches: &[Branch],
    ) -> Result<()> {
        let branch = branches.get(place % branches.len()).context("a branch of the cast")?;
        let (agent, colleague) = (branch.agent(), branch.second_agent());
        if step == Step::Ring {
            self.calls[place] = Some(match course(place) {
                Course::Missed => {
                    let rung = ring(stage, agent, branch.id, 200 + place).await?;
                    stage.go(&agent.account, (CALLS, &rung), "miss", json!({})).await?
                }
                Course::Late => answered(stage, agent, branch.id, 200 + place, 6).await?,
                Course::Answered | Course::HandedOn => {
                    answered(stage, agent, branch.id, 200 + place, 2).await?
                }
            });
            return Ok(());
        }
        let call = self.calls[place].take().context("it rang before")?;
        let said = Said {
            caller: "黄女士", topic: "想了解保洁价格", why: "朋友介绍", reason: "enquiry"
        };
        self.calls[place] = Some(match course(place) {
            Course::Missed => called_back(stage, agent, &call).await?,
            Course::HandedOn => {
                let to = json!({ "to": colleague.id, "caller_name": said.caller, "gist": said.topic });
                let handed = stage.go(&agent.account, (CALLS, &call), "transfer", to).await?;
                recorded(stage, colleague, &handed, &said).await?
            }
            Course::Answered | Course::Late => recorded(stage, agent, &call, &said).await?,
        });
        Ok(())
    }
}

const CALLS: &str = "/v1/support/calls";

/// What a caller said (P3.3.1-6).
pub(crate) struct Said {
    pub(crate) caller: &'static str,
    pub(crate) topic: &'static str,
    pub(crate) why: &'static str,
    /// Why he called, as a code: `order`, `complaint`, `enquiry`.
    pub(crate) reason: &'static str,
}

/// The telephone number of the demo's n-th caller.
pub(crate) fn number(caller: usize) -> String {
    format!("138{:08}", 12_340_000 + caller)
}

async fn ring(stage: &mut Stage, agent: &Employee, branch: BranchId, caller: usize) -> Result<Value> {
    stage.create(&agent.account, CALLS, json!({ "branch_id": branch, "caller_number": number(caller) })).await
}

/// A call that was answered after so many rings.
pub(crate) async fn answered(
    stage: &mut Stage,
    agent: &Employee,
    branch: BranchId,
    caller: usize,
    rings: u8,
) -> Result<Value> {
    let rung = ring(stage, agent, branch, caller).await?;
    stage.go(&agent.account, (CALLS, &rung), "answer", json!({ "rings": rings })).await
}

/// Ends an answered call, reads it back to the caller, apologises where he had to wait, and keeps the record.
pub(crate) async fn recorded(
    stage: &mut Stage,
    agent: &Employee,
    call: &Value,
    said: &Said,
) -> Result<Value> {
    let content = json!({
        "caller_name": { "given": said.caller }, "place": "refused", "topic": { "given": said.topic },
        "why": { "given": said.why }, "reason_code": said.reason
    });
    let recap = json!({ "phone": true, "name": true, "address": true, "matter": true });
    let mut call = stage.go(&agent.account, (CALLS, call), "end", json!({ "ended_by": "caller" })).await?;
    for (verb, body) in [("record-content", content), ("confirm-recap", recap)] {
        call = stage.go(&agent.account, (CALLS, &call), verb, body).await?;
    }
    if call["rings"].as_u64().is_some_and(|rings| rings > 5) {
        call = stage.go(&agent.account, (CALLS, &call), "apologise", json!({})).await?;
    }
    stage.go(&agent.account, (CALLS, &call), "record", json!({})).await
}

/// Calls a missed caller back.
async fn called_back(stage: &mut Stage, agent: &Employee, call: &Value) -> Result<Value> {
    let call = text(call, "id")?;
    let callbacks = stage.get(&agent.account, &format!("/v1/support/callbacks?call_id={call}")).await?;
    let callback = callbacks["data"].get(0).context("a missed call is to be called back")?;
    let started = stage.go(&agent.account, ("/v1/support/callbacks", callback), "start", json!({})).await?;
    let done = json!({ "score": 5, "topics": ["order"] });
    stage.go(&agent.account, ("/v1/support/callbacks", &started), "done", done).await?;
    stage.get(&agent.account, &format!("{CALLS}/{call}")).await
}
