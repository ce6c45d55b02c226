//! Readers: exactly once, in order, whatever dies; what cannot take effect is parked.

use crate::alpha::{Touched, thing, touch};
use crate::stage::{Running, bus, count, database, nats};
use crate::until;
use async_nats::jetstream::{self, Context};
use devstack::Stack;
use events::Event;
use journal::reaction::Reaction;
use journal::reader::History;
use journal::{Bus, Clock, Reactions, Reader, ReaderContext, Tx};
use sqlx::PgPool;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

async fn apply(tx: &mut Tx, event: &Event<Touched>) -> Result<(), Reaction> {
    if event.data.word == "poison" {
        sqlx::query("SELECT 1 / 0").execute(tx.connection()).await?;
    }
    assert_ne!(event.data.word, "panic", "as told");
    if let Some(needed) = event.data.needs {
        let is_known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM effect WHERE thing = $1)")
            .bind(needed.uuid())
            .fetch_one(tx.connection())
            .await?;
        if !is_known {
            return Err(Reaction::waits_for(needed));
        }
    }
    sqlx::query("INSERT INTO effect (event_id, thing, version, seq) VALUES ($1, $2, $3, $4)")
        .bind(event.id.uuid())
        .bind(event.data.thing_id.uuid())
        .bind(event.version.get())
        .bind(event.seq)
        .execute(tx.connection())
        .await?;
    tx.announce(event.data.thing_id).await?;
    Ok(())
}

pub(crate) struct Reading {
    pub(crate) reader: Reader,
    task: JoinHandle<()>,
}

impl Reading {
    pub(crate) fn start(pool: &PgPool, bus: &Bus, relay: &Running) -> Self {
        Self::with(pool, bus, relay, None)
    }

    /// One that reads a source's past, where its stream no longer has it.
    pub(crate) fn with(pool: &PgPool, bus: &Bus, relay: &Running, history: Option<Arc<dyn History>>) -> Self {
        let reactions = Reactions::new().on::<Touched>(apply);
        Self::of(ReaderContext { history, ..Self::context(pool, bus, relay, reactions) })
    }

    /// One that does something else with what arrives.
    pub(crate) fn reacting(pool: &PgPool, bus: &Bus, relay: &Running, reactions: Reactions) -> Self {
        Self::of(Self::context(pool, bus, relay, reactions))
    }

    fn context(pool: &PgPool, bus: &Bus, relay: &Running, reactions: Reactions) -> ReaderContext {
        ReaderContext {
            name: "beta",
            pool: pool.clone(),
            bus: bus.clone(),
            clock: Clock::default(),
            reactions,
            relay: relay.relay.clone(),
            history: None,
        }
    }

    fn of(context: ReaderContext) -> Self {
        let (reader, task) = Reader::start(context, "alpha", CancellationToken::new());
        Self { reader, task }
    }

    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// `alpha` publishes, `beta` reads: two databases, one bus.
pub(crate) struct Pair {
    pub(crate) alpha: PgPool,
    pub(crate) beta: PgPool,
    pub(crate) stack: Stack,
    pub(crate) bus: Bus,
    pub(crate) beta_relay: Running,
}

impl Pair {
    pub(crate) async fn new() -> Self {
        let (alpha, beta, stack) = (database().await, database().await, nats().await);
        let bus = bus(&stack).await;
        let beta_relay = Running::relay("beta", &beta, &bus);
        Self { alpha, beta, stack, bus, beta_relay }
    }

    pub(crate) fn relay(&self) -> Running {
        Running::relay("alpha", &self.alpha, &self.bus)
    }

    pub(crate) fn reading(&self) -> Reading {
        Reading::start(&self.beta, &self.bus, &self.beta_relay)
    }

    /// Every event of alpha took effect once, and within an aggregate in order.
    pub(crate) async fn assert_once(&self) {
        let wanted: Vec<Uuid> = sqlx::query_scalar("SELECT event_id FROM journal ORDER BY event_id")
            .fetch_all(&self.alpha)
            .await
            .expect("events");
        let had: Vec<Uuid> = sqlx::query_scalar("SELECT event_id FROM effect ORDER BY event_id")
            .fetch_all(&self.beta)
            .await
            .expect("effects");
        assert_eq!(had, wanted);
        self.assert_ordered().await;
    }

    async fn assert_ordered(&self) {
        let inverted = count(
            &self.beta,
            "SELECT count(*) FROM (SELECT version, lag(version) OVER (PARTITION BY thing ORDER BY place) AS before FROM effect) AS row
             WHERE before >= version",
        );
        assert_eq!(inverted.await, 0);
    }

