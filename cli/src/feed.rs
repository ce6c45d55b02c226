//! `steward feed tail|replay SOURCE`: a service's events, read at its feed as anybody else reads them (`events.md` §7).

use crate::client::client;
use crate::installation::Installation;
use crate::operator::refused;
use crate::token::account_of;
use anyhow::{Context, Result, bail, ensure};
use chrono::TimeDelta;
use clap::{Args, Subcommand};
use house::access::Issuer;
use house::{Held, Principal, Role, Scope};
use journal::Clock;
use journal::feed::Cursor;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{StdoutLock, Write};

/// Events of one request.
const LIMIT: &str = "200";
/// Seconds that a request waits for news.
const WAIT: &str = "30";

/// What can be done with a feed.
#[derive(Subcommand)]
pub(crate) enum Feed {
    /// Print events as they come, until Ctrl-C.
    Tail(Tail),
    /// Print what there is, one line of JSON for each event, and prove by counting that nothing is missing.
    Replay(Replay),
}

/// Options of `feed tail`.
#[derive(Args)]
pub(crate) struct Tail {
    /// Whose events: support, hr, workforce or contracts.
    source: String,
    /// Begin behind this event, epoch:seq; without it, with what comes next.
    #[arg(long)]
    after: Option<Cursor>,
    /// Only these types, with commas between.
    #[arg(long)]
    types: Option<String>,
    /// Only this branch's events and those of the whole network; `net` for the latter alone.
    #[arg(long)]
    branch: Option<String>,
    /// One line of JSON for each event.
    #[arg(long)]
    json: bool,
}

/// Options of `feed replay`.
#[derive(Args)]
pub(crate) struct Replay {
    /// Whose events: support, hr, workforce or contracts.
    source: String,
    /// Begin behind this event, epoch:seq; without it, with the earliest there is.
    #[arg(long)]
    after: Option<Cursor>,
    /// End with this event; without it, with the last one there is now.
    #[arg(long)]
    to: Option<Cursor>,
}

impl Feed {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let door = Door::open(installation)?;
        match self {
            Self::Tail(tail) => tail.run(&door).await,
            Self::Replay(replay) => replay.run(&door).await,
        }
    }
}

impl Tail {
    async fn run(self, door: &Door) -> Result<()> {
        let filter: Vec<(&str, String)> = [("types", self.types), ("branch", self.branch)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let mut after = match self.after {
            Some(after) => after.to_string(),
            None => door.page(&self.source, None, &filter).await?.page.last,
        };
        loop {
            let waiting = [&filter[..], &[("wait", WAIT.to_owned())]].concat();
            let page = door.page(&self.source, Some(after), &waiting).await?;
            let mut out = std::io::stdout().lock();
            for event in &page.data {
                let text = if self.json { event.get().to_owned() } else { Line::of(event)?.text() };
                writeln!(out, "{text}")?;
            }
            out.flush()?;
            after = page.page.next;
        }
    }
}

impl Replay {
    async fn run(self, door: &Door) -> Result<()> {
        // Where it must come to: the feed itself says whether there is such an event.
        let end = door.page(&self.source, self.to.map(|to| to.to_string()), &[]).await?;
        let to = self.to.map_or_else(|| end.page.last.parse(), Ok)?;
        let mut counted = Counted::after(self.after);
        let mut after = self.after.map(|after| after.to_string());
        loop {
            let page = door.page(&self.source, after, &[]).await?;
            ensure!(
                page.page.is_gapless,
                "this token does not read all of {}: nothing can be counted",
                self.source
            );
            let is_over = counted.print(&page.data, to.seq, &mut std::io::stdout().lock())?;
            if is_over || !page.page.has_more {
                break;
            }
            after = Some(page.page.next);
        }
        counted.judge(&self.source, to.seq)
    }
}

/// What a replay has seen.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    events: u64,
    first: Option<i64>,
    last: Option<i64>,
    /// First and last number of each gap.
    missing: Vec<(i64, i64)>,
}

impl Counted {
    /// Nothing yet; the first event must be the one behind the cursor, where there is one.
    fn after(after: Option<Cursor>) -> Self {
        Self { last: after.map(|after| after.seq), ..Self::default() }
    }

    /// Prints events up to a number; true once it was reached.
    fn print(&mut self, events: &[Box<RawValue>], to: i64, out: &mut StdoutLock<'_>) -> Result<bool> {
        for event in events {
            let seq = Line::of(event)?.seq;
            if seq > to {
                return Ok(true);
            }
            writeln!(out, "{}", event.get())?;
            self.add(seq);
        }
        Ok(self.last.is_some_and(|last| last >= to))
    }

    fn add(&mut self, seq: i64) {
        if let Some(last) = self.last
            && seq != last + 1
        {
            self.missing.push((last + 1, seq - 1));
        }
        self.events += 1;
        self.first.get_or_insert(seq);
        self.last = Some(seq);
    }

