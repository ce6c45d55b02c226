//! What customers complained about, and what came of it: a table of cases, played in the order of their times.

use super::agenda::Act;
use super::calls::{self, Said};
use super::cast::{Branch, Employee, Headquarters};
use super::stage::{Stage, ZONE, local, text, yuan};
use anyhow::{Context, Result};
use house::Principal;
use kernel::Timestamp;
use serde_json::{Value, json};

/// How a complaint ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    /// Upheld against the person of the office at this place.
    Ours { accused: usize },
    /// The person and the company, 60 to 40.
    Shared { accused: usize },
    /// The customer's own doing.
    NotOurs,
    /// No complaint against us at all.
    Invalid,
    /// The customer takes it back.
    Withdrawn,
    /// Upheld against the company; the first follow-up scores 2, and it is dealt with again.
    Reopened,
}

/// What became of the fine.
#[derive(Clone, Copy)]
enum Fate {
    Confirmed,
    Dismissed,
    /// Reversed, or reduced to an amount, on an appeal of the first day that is judged on the second.
    Appealed {
        on: &'static str,
        judged_on: &'static str,
        new_amount: &'static str,
    },
}

struct Case {
    branch: usize,
    /// Received and answered on the first workday; followed up, closed and fined on the second; decided on the third.
    days: [&'static str; 3],
    severity: Severity,
    course: Course,
    fine: Option<(&'static str, Fate)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    S1,
    S2,
    S3,
    S4,
}

const fn case(
    branch: usize,
    days: [&'static str; 3],
    severity: Severity,
    course: Course,
    fine: Option<(&'static str, Fate)>,
) -> Case {
    Case { branch, days, severity, course, fine }
}

#[rustfmt::skip]
const CASES: [Case; 15] = [
    case(0, ["2025-10-09", "2025-10-10", "2025-10-11"], Severity::S1, Course::Ours { accused: 2 }, Some(("10.00", Fate::Confirmed))),
    case(1, ["2025-10-10", "2025-10-11", "2025-10-13"], Severity::S4, Course::Ours { accused: 2 }, Some(("1000.00", Fate::Confirmed))),
    case(0, ["2025-10-13", "2025-10-14", "2025-10-15"], Severity::S3, Course::Ours { accused: 2 }, Some(("200.00", Fate::Confirmed))),
    case(2, ["2025-10-14", "2025-10-15", "2025-10-16"], Severity::S2, Course::Ours { accused: 2 }, Some(("50.00", Fate::Dismissed))),
    case(1, ["2025-10-15", "2025-10-16", "2025-10-17"], Severity::S2, Course::Ours { accused: 3 },
        Some(("50.00", Fate::Appealed { on: "2025-10-20", judged_on: "2025-10-27", new_amount: "0" }))),
    case(2, ["2025-10-16", "2025-10-17", "2025-10-20"], Severity::S3, Course::Ours { accused: 3 },
        Some(("200.00", Fate::Appealed { on: "2025-10-24", judged_on: "2025-11-10", new_amount: "0" }))),
    case(0, ["2025-10-17", "2025-10-20", "2025-10-21"], Severity::S3, Course::Ours { accused: 3 },
        Some(("200.00", Fate::Appealed { on: "2025-10-24", judged_on: "2025-11-11", new_amount: "100.00" }))),
    case(1, ["2025-10-20", "2025-10-21", "2025-10-22"], Severity::S2, Course::NotOurs, None),
    case(2, ["2025-10-21", "2025-10-22", "2025-10-23"], Severity::S2, Course::Shared { accused: 2 }, Some(("30.00", Fate::Confirmed))),
    case(0, ["2025-10-22", "2025-10-23", "2025-10-24"], Severity::S1, Course::Invalid, None),
    case(1, ["2025-10-23", "2025-10-24", "2025-10-27"], Severity::S2, Course::Withdrawn, None),
    case(2, ["2025-10-24", "2025-10-27", "2025-10-28"], Severity::S2, Course::Reopened, None),
    case(0, ["2025-11-06", "2025-11-07", "2025-11-10"], Severity::S3, Course::NotOurs, None),
    case(1, ["2025-11-12", "2025-11-13", "2025-11-14"], Severity::S1, Course::Ours { accused: 3 }, Some(("10.00", Fate::Confirmed))),
    case(2, ["2025-11-19", "2025-11-20", "2025-11-21"], Severity::S2, Course::Ours { accused: 3 }, Some(("50.00", Fate::Confirmed))),
];

/// One thing somebody does in a case.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Ring,
    Record,
    Register,
    Recap,
    Triage,
    Investigate,
    Find,
    SecondFinding,
    Apologise,
    Prepare,
    Present,
    Accept,
    Start,
    Complete,
    Reply,
    FollowUp { score: u8 },
    Close(&'static str),
    Assess(&'static str),
    Hear,
    Confirm,
    Dismiss,
    Appeal,
    Judge(&'static str),
}

/// Everything that happens in the cases.
pub(crate) fn agenda() -> Result<Vec<(Timestamp, Act)>> {
    let mut agenda = Vec::new();
    for (place, case) in CASES.iter().enumerate() {
        for (date, time, step) in steps(case) {
            agenda.push((local(date, time)?, Act::Case(place, step)));
        }
    }
    Ok(agenda)
}

/// A case under way.
#[derive(Default)]
struct File {
    call: Value,
    customer: Value,
    complaint: Option<String>,
    penalty: Option<String>,
}

/// The cases under way.
pub(crate) struct Cases {
    files: Vec<File>,
}

impl Cases {
    pub(crate) fn new() -> Self {
        Self { files: CASES.iter().map(|_| File::default()).collect() }
    }

    /// The ids of the complaints registered so far.
    pub(crate) fn complaints(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter_map(|file| file.complaint.as_deref())
    }

    /// The fines assessed so far, in the order of the table.
    pub(crate) fn penalties(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter_map(|file| file.penalty.as_deref())
    }

    pub(crate) async fn step(
        &mut self,
        stage: &mut Stage,
        place: usize,
        step: Step,
        (branches, hq): (&[Branch], &Headquarters),
    ) -> Result<()> {
        let scene = Scene::of(place, branches, hq)?;
        let file = self.files.get_mut(place).context("a case of the table")?;
        scene.step(stage, file, step).await
    }
}

/// What happens in a case, and when.
fn steps(case: &Case) -> Vec<(&'static str, &'static str, Step)> {
    let [first, second, third] = case.days;
    let mut steps = vec![
        (first, "09:20", Step::Ring),
        (first, "09:26", Step::Record),
        (first, "09:40", Step::Register),
        (first, "09:50", Step::Recap),
        (first, "10:00", Step::Triage),
    ];
    match case.course {
        Course::Invalid => {
            steps.extend([(first, "10:10", Step::Reply), (first, "10:20", Step::Close("unfounded"))])
        }
        Course::Withdrawn => steps.push((first, "11:00", Step::Close("withdrawn"))),
        Course::Ours { .. } | Course::Shared { .. } | Course::NotOurs | Course::Reopened => {
            handled(case, first, &mut steps);
            if case.course == Course::Reopened {
                steps.push((second, "10:00", Step::FollowUp { score: 2 }));
                steps.extend([
                    (second, "11:00", Step::Prepare),
                    (second, "11:10", Step::Present),
                    (second, "11:20", Step::Accept),
                ]);
                steps.extend([
                    (second, "11:30", Step::Start),
                    (second, "14:00", Step::Complete),
                    (second, "14:30", Step::Reply),
                ]);
                steps.extend([
                    (third, "10:00", Step::FollowUp { score: 5 }),
                    (third, "10:20", Step::Close("resolved")),
                ]);
            } else {
                steps.extend([
                    (second, "10:00", Step::FollowUp { score: 5 }),
                    (second, "10:20", Step::Close("resolved")),
                ]);
            }
        }
    }
    let Some((amount, fate)) = case.fine else { return steps };
    steps.extend([(second, "11:00", Step::Assess(amount)), (second, "15:00", Step::Hear)]);
    match fate {
        Fate::Confirmed => steps.push((third, "16:00", Step::Confirm)),
        Fate::Dismissed => steps.push((third, "16:00", Step::Dismiss)),
        Fate::Appealed { on, judged_on, new_amount } => {
            steps.extend([
                (third, "16:00", Step::Confirm),
                (on, "12:00", Step::Appeal),
                (judged_on, "15:00", Step::Judge(new_amount)),
            ]);
        }
    }
    steps
}

/// From the investigation to the reply, within the day that the customer was promised an answer for.
fn handled(case: &Case, day: &'static str, steps: &mut Vec<(&'static str, &'static str, Step)>) {
    steps.extend([(day, "10:30", Step::Investigate), (day, "13:30", Step::Find)]);
    if case.severity >= Severity::S3 {
        steps.push((day, "13:40", Step::SecondFinding));
    }
    if case.course != Course::NotOurs {
        steps.push((day, "13:50", Step::Apologise));
    }
    steps.extend([
        (day, "14:00", Step::Prepare),
        (day, "14:10", Step::Present),
        (day, "14:20", Step::Accept),
    ]);
    steps.extend([(day, "14:30", Step::Start), (day, "15:00", Step::Complete), (day, "15:10", Step::Reply)]);
}

/// Who acts in a case.
struct Scene<'a> {
    place: usize,
    case: &'a Case,
    branch: &'a Branch,
    agent: &'a Principal,
    manager: &'a Principal,
    hq: &'a Headquarters,
    accused: Option<&'a Employee>,
}

impl<'a> Scene<'a> {
    async fn step(&self, stage: &mut Stage, file: &mut File, step: Step) -> Result<()> {
        match step {
            Step::Ring => {
                file.call =
                    calls::answered(stage, self.branch.agent(), self.branch.id, self.place, 1).await?;
            }
            Step::Record => self.record(stage, file).await?,
            Step::Register => {
                let complaint = self.complaint(file, stage.now());
                let registered = stage.create(self.agent, "/v1/support/complaints", complaint).await?;
                file.complaint = Some(text(&registered, "id")?.to_owned());
            }
            Step::Assess(amount) => {
                let complaint = file.complaint.as_deref().context("registered before")?;
                let accused = self.accused.context("a fine needs somebody fined")?;
                let fine = json!({ "complaint_id": complaint, "employee_id": accused.id, "amount": yuan(amount), "reason": "按情节" });
                let assessed = stage.create(self.proposer(), "/v1/support/penalties", fine).await?;
                file.penalty = Some(text(&assessed, "id")?.to_owned());
            }
            Step::Hear | Step::Confirm | Step::Dismiss | Step::Appeal | Step::Judge(_) => {
                let penalty = file.penalty.as_deref().context("assessed before")?;
                let (who, verb, body) = self.about_the_fine(step)?;
                stage.tell(who, &format!("/v1/support/penalties/{penalty}"), verb, body).await?;
            }
            _ => {
                let complaint = file.complaint.as_deref().context("registered before")?;
                let (who, verb, body) = self.about_the_complaint(step, stage.now())?;
                stage.tell(who, &format!("/v1/support/complaints/{complaint}"), verb, body).await?;
            }
        }
        Ok(())
    }

    /// The call is written down, and the card of a customer who called for the first time since Steward came.
    async fn record(&self, stage: &mut Stage, file: &mut File) -> Result<()> {
        let said =
            Said {
                caller: "何女士", topic: "对服务不满意", why: "约好的事情没有做到", reason: "complaint"
            };
        file.call = calls::recorded(stage, self.branch.agent(), &file.call, &said).await?;
        let card = json!({
            "branch_id": self.branch.id, "name": format!("何女士{}", self.place + 1), "phone": calls::number(self.place),
            "place": format!("和平路 {} 号", self.place + 1), "area_code": "310115", "source_code": "referral",
            "came_for": "投诉", "first_touch": "call", "call_id": file.call["id"]
        });
        file.customer = stage.create(self.agent, "/v1/support/customers", card).await?;
        Ok(())
    }

    fn of(place: usize, branches: &'a [Branch], hq: &'a Headquarters) -> Result<Self> {
        let case = CASES.get(place).context("a case of the table")?;
        let branch = branches.get(case.branch).context("a branch of the cast")?;
        let accused = match case.course {
            Course::Ours { accused } | Course::Shared { accused } => branch.office.get(accused),
            Course::NotOurs | Course::Invalid | Course::Withdrawn | Course::Reopened => None,
        };
        Ok(Self {
            place,
            case,
            branch,
            agent: &branch.agent().account,
            manager: &branch.manager().account,
            hq,
            accused,
        })
    }

    /// Below S4 the agent proposes; S4 is headquarters' (R5).
    fn proposer(&self) -> &Principal {
        if self.case.severity == Severity::S4 { &self.hq.admin } else { self.agent }
    }

    fn complaint(&self, file: &File, now: Timestamp) -> Value {
        let about = if self.accused.is_some() { "agent" } else { "company" };
        let mut complaint = json!({
            "branch_id": self.branch.id, "call_id": file.call["id"], "customer_id": file.customer["id"], "channel": "phone", "complainant": "customer", "about": about, "category": "service",
            "verbatim": "约好的事情没有做到，希望给个说法", "remedy_sought": "希望尽快补救",
            "promise": { "due_at": now.plus(chrono::TimeDelta::minutes(380)), "agreed": "agreed" }
        });
        if let Some(accused) = self.accused {
            complaint["about_employee_id"] = json!(accused.id);
        }
        complaint
    }

    fn about_the_complaint(&self, step: Step, now: Timestamp) -> Result<(&Principal, &'static str, Value)> {
        let agent = self.agent;
        Ok(match step {
            Step::Recap => (agent, "recap", json!({ "channel": "phone" })),
            Step::Triage => (agent, "triage", self.triage()),
            Step::Investigate => (agent, "investigate", json!({})),
            Step::Find => (self.finder(), "find", self.finding()),
            Step::SecondFinding => (&self.hq.judge, "second", json!({})),
            Step::Apologise => (agent, "apologise", json!({ "kind": "liability", "channel": "phone" })),
            Step::Prepare => (agent, "prepare", json!({ "proposals": self.proposals() })),
            Step::Present => {
                // He hears the result by four o'clock of the same day.
                let date = now.date_in(ZONE).to_string();
                let next = json!({ "due_at": local(&date, "16:00")?, "agreed": "agreed" });
                (agent, "present", json!({ "rank": 1, "channel": "phone", "next": next }))
            }
            Step::Accept => (agent, "decide", json!({ "answer": "accept", "channel": "phone" })),
            Step::Start => (agent, "start", json!({})),
            Step::Complete => (agent, "complete", json!({})),
            Step::Reply => (
                agent,
                "reply",
                json!({ "channel": "phone", "reached": true, "process": "已核实并补救", "result": "客户接受" }),
            ),
            Step::FollowUp { score } => {
                let mut said = json!({ "channel": "phone", "score": score, "second": "waived" });
                if score <= 2 {
                    said["promise"] =
                        json!({ "due_at": now.plus(chrono::TimeDelta::minutes(300)), "agreed": "agreed" });
                }
                (agent, "follow-up", said)
            }
            // An S3 or S4 case is not closed by its owner (C7).
            Step::Close(outcome) => (
                if self.case.severity >= Severity::S3 { self.manager } else { agent },
                "close",
                json!({ "outcome": outcome }),
            ),
            Step::Ring
            | Step::Record
            | Step::Register
            | Step::Assess(_)
            | Step::Hear
            | Step::Confirm
            | Step::Dismiss
            | Step::Appeal
            | Step::Judge(_) => {
                anyhow::bail!("not about a complaint that exists")
            }
        })
    }

    fn about_the_fine(&self, step: Step) -> Result<(&Principal, &'static str, Value)> {
        let accused = self.accused.context("a fine needs somebody fined")?;
        let decider = if self.case.severity == Severity::S4 { &self.hq.judge } else { self.manager };
        Ok(match step {
            Step::Hear => (&accused.account, "hear", json!({ "statement": "当时情况说明如下" })),
            Step::Confirm => (decider, "confirm", json!({})),
            Step::Dismiss => (decider, "dismiss", json!({ "reason": "申辩成立" })),
            Step::Appeal => (&accused.account, "appeal", json!({ "reason": "不认可处理结果" })),
            Step::Judge(new_amount) => {
                (&self.hq.judge, "judge", json!({ "new_amount": yuan(new_amount), "reason": "复核后改判" }))
            }
            _ => anyhow::bail!("not about a fine"),
        })
    }

    /// A small finding may be made on the spot by the receiver, graver ones are the manager's, the gravest headquarters'.
    fn finder(&self) -> &Principal {
        match self.case.severity {
            Severity::S1 => self.agent,
            Severity::S2 | Severity::S3 => self.manager,
            Severity::S4 => &self.hq.admin,
        }
    }

    fn triage(&self) -> Value {
        let (factors, damage) = match self.case.severity {
            Severity::S1 => (json!(["manner"]), None),
            Severity::S2 => (json!(["rework"]), None),
            Severity::S3 => (json!([]), Some("1500.00")),
            Severity::S4 => (json!(["media_or_regulator"]), None),
        };
        let mut triage = json!({ "factors": factors });
        if let Some(damage) = damage {
            triage["damage"] = yuan(damage);
        }
        if self.case.course == Course::Invalid {
            triage["validity"] = json!("invalid");
        }
        triage
    }

    fn finding(&self) -> Value {
        let share = |party: &str, pct: u8| json!({ "party": party, "pct": pct });
        let (finding, shares) = match (self.case.course, self.accused) {
            (Course::Ours { .. }, Some(accused)) => {
                ("worker", json!([{ "party": "worker", "employee_id": accused.id, "pct": 100 }]))
            }
            (Course::Shared { .. }, Some(accused)) => (
                "shared",
                json!([{ "party": "worker", "employee_id": accused.id, "pct": 60 }, share("company", 40)]),
            ),
            (Course::NotOurs, _) => ("customer", json!([share("customer", 100)])),
            _ => ("company", json!([share("company", 100)])),
        };
        json!({ "finding": finding, "shares": shares, "basis_code": "call_record" })
    }

    fn proposals(&self) -> Value {
        let proposal = |remedy: &str| json!({ "remedy": remedy, "text": "说明并补救", "cost": yuan("0") });
        match self.case.severity {
            Severity::S1 => json!([proposal("explain")]),
            Severity::S2 => json!([proposal("redo"), proposal("explain")]),
            Severity::S3 | Severity::S4 => {
                json!([proposal("redo"), proposal("explain"), proposal("compensate")])
            }
        }
    }
}
