//! The smallest service: things with a name, in a branch.

use events::PenaltyId as ThingId;
use house::access::Permit;
use house::list::PageRequest;
use house::policy::{PolicyKind, RuleBook, Terms};
use house::{
    Addressed, Answer, Ask, Command, Commanded, House, List, New, One, OpenApiRouter, Page, Problem, Read,
    Role, Service, Shown, not_found, permission, routes,
};
use journal::{Failure, Fault, Tx};
use kernel::{Aggregate, BranchId, Clause, Decision, Money, Refused, Timestamp, Version, clause};
use serde::{Deserialize, Serialize};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Row, SqlSafeStr};
use std::sync::LazyLock;
use std::time::Duration;
use testkit::{Client, Platform, Who};
use utoipa::ToSchema;
use uuid::Uuid;

pub const HERE: BranchId = BranchId::of(Uuid::from_u128(7));
pub const ELSEWHERE: BranchId = BranchId::of(Uuid::from_u128(8));
pub const THINGS: &str = "/v1/edge/things";

static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let sql = "CREATE TABLE thing (id uuid PRIMARY KEY, branch_id uuid NOT NULL, name text NOT NULL, version integer NOT NULL, leader uuid REFERENCES thing DEFERRABLE INITIALLY DEFERRED)";
    Migrator::with_migrations(vec![Migration::new(
        1,
        "thing".into(),
        MigrationType::Simple,
        sql.into_sql_str(),
        false,
    )])
});

pub fn service() -> Service {
    let rooms = OpenApiRouter::new()
        .routes(routes!(list, make))
        .routes(routes!(read))
        .routes(routes!(history))
        .routes(routes!(rename))
        .routes(routes!(search));
    Service::new("edge", &MIGRATOR).governed_by(PolicyKind::of::<Size>()).room(rooms)
}

/// A service that does nothing, with tables.
pub fn quiet(name: &'static str) -> Service {
    Service::new(name, &MIGRATOR)
}

pub async fn platform() -> Platform {
    Platform::start(vec![service()], "2025-10-10T02:00:00Z").await
}

pub fn manager(platform: &Platform) -> Client {
    platform.client(&Who::branch(20, Role::BM, HERE))
}

pub async fn made(client: &Client, name: &str) -> String {
    let thing =
        client.create(THINGS, serde_json::json!({ "branch_id": HERE, "name": name })).await.expect(201);
    format!("{THINGS}/{}", thing["id"].as_str().expect("an id"))
}

/// Rows of a table.
pub async fn count(platform: &Platform, table: &'static str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(platform.pool("edge"))
        .await
        .expect("the table is there")
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    pub largest: i64,
}

impl Terms for Size {
    const KIND: &'static str = "size";
    const CLAUSE: Clause = clause!("P3.2-1");
    const BOOK: RuleBook = RuleBook::of(
        "[size.largest]\nvalue = 10\nmin = \"1\"\nmax = \"1000\"\nclause = \"P3.2-1\"\nsource = \"this test\"\n",
    );
}

#[derive(Debug, Clone)]
struct Thing {
    id: ThingId,
    branch: BranchId,
    name: String,
    version: Version,
}

impl Aggregate for Thing {
    type Id = ThingId;
    const KIND: &'static str = "thing";
    fn id(&self) -> ThingId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
struct ThingView {
    id: ThingId,
    name: String,
    version: Version,
}

impl Shown for Thing {
    type View = ThingView;
    fn view(&self, version: Version) -> ThingView {
        ThingView { id: self.id, name: self.name.clone(), version }
    }
    fn path(&self) -> String {
        format!("{THINGS}/{}", self.id)
    }
}

#[derive(Serialize)]
struct Made {
    thing_id: ThingId,
}
events::event!(Made, "edge.thing.made", v1);

#[derive(Serialize)]
struct Renamed {
    thing_id: ThingId,
    name: String,
}
events::event!(Renamed, "edge.thing.renamed", v1);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some members are only read")]
struct MakeThing {
    branch_id: BranchId,
    name: String,
    price: Option<Money>,
    count: Option<u32>,
    at: Option<Timestamp>,
    numbers: Option<Vec<i64>>,
    #[schema(value_type = Object)]
    anything: Option<serde_json::Value>,
}
impl Addressed for MakeThing {
    type To = New<ThingId>;
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameThing {
    name: String,
}
impl Addressed for RenameThing {
    type To = ThingId;
}

type Write = permission!("penalty.decide");
type See = permission!("penalty.read");

#[utoipa::path(post, path = "/v1/edge/things", request_body = MakeThing, responses(Commanded<ThingView>))]
async fn make(house: House, cmd: Command<MakeThing, Write>) -> Answer<ThingView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            if !tx.reach().covers(Some(cmd.body.branch_id)) {
                return Err(not_found().into());
            }
            match cmd.body.name.as_str() {
                "panic" => panic!("a secret from inside"),
                "slow" => takes(Duration::from_secs(20)).await,
                "brief" => takes(Duration::from_millis(300)).await,
                _ => {}
            }
            let thing = Thing {
                id: cmd.id,
                branch: cmd.body.branch_id,
                name: cmd.body.name.clone(),
                version: Version::NONE,
            };
            let decision = Decision::of(thing).and(Made { thing_id: cmd.id });
            add(tx, &decision).await?;
            if cmd.body.name == "refused" {
                return Err(Refused::plain(house::error_code!("policy.overlap")).into());
            }
            if cmd.body.name == "led by nobody" {
                sqlx::query("UPDATE thing SET leader = $1")
                    .bind(Uuid::nil())
                    .execute(tx.connection())
                    .await?;
            }
            if cmd.body.name == "broken" {
                sqlx::query("SELECT secret FROM no_such_table").execute(tx.connection()).await?;
            }
            Ok(decision)
        })
        .await
}

