//! What must hold of every journal.

use sqlx::PgPool;

/// What must hold of numbering, whatever happened: nothing lost, no gap, order per aggregate, cause before effect.
pub async fn assert_sound(pool: &PgPool) {
    let lost: i64 = count(
        pool,
        "SELECT count(*) FROM journal j LEFT JOIN journal_order o ON o.id = j.id WHERE o.id IS NULL",
    )
    .await;
    let twice = count(pool, "SELECT count(*) - count(DISTINCT id) FROM journal_order").await;
    let gaps = count(pool, "SELECT coalesce(max(seq), 0) - count(*) FROM journal_order").await;
    let inverted = count(
        pool,
        "SELECT count(*) FROM (SELECT aggversion, lag(aggversion) OVER (PARTITION BY aggregate_id ORDER BY seq) AS before
                               FROM journal JOIN journal_order USING (id)) AS row WHERE before >= aggversion",
    )
    .await;
    let effects_first = count(
        pool,
        "SELECT count(*) FROM journal AS effect JOIN journal_order AS effect_at ON effect_at.id = effect.id
         JOIN journal AS cause ON cause.event_id = effect.causation_id JOIN journal_order AS cause_at ON cause_at.id = cause.id
         WHERE cause_at.seq >= effect_at.seq",
    )
    .await;
    let found = [
        ("lost", lost),
        ("twice", twice),
        ("gaps", gaps),
        ("inverted", inverted),
        ("effect first", effects_first),
    ];
    assert!(found.iter().all(|(_, count)| *count == 0), "{found:?}");
}

/// One number.
pub async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.expect("a count")
}
