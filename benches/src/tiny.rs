//! Two tiny services as the house runs them: `alpha` touches things, `beta` keeps a row of every touch.
//!
//! Their rules are as small as rules can be, so that what is measured is the backbone.

use events::{Event, PenaltyId, event};
use house::{
    Addressed, Answer, Command, Commanded, House, OpenApiRouter, Service, Shown, not_found, permission,
    routes,
};
use journal::{Actor, Failure, Fault, Reach, Reaction, Reactions, Tx};
use kernel::{Aggregate, BranchId, Decision, Id, Timestamp, Version};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use utoipa::ToSchema;
use uuid::Uuid;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Any kind of id will do.
pub type ThingId = PenaltyId;

/// A thing that only has events.
pub struct Thing {
    /// Which.
    pub id: ThingId,
    /// The version it was loaded with.
    pub version: Version,
}

impl Aggregate for Thing {
    type Id = ThingId;
    const KIND: &'static str = "thing";
    fn id(&self) -> ThingId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        None
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A thing as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThingView {
    /// Which.
    pub id: ThingId,
    /// How often it was touched.
    pub version: i32,
}

impl Shown for Thing {
    type View = ThingView;
    fn view(&self, version: Version) -> ThingView {
        ThingView { id: self.id, version: version.get() }
    }
    fn path(&self) -> String {
        format!("/v1/alpha/things/{}", self.id)
    }
}

/// Something happened to a thing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Touched {
    /// Which.
    pub thing_id: ThingId,
    /// What makes the event as long as events are.
    pub word: String,
}
event!(Touched, "alpha.thing.touched", v1);

/// Makes the envelope of an event about 800 bytes long, as those of the services are.
pub const WORD: usize = 250;

/// Touches a thing.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TouchThing {}

impl Addressed for TouchThing {
    type To = ThingId;
}

/// A thing that was touched.
pub fn decide(thing: Thing) -> Decision<Thing> {
    let touched = Touched { thing_id: thing.id, word: "x".repeat(WORD) };
    Decision::of(thing).and(touched)
}

/// Loads a thing and locks it.
///
/// # Errors
/// 404 where there is none.
pub async fn load(tx: &mut Tx, id: ThingId) -> Result<Thing, Failure> {
    let version: Option<i32> = sqlx::query_scalar("SELECT version FROM thing WHERE id = $1 FOR UPDATE")
        .bind(id.uuid())
        .fetch_optional(tx.connection())
        .await?;
    Ok(Thing { id, version: Version::of(version.ok_or_else(not_found)?) })
}

const SAVE: &str = "UPDATE thing SET version = $3 WHERE id = $1 AND version = $2";

/// Writes the new state, and keeps the event.
///
/// # Errors
/// [`Fault::Stale`] where somebody else was faster.
pub async fn save(tx: &mut Tx, decision: &Decision<Thing>) -> Result<(), Fault> {
    let thing = decision.state();
    let statement = sqlx::query(SAVE);
    let versions = (thing.version.get(), decision.version().get());
    tx.save(decision, statement.bind(thing.id.uuid()).bind(versions.0).bind(versions.1)).await
}

/// Writes the new state and keeps no event: the same state change without a journal.
///
/// # Errors
/// The database's.
pub async fn save_silently(tx: &mut Tx, decision: &Decision<Thing>) -> Result<(), Fault> {
    let thing = decision.state();
    sqlx::query(SAVE)
        .bind(thing.id.uuid())
        .bind(thing.version.get())
        .bind(decision.version().get())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The columns of the journal with one key, no partitions, no rules.
pub const BARE_TABLE: &str =
    "CREATE TABLE bare_journal (LIKE journal INCLUDING DEFAULTS INCLUDING IDENTITY, PRIMARY KEY (id));
     GRANT INSERT ON bare_journal TO PUBLIC";

/// Writes the new state, and the event's row by one plain statement: what is the least that a journal can cost.
///
/// # Errors
/// The database's.
pub async fn save_barely(tx: &mut Tx, decision: &Decision<Thing>) -> Result<(), Fault> {
    save_silently(tx, decision).await?;
    let (thing, fact) = (decision.state(), &decision.facts()[0]);
    let now = tx.now().utc();
    let event = tx.fresh::<ThingId>().uuid();
    sqlx::query(
        "INSERT INTO bare_journal (event_id, type, aggregate, subject, aggregate_id, aggversion, actor_kind, actor_id, correlation_id, occurred_at, data)
         VALUES ($1, 'alpha.thing.touched.v1', 'thing', $2, $3, $4, 'operator', 'bench', $1, $5, $6)",
    )
    .bind(event)
    .bind(thing.id.to_string())
    .bind(thing.id.uuid())
    .bind(decision.version().get())
    .bind(now)
    .bind(&fact.data)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A transaction as a command begins it, with nobody in particular behind it.
///
/// # Errors
/// The database's.
pub async fn begin(pool: &PgPool, now: Timestamp) -> Result<Tx, Fault> {
    Tx::begin(pool, now, Actor::Operator("bench"), Reach::network()).await
}

#[utoipa::path(post, path = "/v1/alpha/things/{id}/touch", request_body = TouchThing, responses(Commanded<ThingView>))]
async fn route(house: House, cmd: Command<TouchThing, permission!("policy.write")>) -> Answer<ThingView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let thing = cmd.current(load(tx, cmd.id).await?)?;
            let decision = decide(thing);
            save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

/// The service that touches.
pub fn alpha() -> Service {
    Service::new("alpha", &MIGRATOR).room(OpenApiRouter::new().routes(routes!(route)))
}

/// The service that keeps a row of every touch.
pub fn beta() -> Service {
    Service::new("beta", &MIGRATOR).reacts(reactions())
}

/// What `beta` does with the events of `alpha`.
pub fn reactions() -> Reactions {
    Reactions::new().on_all::<Touched>(keep)
}

/// Reactions to something that never happens: every event is passed over.
pub fn no_reactions() -> Reactions {
    Reactions::new().on::<Untouched>(ignore)
}

/// Nothing happened to a thing; nobody publishes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Untouched {}
event!(Untouched, "alpha.thing.untouched", v1);

async fn ignore(_tx: &mut Tx, _event: &Event<Untouched>) -> Result<(), Reaction> {
    Ok(())
}

async fn keep(tx: &mut Tx, events: &[Event<Touched>]) -> Result<(), Reaction> {
    sqlx::query(
        "INSERT INTO effect (seq, event_id, word) SELECT * FROM UNNEST($1::bigint[], $2::uuid[], $3::text[])",
    )
    .bind(events.iter().map(|event| event.seq).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.id.uuid()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.data.word.as_str()).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A thing by number.
pub fn thing(number: u64) -> ThingId {
    <ThingId as Id>::of(Uuid::from_u128(u128::from(number)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::EventPayload;

    #[test]
    fn a_touch_is_one_event() {
        let decision = decide(Thing { id: thing(7), version: Version::of(3) });
        assert_eq!((decision.version().get(), decision.facts().len()), (4, 1));
        assert_eq!(decision.facts()[0].event_type, "alpha.thing.touched");
        assert_eq!((Touched::TYPE, Touched::VERSION), ("alpha.thing.touched", 1));
        assert_eq!(thing(7).uuid().as_u128(), 7);
    }
}
