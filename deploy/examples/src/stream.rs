//! Reads a service's events from NATS through a durable consumer of its own, keeps them in a file, and proves that none is
//! missing: by counting what the consumer delivers, and `seq` where it delivers every event.
//!
//! ```text
//! steward subscriber add bi --pay          # makes the key, the consumers, and says where NATS is
//! echo nats://127.0.0.1:4222 > nats-url
//! cargo run --package steward-examples --bin subscribe-stream -- nats-url STEWARD_SUPPORT_E1 events.ndjson --name bi --seed bi.nkey
//! ```
//!
//! Killed at any moment and started again, it goes on where the file ends: what NATS delivers again has had its effect
//! already and is skipped, and is acknowledged only when it is safely kept. A new epoch is a new stream; `subscribe-feed`
//! says what is to be undone when one begins.

use anyhow::{Context, Result, anyhow, ensure};
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::{Client, ConnectOptions, ServerAddr};
use clap::Parser;
use examples::{Kept, Reading};
use futures::TryStreamExt;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

const BATCH: usize = 200;

/// Reads a service's events from NATS, keeps them in a file, and proves that none is missing.
#[derive(Parser)]
struct Options {
    /// A file with the address of NATS.
    nats: PathBuf,
    /// STEWARD_SUPPORT_E1
    stream: String,
    /// Where the events are kept.
    file: PathBuf,
    /// What the subscriber is called, and its consumer.
    #[arg(long)]
    name: String,
    /// A file with the seed of its key; without it, the address says user and password.
    #[arg(long)]
    seed: Option<PathBuf>,
    /// The prefix under which it asks JetStream.
    #[arg(long, default_value = "STEWARD.API")]
    api: String,
    /// End with the last event there is.
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let mut kept = Kept::open(&options.file)?;
    let bus = connect(&options).await?;
    let jetstream = async_nats::jetstream::with_prefix(bus.clone(), &options.api);
    let (name, stream) = (options.name.as_str(), options.stream.as_str());
    let mut consumer: PullConsumer = jetstream.get_consumer_from_stream(name, stream).await?;
    let reading = reading(&consumer, stream)?;
    let info = consumer.cached_info();
    if info.num_ack_pending > 0 {
        // What another run had in hand comes again once its time is over, in order and before anything new: until then
        // what is new would come first.
        tokio::time::sleep(info.config.ack_wait + Duration::from_secs(1)).await;
    }
    let mut delivered = info.delivered.consumer_sequence;
    loop {
        let fetched = consumer.fetch().max_messages(BATCH).expires(Duration::from_secs(2)).messages().await?;
        let messages: Vec<_> = fetched.try_collect().await.map_err(|error| anyhow!(error))?;
        if messages.is_empty() {
            let info = consumer.info().await?;
            if options.once && info.num_pending == 0 && info.num_ack_pending == 0 {
                break;
            }
            continue;
        }
        for message in &messages {
            delivered += 1;
            let number = message.info().map_err(|error| anyhow!(error))?.consumer_sequence;
            ensure!(
                number == delivered,
                "something was delivered and did not arrive: begin again, and it comes again"
            );
        }
        let events: Result<Vec<Value>, _> =
            messages.iter().map(|message| serde_json::from_slice(&message.payload)).collect();
        kept.add(&events?, reading)?;
        // Only now: what was not acknowledged is delivered again.
        for message in messages {
            message.ack().await.map_err(|error| anyhow!(error))?;
        }
        bus.flush().await?;
    }
    let proved = match reading {
        Reading::Whole => "none missing",
        Reading::Filtered => "all that is delivered here",
    };
    println!("{stream}: read up to {}, {proved}", kept.seq());
    Ok(())
}

async fn connect(options: &Options) -> Result<Client> {
    let address: ServerAddr = std::fs::read_to_string(&options.nats)?.trim().parse()?;
    // The library takes no credentials from the address.
    let with = match (&options.seed, address.username(), address.password()) {
        (Some(seed), _, _) => ConnectOptions::with_nkey(std::fs::read_to_string(seed)?.trim().to_owned()),
        (None, Some(user), Some(password)) => {
            ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
        }
        (None, Some(token), None) => ConnectOptions::with_token(token.to_owned()),
        (None, None, _) => ConnectOptions::new(),
    };
    Ok(with.custom_inbox_prefix(format!("_INBOX_{}", options.name)).connect(address).await?)
}

/// Whether a consumer is delivered every event of its stream.
fn reading(consumer: &PullConsumer, stream: &str) -> Result<Reading> {
    let service = stream.split('_').nth(1).context("a stream is STEWARD_<SERVICE>_E<epoch>")?;
    let all = format!("steward.v1.{}.>", service.to_ascii_lowercase());
    let config = &consumer.cached_info().config;
    let is_all = |subject: &String| subject.is_empty() || *subject == ">" || *subject == all;
    let is_whole = is_all(&config.filter_subject) && config.filter_subjects.iter().all(is_all);
    Ok(if is_whole { Reading::Whole } else { Reading::Filtered })
}