    /// Says that all is there, or what is not.
    fn judge(&self, source: &str, to: i64) -> Result<()> {
        let mut missing = self.missing.clone();
        let last = self.last.unwrap_or_default();
        if last < to {
            missing.push((last + 1, to));
        }
        if !missing.is_empty() {
            let gaps: Vec<String> = missing.iter().map(|(from, to)| format!("{from} to {to}")).collect();
            bail!("{source}: missing or out of order: {}", gaps.join(", "));
        }
        match self.first {
            Some(first) => {
                eprintln!("{source}: complete: {} events, {first} to {last}, none missing", self.events)
            }
            None => eprintln!("{source}: complete: no events"),
        }
        Ok(())
    }
}

/// One page, as the feed answers it.
#[derive(Deserialize)]
struct FeedPage {
    /// Each exactly as it came.
    data: Vec<Box<RawValue>>,
    page: FeedLinks,
}

#[derive(Deserialize)]
struct FeedLinks {
    next: String,
    last: String,
    has_more: bool,
    is_gapless: bool,
}

/// What people look at of an event.
#[derive(Deserialize)]
struct Line {
    epoch: i32,
    seq: i64,
    time: String,
    #[serde(rename = "type")]
    kind: String,
    subject: String,
    #[serde(default)]
    branch: Option<String>,
}

impl Line {
    fn of(event: &RawValue) -> Result<Self> {
        serde_json::from_str(event.get()).context("an event that is none")
    }

    fn text(&self) -> String {
        let Self { epoch, seq, time, kind, subject, branch } = self;
        let (place, kind) = (format!("{epoch}:{seq}"), kind.trim_start_matches("steward."));
        let branch = branch.as_deref().unwrap_or("net");
        format!("{place:<10} {time:<27}  {kind:<44} {subject}  {branch}")
    }
}

/// The feed of a running installation, read as an auditor who may see what people are paid.
struct Door {
    client: reqwest::Client,
    /// Where each service answers.
    addresses: BTreeMap<String, String>,
    issuer: Issuer,
    clock: Clock,
}

impl Door {
    fn open(installation: &Installation) -> Result<Self> {
        let issuer = Issuer::new(&installation.existing_secrets()?.private_key)?;
        let addresses = installation.addresses()?;
        Ok(Self { client: client()?, addresses, issuer, clock: installation.clock()? })
    }

    async fn page(&self, source: &str, after: Option<String>, more: &[(&str, String)]) -> Result<FeedPage> {
        let role = Role::AU;
        let principal = Principal {
            user: account_of(&[role]),
            employee: None,
            roles: vec![Held { role, branches: None }],
        };
        // A fresh one each time: a tail may go on for longer than any token is good.
        let scopes = BTreeSet::from([Scope::Pay]);
        let token = self.issuer.issue_scoped(&principal, &scopes, self.clock.now(), TimeDelta::minutes(5))?;
        // Whoever is asked for a service that there is not says so.
        let address = self.addresses.get(source).or_else(|| self.addresses.values().next());
        let address = format!("{}/v1/events", address.context("no service runs here")?);
        let request = self.client.get(address).bearer_auth(token);
        let request = request.query(&[("source", source), ("limit", LIMIT)]).query(more);
        let request = if let Some(after) = after { request.query(&[("after", after)]) } else { request };
        let answer = request.send().await.context("the feed does not answer")?;
        let status = answer.status();
        if status.is_success() {
            return read(answer).await;
        }
        Err(refused(&read(answer).await?, status))
    }
}

async fn read<T: DeserializeOwned>(answer: reqwest::Response) -> Result<T> {
    let text = answer.text().await.context("the answer broke off")?;
    serde_json::from_str(&text).with_context(|| format!("no answer of a feed: {text:.200}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_is_complete_only_without_a_gap_up_to_its_end() {
        let judged = |after: Option<&str>, seqs: &[i64], to: i64| {
            let mut counted = Counted::after(after.map(|after| after.parse().expect("a cursor")));
            seqs.iter().for_each(|seq| counted.add(*seq));
            counted.judge("hr", to).map_err(|error| error.to_string())
        };
        assert_eq!(judged(None, &[1, 2, 3], 3), Ok(()));
        assert_eq!(judged(None, &[11, 12], 12), Ok(()), "the journal does not go back to 1 any more");
        assert_eq!(judged(Some("1:2"), &[3, 4], 4), Ok(()));
        assert_eq!(judged(None, &[], 0), Ok(()));
        let missing = |gaps: &str| Err(format!("hr: missing or out of order: {gaps}"));
        assert_eq!(judged(Some("1:2"), &[4, 5, 9], 9), missing("3 to 3, 6 to 8"));
        assert_eq!(judged(None, &[1, 2], 4), missing("3 to 4"));
        assert_eq!(judged(Some("1:7"), &[], 9), missing("8 to 9"));
    }
}
