//! The load: clients that send real commands over HTTP, and insist as real clients do: with the same key until they are
//! answered. What was accepted is written down, and reckoned with at the end.

use crate::dice::Dice;
use crate::site::{Site, seed};
use crate::story::eventually;
use events::PenaltyId;
use kernel::BranchId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use testkit::{AssessedFine, Client};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How long a client insists on one command.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long it waits for one answer: a little longer than a service takes to give up.
const ANSWER: Duration = Duration::from_secs(15);
/// How long it waits before it asks again.
const AGAIN: Duration = Duration::from_millis(100);
/// The user who proposed the fines (`AssessedFine`) is another one than who confirms them.
const HEARING_ENDED: &str = "2025-10-01T00:00:00Z";

/// What a command was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A call: offered, answered, ended.
    Call,
    /// A care worker was hired.
    Hire,
    /// A fine was confirmed.
    Fine,
}

/// A thing that commands were accepted for.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) kind: Kind,
    /// With its prefix.
    pub(crate) subject: String,
    /// As the last answer had it.
    pub(crate) version: i64,
}

/// What all clients of a load have done so far.
#[derive(Default)]
pub(crate) struct Tally {
    commands: AtomicU64,
    retries: AtomicU64,
    /// Microseconds since the load began.
    last: AtomicU64,
    worst: AtomicU64,
}

/// How a load is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) clients: u64,
    /// Of hundred commands, how many are rehearsed first: worked on, and rolled back.
    pub(crate) rehearsed: u64,
    /// How many fines there are to be confirmed.
    pub(crate) fines: u128,
    /// How long a client rests between two commands.
    pub(crate) rest: Duration,
    /// Of hundred things to do, how many are done in hr.
    pub(crate) hires: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { clients: 4, rehearsed: 0, fines: 40, rest: Duration::from_millis(10), hires: 17 }
    }
}

/// A running load.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    tally: Arc<Tally>,
    begun: Instant,
    clients: Vec<JoinHandle<Vec<Accepted>>>,
}

/// What a load did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) commands: u64,
    pub(crate) retries: u64,
    /// The longest time in which no client was answered.
    pub(crate) worst_wait: Duration,
}

impl Load {
    /// Starts the usual load.
    pub(crate) async fn start(site: &mut Site) -> Self {
        Self::planned(site, Plan::default()).await
    }

    /// Starts one that never asks hr for anything.
    pub(crate) async fn without_hires(site: &mut Site) -> Self {
        Self::planned(site, Plan { hires: 0, ..Plan::default() }).await
    }

    /// Starts a load.
    pub(crate) async fn planned(site: &mut Site, plan: Plan) -> Self {
        let fines = fines(site, plan.fines).await;
        let (stop, tally) = (Arc::new(AtomicBool::new(false)), Arc::new(Tally::default()));
        let begun = Instant::now();
        let clients = (0..plan.clients).map(|number| {
            let every = usize::try_from(plan.clients).expect("a few");
            let own = fines.iter().skip(usize::try_from(number).expect("a few")).step_by(every);
            let customer = Customer {
                support: site.stage.client(&site.cast.agent, "/v1/support"),
                manager: site.stage.client(&site.cast.manager, "/v1/support"),
                hr: site.stage.client(&site.cast.clerk, "/v1/hr"),
                branch: site.cast.branch,
                dice: Dice(seed().wrapping_mul(1_000).wrapping_add(number)),
                plan,
                fines: own.cloned().collect(),
                stop: stop.clone(),
                tally: tally.clone(),
                begun,
                // A key is never used twice, whatever loads there were before.
                name: format!("load-{}-{}-{number}", std::process::id(), site.fines),
                sent: 0,
            };
            tokio::spawn(customer.works())
        });
        let clients = clients.collect();
        Self { stop, tally, begun, clients }
    }

    /// How many commands were accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.tally.commands.load(Ordering::Relaxed)
    }

    /// Waits until so many more commands were accepted.
    pub(crate) async fn accepts(&self, more: u64) {
        let goal = self.accepted() + more;
        eventually("commands are accepted", async || {
            assert!(!self.clients.iter().any(JoinHandle::is_finished), "a client gave up");
            (self.accepted() >= goal).then_some(())
        })
        .await;
    }

    /// Lets the clients finish what they are at, and writes down what was accepted.
    pub(crate) async fn finish(self, site: &mut Site) -> Done {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            site.accepted.extend(client.await.expect("a client ends"));
        }
        self.tally.answered(self.begun);
        let done = Done {
            commands: self.tally.commands.load(Ordering::Relaxed),
            retries: self.tally.retries.load(Ordering::Relaxed),
            worst_wait: Duration::from_micros(self.tally.worst.load(Ordering::Relaxed)),
        };
        let Done { commands, retries, worst_wait } = done;
        println!(
            "load: {commands} commands, {retries} of them asked again, at most {worst_wait:.1?} without an answer"
        );
        done
    }
}

impl Tally {
    fn answered(&self, begun: Instant) {
        let now = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let before = self.last.fetch_max(now, Ordering::Relaxed);
        self.worst.fetch_max(now.saturating_sub(before), Ordering::Relaxed);
    }
}

