//! Publishing an edition: the one before it gives way in the same transaction.

use super::{Refusal, Standard, StandardId, StandardView, State, store};
use events::event;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, RefuseOn};
use kernel::{Decision, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Puts an edition in force.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishStandard {}

impl Addressed for PublishStandard {
    type To = StandardId;
}

/// An edition is in force.
#[derive(Debug, Serialize)]
struct StandardPublished {
    service_code: String,
    edition: i32,
    hash: String,
}
event!(StandardPublished, "contracts.standard.published", internal);

/// A later edition took its place.
#[derive(Debug, Serialize)]
struct StandardSuperseded {
    by: StandardId,
}
event!(StandardSuperseded, "contracts.standard.superseded", internal);

/// The new edition in force, and the one that gave way.
#[derive(Debug)]
pub struct Published {
    /// The new one.
    pub new: Decision<Standard>,
    /// The old one, if there was one.
    pub old: Option<Decision<Standard>>,
}

/// Puts an edition in force in the place of the one that is.
pub fn decide(new: Standard, old: Option<Standard>) -> Result<Published, Refusal> {
    match new.state {
        State::Draft => {}
        State::Published | State::Superseded => return Err(Refusal::NotPossible { state: new.state }),
    }
    let published =
        StandardPublished { service_code: new.service.clone(), edition: new.edition, hash: new.hash.clone() };
    let by = new.id;
    let old = old.map(|old| {
        Decision::of(Standard { state: State::Superseded, ..old })
            .and(StandardSuperseded { by })
            .under(clause!("P1-2"))
    });
    let new = Decision::of(Standard { state: State::Published, ..new }).and(published).under(clause!("P1-2"));
    Ok(Published { new, old })
}

/// Puts an edition of a standard in force (P1-2).
#[utoipa::path(post, path = "/v1/contracts/standards/{id}/publish", request_body = PublishStandard, responses(Commanded<StandardView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<PublishStandard, permission!("service.write")>,
) -> Answer<StandardView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let standard = cmd.current(store::load(tx, cmd.id).await?)?;
            let old = store::in_force_for_update(tx, &standard.service).await?;
            let Published { new, old } = decide(standard, old)?;
            if let Some(old) = &old {
                store::save(tx, old).await?;
            }
            store::save(tx, &new)
                .await
                .refuse_on("service_standard_in_force", Refusal::ChangedMeanwhile {})?;
            Ok::<_, Failure>(new)
        })
        .await
}
