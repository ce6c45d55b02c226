//! From the commit in one service to the committed effect in another one, at a steady rate.
//!
//! A command's journal rows are written, the clock starts, `COMMIT` is sent; it stops when beta's reader has learned that
//! its own commit succeeded: three commits (the command's, the numbering's, the effect's), one publish and its
//! acknowledgement, and whatever the backbone adds. The limit is those steps by themselves, one after the other, each with
//! an effect of one row: on a quiet machine, and beside the same commands without a journal at the same rate.

use super::Scale;
use crate::figure::{Figure, Goal, Round, Unit, quantile};
use crate::load::{Dice, elapse, micros};
use crate::stage::{Keys, LIMIT, Stage, make_limit};
use crate::tiny;
use anyhow::{Context, Result};
use bytes::Bytes;
use futures::future::try_join_all;
use house::service::Running;
use journal::{Clock, Reader, Relay};
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const THINGS: u64 = 4_000;
/// How often it is looked at how far everything is; what is measured may be so much too long, never too short.
const LOOK: Duration = Duration::from_micros(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Quiet,
    Loaded,
}

/// The middle and the end of many latencies, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    p50: u64,
    p99: u64,
}

impl Spread {
    fn of(latencies: &[u64]) -> Self {
        let at = |per_mille| quantile(latencies.iter().copied(), per_mille);
        Self { p50: at(500), p99: at(990) }
    }
}

/// The middle of how long commands took on their way, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Halfway {
    /// Until they had their number.
    numbered: u64,
    /// Until the bus had acknowledged them.
    published: u64,
}

struct Scene {
    alpha: Running,
    beta: Running,
    stage_pool: PgPool,
    beta_pool: PgPool,
    things: u64,
}

pub(super) async fn measure(stage: &Stage, scale: &Scale) -> Result<Vec<Figure>> {
    let (alpha_home, beta_home) = stage.homes().await?;
    alpha_home.make_things(THINGS.try_into()?).await?;
    alpha_home.run("CREATE TABLE IF NOT EXISTS bare (number bigint)").await?;
    beta_home.run("CREATE TABLE IF NOT EXISTS bare (number bigint)").await?;
    let (stop, keys) = (CancellationToken::new(), Keys::fresh());
    let alpha = stage.run(tiny::alpha(), &alpha_home, &keys, &stop).await?;
    let beta = stage.run(tiny::beta(), &beta_home, &keys, &stop).await?;
    let scene = Scene {
        alpha,
        beta,
        stage_pool: alpha_home.admin.clone(),
        beta_pool: beta_home.admin.clone(),
        things: THINGS,
    };
    house::service::drain(&[&scene.alpha, &scene.beta]).await?;
    let (mut ours, mut quiet, mut loaded, mut reached) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut halfway = Vec::new();
    for round in 0..scale.rounds {
        for side in scale.turn(round, [Side::Ours, Side::Quiet, Side::Loaded]) {
            alpha_home.settle().await?;
            match side {
                Side::Ours => {
                    let (spread, until, rate) = scene.ours(scale).await?;
                    ours.push(spread);
                    halfway.push(until);
                    reached.push(rate);
                }
                Side::Quiet => quiet.push(scene.steps(stage, scale).await?),
                Side::Loaded => loaded.push(scene.loaded(stage, scale).await?),
            }
        }
    }
    stop.cancel();
    scene.alpha.stopped().await;
    scene.beta.stopped().await;
    let half = |pick: fn(&Halfway) -> u64| crate::figure::median(halfway.iter().map(pick));
    let note = format!(
        "{} commands a second were wanted, {} committed. Half of them had their number after {} µs, and were acknowledged by the \
         bus after {} µs.",
        scale.per_second,
        crate::figure::median(reached),
        half(|until| until.numbered),
        half(|until| until.published),
    );
    Ok(figures(&ours, &quiet, &loaded, &note))
}

fn figures(ours: &[Spread], quiet: &[Spread], loaded: &[Spread], note: &str) -> Vec<Figure> {
    const BESIDE: &str = "one publish + acknowledgement, three bare commits, in sequence, beside the same commands without a journal";
    const ALONE: &str = "the same steps on a quiet machine";
    let figure = |what, against, goal, limits: &[Spread], pick: fn(&Spread) -> u64| Figure {
        row: "end-to-end",
        what,
        against,
        unit: Unit::Microseconds,
        goal,
        rounds: ours
            .iter()
            .zip(limits)
            .map(|(ours, limit)| Round { candidate: pick(ours), limit: Some(pick(limit)) })
            .collect(),
        notes: Vec::new(),
    };
    let mut figures = vec![
        figure("commit → effect, p50", BESIDE, Goal::AtMost(2_000), loaded, |spread| spread.p50),
        figure("commit → effect, p99", BESIDE, Goal::AtMost(4_000), loaded, |spread| spread.p99),
        figure("commit → effect, p50", ALONE, Goal::Reported, quiet, |spread| spread.p50),
        figure("commit → effect, p99", ALONE, Goal::Reported, quiet, |spread| spread.p99),
    ];
    figures[0].notes.push(note.to_owned());
    figures
}

