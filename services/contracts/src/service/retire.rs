//! Retiring a service: what was sold is rendered, nothing new is sold.

use super::{Refusal, Service, ServiceId, ServiceView, State, store};
use chrono::NaiveDate;
use events::contracts::ServiceRetired;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Takes a service off sale.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetireService {
    /// The first day it is not sold.
    #[serde(deserialize_with = "kernel::time::date")]
    pub effective_from: NaiveDate,
}

impl Addressed for RetireService {
    type To = ServiceId;
}

/// Takes a published service off sale; contracts that name it go on.
pub fn decide(service: Service, to: NaiveDate) -> Result<Decision<Service>, Refusal> {
    let State::Published { from } = service.state else {
        return Err(Refusal::NotPossible { state: service.state.word() });
    };
    let retired = ServiceRetired { service_code: service.code.clone(), effective_from: to };
    let state = State::Retired { from, to };
    Ok(Decision::of(Service { state, ..service }).and(retired).under(clause!("P1-2")))
}

/// Takes a service off sale (P1-2).
#[utoipa::path(post, path = "/v1/contracts/services/{id}/retire", request_body = RetireService, responses(Commanded<ServiceView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RetireService, permission!("service.write")>,
) -> Answer<ServiceView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let service = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(service, cmd.body.effective_from)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