async fn add(tx: &mut Tx, decision: &Decision<Thing>) -> Result<(), Fault> {
    let thing = decision.state();
    let statement = sqlx::query("INSERT INTO thing VALUES ($1, $2, $3, $4)")
        .bind(thing.id.uuid())
        .bind(thing.branch.uuid())
        .bind(thing.name.clone())
        .bind(decision.version().get());
    tx.save(decision, statement).await
}

#[utoipa::path(post, path = "/v1/edge/things/{id}/rename", request_body = RenameThing, responses(Commanded<ThingView>))]
async fn rename(house: House, cmd: Command<RenameThing, Write>) -> Answer<ThingView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let row = sqlx::query(
                "SELECT * FROM thing WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2))",
            )
            .bind(cmd.id.uuid())
            .bind(tx.branches())
            .fetch_optional(tx.connection())
            .await?;
            let thing = cmd.current(row.map(thing).ok_or_else(not_found)?)?;
            if cmd.body.name == "raced" {
                return Err::<Decision<Thing>, Failure>(Fault::Stale.into());
            }
            let decision = Decision::of(Thing { name: cmd.body.name.clone(), ..thing })
                .and(Renamed { thing_id: cmd.id, name: cmd.body.name.clone() });
            let statement =
                sqlx::query("UPDATE thing SET name = $3, version = $4 WHERE id = $1 AND version = $2")
                    .bind(cmd.id.uuid())
                    .bind(decision.base().get())
                    .bind(cmd.body.name.clone())
                    .bind(decision.version().get());
            tx.save(&decision, statement).await?;
            Ok(decision)
        })
        .await
}

fn thing(row: sqlx::postgres::PgRow) -> Thing {
    Thing {
        id: ThingId::of(row.get("id")),
        branch: BranchId::of(row.get("branch_id")),
        name: row.get("name"),
        version: Version::of(row.get("version")),
    }
}

async fn find(pool: &sqlx::PgPool, read: &Read<ThingId, See>) -> Result<Option<Thing>, Failure> {
    let row =
        sqlx::query("SELECT * FROM thing WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2))")
            .bind(read.id.uuid())
            .bind(read.reach.branches())
            .fetch_optional(pool)
            .await?;
    Ok(row.map(thing))
}

#[utoipa::path(get, path = "/v1/edge/things/{id}", responses(One<ThingView>))]
async fn read(house: House, read: Read<ThingId, See>) -> Result<axum::response::Response, Problem> {
    house
        .read(read, async |pool, read| {
            Ok(find(pool, read).await?.map(|thing| (thing.version, thing.view(thing.version))))
        })
        .await
}

#[utoipa::path(get, path = "/v1/edge/things/{id}/history", responses((status = 200, description = "Its events.")))]
async fn history(house: House, read: Read<ThingId, See>) -> Result<axum::response::Response, Problem> {
    house.history(read, find).await
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ThingFilter {
    name: Option<String>,
}

#[utoipa::path(get, path = "/v1/edge/things", params(ThingFilter), responses(Page<ThingView>))]
async fn list(house: House, list: List<ThingFilter, See>) -> Result<axum::response::Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let page: PageRequest = list.page;
                let rows = sqlx::query(
                    "SELECT * FROM thing WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1)) AND ($2::text IS NULL OR name = $2)
                     AND id < $3 AND id > $4 ORDER BY CASE WHEN $5 THEN id END DESC, id LIMIT $6",
                )
                .bind(list.reach.branches())
                .bind(list.filter.name.as_deref())
                .bind(page.below())
                .bind(page.above())
                .bind(page.is_newest_first())
                .bind(page.rows)
                .fetch_all(pool)
                .await?;
                Ok(rows.into_iter().map(thing).map(|thing| thing.view(thing.version)).collect())
            },
            |view: &ThingView| view.id.uuid(),
        )
        .await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    name: String,
}

#[utoipa::path(post, path = "/v1/edge/things/search", request_body = Question, responses((status = 200, description = "What was asked.")))]
async fn search(ask: Ask<Question, Permit<{ house::access::Permission::place("penalty.read") }>>) -> String {
    ask.body.name
}

/// Work of this length, as the client sees it.
async fn takes(span: Duration) {
    let _ = tokio::time::timeout(span, std::future::pending::<()>()).await;
}
