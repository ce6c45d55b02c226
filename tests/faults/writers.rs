//! Rows 6 and 7: writers that hold their transaction open, and writers that roll back.

use crate::load::{Load, Plan};
use crate::site::{Site, lasting, turn};
use crate::sound::count;
use crate::story::eventually;
use kernel::EventId;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use std::str::FromStr;
use std::time::Instant;
use uuid::Uuid;

/// Events without any meaning, which every reader only counts, each of an aggregate of its own.
const MARKERS: &str = "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, actor_kind, actor_id, correlation_id, occurred_at, data)
     SELECT id, replace(current_database(), 'steward_', '') || '.marker.planted.v0', 'marker', subject, id, 1, 'operator', 'faults', id, now(), '{}'
     FROM UNNEST($1::uuid[], $2::text[]) AS marker (id, subject)";

/// Writes so many of them within a connection's transaction.
async fn mark(connection: &mut PgConnection, events: i64) {
    let ids: Vec<Uuid> = sqlx::query_scalar("SELECT uuidv7() FROM generate_series(1, $1::bigint)")
        .bind(events)
        .fetch_all(&mut *connection)
        .await
        .expect("ids");
    let subjects: Vec<String> = ids.iter().map(|id| EventId::of(*id).to_string()).collect();
    sqlx::query(MARKERS).bind(ids).bind(subjects).execute(connection).await.expect("the journal takes them");
}

impl Site {
    /// Commits events without meaning, in one transaction.
    pub(crate) async fn plant(&self, service: &str, events: i64) {
        let mut connection = self.database(service).await.acquire().await.expect("a connection");
        mark(&mut connection, events).await;
    }

    /// A connection whose transaction has taken numbers of the journal, and stays open.
    pub(crate) async fn open_writer(&self, service: &str) -> PgConnection {
        let admin = PgConnectOptions::from_str(self.stack.postgres_url()).expect("the address is good");
        let database = admin.database(&format!("steward_{service}"));
        let mut connection = database.connect().await.expect("the database answers");
        sqlx::query("BEGIN").execute(&mut connection).await.expect("it begins");
        mark(&mut connection, 10).await;
        connection
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_06_a_writer_holds_its_transaction_open() {
    let mut site = turn().await;
    let support = site.database("support").await;
    let load = Load::start(&mut site).await;
    let (mut kept, mut undone) = (site.open_writer("support").await, site.open_writer("support").await);
    let (begun, open) = (Instant::now(), lasting(3, 600));
    let mut ids = (0, 0);
    while ids.0 == 0 || begun.elapsed() < open {
        // Numbering goes on beside them, and the numbers they have taken are kept free for them.
        let before = count(&support, "SELECT max(seq) FROM journal_order").await;
        load.accepts(20).await;
        eventually("others are numbered", async || {
            (count(&support, "SELECT max(seq) FROM journal_order").await > before).then_some(())
        })
        .await;
        let holes = "SELECT coalesce(sum(upper(ids) - lower(ids)), 0)::bigint FROM journal_hole";
        ids = (ids.0 + 1, count(&support, holes).await);
        assert!(ids.1 >= 20, "{} ids are waited for", ids.1);
    }
    sqlx::query("COMMIT").execute(&mut kept).await.expect("it is committed");
    sqlx::query("ROLLBACK").execute(&mut undone).await.expect("it is rolled back");
    load.accepts(20).await;
    load.finish(&mut site).await;
    site.reckon().await;
    eventually("dead numbers are forgotten", async || {
        (count(&support, "SELECT count(*) FROM journal_hole").await == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_07_thirty_percent_of_writers_roll_back() {
    let mut site = turn().await;
    // A rehearsal does all that the command does, and is rolled back with the numbers it has taken: of 100 transactions
    // that write, 30.
    let load = Load::planned(&mut site, Plan { rehearsed: 43, ..Plan::default() }).await;
    let support = site.database("support").await;
    for _ in 0..5 {
        load.accepts(20).await;
        let mut undone = site.open_writer("support").await;
        sqlx::query("ROLLBACK").execute(&mut undone).await.expect("it is rolled back");
    }
    load.finish(&mut site).await;
    let lost = "SELECT pg_sequence_last_value(pg_get_serial_sequence('journal', 'id')::regclass) - count(*) FROM journal";
    assert!(count(&support, lost).await >= 50, "numbers were taken and given back");
    site.reckon().await;
}
