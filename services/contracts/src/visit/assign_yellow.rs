//! A branch manager sends a worker whose light is yellow: for listed reasons only, and with one of his own (C6, W7).

use super::assign::{Surroundings, send, surroundings};
use super::{Refusal, StandingOverride, State, Visit, VisitView, Why, promise, store};
use crate::policy::VisitOverride;
use crate::price;
use events::contracts::HealthClass;
use events::{VisitId, WorkerId, event};
use house::policy::in_force;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, RefuseOn, Tx};
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Sends a worker although his light is yellow.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignYellowVisit {
    /// Who goes.
    pub worker_id: WorkerId,
    /// The number of the standing the manager looked at; absent: the newest we know.
    #[serde(default)]
    pub standing_seq: Option<i64>,
    /// The codes he lets pass, as the standing's reasons name them; any other still stops.
    pub covers: BTreeSet<String>,
    /// Why.
    pub reason: Why,
}

impl Addressed for AssignYellowVisit {
    type To = VisitId;
}

/// A yellow light was let pass. Why stands with the visit: free text enters no event.
#[derive(Debug, Serialize)]
struct VisitYellowPassed {
    worker_id: WorkerId,
    standing_seq: i64,
    covers: BTreeSet<String>,
}
event!(VisitYellowPassed, "contracts.visit.yellow_passed", internal);

/// What may be let pass for a service.
#[derive(Debug)]
pub struct Passable {
    /// What the network lists.
    pub policy: VisitOverride,
    /// How strict the service's health check is.
    pub health_class: HealthClass,
}

/// How workforce names everything that is wrong with a health paper.
const HEALTH: &str = "health_";

impl Passable {
    fn is_passable(&self, code: &str) -> bool {
        let never = code.starts_with(HEALTH) && self.policy.health_never_for.contains(&self.health_class);
        self.policy.reasons.contains(code) && !never
    }
}

/// Sends a worker whose light is yellow, if every reason that is let pass may be. Red never passes.
pub fn decide(
    visit: Visit,
    around: Surroundings,
    passable: &Passable,
    pass: StandingOverride,
) -> Result<Decision<Visit>, Refusal> {
    let reasons: BTreeSet<String> =
        pass.covers.iter().filter(|code| !passable.is_passable(code)).cloned().collect();
    if !reasons.is_empty() {
        return Err(Refusal::OverrideNotAllowed { reasons });
    }
    let decision = send(visit, around, Some(pass))?;
    let State::Assigned { assigned } = &decision.state().state else { return Ok(decision) };
    let Some(pass) = &assigned.override_ else { return Ok(decision) };
    let passed = VisitYellowPassed {
        worker_id: assigned.worker_id,
        standing_seq: assigned.standing_seq,
        covers: pass.covers.clone(),
    };
    Ok(decision.and(passed).under(clause!("P1-1")))
}

async fn passable(tx: &mut Tx, visit: &Visit, now: Timestamp) -> Result<Passable, Failure> {
    let zone = price::store::zone(tx.connection(), Some(visit.branch)).await?;
    let policy = in_force(tx.connection(), Some(visit.branch), now.date_in(zone)).await?.terms;
    let health_class = store::health_class(tx, &visit.service).await?;
    Ok(Passable { policy, health_class })
}

/// Sends a worker whose light is yellow (P1-1).
#[utoipa::path(post, path = "/v1/contracts/visits/{id}/assign-yellow", request_body = AssignYellowVisit, responses(Commanded<VisitView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<AssignYellowVisit, permission!("visit.override")>,
) -> Answer<VisitView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let visit = cmd.current(store::load(tx, cmd.id).await?)?;
            let AssignYellowVisit { worker_id, standing_seq, covers, reason } = cmd.body.clone();
            let passable = passable(tx, &visit, now).await?;
            let around = surroundings(tx, &visit, (worker_id, standing_seq), now).await?;
            promise::hold(tx, &visit, worker_id).await?;
            let pass = StandingOverride { approved_by: cmd.principal.user, reason, covers };
            let decision = decide(visit, around, &passable, pass)?;
            store::save(tx, &decision).await.refuse_on("visit_worker_once", Refusal::Booked { worker_id })?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::life::fixtures::*;
    use super::super::{Light, StateWord};
    use super::*;
    use crate::policy::VisitTravel;
    use house::policy::Terms;

    fn decided(light: Light, health_class: HealthClass, covers: &[&str]) -> Result<Decision<Visit>, Refusal> {
        let standing = colours(&[("2026-10-10 09:00", "2026-10-10 12:00", light)], 7);
        let travel = VisitTravel::defaults();
        let around = Surroundings { standing, seen_seq: None, home_branch: None, travel };
        let passable = Passable { policy: VisitOverride::defaults(), health_class };
        decide(planned(), around, &passable, pass(covers))
    }

    #[test]
    fn w7_only_listed_reasons_pass_and_only_where_the_light_is_yellow() {
        let yellow = |covers: &[&str]| decided(Light::Yellow, HealthClass::General, covers);
        let decision = yellow(&["insurance_expired"]).expect("listed");
        assert_eq!(decision.state().state.word(), StateWord::Assigned);
        assert_eq!(
            decision.state().state.assigned().map(|assigned| assigned.override_.is_some()),
            Some(true)
        );
        assert!(matches!(yellow(&["health_expired"]), Err(Refusal::NotEligible { .. })), "another one stops");
        for code in ["certificate_too_low", "retraining_open", "background_expired", "standing_unknown", ""] {
            let refused = yellow(&["insurance_expired", code]).err();
            assert_eq!(refused, Some(Refusal::OverrideNotAllowed { reasons: [code.to_owned()].into() }));
        }
        let red = decided(Light::Red, HealthClass::General, &["insurance_expired"]);
        assert!(matches!(red, Err(Refusal::NotEligible { .. })), "red never passes");
        let green = decided(Light::Green, HealthClass::General, &["insurance_expired"]).expect("green");
        assert_eq!(
            green.state().state.assigned().map(|assigned| assigned.override_.is_none()),
            Some(true),
            "nobody keeps a reason on record that nothing needed"
        );
    }

    #[test]
    fn w7_health_never_passes_for_mothers_infants_and_the_old() {
        for (class, is_passable) in [
            (HealthClass::General, true),
            (HealthClass::LiveIn, true),
            (HealthClass::ElderlyCare, false),
            (HealthClass::MaternalInfant, false),
        ] {
            let refused = decided(Light::Yellow, class, &["health_expired", "insurance_expired"]).err();
            let reasons = [String::from("health_expired")].into();
            let expected = (!is_passable).then_some(Refusal::OverrideNotAllowed { reasons });
            assert_eq!(refused, expected, "{class:?}");
        }
    }
}
