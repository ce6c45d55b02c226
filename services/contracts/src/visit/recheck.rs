//! A newer standing changes what was decided on an older one (W12; `contracts.md` §2, "What happens to bookings").

use super::assign::gaps;
use super::{Assigned, Cause, Standing, State, Visit, standing, store};
use events::contracts::{VisitAssigned, VisitNeedsReplacement};
use events::workforce::StandingChanged;
use events::{WorkerId, event};
use journal::{Fault, Tx};
use kernel::{Decision, Timestamp, clause};
use serde::Serialize;

/// What a newer standing does to a visit (contracts.md §2, "What happens to bookings").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recheck {
    /// Nothing: not this worker or service, an older number, or still fine.
    Unchanged,
    /// The number moved on, the worker still may go.
    StillFine(Visit),
    /// He may not go any more.
    NeedsReplacement(Visit),
    /// He may go again, the visit still lies ahead and nobody took his place.
    Restored(Visit),
    /// He is there right now: the visit goes on, the supervisor must know.
    AlertSupervisor,
}

/// Checks again what was decided on an older standing (W12). The same standing a second time changes nothing.
pub fn recheck(visit: Visit, standing: &Standing, now: Timestamp) -> Recheck {
    let assigned = match &visit.state {
        State::Assigned { assigned } | State::InProgress { assigned, .. } => assigned,
        State::NeedsReplacement { lost, .. } => lost,
        State::Planned
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. } => return Recheck::Unchanged,
    };
    let is_same = assigned.worker_id == standing.worker_id && visit.service == standing.service;
    if !is_same || standing.seq <= assigned.standing_seq {
        return Recheck::Unchanged;
    }
    let is_fine = gaps(standing, visit.window.span(), assigned.override_.as_ref()).is_empty();
    let assigned = Assigned { standing_seq: standing.seq, ..assigned.clone() };
    match (visit.state.clone(), is_fine) {
        (State::Assigned { .. }, true) => Recheck::StillFine(visit.with(State::Assigned { assigned })),
        (State::Assigned { .. }, false) => {
            let lost = assigned;
            let state = State::NeedsReplacement { lost, cause: Cause::Standing, since: now };
            Recheck::NeedsReplacement(visit.with(state))
        }
        (State::NeedsReplacement { cause: Cause::Standing, .. }, true) if now < visit.window.starts_at() => {
            Recheck::Restored(visit.with(State::Assigned { assigned }))
        }
        (State::InProgress { .. }, false) => Recheck::AlertSupervisor,
        (
            State::NeedsReplacement { .. }
            | State::InProgress { .. }
            | State::Planned
            | State::Done { .. }
            | State::Confirmed { .. }
            | State::Cancelled { .. }
            | State::NoShow { .. },
            _,
        ) => Recheck::Unchanged,
    }
}

/// The worker who is there right now lost his standing: the visit goes on, the supervisor must know.
#[derive(Debug, Serialize)]
struct VisitStandingLost {
    worker_id: WorkerId,
    standing_seq: i64,
}
event!(VisitStandingLost, "contracts.visit.standing_lost", internal);

/// What a newer standing does to a visit, with its event; nothing where it changes nothing. Where he still may go
/// the number it was decided on stays as it is.
pub fn decide(visit: Visit, standing: &Standing, now: Timestamp) -> Option<Decision<Visit>> {
    match recheck(visit.clone(), standing, now) {
        Recheck::Unchanged | Recheck::StillFine(_) => None,
        Recheck::NeedsReplacement(visit) => {
            let needs = VisitNeedsReplacement(visit.outside());
            Some(Decision::of(visit).and(needs).under(clause!("P1-1")))
        }
        Recheck::Restored(visit) => {
            let assigned = VisitAssigned(visit.outside());
            Some(Decision::of(visit).and(assigned).under(clause!("P1-1")))
        }
        Recheck::AlertSupervisor => {
            let lost = VisitStandingLost { worker_id: standing.worker_id, standing_seq: standing.seq };
            Some(Decision::of(visit).and(lost).under(clause!("P1-1")))
        }
    }
}

/// workforce says that a worker's standing changed: keeps it, and looks again at his visits that are not over. An
/// older number than the one we know changes nothing.
pub(crate) async fn standing_changed(tx: &mut Tx, changed: &StandingChanged) -> Result<(), Fault> {
    let Some(standing) = standing::take(tx, changed).await? else { return Ok(()) };
    let now = tx.now();
    for visit in store::open_of(tx, &standing, now).await? {
        let Some(decision) = decide(visit, &standing, now) else { continue };
        let is_restored = matches!(decision.state().state, State::Assigned { .. });
        if is_restored && store::is_booked(tx, decision.state()).await? {
            continue;
        }
        store::save(tx, &decision).await?;
    }
    tx.announce(changed.worker_id).await
}

#[cfg(test)]
mod tests {
    use super::super::assign::assign;
    use super::super::life::fixtures::*;
    use super::super::life::{cancel, need_replacement, start};
    use super::super::{Light, Party, StateWord};
    use super::*;

    #[test]
    fn w12_a_newer_standing_is_applied_once_and_undone_by_one_newer_still() {
        let now = at("2026-10-09 08:00");
        let visit = assign(planned(), &green(7), None, None).expect("green");
        let red = colours(&[("2026-01-01 00:00", "2027-01-01 00:00", Light::Red)], 8);
        let same = Standing { seq: 7, ..red.clone() };
        assert_eq!(recheck(visit.clone(), &same, now), Recheck::Unchanged, "decided on this number already");
        let Recheck::NeedsReplacement(lost) = recheck(visit.clone(), &red, now) else {
            panic!("he may not go")
        };
        assert_eq!(recheck(lost.clone(), &red, now), Recheck::Unchanged, "a second message changes nothing");
        let Recheck::Restored(back) = recheck(lost.clone(), &green(9), now) else {
            panic!("he may go again")
        };
        assert_eq!(back.state.word(), StateWord::Assigned);
        assert_eq!(recheck(back, &red, now), Recheck::Unchanged, "an older number is ignored");
        let mut other = green(8);
        other.worker_id = events::WorkerId::of(uuid::Uuid::from_u128(99));
        let replaced = assign(lost.clone(), &other, None, None).expect("green");
        assert_eq!(recheck(replaced, &green(10), now), Recheck::Unchanged, "somebody took his place");
        let late = recheck(lost, &green(9), at("2026-10-10 09:00"));
        assert_eq!(late, Recheck::Unchanged, "nobody is sent to what has begun without him");
        let running = start(visit.clone(), at("2026-10-10 09:00")).expect("it begins");
        assert_eq!(recheck(running, &red, now), Recheck::AlertSupervisor);
        let off = cancel(visit, (Party::Customer, now)).expect("still ahead");
        assert_eq!(recheck(off, &red, now), Recheck::Unchanged);
    }

    #[test]
    fn who_cannot_come_is_not_sent_again_by_a_paper() {
        let now = at("2026-10-09 08:00");
        let visit = assign(planned(), &green(7), None, None).expect("green");
        let sick = need_replacement(visit, now).expect("assigned");
        assert_eq!(recheck(sick.clone(), &green(8), now), Recheck::Unchanged);
        let back = assign(sick, &green(8), None, None).expect("a person sends him");
        assert_eq!(back.state.word(), StateWord::Assigned);
    }
}
