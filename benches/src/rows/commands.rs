//! Commands at 32 writers: load under lock, decide, save; with a journal, and without one.
//!
//! What the driver and the protocol cost is measured by transactions of as many statements that do nothing (`SELECT 1`),
//! on as many connections, and is taken out: with `t = 1 / rate`, the ratio is
//! `(t without − t of its empty one) / (t with − t of its empty one)`.

use super::Scale;
use crate::figure::{Figure, Goal, Round, Unit};
use crate::load::{Dice, Measured, Worker};
use crate::stage::{Home, Stage};
use crate::tiny;
use anyhow::Result;
use journal::{Clock, Relay};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// Things of each writer: nobody waits for another one's.
const THINGS: u64 = 100;

/// What a transaction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// The state change alone.
    Silent,
    /// The state change and its event.
    Journaled,
    /// The state change and the event's row, as one plain statement into a table of the same columns with one key.
    Bare,
    /// So many statements that do nothing.
    Empty(u64),
}

struct Writer {
    pool: PgPool,
    clock: Clock,
    work: Work,
    /// The first of its things.
    first: u64,
    dice: Dice,
    relay: Option<Relay>,
}

impl Writer {
    async fn change(&mut self) -> Result<()> {
        let id = tiny::thing(self.first + self.dice.roll(THINGS));
        let mut tx = tiny::begin(&self.pool, self.clock.now()).await?;
        let thing = tiny::load(&mut tx, id).await.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        let decision = tiny::decide(thing);
        match self.work {
            Work::Journaled => tiny::save(&mut tx, &decision).await?,
            Work::Bare => tiny::save_barely(&mut tx, &decision).await?,
            Work::Silent | Work::Empty(_) => tiny::save_silently(&mut tx, &decision).await?,
        }
        tx.commit().await?;
        self.relay.iter().for_each(Relay::nudge);
        Ok(())
    }
}

impl Worker for Writer {
    async fn step(&mut self) -> Result<()> {
        let Work::Empty(statements) = self.work else { return self.change().await };
        let mut tx = tiny::begin(&self.pool, self.clock.now()).await?;
        for _ in 0..statements {
            sqlx::query("SELECT 1").execute(tx.connection()).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn writers(pool: &PgPool, count: u64, work: Work, relay: Option<&Relay>) -> Vec<Writer> {
    (0..count)
        .map(|number| Writer {
            pool: pool.clone(),
            clock: Clock::default(),
            work,
            first: 1 + number * THINGS,
            dice: Dice::seeded(number),
            relay: relay.cloned(),
        })
        .collect()
}

/// How many statements a transaction of this work sends between its beginning and its commit: a fresh connection prepares
/// each of them once.
async fn statements(home: &Home, work: Work) -> Result<u64> {
    let pool = home.pool(1).await?;
    for writer in &mut writers(&pool, 1, work, None) {
        writer.step().await?;
    }
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_prepared_statements%'",
    )
    .fetch_one(&pool)
    .await?;
    pool.close().await;
    Ok(count.try_into()?)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Silent,
    SilentEmpty,
    Journaled,
    JournaledEmpty,
    Bare,
    Relayed,
}

const SIDES: [Side; 6] =
    [Side::Silent, Side::SilentEmpty, Side::Journaled, Side::JournaledEmpty, Side::Bare, Side::Relayed];

/// The rates of one round.
#[derive(Debug, Clone, Copy, Default)]
struct Rates {
    silent: u64,
    silent_empty: u64,
    journaled: u64,
    journaled_empty: u64,
    bare: u64,
    relayed: u64,
}

/// A rate without what an empty transaction costs.
fn net(rate: u64, empty: u64) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    let each = |rate: u64| SECOND.checked_div(rate).unwrap_or(SECOND);
    SECOND / each(rate).saturating_sub(each(empty)).max(1)
}

pub(super) async fn measure(stage: &Stage, scale: &Scale) -> Result<Vec<Figure>> {
    let (alpha, _) = stage.homes().await?;
    alpha.make_things((scale.writers * THINGS).try_into()?).await?;
    alpha.run(tiny::BARE_TABLE).await?;
    let counts = (statements(&alpha, Work::Silent).await?, statements(&alpha, Work::Journaled).await?);
    let pool = alpha.pool(scale.writers.try_into()?).await?;
    let (mut rates, mut busy) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        let mut now = Rates::default();
        for side in scale.turn(round, SIDES) {
            alpha.settle().await?;
            let run = async |work| {
                crate::load::measure(writers(&pool, scale.writers, work, None), scale.span).await
            };
            let (rate, measured) = match side {
                Side::Silent => (&mut now.silent, run(Work::Silent).await?),
                Side::SilentEmpty => (&mut now.silent_empty, run(Work::Empty(counts.0)).await?),
                Side::Journaled => (&mut now.journaled, run(Work::Journaled).await?),
                Side::JournaledEmpty => (&mut now.journaled_empty, run(Work::Empty(counts.1)).await?),
                Side::Bare => (&mut now.bare, run(Work::Bare).await?),
                Side::Relayed => (&mut now.relayed, relayed(stage, &pool, scale).await?),
            };
            *rate = measured.rate;
            busy.push((side, measured.busy));
        }
        rates.push(now);
    }
    pool.close().await;
    // What is made by hand may not be in the way of whoever provisions the service anew.
    alpha.run("DROP TABLE bare_journal").await?;
    Ok(figures(&rates, counts, &busy))
}

