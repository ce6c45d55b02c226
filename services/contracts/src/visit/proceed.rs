//! The visit goes its way: start, finish, confirm; or cancel, no-show, needs replacement (P1-4).

use super::{Confirmation, Party, Refusal, State, StateWord, Visit};
use crate::policy::VisitConfirmation;
use chrono::TimeDelta;
use kernel::Timestamp;

/// The worker is there and begins. Being early is no fault; how early is the route's business.
pub fn start(visit: Visit, now: Timestamp) -> Result<Visit, Refusal> {
    match visit.state.clone() {
        State::Assigned { assigned } => Ok(visit.with(State::InProgress { assigned, started_at: now })),
        State::Planned
        | State::InProgress { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. }
        | State::NeedsReplacement { .. } => Err(visit.refuse(StateWord::InProgress)),
    }
}

/// The work is done.
pub fn finish(visit: Visit, now: Timestamp) -> Result<Visit, Refusal> {
    match visit.state.clone() {
        State::InProgress { started_at, .. } if now < started_at => {
            Err(Refusal::TimesOutOfOrder { after: started_at })
        }
        State::InProgress { assigned, started_at } => {
            Ok(visit.with(State::Done { assigned, started_at, done_at: now }))
        }
        State::Planned
        | State::Assigned { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. }
        | State::NeedsReplacement { .. } => Err(visit.refuse(StateWord::Done)),
    }
}

/// The customer confirms, at any time after the work; or time has run out, from the instant it has.
pub fn confirm(
    visit: Visit,
    by: Confirmation,
    policy: &VisitConfirmation,
    now: Timestamp,
) -> Result<Visit, Refusal> {
    match visit.state.clone() {
        State::Done { assigned, started_at, done_at } => {
            let possible_at = match by {
                Confirmation::Customer => done_at,
                Confirmation::TimeRanOut => done_at.plus(TimeDelta::hours(i64::from(policy.after_hours))),
            };
            if now < possible_at {
                return Err(Refusal::TooEarly { possible_at });
            }
            Ok(visit.with(State::Confirmed { assigned, started_at, done_at, confirmed_at: now, by }))
        }
        State::Planned
        | State::Assigned { .. }
        | State::InProgress { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. }
        | State::NeedsReplacement { .. } => Err(visit.refuse(StateWord::Confirmed)),
    }
}

/// Who calls a visit off, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancel {
    /// By whom.
    pub by: Party,
    /// When.
    pub at: Timestamp,
}

/// Calls off a visit that has not begun.
pub fn cancel(visit: Visit, Cancel { by, at }: Cancel) -> Result<Visit, Refusal> {
    match visit.state {
        State::Planned | State::Assigned { .. } | State::NeedsReplacement { .. } => {
            Ok(visit.with(State::Cancelled { by, at }))
        }
        State::InProgress { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. } => Err(visit.refuse(StateWord::Cancelled)),
    }
}

/// One side was not there; from the beginning of the window.
pub fn no_show(visit: Visit, by: Party, now: Timestamp) -> Result<Visit, Refusal> {
    match visit.state {
        State::Assigned { .. } if now < visit.window.starts_at() => {
            Err(Refusal::TooEarly { possible_at: visit.window.starts_at() })
        }
        State::Assigned { .. } => Ok(visit.with(State::NoShow { by, at: now })),
        State::Planned
        | State::InProgress { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. }
        | State::NeedsReplacement { .. } => Err(visit.refuse(StateWord::NoShow)),
    }
}

/// The worker cannot come, for another reason than his standing; that one is [`super::assign::recheck`]'s.
pub fn need_replacement(visit: Visit, now: Timestamp) -> Result<Visit, Refusal> {
    match visit.state.clone() {
        State::Assigned { assigned } => {
            Ok(visit.with(State::NeedsReplacement { lost: assigned, since: now }))
        }
        State::Planned
        | State::InProgress { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. }
        | State::NeedsReplacement { .. } => Err(visit.refuse(StateWord::NeedsReplacement)),
    }
}

#[cfg(test)]
pub(super) mod fixtures {
    use super::super::{Interval, Light, Standing};
    use super::*;
    use crate::price::ServiceCode;
    pub(crate) use crate::price::fixtures::at;
    use crate::window::Window;
    use events::{VisitId, WorkerId};
    use kernel::Span;
    use std::collections::BTreeSet;
    use uuid::Uuid;

