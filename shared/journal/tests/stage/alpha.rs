//! The service `alpha`: one aggregate and one event, whose only business is to be counted.

use events::event;
use journal::tx::{Actor, Reach};
use journal::{Clock, Tx};
use kernel::{Aggregate, BranchId, Decision, Id, Version};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

/// A thing that nobody needs: any kind of id will do.
pub type ThingId = events::PenaltyId;

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

/// Something happened to a thing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Touched {
    /// Which.
    pub thing_id: ThingId,
    /// What must be known before this can take effect.
    pub needs: Option<ThingId>,
    /// What the reader shall do with it.
    pub word: String,
}
event!(Touched, "alpha.thing.touched", v1);

/// A thing by number.
pub fn thing(number: u128) -> ThingId {
    <ThingId as Id>::of(Uuid::from_u128(number))
}

/// Commits one event of a thing as a command does it: load under lock, decide, save, journal last.
pub async fn touch(pool: &PgPool, id: ThingId, needs: Option<ThingId>, word: &str) {
    let mut tx = begin(pool).await;
    let version: Option<i32> = sqlx::query_scalar("SELECT version FROM thing WHERE id = $1 FOR UPDATE")
        .bind(id.uuid())
        .fetch_optional(tx.connection())
        .await
        .expect("a version");
    let version = Version::of(version.unwrap_or_default());
    let decision =
        Decision::of(Thing { id, version }).and(Touched { thing_id: id, needs, word: word.to_owned() });
    let after = decision.version().get();
    let save = sqlx::query(
        "INSERT INTO thing (id, version) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET version = excluded.version",
    );
    tx.save(&decision, save.bind(id.uuid()).bind(after)).await.expect("it is saved");
    tx.commit().await.expect("it is committed");
}

/// A transaction of nobody in particular.
pub async fn begin(pool: &PgPool) -> Tx {
    let now = Clock::default().now();
    Tx::begin(pool, now, Actor::Operator("test"), Reach::network()).await.expect("a transaction")
}