/// With the relay at work beside the writers, on the same machine.
async fn relayed(stage: &Stage, pool: &PgPool, scale: &Scale) -> Result<Measured> {
    let stop = CancellationToken::new();
    let (relay, task) = Relay::start("alpha", pool.clone(), stage.bus("alpha").await?, stop.clone());
    // What was written without a relay is numbered and published before anything is counted.
    relay.drain().await?;
    let load = writers(pool, scale.writers, Work::Journaled, Some(&relay));
    let measured = crate::load::measure(load, scale.span).await?;
    relay.drain().await?;
    stop.cancel();
    task.await?;
    Ok(measured)
}

fn figures(rates: &[Rates], counts: (u64, u64), busy: &[(Side, u64)]) -> Vec<Figure> {
    let busy_of = |wanted: Side| {
        crate::figure::median(busy.iter().filter(|(side, _)| *side == wanted).map(|(_, busy)| *busy))
    };
    let median = |pick: fn(&Rates) -> u64| crate::figure::median(rates.iter().map(pick));
    let rounds = |pick: fn(&Rates) -> (u64, u64)| {
        let pairs = rates.iter().map(pick);
        pairs.map(|(candidate, limit)| Round { candidate, limit: Some(limit) }).collect::<Vec<_>>()
    };
    let figure = |what, against, goal, rounds, note: String| Figure {
        row: "commands",
        what,
        against,
        unit: Unit::PerSecond,
        goal,
        rounds,
        notes: vec![note],
    };
    vec![
        figure(
            "with journal, protocol taken out",
            "the same change without one, protocol taken out",
            Goal::AtLeast(700),
            rounds(|now| (net(now.journaled, now.journaled_empty), net(now.silent, now.silent_empty))),
            format!(
                "1/rate − 1/rate of as many `SELECT 1` in a transaction: {} statements with a journal ({}/s empty), {} without \
                 ({}/s empty).",
                counts.1,
                median(|now| now.journaled_empty),
                counts.0,
                median(|now| now.silent_empty),
            ),
        ),
        figure(
            "with a plain row in a table with one key, protocol taken out",
            "the same change without one, protocol taken out",
            Goal::Reported,
            rounds(|now| (net(now.bare, now.journaled_empty), net(now.silent, now.silent_empty))),
            "What PostgreSQL asks for any further row of this size: no journal can do better.".to_owned(),
        ),
        figure(
            "with journal",
            "the same change without one",
            Goal::Reported,
            rounds(|now| (now.journaled, now.silent)),
            format!(
                "Processors busy: {} ‰ with, {} ‰ without.",
                busy_of(Side::Journaled),
                busy_of(Side::Silent)
            ),
        ),
        figure(
            "with journal, its relay at work on the same machine",
            "the same change without a journal",
            Goal::Reported,
            rounds(|now| (now.relayed, now.silent)),
            format!("Processors busy: {} ‰.", busy_of(Side::Relayed)),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_is_taken_out_of_both_sides() {
        // 200 µs each, 120 of them protocol: 80 µs are left, 12,500 a second.
        assert_eq!(net(5_000, 8_333), 12_500);
        assert_eq!(net(5_000, 5_000), 1_000_000_000, "nothing is left");
        let rates = Rates {
            silent: 10_000,
            silent_empty: 20_000,
            journaled: 5_000,
            journaled_empty: 10_000,
            bare: 6_000,
            relayed: 4_000,
        };
        let figures = figures(&[rates], (2, 4), &[(Side::Silent, 900)]);
        // 100 − 50 µs against 200 − 100 µs.
        assert_eq!((figures[0].candidate(), figures[0].limit()), (10_000, Some(20_000)));
        assert_eq!(figures[0].ratio(), Some(500));
        // 100 − 50 µs against 166.7 − 100 µs.
        assert_eq!(figures[1].ratio(), Some(750));
        assert_eq!(figures[2].ratio(), Some(500));
        assert_eq!(figures[3].ratio(), Some(400));
    }
}
