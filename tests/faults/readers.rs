//! Rows 15 to 20: the reader dies around its commit, two believe they hold the lease, and events that cannot take effect.

use crate::load::Load;
use crate::reckoning::{Left, end_of};
use crate::site::{Site, turn};
use crate::sound::count;
use crate::story::eventually;
use kernel::EmployeeId;
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use std::cell::Cell;
use testkit::AssessedFine;
use uuid::Uuid;

const POSITION: &str = "SELECT seq FROM reader WHERE source = 'support'";
/// Transactions that have waited for their own program for long.
const UNDECIDED: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'
                            AND state_change < clock_timestamp() - interval '1 second'";
const PARKED: &str = "SELECT count(*) FROM parked";

impl Site {
    /// hr is held at a fault point of its reader while support goes on, and killed there; then it is started again.
    async fn reader_killed_at(&mut self, fault_points: &str, held: impl Fn(i64) -> bool) {
        let load = Load::start(self).await;
        load.accepts(20).await;
        self.kill("hr");
        self.victim("hr", fault_points).await;
        let (hr, bus) = (self.database("hr").await, self.bus().await);
        // Its own listener is not asked: the thread that is held may be the one that would answer.
        let (last, still) = (Cell::new(-1), Cell::new(0));
        eventually("its reader stands at the fault point", async || {
            let (committed, end) = (count(&hr, POSITION).await, end_of(&bus, "support").await);
            let is_held = committed == last.replace(committed) && committed < end;
            still.set(if is_held && held(count(&hr, UNDECIDED).await) { still.get() + 1 } else { 0 });
            (still.get() >= 40).then_some(())
        })
        .await;
        self.kill("hr");
        self.revive("hr").await;
        load.accepts(20).await;
        load.finish(self).await;
        self.reckon().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_15_reader_killed_after_the_effects_commit() {
    let mut site = turn().await;
    site.reader_killed_at("reader.committed=3*off->pause", |undecided| undecided == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_16_reader_killed_before_the_effects_commit() {
    let mut site = turn().await;
    site.reader_killed_at("reader.before_commit=3*off->pause", |undecided| undecided > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_17_two_readers_believe_they_hold_the_lease() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    let second = site.second("hr").await;
    let (hr, bus) = (site.database("hr").await, site.bus().await);
    for _ in 0..3 {
        load.accepts(15).await;
        // Frozen with whatever it has at hand, while the other one takes everything.
        site.signal("hr", Signal::STOP);
        site.node("hr").front.aim(second.address());
        let end = end_of(&bus, "support").await;
        eventually("the other one reads on", async || (count(&hr, POSITION).await >= end).then_some(()))
            .await;
        load.accepts(15).await;
        site.signal("hr", Signal::CONT);
        let first = site.node("hr").life.as_ref().expect("it lives").address();
        site.node("hr").front.aim(first);
    }
    load.finish(&mut site).await;
    second.kill();
    site.reckon().await;
}

/// An event that stands in a journal past all rules of its service, as by an error of that service's own.
async fn planted(database: &PgPool, kind: &str, (aggregate, subject): (Uuid, String), data: Value) {
    sqlx::query(
        "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, actor_kind, actor_id, correlation_id, occurred_at, data)
         SELECT uuidv7(), $1, split_part($1, '.', 2), $2, $3, coalesce(max(aggversion), 1) + 1, 'operator', 'faults', $3, now(), $4
         FROM journal WHERE aggregate_id = $3",
    )
    .bind(kind)
    .bind(subject)
    .bind(aggregate)
    .bind(data)
    .execute(database)
    .await
    .expect("the journal takes it");
}

async fn reasons(hr: &PgPool) -> Vec<String> {
    sqlx::query_scalar("SELECT reason FROM parked ORDER BY seq").fetch_all(hr).await.expect("what is parked")
}

impl Site {
    /// Waits until hr has parked so much.
    async fn parks(&self, hr: &PgPool, events: i64) {
        eventually("it is parked", async || (count(hr, PARKED).await == events).then_some(())).await;
    }
}

impl Site {
    /// A fine that awaits its decision, and where it is found.
    async fn fine_of(&mut self, support: &PgPool, employee: EmployeeId) -> (Uuid, String) {
        self.fines += 1;
        let (branch, id) = (self.cast.branch, self.fines);
        let hearing_ends_at = "2025-10-01T00:00:00Z";
        let fine = AssessedFine { id, branch, employee, kind: "fine", fen: 1_000, hearing_ends_at };
        (Uuid::from_u128(id), fine.write(support).await)
    }

    async fn confirm(&self, path: &str) {
        let manager = self.stage.client(&self.cast.manager, path);
        manager.insist(&format!("{path}/confirm"), 1, path, json!({})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_18_a_poison_event_is_parked_with_what_follows_it_and_the_rest_goes_on() {
    let mut site = turn().await;
    let (support, hr) = (site.database("support").await, site.database("hr").await);
    let load = Load::start(&mut site).await;
    load.accepts(10).await;
    let accused = site.cast.accused;
    let (penalty, path) = site.fine_of(&support, accused).await;
    // From now on the table refuses one certain fine, however often it is tried.
    let refusal = "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                       IF TG_ARGV[0]::uuid = NEW.penalty_id THEN RAISE check_violation; END IF; RETURN NEW; END $$";
    sqlx::raw_sql(refusal).execute(&hr).await.expect("the function is made");
    sqlx::raw_sql(AssertSqlSafe(format!(
        "CREATE TRIGGER poison BEFORE INSERT ON deduction FOR EACH ROW EXECUTE FUNCTION poison('{penalty}')"
    )))
    .execute(&hr)
    .await
    .expect("the trigger is made");
    site.confirm(&path).await;
    let id = events::PenaltyId::of(penalty).to_string();
    let reversed = json!({ "penalty_id": id, "reverses": id, "employee_id": accused, "new_amount_fen": 0 });
    planted(&support, "support.penalty.reversed.v1", (penalty, id), reversed).await;
    site.parks(&hr, 2).await;
    assert_eq!(reasons(&hr).await, ["fault", "behind_parked"]);
    // Started again right behind it, it goes on all the same.
    site.kill("hr");
    site.revive("hr").await;
    load.accepts(30).await;
    load.finish(&mut site).await;
    site.reckon_but(Left { parked_by_hr: 2 }).await;
    // What was wrong is put right, and an operator has it tried again: both take effect, in order.
    sqlx::raw_sql("DROP FUNCTION poison CASCADE").execute(&hr).await.expect("it is gone");
    for id in site.parked("hr", "fault") {
        site.operates(&["parked", "retry", &id]);
    }
    site.parks(&hr, 0).await;
    let taken: i64 = sqlx::query_scalar("SELECT reversed_fen FROM deduction WHERE penalty_id = $1")
        .bind(penalty)
        .fetch_one(&hr)
        .await
        .expect("the deduction");
    assert_eq!(taken, 1_000, "opened, and taken back");
    site.reckon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_19_what_cannot_be_understood_is_parked_and_only_its_aggregate_waits() {
    let mut site = turn().await;
    let (contracts, hr) = (site.database("contracts").await, site.database("hr").await);
    let load = Load::start(&mut site).await;
    load.accepts(10).await;
    let visit = |number| (Uuid::from_u128(number), kernel::id::encode("vis", Uuid::from_u128(number)));
    // From the future, and another one of its aggregate behind it; and one whose members are none of ours.
    planted(&contracts, "contracts.visit.confirmed.v7", visit(900_001), json!({ "visit_id": 1 })).await;
    planted(&contracts, "contracts.visit.confirmed.v1", visit(900_001), json!({ "visit_id": 2 })).await;
    planted(&contracts, "contracts.visit.confirmed.v1", visit(900_002), json!({ "visit_id": 3 })).await;
    site.parks(&hr, 3).await;
    assert_eq!(reasons(&hr).await, ["unknown_version", "behind_parked", "unreadable"]);
    load.accepts(30).await;
    load.finish(&mut site).await;
    site.reckon_but(Left { parked_by_hr: 3 }).await;
    // An operator gives them up; what waited behind one is tried once that is gone, and cannot be read either.
    for (reason, left) in [("unknown_version", 2), ("unreadable", 0)] {
        eventually("what waits is tried", async || {
            (reason != "unreadable" || reasons(&hr).await == ["unreadable"; 2]).then_some(())
        })
        .await;
        for id in site.parked("hr", reason) {
            site.operates(&["parked", "discard", &id, "--reason", "planted by a test"]);
        }
        site.parks(&hr, left).await;
    }
    site.reckon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_20_an_event_for_somebody_not_known_yet_waits_until_he_arrives() {
    let mut site = turn().await;
    let (support, hr) = (site.database("support").await, site.database("hr").await);
    let load = Load::start(&mut site).await;
    load.accepts(10).await;
    let stranger = Uuid::from_u128(900_000);
    let (penalty, path) = site.fine_of(&support, EmployeeId::of(stranger)).await;
    site.confirm(&path).await;
    site.parks(&hr, 1).await;
    assert_eq!(reasons(&hr).await, ["not_known_yet"]);
    load.accepts(20).await;
    // He arrives in the transaction that announces him, as everybody does who is hired.
    let mut arrival = hr.begin().await.expect("a transaction");
    for statement in [
        "INSERT INTO employee (id, name, branch_id, position, state, hired_on, changed_on, version)
         SELECT $1, 'Lin', id, 'customer_service', 'active', '2025-09-01', '2025-09-01', 1 FROM branch",
        "UPDATE parked SET next_try_at = '-infinity' WHERE waits_for = $1",
    ] {
        sqlx::query(statement).bind(stranger).execute(&mut *arrival).await.expect("he arrives");
    }
    arrival.commit().await.expect("committed");
    site.parks(&hr, 0).await;
    load.finish(&mut site).await;
    let whose: Uuid = sqlx::query_scalar("SELECT employee_id FROM deduction WHERE penalty_id = $1")
        .bind(penalty)
        .fetch_one(&hr)
        .await
        .expect("it took effect");
    assert_eq!(whose, stranger);
    site.reckon().await;
}
