//! Planning a visit from a line of a contract: it takes its part of the line's amount (C14).

use super::{Refusal, State, Visit, VisitView, store};
use crate::contract::{self, Contract, sums};
use crate::price;
use crate::window::Window;
use events::{ContractId, VisitId, event};
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::{Failure, RefuseOn};
use kernel::{Decision, Fen, Timestamp, Version, Zone, clause};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A visit under a contract.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanVisit {
    /// The contract.
    pub contract_id: ContractId,
    /// Which of its lines, from 0.
    pub line: usize,
    /// When.
    pub window: Window,
}

impl Addressed for PlanVisit {
    type To = New<VisitId>;
}

/// A visit was planned.
#[derive(Debug, Serialize)]
struct VisitPlanned {
    contract_id: ContractId,
    line: usize,
    number: u32,
    start: Timestamp,
    end: Timestamp,
}
event!(VisitPlanned, "contracts.visit.planned", internal);

/// What is planned, and where.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The fresh id.
    pub id: VisitId,
    /// The branch's zone.
    pub zone: Zone,
}

/// Windows are measured in microseconds.
const MINUTE_MICROS: i64 = 60_000_000;

/// Plans the next visit of a line; `taken` are the numbers that are planned already.
pub fn decide(
    place: Place,
    contract: &Contract,
    body: &PlanVisit,
    taken: &BTreeSet<u32>,
) -> Result<Decision<Visit>, Refusal> {
    match contract.state {
        contract::State::Active(..) => {}
        contract::State::Draft | contract::State::Offered(_) | contract::State::Voided => {
            return Err(Refusal::ContractNotActive { state: contract.state.word() });
        }
    }
    let Some(line) = contract.lines.get(body.line) else {
        return Err(Refusal::LineUnknown { line: body.line });
    };
    if let Some(minutes) = line.minutes().filter(|minutes| body.window.micros() != minutes * MINUTE_MICROS) {
        return Err(Refusal::WindowDiffers { minutes });
    }
    let (from, to) = (contract.term.from, contract.term.to);
    let is_early = body.window.starts_at() < place.zone.midnight(from);
    if is_early || to.is_some_and(|to| body.window.ends_at() > place.zone.midnight(to)) {
        return Err(Refusal::OutsideTerm { term: contract.term });
    }
    let visits = line.visits.get();
    let Some(number) = (1..=visits).find(|number| !taken.contains(number)) else {
        return Err(Refusal::NoneLeft { visits });
    };
    let part = |whole: Fen| sums::of_visit(whole, number, line.visits);
    let visit = Visit {
        id: place.id,
        branch: contract.branch,
        contract: contract.id,
        line: body.line,
        number,
        customer: contract.customer,
        service: line.key.service.clone(),
        window: body.window,
        busy_until: body.window.ends_at(),
        base_fen: part(line.line.total_fen),
        surcharge_fen: Fen::ZERO,
        worker_share_fen: part(line.line.split.wage_fen),
        home_branch: None,
        state: State::Planned,
        version: Version::NONE,
    };
    let planned = VisitPlanned {
        contract_id: contract.id,
        line: body.line,
        number,
        start: body.window.starts_at(),
        end: body.window.ends_at(),
    };
    Ok(Decision::of(visit).and(planned).under(clause!("P1-4")).born_of(contract.id))
}

/// Plans a visit under a contract (P1-4).
#[utoipa::path(post, path = "/v1/contracts/visits", request_body = PlanVisit, responses(Commanded<VisitView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<PlanVisit, permission!("visit.write")>,
) -> Answer<VisitView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let contract = contract::store::load(tx, cmd.body.contract_id).await?;
            let zone = price::store::zone(tx.connection(), Some(contract.branch)).await?;
            let taken = store::taken(tx, contract.id, cmd.body.line).await?;
            let decision = decide(Place { id: cmd.id, zone }, &contract, &cmd.body, &taken)?;
            store::add(tx, &decision).await.refuse_on("visit_number_once", Refusal::ChangedMeanwhile {})?;
            Ok::<_, Failure>(decision)
        })
        .await
}
