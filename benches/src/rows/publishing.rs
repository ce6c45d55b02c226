//! The relay: rows that are numbered and not published, against a raw pipelined publish of the same messages.
//!
//! The limit's messages are made before its clock starts, a block at a time, and sent with the relay's window and headers
//! to a stream of the same kind. The relay reads its rows from the journal and makes its messages itself.

use super::Scale;
use crate::figure::{Figure, Goal, Round, Unit};
use crate::load::rate;
use crate::stage::{Home, LIMIT, Stage, WINDOW, forget, make_limit};
use anyhow::{Context, Result};
use async_nats::jetstream;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use journal::numbering::{Numbering, ROWS_PER_TURN, numbered};
use journal::{Relay, bus};
use sqlx::PgPool;
use std::collections::VecDeque;
use std::future::IntoFuture;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Messages made before they are sent.
const BLOCK: i64 = 50_000;

pub(super) async fn measure(stage: &Stage, scale: &Scale) -> Result<Vec<Figure>> {
    let (alpha, _) = stage.homes().await?;
    alpha.make_journal(scale.published).await?;
    number_all(&alpha).await?;
    let (pool, jetstream) = (alpha.pool(8).await?, stage.jetstream().await?);
    let mut rounds = Vec::new();
    for round in 0..scale.rounds {
        let mut now = Round { candidate: 0, limit: None };
        for is_ours in scale.turn(round, [true, false]) {
            alpha.settle().await?;
            let elapsed = if is_ours {
                let elapsed = relay(stage, &pool).await?;
                check(&jetstream, "STEWARD_ALPHA_E1", scale.published).await?;
                elapsed
            } else {
                let elapsed = raw(&jetstream, &pool, scale.published).await?;
                check(&jetstream, LIMIT, scale.published).await?;
                elapsed
            };
            let rate = rate(scale.published.try_into()?, elapsed);
            if is_ours { now.candidate = rate } else { now.limit = Some(rate) }
        }
        rounds.push(now);
    }
    pool.close().await;
    Ok(vec![Figure {
        row: "publishing",
        what: "relay, rows that have their numbers",
        against: "raw pipelined publish of the same messages",
        unit: Unit::PerSecond,
        goal: Goal::AtLeast(800),
        rounds,
        notes: vec![format!("{} rows each round.", crate::figure::grouped(scale.published.try_into()?))],
    }])
}

/// Numbers whatever has no number, without publishing it.
pub(super) async fn number_all(home: &Home) -> Result<Duration> {
    let pool = home.pool(1).await?;
    let mut connection = pool.acquire().await?.detach();
    Numbering::prepare(&mut connection).await?;
    let begun = Instant::now();
    let mut numbering = Numbering::take_over(&mut connection).await?;
    loop {
        let turn;
        (numbering, turn) = numbering.turn(&mut connection, ROWS_PER_TURN).await?;
        if turn.rows.is_empty() {
            return Ok(begun.elapsed());
        }
    }
}

/// From a stream that is not there until all is acknowledged.
async fn relay(stage: &Stage, pool: &PgPool) -> Result<Duration> {
    let stop = CancellationToken::new();
    let bus = stage.bus("alpha").await?;
    let begun = Instant::now();
    let (relay, task) = Relay::start("alpha", pool.clone(), bus, stop.clone());
    relay.drain().await?;
    let elapsed = begun.elapsed();
    stop.cancel();
    task.await?;
    Ok(elapsed)
}

async fn raw(bus: &jetstream::Context, pool: &PgPool, count: i64) -> Result<Duration> {
    make_limit(bus).await?;
    let mut elapsed = Duration::ZERO;
    let mut next = 1;
    while next <= count {
        let block = messages(pool, next, BLOCK.min(count - next + 1)).await?;
        next += BLOCK;
        let begun = Instant::now();
        let mut under_way = VecDeque::with_capacity(WINDOW);
        for message in block {
            if under_way.len() >= WINDOW {
                let oldest: jetstream::context::PublishAckFuture =
                    under_way.pop_front().context("the window is not empty")?;
                oldest.into_future().await?;
            }
            under_way.push_back(bus.send_publish("limit.v1.net.thing.touched", message).await?);
        }
        for last in under_way {
            last.into_future().await?;
        }
        elapsed += begun.elapsed();
    }
    Ok(elapsed)
}

/// What the relay would send for these numbers, but for the name of the stream.
async fn messages(pool: &PgPool, first: i64, count: i64) -> Result<Vec<PublishMessage>> {
    let mut messages = Vec::new();
    for row in numbered(pool, first, count).await? {
        let before = u64::try_from(row.seq - 1)?;
        let envelope = bus::envelope("alpha", 1, row)?;
        messages.push(
            PublishMessage::build()
                .payload(Bytes::from(serde_json::to_vec(&envelope)?))
                .message_id(envelope.id.to_string())
                .expected_stream(LIMIT)
                .expected_last_sequence(before)
                .header("Steward-Type", envelope.event_type.as_str()),
        );
    }
    Ok(messages)
}

/// All of it is there; then it may go.
async fn check(bus: &jetstream::Context, stream: &str, count: i64) -> Result<()> {
    let state = bus.get_stream(stream).await?.cached_info().state.clone();
    anyhow::ensure!(state.messages == u64::try_from(count)?, "{stream} holds {} events", state.messages);
    forget(bus, stream).await
}