    pub(crate) async fn parked(&self) -> Vec<(i64, String)> {
        let list = journal::parked::list(&self.beta).await.expect("a list");
        list.into_iter().map(|event| (event.seq, event.reason)).collect()
    }
}

#[tokio::test]
async fn effects_happen_once_across_restarts_of_everything() {
    let mut pair = Pair::new().await;
    let mut relay = pair.relay();
    let mut reading = pair.reading();
    for round in 0..8_u128 {
        for number in 0..40 {
            touch(&pair.alpha, thing(number % 7), None, "").await;
        }
        relay.relay.nudge();
        match round % 4 {
            0 => {
                reading.kill().await;
                reading = pair.reading();
            }
            1 => {
                relay.kill().await;
                relay = pair.relay();
            }
            2 => {
                pair.stack.kill_nats();
                pair.stack.ensure_running().await.expect("NATS again");
            }
            _ => {
                let other = pair.reading();
                reading.reader.drain().await.expect("it runs");
                other.kill().await;
            }
        }
    }
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    pair.assert_once().await;
    assert_eq!(reading.reader.status().stopped, None);
    assert_eq!(reading.reader.status().lag_seconds, Some(0));
}

/// A reader that cannot go on says how long something has been waiting, or that it does not know.
#[tokio::test]
async fn lag_does_not_stand_still_with_the_reader() {
    let mut pair = Pair::new().await;
    let (relay, reading) = (pair.relay(), pair.reading());
    touch(&pair.alpha, thing(1), None, "").await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    assert_eq!(reading.reader.status().lag_seconds, Some(0));
    // Its effects have no table to go to any more, for a reason that may pass.
    let mut holder = pair.beta.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE effect").execute(&mut *holder).await.expect("it is held");
    touch(&pair.alpha, thing(1), None, "").await;
    relay.relay.drain().await.expect("it runs");
    until("it waits, and says for how long", async || reading.reader.status().lag_seconds > Some(0)).await;
    holder.rollback().await.expect("given back");
    reading.reader.drain().await.expect("it runs");
    assert_eq!(reading.reader.status().lag_seconds, Some(0));
    pair.stack.kill_nats();
    until("it stands still", async || reading.reader.status().stopped.is_some()).await;
    assert_eq!(reading.reader.status().lag_seconds, None, "nobody knows what is published meanwhile");
}

/// Who is gone has drained nothing, and says so.
#[tokio::test]
async fn a_drain_of_what_does_not_run_is_an_error() {
    let pair = Pair::new().await;
    let (relay, reading) = (pair.relay(), pair.reading());
    let (relay_handle, reader_handle) = (relay.relay.clone(), reading.reader.clone());
    relay.kill().await;
    reading.kill().await;
    assert!(relay_handle.drain().await.is_err() && reader_handle.drain().await.is_err());
}

#[tokio::test]
async fn a_rebuilt_stream_has_no_second_effect() {
    let pair = Pair::new().await;
    let (relay, reading) = (pair.relay(), pair.reading());
    for number in 0..30 {
        touch(&pair.alpha, thing(number % 4), None, "").await;
    }
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    raw(&pair.stack).await.delete_stream("STEWARD_ALPHA_E1").await.expect("it is deleted");
    touch(&pair.alpha, thing(1), None, "").await;
    relay.relay.drain().await.expect("it runs");
    reading.kill().await;
    let reading = pair.reading();
    reading.reader.drain().await.expect("it runs");
    pair.assert_once().await;
}

/// A second reader of the same name stands by, and waits for what the first one does; it reads on when that is gone.
#[tokio::test]
async fn a_second_reader_stands_by() {
    let pair = Pair::new().await;
    let relay = pair.relay();
    let one = pair.reading();
    one.reader.drain().await.expect("it runs");
    until("it leads", async || !one.reader.status().stands_by).await;
    let process = Running::relay("beta", &pair.beta, &pair.bus);
    let other = Reading::start(&pair.beta, &pair.bus, &process);
    for number in 0..100 {
        // One of them waits for the last, and takes effect all the same before the drain is over.
        let needs = (number == 5).then(|| thing(99));
        touch(&pair.alpha, thing(number), needs, "").await;
    }
    relay.relay.drain().await.expect("it runs");
    other.reader.drain().await.expect("it runs");
    pair.assert_once().await;
    assert_eq!(pair.parked().await, []);
    let status = other.reader.status();
    assert_eq!((status.seq, status.lag_seconds, status.stands_by, status.stopped), (100, None, true, None));
    one.kill().await;
    touch(&pair.alpha, thing(1), None, "").await;
    relay.relay.drain().await.expect("it runs");
    other.reader.drain().await.expect("it runs");
    pair.assert_once().await;
    until("it leads", async || !other.reader.status().stands_by).await;
}

#[tokio::test]
async fn a_source_that_never_published_is_empty_until_it_does() {
    let pair = Pair::new().await;
    let reading = pair.reading();
    reading.reader.drain().await.expect("it runs");
    assert_eq!(reading.reader.status().stopped, None);
    let relay = pair.relay();
    touch(&pair.alpha, thing(1), None, "").await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    until("it takes effect", async || count(&pair.beta, "SELECT count(*) FROM effect").await == 1).await;
}

/// What is not known yet is parked, with everything of its aggregate behind it, and nothing of others; when the
/// missing fact arrives all of it takes effect, in order.
#[tokio::test]
async fn parked_events_wait_for_what_is_missing_in_order() {
    let pair = Pair::new().await;
    let (relay, reading) = (pair.relay(), pair.reading());
    touch(&pair.alpha, thing(1), Some(thing(9)), "").await;
    for _ in 0..150 {
        touch(&pair.alpha, thing(1), None, "").await;
    }
    touch(&pair.alpha, thing(2), None, "").await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    let parked = pair.parked().await;
    assert_eq!(parked.len(), 151);
    assert_eq!((parked[0].1.as_str(), parked[1].1.as_str()), ("not_known_yet", "behind_parked"));
    assert_eq!(count(&pair.beta, "SELECT count(*) FROM effect").await, 1, "the other aggregate goes on");
    // A restart forgets nothing of it.
    reading.kill().await;
    let reading = pair.reading();
    touch(&pair.alpha, thing(1), None, "").await;
    touch(&pair.alpha, thing(9), None, "").await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    assert_eq!(pair.parked().await, []);
    pair.assert_once().await;
}

#[tokio::test]
async fn a_poison_event_is_parked_and_only_its_aggregate_waits() {
    let pair = Pair::new().await;
    let (relay, reading) = (pair.relay(), pair.reading());
    touch(&pair.alpha, thing(1), None, "").await;
    touch(&pair.alpha, thing(1), None, "poison").await;
    touch(&pair.alpha, thing(1), None, "").await;
    touch(&pair.alpha, thing(2), None, "").await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    assert_eq!(pair.parked().await, [(2, "fault".to_owned()), (3, "behind_parked".to_owned())]);
    assert_eq!(count(&pair.beta, "SELECT count(*) FROM effect").await, 2);
    // An operator takes the poison away: what waited behind it is next.
    sqlx::query("DELETE FROM parked WHERE seq = 2").execute(&pair.beta).await.expect("it is discarded");
    reading.kill().await;
    let reading = pair.reading();
    until("the rest takes effect", async || count(&pair.beta, "SELECT count(*) FROM effect").await == 3)
        .await;
    reading.reader.drain().await.expect("it runs");
    assert_eq!(pair.parked().await, []);
    pair.assert_ordered().await;
}

/// A reaction that panics is an error of its event, and ends nothing else: not its batch, not the reader.
#[tokio::test]
async fn an_event_whose_reaction_panics_is_parked_and_the_reader_goes_on() {
    let pair = Pair::new().await;
    let (relay, reading) = (pair.relay(), pair.reading());
    touch(&pair.alpha, thing(1), None, "").await;
    touch(&pair.alpha, thing(1), None, "panic").await;
    touch(&pair.alpha, thing(1), None, "").await;
    touch(&pair.alpha, thing(2), None, "").await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    assert_eq!(pair.parked().await, [(2, "panicked".to_owned()), (3, "behind_parked".to_owned())]);
    assert_eq!(count(&pair.beta, "SELECT count(*) FROM effect").await, 2);
    // Tried again it panics again, and goes on waiting; the reader still reads.
    sqlx::query("UPDATE parked SET next_try_at = '-infinity' WHERE seq = 2")
        .execute(&pair.beta)
        .await
        .expect("it is due");
    until("it was tried again", async || {
        count(&pair.beta, "SELECT attempts::bigint FROM parked WHERE seq = 2").await == 2
    })
    .await;
    touch(&pair.alpha, thing(3), None, "").await;
    relay.relay.drain().await.expect("it runs");
    reading.reader.drain().await.expect("it runs");
    assert_eq!(count(&pair.beta, "SELECT count(*) FROM effect").await, 3);
    assert_eq!(reading.reader.status().stopped, None);
}

pub(crate) async fn raw(stack: &Stack) -> Context {
    let url: async_nats::ServerAddr = stack.nats_url().parse().expect("the address is good");
    let (user, password) = (url.username().unwrap_or_default(), url.password().unwrap_or_default());
    let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    jetstream::new(options.connect(url).await.expect("NATS answers"))
}
