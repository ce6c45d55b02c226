//! Reads a service's events over HTTP, keeps them in a file, and proves by counting that none is missing.
//!
//! ```text
//! steward token --role HQ --scope pay > token
//! cargo run --package steward-examples --bin subscribe-feed -- http://127.0.0.1:8400 support events.ndjson --token token
//! ```
//!
//! Killed at any moment and started again, it goes on where the file ends. `--once` ends with the last event there is;
//! else it waits for more.

use anyhow::{Result, bail, ensure};
use clap::Parser;
use examples::{Kept, Reading};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Reads a service's events over HTTP, keeps them in a file, and counts them.
#[derive(Parser)]
struct Options {
    /// Where the API is: http://127.0.0.1:8400
    address: String,
    /// Whose events: support, hr, workforce or contracts.
    source: String,
    /// Where the events are kept.
    file: PathBuf,
    /// A file with the token.
    #[arg(long)]
    token: PathBuf,
    /// Only these types, with commas between.
    #[arg(long)]
    types: Option<String>,
    /// Only this branch's events and the network's.
    #[arg(long)]
    branch: Option<String>,
    /// End with the last event there is.
    #[arg(long)]
    once: bool,
}

/// What a request came to.
enum Answer {
    Page(Value),
    /// Nobody answers, or not now: the same request may succeed later.
    Later(String),
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
    let mut kept = Kept::open(&options.file)?;
    let (mut after, mut pause) = (kept.cursor(), Duration::from_secs(1));
    loop {
        let found = match page(&client, &options, after.as_deref()).await? {
            Answer::Page(found) => found,
            Answer::Later(why) => {
                eprintln!("{why}; trying again in {pause:?}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(30));
                continue;
            }
        };
        pause = Duration::from_secs(1);
        let (Some(events), links) = (found["data"].as_array(), &found["page"]) else {
            bail!("no page: {found}")
        };
        let reading = if links["is_gapless"] == true { Reading::Whole } else { Reading::Filtered };
        kept.add(events, reading)?;
        // Behind everything that was looked at: a filter that matches nothing gets on, too.
        after = links["next"].as_str().map(str::to_owned);
        if options.once && links["has_more"] == false {
            let counted = match reading {
                Reading::Whole => "none missing",
                Reading::Filtered => "of a filtered reading, which cannot be counted",
            };
            println!("{}: read up to {}, {counted}", options.source, after.unwrap_or_default());
            return Ok(());
        }
    }
}

async fn page(client: &reqwest::Client, options: &Options, after: Option<&str>) -> Result<Answer> {
    // Read anew each time: whoever issues tokens puts a fresh one there before the old one ends.
    let token = std::fs::read_to_string(&options.token)?;
    let wait = if options.once { "0" } else { "25" };
    let mut query = vec![("source", options.source.as_str()), ("limit", "200"), ("wait", wait)];
    query.extend(after.map(|after| ("after", after)));
    query.extend(options.types.as_deref().map(|types| ("types", types)));
    query.extend(options.branch.as_deref().map(|branch| ("branch", branch)));
    let address = format!("{}/v1/events", options.address);
    let asked = client.get(address).bearer_auth(token.trim()).query(&query).send().await;
    let (status, text) = match asked {
        Ok(answer) => match (answer.status(), answer.text().await) {
            (status, Ok(text)) => (status, text),
            (_, Err(broke_off)) => return Ok(Answer::Later(broke_off.to_string())),
        },
        Err(nobody) => return Ok(Answer::Later(nobody.to_string())),
    };
    let body: Value = serde_json::from_str(&text)?;
    if status.is_success() {
        return Ok(Answer::Page(body));
    }
    if [401, 429, 503].contains(&status.as_u16()) {
        return Ok(Answer::Later(format!("{}", body["code"])));
    }
    // The source was restored from a backup: what it said after `base` in that epoch never happened.
    ensure!(
        body["code"] != "feed.epoch_ended",
        "undo what came of the events after {}, take them out of the file, and begin again: it goes on from {}",
        body["params"]["base"],
        body["params"]["go_on"]
    );
    bail!("{}: {} {}", body["code"], body["messages"]["en"], body["next"]["en"])
}
