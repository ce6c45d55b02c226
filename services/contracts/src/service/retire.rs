//! Retiring a service: what was sold is rendered, nothing new is sold.

use super::{Refusal, Service, ServiceId, ServiceView, State, store};
use chrono::{Days, NaiveDate};
use events::contracts::ServiceRetired;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Zone, clause};
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

/// Takes a published service off sale, today or later and after its first day; contracts that name it go on.
pub fn decide(service: Service, to: NaiveDate, today: NaiveDate) -> Result<Decision<Service>, Refusal> {
    let State::Published { from } = service.state else {
        return Err(Refusal::NotPossible { state: service.state.word() });
    };
    let earliest = today.max(from + Days::new(1));
    if to < earliest {
        return Err(Refusal::Backdated { effective_from: to, earliest });
    }
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
        .commit(cmd, async |tx, cmd, now| {
            let service = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(service, cmd.body.effective_from, now.date_in(Zone::SHANGHAI))?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::draft::tests::drafted;
    use super::super::publish;
    use super::*;
    use crate::price::fixtures::date;

    #[test]
    fn p1_2_a_sale_begins_and_ends_today_or_later() {
        let today = date("2026-03-10");
        let late = publish::decide(drafted(), date("2026-03-09"), today).err();
        let backdated = |on: &str, earliest: &str| {
            Some(Refusal::Backdated { effective_from: date(on), earliest: date(earliest) })
        };
        assert_eq!(late, backdated("2026-03-09", "2026-03-10"));
        let service = publish::decide(drafted(), date("2026-03-20"), today).expect("to come").into_state();
        let retire = |to: &str, today: &str| decide(service.clone(), date(to), date(today));
        assert_eq!(retire("2026-03-20", "2026-03-10").err(), backdated("2026-03-20", "2026-03-21"));
        assert_eq!(retire("2026-04-01", "2026-04-02").err(), backdated("2026-04-01", "2026-04-02"));
        assert!(retire("2026-03-21", "2026-03-10").is_ok() && retire("2026-04-02", "2026-04-02").is_ok());
    }
}