    pub(crate) fn planned() -> Visit {
        Visit {
            id: VisitId::of(Uuid::from_u128(1)),
            service: ServiceCode::new("cleaning"),
            window: Window::new(at("2026-10-10 09:00"), at("2026-10-10 12:00")).expect("not empty"),
            state: State::Planned,
        }
    }

    pub(crate) fn green(seq: i64) -> Standing {
        let span = Span { from: at("2026-01-01 00:00"), to: None };
        let interval = Interval { span, light: Light::Green, reasons: BTreeSet::new() };
        Standing {
            worker_id: WorkerId::of(Uuid::from_u128(2)),
            service: ServiceCode::new("cleaning"),
            seq,
            intervals: vec![interval],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::assign::assign;
    use super::fixtures::*;
    use super::*;

    const POLICY: VisitConfirmation = VisitConfirmation { after_hours: 48 };

    fn done() -> Visit {
        let visit = assign(planned(), &green(1), 1, None).expect("green");
        let visit = start(visit, at("2026-10-10 09:05")).expect("assigned");
        assert_eq!(
            finish(visit.clone(), at("2026-10-10 09:04")),
            Err(Refusal::TimesOutOfOrder { after: at("2026-10-10 09:05") })
        );
        finish(visit, at("2026-10-10 12:00")).expect("in progress")
    }

    #[test]
    fn time_confirms_from_its_instant_on_and_a_customer_at_once() {
        let early = confirm(done(), Confirmation::TimeRanOut, &POLICY, at("2026-10-12 11:59"));
        assert_eq!(early, Err(Refusal::TooEarly { possible_at: at("2026-10-12 12:00") }));
        for (by, now) in
            [(Confirmation::TimeRanOut, "2026-10-12 12:00"), (Confirmation::Customer, "2026-10-10 12:00")]
        {
            let visit = confirm(done(), by, &POLICY, at(now)).expect("done");
            assert_eq!(visit.state.word(), StateWord::Confirmed);
            assert!(confirm(visit, by, &POLICY, at("2026-11-01 00:00")).is_err(), "once");
        }
    }

    #[test]
    fn every_step_from_every_state_is_allowed_or_refused_as_drawn() {
        let now = at("2026-10-10 09:00");
        let assigned = assign(planned(), &green(1), 1, None).expect("green");
        let running = start(assigned.clone(), now).expect("assigned");
        let late = at("2026-10-20 09:00");
        let confirmed = confirm(done(), Confirmation::Customer, &POLICY, late).expect("done");
        let off = cancel(planned(), Cancel { by: Party::Customer, at: now }).expect("planned");
        let missed = no_show(assigned.clone(), Party::Customer, now).expect("assigned");
        let lost = need_replacement(assigned.clone(), now).expect("assigned");
        // Columns: assign, start, finish, confirm, cancel, no-show, needs replacement.
        let drawn = [
            (planned(), "x...x.."),
            (assigned, ".x..xxx"),
            (running, "..x...."),
            (done(), "...x..."),
            (confirmed, "......."),
            (off, "......."),
            (missed, "......."),
            (lost, "x...x.."),
        ];
        for (visit, row) in drawn {
            let tried = [
                assign(visit.clone(), &green(1), 1, None).is_ok(),
                start(visit.clone(), late).is_ok(),
                finish(visit.clone(), late).is_ok(),
                confirm(visit.clone(), Confirmation::Customer, &POLICY, late).is_ok(),
                cancel(visit.clone(), Cancel { by: Party::Worker, at: late }).is_ok(),
                no_show(visit.clone(), Party::Worker, late).is_ok(),
                need_replacement(visit.clone(), late).is_ok(),
            ];
            let found: String = tried.into_iter().map(|is_ok| if is_ok { 'x' } else { '.' }).collect();
            assert_eq!(found, row, "{:?}", visit.state.word());
        }
    }

    #[test]
    fn a_no_show_is_known_only_when_the_window_has_begun() {
        let visit = assign(planned(), &green(1), 1, None).expect("green");
        let refused = no_show(visit, Party::Worker, at("2026-10-10 08:59"));
        assert_eq!(refused, Err(Refusal::TooEarly { possible_at: at("2026-10-10 09:00") }));
    }
}
