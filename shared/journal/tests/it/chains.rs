//! An aggregate keeps the correlation id of its first event, and what is born of it carries it on (`events.md` §4): what
//! `append` asks of the journal itself.

use crate::alpha::{Thing, ThingId, Touched, begin, thing};
use crate::stage::{count, database};
use journal::Tx;
use kernel::{Decision, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// One event of a thing that has had so many.
fn touch(tx: &mut Tx, id: ThingId, version: i32, parent: Option<ThingId>) {
    let touched = Touched { thing_id: id, needs: None, word: String::new() };
    let decision = Decision::of(Thing { id, version: Version::of(version) }).and(touched);
    tx.record(&parent.into_iter().fold(decision, |decision, parent| decision.born_of(parent)));
}

/// The chain of each event of a thing, in order.
async fn chains(pool: &PgPool, id: ThingId) -> Vec<Uuid> {
    sqlx::query_scalar("SELECT correlation_id FROM journal WHERE aggregate_id = $1 ORDER BY aggversion")
        .bind(id.uuid())
        .fetch_all(pool)
        .await
        .expect("its chains")
}

#[tokio::test]
async fn a_chain_goes_on_from_transaction_to_transaction_and_from_parent_to_child() {
    let pool = database().await;
    let mut tx = begin(&pool).await;
    touch(&mut tx, thing(1), 0, None);
    touch(&mut tx, thing(2), 0, None);
    tx.commit().await.expect("the first ones");
    let (first, second) = (chains(&pool, thing(1)).await[0], chains(&pool, thing(2)).await[0]);
    assert_ne!(first, second, "two that have nothing to do with each other");

    let mut tx = begin(&pool).await;
    touch(&mut tx, thing(3), 0, None);
    touch(&mut tx, thing(2), 1, None);
    touch(&mut tx, thing(4), 0, Some(thing(1)));
    touch(&mut tx, thing(5), 0, Some(thing(4)));
    touch(&mut tx, thing(6), 0, Some(thing(99)));
    touch(&mut tx, thing(1), 1, Some(thing(2)));
    tx.commit().await.expect("the second ones");
    assert_eq!(chains(&pool, thing(2)).await, [second; 2]);
    assert_eq!(chains(&pool, thing(1)).await, [first; 2], "whatever parent is named later");
    assert_eq!(chains(&pool, thing(4)).await, [first], "of a parent that was there");
    assert_eq!(chains(&pool, thing(5)).await, [first], "of a parent that was born with it");
    let own = "SELECT count(*) FROM journal WHERE correlation_id = event_id";
    assert_eq!(count(&pool, own).await, 4, "1, 2, 3, and 6, whose parent nobody knows, began their own");
}

#[tokio::test]
async fn a_whole_batch_finds_its_chains_in_the_order_of_its_rows() {
    let pool = database().await;
    for version in 0..2 {
        let mut tx = begin(&pool).await;
        (1..=500).for_each(|number| touch(&mut tx, thing(number), version, None));
        tx.commit().await.expect("a batch");
    }
    let apart = "SELECT count(*) FROM journal AS first JOIN journal AS later USING (aggregate_id)
                 WHERE first.aggversion = 1 AND later.aggversion = 2 AND later.correlation_id <> first.event_id";
    assert_eq!(count(&pool, apart).await, 0);
    assert_eq!(count(&pool, "SELECT count(DISTINCT correlation_id) FROM journal").await, 500);
    let astray = "SELECT count(*) FROM (SELECT aggregate_id < lag(aggregate_id) OVER (PARTITION BY aggversion ORDER BY id) AS is_before FROM journal) AS row
                  WHERE is_before";
    assert_eq!(count(&pool, astray).await, 0, "ids are given in the order of the rows");
}