impl Scene {
    /// Commands at the rate for a span; how long each took to its effect, and how many a second were committed.
    async fn ours(&self, scale: &Scale) -> Result<(Spread, Halfway, u64)> {
        let before: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM journal_order")
            .fetch_one(&self.stage_pool)
            .await?;
        let reader = self.beta.readers().first().context("beta reads alpha")?.clone();
        let watching = Arc::new(AtomicBool::new(true));
        let relay = self.alpha.relay().clone();
        let watcher = watch((relay, reader), watching.clone());
        let begun = Instant::now();
        let committed = self.paced(scale, Change::Told, &AtomicBool::new(true)).await?;
        let rate = crate::load::rate(committed.len().try_into()?, begun.elapsed());
        house::service::drain(&[&self.alpha, &self.beta]).await?;
        watching.store(false, Ordering::Relaxed);
        let seen = watcher.join().map_err(|_| anyhow::anyhow!("the watcher panicked"))?;
        let numbers: Vec<(Uuid, i32, i64)> = sqlx::query_as(
            "SELECT j.aggregate_id, j.aggversion, o.seq FROM journal_order AS o JOIN journal AS j ON j.id = o.id WHERE o.seq > $1",
        )
        .bind(before)
        .fetch_all(&self.stage_pool)
        .await?;
        let numbers: HashMap<(Uuid, i32), i64> =
            numbers.into_iter().map(|(thing, version, seq)| ((thing, version), seq)).collect();
        let mut latencies: [Vec<u64>; 3] = Default::default();
        for Committed { thing, version, at } in committed {
            let seq = numbers.get(&(thing, version)).context("every command has its number")?;
            for (seen, latencies) in seen.iter().zip(&mut latencies) {
                let passed = seen.partition_point(|(_, reached)| reached < seq);
                let (when, _) = seen.get(passed).context("every event has come through")?;
                latencies.push(micros(when.saturating_duration_since(at)));
            }
        }
        let [numbered, published, applied] = latencies.map(|latencies| Spread::of(&latencies));
        Ok((applied, Halfway { numbered: numbered.p50, published: published.p50 }, rate))
    }

    /// The steps by themselves, while the same commands run without a journal.
    async fn loaded(&self, stage: &Stage, scale: &Scale) -> Result<Spread> {
        let go_on = AtomicBool::new(true);
        let steps = async {
            let spread = self.steps(stage, scale).await;
            go_on.store(false, Ordering::Relaxed);
            spread
        };
        let (load, spread) = tokio::join!(self.paced(scale, Change::Silent, &go_on), steps);
        load?;
        spread
    }

    /// Commands one after the other at the rate, however long each takes, for a span and while they shall go on.
    async fn paced(&self, scale: &Scale, change: Change, go_on: &AtomicBool) -> Result<Vec<Committed>> {
        let period = Duration::from_nanos(1_000_000_000 / scale.per_second.max(1));
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (begun, mut dice) = (Instant::now(), Dice::seeded(11));
        let mut under_way: Vec<JoinHandle<Result<Committed>>> = Vec::new();
        while begun.elapsed() < scale.span && go_on.load(Ordering::Relaxed) {
            ticks.tick().await;
            let (pool, relay) = (self.alpha.pool().clone(), self.alpha.relay().clone());
            let id = 1 + dice.roll(self.things);
            under_way.push(tokio::spawn(async move {
                let committed = touch(&pool, id, change).await?;
                if change == Change::Told {
                    relay.nudge();
                }
                Ok(committed)
            }));
        }
        try_join_all(under_way).await?.into_iter().collect()
    }

    /// Commit, commit, publish, commit; again and again for a span.
    async fn steps(&self, stage: &Stage, scale: &Scale) -> Result<Spread> {
        let bus = stage.jetstream().await?;
        make_limit(&bus).await?;
        let payload = Bytes::from(vec![b'x'; 800]);
        let mut latencies = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < scale.span {
            let started = Instant::now();
            for pool in [&self.stage_pool, &self.stage_pool] {
                bare(pool).await?;
            }
            bus.publish("limit.v1.net.thing.touched", payload.clone()).await?.await?;
            bare(&self.beta_pool).await?;
            latencies.push(micros(started.elapsed()));
            // Nothing waits for these steps, so they leave the machine as idle as it was.
            elapse(Duration::from_millis(1)).await;
        }
        crate::stage::forget(&bus, LIMIT).await?;
        Ok(Spread::of(&latencies))
    }
}

/// A commit and nothing else: one row, one statement.
async fn bare(pool: &PgPool) -> Result<()> {
    sqlx::query("INSERT INTO bare (number) VALUES (1)").execute(pool).await?;
    Ok(())
}

/// Whether a change is told in the journal, or made all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Told,
    Silent,
}

/// A command whose commit was asked for at an instant.
struct Committed {
    thing: Uuid,
    version: i32,
    at: Instant,
}

async fn touch(pool: &PgPool, number: u64, change: Change) -> Result<Committed> {
    let id = tiny::thing(number);
    let mut tx = tiny::begin(pool, Clock::default().now()).await?;
    let thing = tiny::load(&mut tx, id).await.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
    let decision = tiny::decide(thing);
    let version = decision.version().get();
    if change == Change::Told {
        tiny::save(&mut tx, &decision).await?;
    } else {
        tiny::save_silently(&mut tx, &decision).await?;
    }
    tx.flush().await?;
    let at = Instant::now();
    tx.commit().await?;
    Ok(Committed { thing: id.uuid(), version, at })
}

/// When a number had been reached, in order: by numbering, by the bus, by the reader.
type Seen = [Vec<(Instant, i64)>; 3];

/// A thread of its own, so that it looks when it wants to and not when the runtime has time.
fn watch((relay, reader): (Relay, Reader), go_on: Arc<AtomicBool>) -> std::thread::JoinHandle<Seen> {
    std::thread::spawn(move || {
        let mut seen = Seen::default();
        let mut last = [0; 3];
        while go_on.load(Ordering::Relaxed) {
            let status = relay.status();
            let now = [status.last_numbered, status.last_published, reader.status().seq];
            for place in 0..now.len() {
                if now[place] != last[place] {
                    last[place] = now[place];
                    seen[place].push((Instant::now(), now[place]));
                }
            }
            std::thread::park_timeout(LOOK);
        }
        seen
    })
}
