//! The reader: each event is one row of effect, in batches, with its position; against an ordered read of the same stream
//! and one `COPY` of the same rows.

use super::Scale;
use crate::figure::{Figure, Goal, Round, Unit, median};
use crate::load::{micros, rate};
use crate::stage::{Home, Stage};
use crate::tiny;
use anyhow::{Context, Result};
use async_nats::jetstream;
use bytes::Bytes;
use futures::StreamExt;
use journal::{Clock, Reactions, Reader, ReaderContext, Relay};
use std::fmt::Write;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const STREAM: &str = "STEWARD_ALPHA_E1";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Applying,
    Passing,
    Limit,
}

pub(super) async fn measure(stage: &Stage, scale: &Scale) -> Result<Vec<Figure>> {
    let (alpha, beta) = stage.homes().await?;
    alpha.make_journal(scale.read).await?;
    publish(stage, &alpha).await?;
    let jetstream = stage.jetstream().await?;
    let count: u64 = scale.read.try_into()?;
    let (mut applying, mut passing, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        let (mut applied, mut passed, mut limit_of) = (0, 0, (0, 0));
        for side in scale.turn(round, [Side::Applying, Side::Passing, Side::Limit]) {
            beta.clear().await?;
            beta.settle().await?;
            match side {
                Side::Applying => applied = rate(count, read_all(stage, &beta, tiny::reactions()).await?),
                Side::Passing => passed = rate(count, read_all(stage, &beta, tiny::no_reactions()).await?),
                Side::Limit => {
                    let (read, copied) = limit(&jetstream, &beta, scale.read).await?;
                    parts.push((micros(read), micros(copied)));
                    limit_of = (rate(count, read + copied), rate(count, read));
                }
            }
            let effects: i64 =
                sqlx::query_scalar("SELECT count(*) FROM effect").fetch_one(&beta.admin).await?;
            let wanted = if side == Side::Passing { 0 } else { scale.read };
            anyhow::ensure!(effects == wanted, "{effects} effects of {count} events");
        }
        applying.push(Round { candidate: applied, limit: Some(limit_of.0) });
        passing.push(Round { candidate: passed, limit: Some(limit_of.1) });
    }
    let note = format!(
        "{} events each round; the limit's read takes {} ms, its COPY {} ms.",
        crate::figure::grouped(count),
        median(parts.iter().map(|part| part.0)) / 1_000,
        median(parts.iter().map(|part| part.1)) / 1_000,
    );
    let figure = |what, against, goal, rounds, notes| Figure {
        row: "reading",
        what,
        against,
        unit: Unit::PerSecond,
        goal,
        rounds,
        notes,
    };
    Ok(vec![
        figure(
            "reader, an effect of one row each, batched",
            "an ordered read and one `COPY` of the same rows",
            Goal::AtLeast(500),
            applying,
            vec![note],
        ),
        figure(
            "reader, events of a type that it does not declare",
            "the ordered read",
            Goal::Reported,
            passing,
            Vec::new(),
        ),
    ])
}

/// Fills the stream once.
async fn publish(stage: &Stage, alpha: &Home) -> Result<()> {
    let (stop, pool) = (CancellationToken::new(), alpha.pool(4).await?);
    let (relay, task) = Relay::start("alpha", pool.clone(), stage.bus("alpha").await?, stop.clone());
    relay.drain().await?;
    stop.cancel();
    task.await?;
    pool.close().await;
    Ok(())
}

/// From the first event until the last one is behind the position.
async fn read_all(stage: &Stage, beta: &Home, reactions: Reactions) -> Result<Duration> {
    let (stop, pool, bus) = (CancellationToken::new(), beta.pool(8).await?, stage.bus("beta").await?);
    let (relay, relaying) = Relay::start("beta", pool.clone(), bus.clone(), stop.clone());
    relay.drain().await?;
    let context = ReaderContext {
        name: "beta",
        pool: pool.clone(),
        bus,
        clock: Clock::default(),
        reactions,
        relay,
        history: None,
    };
    let begun = Instant::now();
    let (reader, reading) = Reader::start(context, "alpha", stop.clone());
    reader.drain().await?;
    let elapsed = begun.elapsed();
    stop.cancel();
    reading.await?;
    relaying.await?;
    pool.close().await;
    Ok(elapsed)
}

/// How long it takes to read all events in order, and how long to copy their effects.
async fn limit(bus: &jetstream::Context, beta: &Home, count: i64) -> Result<(Duration, Duration)> {
    let wanted = usize::try_from(count)?;
    let mut payloads: Vec<Bytes> = Vec::with_capacity(wanted);
    let begun = Instant::now();
    let stream = bus.get_stream_no_info(STREAM).await?;
    let consumer = stream.create_consumer(jetstream::consumer::pull::OrderedConfig::default()).await?;
    let mut messages = consumer.messages().await?;
    while payloads.len() < wanted {
        let message = messages.next().await.context("the stream ended")??;
        payloads.push(message.payload.clone());
    }
    let read = begun.elapsed();
    let rows = rows_of(&payloads)?;
    let begun = Instant::now();
    let mut connection = beta.admin.acquire().await?;
    let mut copy = connection.copy_in_raw("COPY effect (seq, event_id, word) FROM STDIN").await?;
    for part in rows.as_bytes().chunks(1_024 * 1_024) {
        copy.send(part).await?;
    }
    copy.finish().await?;
    Ok((read, begun.elapsed()))
}

/// The effects as `COPY` wants them.
fn rows_of(payloads: &[Bytes]) -> Result<String> {
    let mut rows = String::new();
    for payload in payloads {
        let envelope: events::Envelope = serde_json::from_slice(payload)?;
        let touched: events::Event<tiny::Touched> = envelope.read()?;
        writeln!(rows, "{}\t{}\t{}", touched.seq, touched.id.uuid(), touched.data.word)?;
    }
    Ok(rows)
}
