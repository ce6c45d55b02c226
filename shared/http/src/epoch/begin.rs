//! Beginning a new epoch, for a database that is older than the bus.

use super::{Begun, EpochId, EpochView, Refusal, store};
use crate::command::{Addressed, Command, New, Read};
use crate::house::{Answer, Commanded, House, Shown};
use crate::list::{List, Page};
use crate::openapi::One;
use crate::{Problem, permission};
use axum::Extension;
use axum::response::Response;
use journal::phantom::{self, Listed};
use journal::renewal::{self, Renewal, Surveyed};
use journal::{Bus, Failure};
use kernel::{Decision, Fact, Version};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

/// Phantoms that one request lists: so many take a few seconds.
const LISTED_AT_ONCE: usize = 50_000;

/// Begins the next epoch after the last number that journal and streams have in common.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginEpoch {
    /// Begin after this number instead, which is not above that one: where readers have applied what neither side holds
    /// any more, because database and bus were lost at once.
    #[serde(default)]
    pub base: Option<i64>,
}

impl Addressed for BeginEpoch {
    type To = New<EpochId>;
}

/// Whether there is an epoch to begin.
fn decide(surveyed: Surveyed) -> Result<Renewal, Refusal> {
    match surveyed {
        Surveyed::Renewal(renewal) => Ok(renewal),
        Surveyed::Sound { last } => Err(Refusal::NotNeeded { last }),
        Surveyed::NoStream => Err(Refusal::NoStream {}),
        Surveyed::BaseUnknown { below } => Err(Refusal::BaseUnknown { below }),
        Surveyed::BaseBeyond { agreed } => Err(Refusal::BaseBeyond { agreed }),
    }
}

type Begin = Command<BeginEpoch, permission!("epoch.begin")>;

/// Finds the base, and lists what stands beyond it before anything else is changed.
async fn prepare(house: &House, bus: &Bus, cmd: &Begin) -> Result<Renewal, Failure> {
    if cmd.body.base.is_some_and(|base| base < 0) {
        return Err(Refusal::BaseNegative {}.into());
    }
    let service = house.service();
    let renewal = decide(renewal::survey(house.pool(), bus, service, cmd.body.base).await?)?;
    if !cmd.is_rehearsal() {
        match phantom::list((house.pool(), bus, service), &renewal, LISTED_AT_ONCE).await? {
            Listed::All => {}
            Listed::More => return Err(Refusal::StillListing {}.into()),
        }
    }
    Ok(renewal)
}

#[utoipa::path(post, path = "/epochs", request_body = BeginEpoch, responses(Commanded<EpochView>))]
pub(super) async fn route(house: House, Extension(bus): Extension<Bus>, cmd: Begin) -> Answer<EpochView> {
    let service = house.service();
    let prepared = prepare(&house, &bus, &cmd).await;
    house
        .commit(cmd, async |tx, cmd, now| {
            let epoch = renewal::begin(tx, &prepared?, cmd.id.uuid()).await?;
            let phantoms = store::phantoms_of(tx, epoch.epoch).await?;
            let begun = Begun { id: cmd.id, service, epoch, begun_at: now, phantoms, version: Version::NONE };
            let data = json!({ "epoch": epoch.epoch, "base": epoch.base, "phantoms": phantoms });
            let fact = Fact { event_type: begun_type(service), version: 0, data, clause: None };
            let decision = Decision::of(begun).and_fact(fact);
            tx.record(&decision);
            Ok::<_, Failure>(decision)
        })
        .await
}

/// The type of what happened; it is the service's own, hence no `event!`.
fn begun_type(service: &str) -> &'static str {
    match service {
        "support" => "support.epoch.begun",
        "hr" => "hr.epoch.begun",
        "workforce" => "workforce.epoch.begun",
        "contracts" => "contracts.epoch.begun",
        _ => "edge.epoch.begun",
    }
}

/// Which epochs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EpochFilter {}

#[utoipa::path(get, path = "/epochs", params(EpochFilter), responses(Page<EpochView>))]
pub(super) async fn list(
    house: House,
    list: List<EpochFilter, permission!("stream.read")>,
) -> Result<Response, Problem> {
    let service = house.service();
    house
        .list(
            list,
            async |pool, list| {
                let epochs = store::epochs(pool, service, list.page).await?;
                Ok(epochs.iter().map(|epoch| epoch.view(epoch.version)).collect())
            },
            |view: &EpochView| view.id.uuid(),
        )
        .await
}

#[utoipa::path(get, path = "/epochs/{id}", responses(One<EpochView>))]
pub(super) async fn read(
    house: House,
    read: Read<EpochId, permission!("stream.read")>,
) -> Result<Response, Problem> {
    let service = house.service();
    house
        .read(read, async |pool, read| {
            let found = store::epoch(pool, service, read.id).await?;
            Ok(found.map(|epoch| (epoch.version, epoch.view(epoch.version))))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Refusal as _;

    #[test]
    fn each_outcome_of_a_survey_has_its_refusal() {
        let refused = |surveyed| decide(surveyed).err();
        assert_eq!(refused(Surveyed::Sound { last: 7 }), Some(Refusal::NotNeeded { last: 7 }));
        assert_eq!(refused(Surveyed::NoStream), Some(Refusal::NoStream {}));
        assert_eq!(refused(Surveyed::BaseUnknown { below: 5 }), Some(Refusal::BaseUnknown { below: 5 }));
        assert_eq!(refused(Surveyed::BaseBeyond { agreed: 3 }), Some(Refusal::BaseBeyond { agreed: 3 }));
        let more = Refusal::StillListing {}.refused();
        assert!(more.error.retryable && more.error.status == 503, "the same request goes on where it ended");
    }
}
