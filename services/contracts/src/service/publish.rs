//! Publishing a service: from here on it may be priced and sold, and workforce computes standing for it.

use super::{Refusal, Service, ServiceId, ServiceView, State, store};
use chrono::NaiveDate;
use events::contracts::ServicePublished;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Zone, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Puts a service on sale.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishService {
    /// The first day.
    #[serde(deserialize_with = "kernel::time::date")]
    pub effective_from: NaiveDate,
}

impl Addressed for PublishService {
    type To = ServiceId;
}

/// Puts a drafted service on sale, today or later.
pub fn decide(service: Service, from: NaiveDate, today: NaiveDate) -> Result<Decision<Service>, Refusal> {
    match service.state {
        State::Draft => {}
        State::Published { .. } | State::Retired { .. } => {
            return Err(Refusal::NotPossible { state: service.state.word() });
        }
    }
    if from < today {
        return Err(Refusal::Backdated { effective_from: from, earliest: today });
    }
    let published = ServicePublished {
        service_code: service.code.clone(),
        trade: service.trade.clone(),
        required_levels: service.required_levels.clone(),
        health_class: service.health_class,
        effective_from: from,
    };
    let state = State::Published { from };
    Ok(Decision::of(Service { state, ..service }).and(published).under(clause!("P1-2")))
}

/// Puts a service on sale (P1-2).
#[utoipa::path(post, path = "/v1/contracts/services/{id}/publish", request_body = PublishService, responses(Commanded<ServiceView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<PublishService, permission!("service.write")>,
) -> Answer<ServiceView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let service = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(service, cmd.body.effective_from, now.date_in(Zone::SHANGHAI))?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
