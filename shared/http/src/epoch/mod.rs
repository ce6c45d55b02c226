//! Epochs of a service's stream: begun by an operator once its database was restored; what the old stream holds beyond; and
//! what this service's readers had applied of others' old streams (`events.md` §3, §5).
//!
//! Not here: undoing what a phantom has caused. People do that with the rooms' own commands, and say here that it is done.

mod begin;
mod phantom;
mod reconcile;
mod store;

use crate::OpenApiRouter;
use crate::house::{House, Shown};
use journal::Bus;
use journal::epoch::Epoch;
use kernel::{Aggregate, BranchId, Timestamp, Version, refusals};
use serde::Serialize;
use utoipa::ToSchema;

kernel::id!(
    /// One epoch of a service's stream.
    EpochId, "epo"
);
kernel::id!(
    /// An event of the old stream that the journal does not know.
    PhantomId, "phm"
);
kernel::id!(
    /// Something a reader had applied of an old stream, to be looked at.
    ReconciliationId, "rcn"
);

refusals! {
    /// Journal and stream agree.
    NotNeeded { last: i64 } = "epoch.not_needed";
    /// The stream is gone; the relay makes it again.
    NoStream {} = "epoch.no_stream";
    /// Too little is left to compare.
    BaseUnknown { below: i64 } = "epoch.base_unknown";
    /// Both sides do not agree that far.
    BaseBeyond { agreed: i64 } = "epoch.base_beyond";
    /// Numbers begin with 1.
    BaseNegative {} = "epoch.base_negative";
    /// There are more phantoms than one request lists.
    StillListing {} = "epoch.still_listing";
    /// Somebody has said already what came of it.
    Done {} = "reconciliation.done";
    /// A reason is neither empty nor a book.
    ReasonLength { most: usize } = "reconciliation.reason_length";
}

/// An epoch that was begun.
#[derive(Debug, Clone)]
struct Begun {
    id: EpochId,
    service: &'static str,
    epoch: Epoch,
    begun_at: Timestamp,
    phantoms: i64,
    version: Version,
}

/// An epoch as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = StreamEpoch)]
pub struct EpochView {
    /// Which one.
    pub id: EpochId,
    /// 1 upwards.
    pub epoch: i32,
    /// Its stream.
    pub stream: String,
    /// The number of the last event before it.
    pub base: i64,
    /// Up to this number, `base` or above, the streams before held the same events.
    pub agreed: i64,
    /// How many events of earlier streams the journal does not know because of what it ended.
    pub phantoms: i64,
    /// Since when.
    pub begun_at: Timestamp,
    /// 1.
    pub version: Version,
}

impl Aggregate for Begun {
    type Id = EpochId;
    const KIND: &'static str = "epoch";
    fn id(&self) -> EpochId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        None
    }
    fn version(&self) -> Version {
        self.version
    }
}

impl Shown for Begun {
    type View = EpochView;
    fn view(&self, version: Version) -> EpochView {
        EpochView {
            id: self.id,
            epoch: self.epoch.epoch,
            stream: journal::bus::stream_name(self.service, self.epoch.epoch),
            base: self.epoch.base,
            agreed: self.epoch.agreed,
            phantoms: self.phantoms,
            begun_at: self.begun_at,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/{}/epochs/{}", self.service, self.id)
    }
}

/// The room's routes under `/v1/{service}/epochs`, `phantoms` and `reconciliations`.
pub(crate) fn routes(service: &'static str, bus: Bus) -> OpenApiRouter<House> {
    let routes = OpenApiRouter::new()
        .routes(crate::routes!(begin::route, begin::list))
        .routes(crate::routes!(begin::read))
        .routes(crate::routes!(phantom::list))
        .routes(crate::routes!(reconcile::list))
        .routes(crate::routes!(reconcile::read))
        .routes(crate::routes!(reconcile::route))
        .layer(axum::Extension(bus));
    OpenApiRouter::new().nest(&format!("/v1/{service}"), routes)
}
