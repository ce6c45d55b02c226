//! Reactions that take what follows each other together (`Reactions::on_all`).

use crate::alpha::{Thing, Touched, thing, touch};
use crate::readers::{Pair, Reading};
use crate::stage::count;
use events::Event;
use journal::reaction::Reaction;
use journal::{Reactions, Tx};
use kernel::{Decision, Version};
use std::sync::Mutex;

/// How many events came together, by the only test that counts them.
static TOGETHER: Mutex<Vec<usize>> = Mutex::new(Vec::new());

async fn keep(tx: &mut Tx, events: &[Event<Touched>]) -> Result<(), Reaction> {
    if events.iter().any(|event| event.data.word == "poison") {
        sqlx::query("SELECT 1 / 0").execute(tx.connection()).await?;
    }
    sqlx::query(
        "INSERT INTO effect (event_id, thing, version, seq)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::int[], $4::bigint[])",
    )
    .bind(events.iter().map(|event| event.id.uuid()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.data.thing_id.uuid()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.version.get()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.seq).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn keep_and_count(tx: &mut Tx, events: &[Event<Touched>]) -> Result<(), Reaction> {
    TOGETHER.lock().expect("nobody panics").push(events.len());
    keep(tx, events).await
}

async fn decide(tx: &mut Tx, events: &[Event<Touched>]) -> Result<(), Reaction> {
    for event in events {
        let it = Thing { id: event.data.thing_id, version: Version::NONE };
        tx.record(&Decision::of(it).and(event.data.clone()));
    }
    Ok(())
}

/// A pair whose source has published so many events of seven things, of which these say something.
async fn published(events: u128, words: &[(u128, &str)]) -> Pair {
    let pair = Pair::new().await;
    for number in 1..=events {
        let word = words.iter().find(|(at, _)| *at == number).map_or("", |(_, word)| word);
        touch(&pair.alpha, thing(number % 7), None, word).await;
    }
    pair.relay().relay.drain().await.expect("it runs");
    pair
}

#[tokio::test]
async fn events_that_follow_each_other_take_effect_together_and_once() {
    let pair = published(700, &[]).await;
    let reactions = Reactions::new().on_all::<Touched>(keep_and_count);
    let reading = Reading::reacting(&pair.beta, &pair.bus, &pair.beta_relay, reactions);
    reading.reader.drain().await.expect("it runs");
    pair.assert_once().await;
    let together = TOGETHER.lock().expect("nobody panics").clone();
    assert_eq!(together.iter().sum::<usize>(), 700);
    assert!(together.len() < 350, "{together:?}");
}

#[tokio::test]
async fn one_without_effect_is_parked_alone_and_the_others_beside_it_count() {
    let pair = published(30, &[(10, "poison")]).await;
    let reactions = Reactions::new().on_all::<Touched>(keep);
    let reading = Reading::reacting(&pair.beta, &pair.bus, &pair.beta_relay, reactions);
    reading.reader.drain().await.expect("it runs");
    // Those of the same thing wait behind it.
    let waits = |seq| (seq, "behind_parked".to_owned());
    assert_eq!(pair.parked().await, [(10, "fault".to_owned()), waits(17), waits(24)]);
    assert_eq!(count(&pair.beta, "SELECT count(*) FROM effect").await, 27);
    assert_eq!(count(&pair.beta, "SELECT count(DISTINCT seq) FROM effect").await, 27);
}

/// What the database keeps for the end of a transaction it says at the commit, of the whole batch: it hits only its own event.
#[tokio::test]
async fn what_is_refused_at_the_commit_is_parked_alone() {
    let pair = published(20, &[]).await;
    let late =
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE check_violation; END $$;
                CREATE CONSTRAINT TRIGGER late AFTER INSERT ON effect DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (NEW.seq = 20) EXECUTE FUNCTION refuse()";
    sqlx::raw_sql(late).execute(&pair.beta).await.expect("a rule that is asked at the end");
    let reactions = Reactions::new().on_all::<Touched>(keep);
    let reading = Reading::reacting(&pair.beta, &pair.bus, &pair.beta_relay, reactions);
    reading.reader.drain().await.expect("it runs");
    assert_eq!(pair.parked().await, [(20, "fault".to_owned())]);
    assert_eq!(count(&pair.beta, "SELECT count(DISTINCT seq) FROM effect").await, 19);
}

#[tokio::test]
async fn a_decision_that_nobody_could_say_the_cause_of_is_not_taken() {
    let pair = published(2, &[]).await;
    let reactions = Reactions::new().on_all::<Touched>(decide);
    let reading = Reading::reacting(&pair.beta, &pair.bus, &pair.beta_relay, reactions);
    reading.reader.drain().await.expect("it runs");
    assert_eq!(pair.parked().await, [(1, "panicked".to_owned()), (2, "panicked".to_owned())]);
    assert_eq!(count(&pair.beta, "SELECT count(*) FROM journal").await, 0);
}