/// Writes fines that await their decision; where each is found.
async fn fines(site: &mut Site, count: u128) -> Vec<String> {
    let support = site.database("support").await;
    let mut paths = Vec::new();
    for _ in 0..count {
        site.fines += 1;
        let fine = AssessedFine {
            id: site.fines,
            branch: site.cast.branch,
            employee: site.cast.accused,
            kind: "fine",
            fen: 1_000,
            hearing_ends_at: HEARING_ENDED,
        };
        paths.push(fine.write(&support).await);
    }
    // Also where there are none to be written, the next load's keys are others.
    site.fines += 1;
    paths
}

/// One client.
struct Customer {
    support: Client,
    manager: Client,
    hr: Client,
    branch: BranchId,
    dice: Dice,
    plan: Plan,
    fines: Vec<String>,
    stop: Arc<AtomicBool>,
    tally: Arc<Tally>,
    begun: Instant,
    name: String,
    sent: u64,
}

impl Customer {
    async fn works(mut self) -> Vec<Accepted> {
        let mut accepted = Vec::new();
        let mut rest = tokio::time::interval(self.plan.rest.max(Duration::from_micros(1)));
        rest.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.stop.load(Ordering::Relaxed) {
            rest.tick().await;
            let fine = if self.dice.roll(10) < 3 { self.fines.pop() } else { None };
            accepted.push(match fine {
                Some(path) => self.confirms(&path).await,
                None if self.dice.roll(100) < self.plan.hires => self.hires().await,
                None => self.calls().await,
            });
        }
        accepted
    }

    async fn confirms(&mut self, path: &str) -> Accepted {
        let client = self.manager.clone();
        let answer = self.insists(&client, &format!("{path}/confirm"), Some(1), json!({})).await;
        accepted(Kind::Fine, &answer)
    }

    async fn hires(&mut self) -> Accepted {
        let client = self.hr.clone();
        let hired = json!({ "name": "孙秀英", "position": "care_worker", "branch_id": self.branch, "hired_on": "2025-09-01" });
        let answer = self.insists(&client, "/v1/hr/employees", None, hired).await;
        accepted(Kind::Hire, &answer)
    }

    async fn calls(&mut self) -> Accepted {
        let client = self.support.clone();
        let offered = json!({ "branch_id": self.branch, "caller_number": "13812345678" });
        let mut answer = self.insists(&client, "/v1/support/calls", None, offered).await;
        for (verb, body) in [("answer", json!({ "rings": 2 })), ("end", json!({ "ended_by": "caller" }))] {
            let call = accepted(Kind::Call, &answer);
            let path = format!("/v1/support/calls/{}/{verb}", call.subject);
            answer = self.insists(&client, &path, Some(call.version), body).await;
        }
        accepted(Kind::Call, &answer)
    }

    /// Sends a command until it is accepted, with the same key each time.
    async fn insists(&mut self, client: &Client, path: &str, version: Option<i64>, body: Value) -> Value {
        self.sent += 1;
        let key = format!("{}-{}", self.name, self.sent);
        if self.dice.roll(100) < self.plan.rehearsed {
            let rehearsal = format!("{path}?dry_run=true");
            self.sends(client, &rehearsal, (&format!("{key}-dry"), version), &body).await;
        }
        let answer = self.sends(client, path, (&key, version), &body).await;
        self.tally.commands.fetch_add(1, Ordering::Relaxed);
        self.tally.answered(self.begun);
        answer
    }

    async fn sends(
        &self,
        client: &Client,
        path: &str,
        (key, version): (&str, Option<i64>),
        body: &Value,
    ) -> Value {
        let (begin, mut again) = (Instant::now(), tokio::time::interval(AGAIN));
        loop {
            again.tick().await;
            let mut request = client.request(Method::POST, path).header("idempotency-key", key);
            if let Some(version) = version {
                request = request.header("if-match", format!("\"{version}\""));
            }
            let last = match request.timeout(ANSWER).json(body).send().await {
                Err(error) => error.to_string(),
                Ok(response) => {
                    let status = response.status();
                    match response.json::<Value>().await {
                        Err(error) => error.to_string(),
                        Ok(answer) if status.is_success() => return answer,
                        Ok(answer) => {
                            assert!(passes(status, &answer), "POST {path}: {status} {answer:#}");
                            answer.to_string()
                        }
                    }
                }
            };
            self.tally.retries.fetch_add(1, Ordering::Relaxed);
            assert!(begin.elapsed() < PATIENCE, "POST {path}, in vain: {last}");
        }
    }
}

/// Whether a client asks again: something is down beneath the service, or the command is still under way.
fn passes(status: StatusCode, answer: &Value) -> bool {
    status.is_server_error() || answer["code"] == "idempotency.in_progress"
}

fn accepted(kind: Kind, answer: &Value) -> Accepted {
    let subject = answer["id"].as_str().expect("everything has an id").to_owned();
    Accepted { kind, subject, version: answer["version"].as_i64().expect("everything has a version") }
}

/// The UUID of a fine.
pub(crate) fn penalty(subject: &str) -> Uuid {
    subject.parse::<PenaltyId>().map(kernel::Id::uuid).expect("a fine's id")
}
