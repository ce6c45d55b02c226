//! Who may go: green for the whole window, on the newest standing (C6); and what a newer standing changes (W12).

use super::{Assigned, Interval, Light, Refusal, Standing, State, StateWord, Visit};
use crate::window::Window;
use kernel::{Span, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A branch manager lets named yellow reasons pass (workforce W7, which decides what may be named).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StandingOverride {
    /// Who takes it on himself.
    pub approved_by: UserId,
    /// Why.
    pub reason: String,
    /// The codes he lets pass; any other still stops.
    pub covers: BTreeSet<String>,
}

/// Sends a worker to a visit that is planned or needs somebody else.
pub fn assign(
    visit: Visit,
    standing: &Standing,
    newest_seq: i64,
    override_: Option<StandingOverride>,
) -> Result<Visit, Refusal> {
    match &visit.state {
        State::Planned | State::NeedsReplacement { .. } => {}
        State::Assigned { .. }
        | State::InProgress { .. }
        | State::Done { .. }
        | State::Confirmed { .. }
        | State::Cancelled { .. }
        | State::NoShow { .. } => return Err(visit.refuse(StateWord::Assigned)),
    }
    if standing.service != visit.service {
        return Err(Refusal::OtherStanding { worker_id: standing.worker_id, service: visit.service });
    }
    if standing.seq < newest_seq {
        return Err(Refusal::StandingStale { used_seq: standing.seq, newest_seq });
    }
    let gaps = gaps(standing, visit.window, override_.as_ref());
    if !gaps.is_empty() {
        return Err(Refusal::NotEligible { worker_id: standing.worker_id, gaps });
    }
    // Nobody keeps a reason on record that nothing needed.
    let override_ = override_.filter(|_| !self::gaps(standing, visit.window, None).is_empty());
    let assigned = Assigned { worker_id: standing.worker_id, standing_seq: standing.seq, override_ };
    Ok(visit.with(State::Assigned { assigned }))
}

/// What a newer standing does to a visit (contracts.md §2, "What happens to bookings").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recheck {
    /// Nothing: not this worker or service, an older number, or still fine.
    Unchanged,
    /// The number moved on, the worker still may go.
    StillFine(Visit),
    /// He may not go any more.
    NeedsReplacement(Visit),
    /// He may go again, and nobody took his place.
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
    let is_fine = gaps(standing, visit.window, assigned.override_.as_ref()).is_empty();
    let assigned = Assigned { standing_seq: standing.seq, ..assigned.clone() };
    match (visit.state.clone(), is_fine) {
        (State::Assigned { .. }, true) => Recheck::StillFine(visit.with(State::Assigned { assigned })),
        (State::Assigned { .. }, false) => {
            Recheck::NeedsReplacement(visit.with(State::NeedsReplacement { lost: assigned, since: now }))
        }
        (State::NeedsReplacement { .. }, true) => Recheck::Restored(visit.with(State::Assigned { assigned })),
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

/// The parts of a window in which the worker may not go, the unknown ones among them.
fn gaps(standing: &Standing, window: Window, override_: Option<&StandingOverride>) -> Vec<Interval> {
    let wanted = Span { from: window.starts_at(), to: Some(window.ends_at()) };
    let mut inside: Vec<Interval> = standing
        .intervals
        .iter()
        .filter_map(|interval| Some(Interval { span: interval.span.intersect(&wanted)?, ..interval.clone() }))
        .collect();
    inside.sort_by_key(|interval| interval.span.from);
    let unknown = |from, to| Interval {
        span: Span { from, to: Some(to) },
        light: Light::Yellow,
        reasons: BTreeSet::from(["standing_unknown".to_owned()]),
    };
    let mut gaps = Vec::new();
    let mut seen_to = window.starts_at();
    for interval in inside {
        if seen_to < interval.span.from {
            gaps.push(unknown(seen_to, interval.span.from));
        }
        seen_to = seen_to.max(interval.span.to.unwrap_or(window.ends_at()));
        let is_let_pass = match interval.light {
            Light::Green => true,
            Light::Yellow => override_.is_some_and(|allowed| {
                !interval.reasons.is_empty() && interval.reasons.is_subset(&allowed.covers)
            }),
            Light::Red => false,
        };
        if !is_let_pass {
            gaps.push(interval);
        }
    }
    if seen_to < window.ends_at() {
        gaps.push(unknown(seen_to, window.ends_at()));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::super::proceed::{Cancel, cancel, start};
    use super::super::{Party, proceed::fixtures::*};
    use super::*;

    fn colours(parts: &[(&str, &str, Light)], seq: i64) -> Standing {
        let intervals = parts.iter().map(|(from, to, light)| Interval {
            span: Span { from: at(from), to: Some(at(to)) },
            light: *light,
            reasons: match light {
                Light::Green => BTreeSet::new(),
                Light::Yellow | Light::Red => BTreeSet::from(["insurance_expired".to_owned()]),
            },
        });
        Standing { intervals: intervals.collect(), ..green(seq) }
    }

    #[test]
    fn c6_green_for_the_whole_window_on_the_newest_standing() {
        let full = colours(&[("2026-10-10 09:00", "2026-10-10 12:00", Light::Green)], 7);
        let visit = assign(planned(), &full, 7, None).expect("green");
        assert_eq!(visit.state.word(), StateWord::Assigned);
        let refused = assign(planned(), &full, 8, None);
        assert_eq!(refused, Err(Refusal::StandingStale { used_seq: 7, newest_seq: 8 }));
        for part in [
            ("2026-10-10 09:01", "2026-10-10 12:00", Light::Green),
            ("2026-10-10 09:00", "2026-10-10 11:59", Light::Green),
            ("2026-10-10 09:00", "2026-10-10 12:00", Light::Red),
        ] {
            let refused = assign(planned(), &colours(&[part], 7), 7, None);
            assert!(
                matches!(&refused, Err(Refusal::NotEligible { gaps, .. }) if gaps.len() == 1),
                "{refused:?}"
            );
        }
        let other = Standing { service: ServiceCode::new("maternity"), ..full };
        assert!(matches!(assign(planned(), &other, 7, None), Err(Refusal::OtherStanding { .. })));
    }

    #[test]
    fn c6_yellow_passes_only_for_the_reasons_named() {
        let yellow = colours(&[("2026-10-10 09:00", "2026-10-10 12:00", Light::Yellow)], 7);
        let red = colours(&[("2026-10-10 09:00", "2026-10-10 12:00", Light::Red)], 7);
        let allow = |code: &str| {
            Some(StandingOverride {
                approved_by: UserId::of(uuid::Uuid::from_u128(5)),
                reason: "保单明日生效".into(),
                covers: BTreeSet::from([code.to_owned()]),
            })
        };
        assert!(assign(planned(), &yellow, 7, None).is_err());
        assert!(assign(planned(), &yellow, 7, allow("health_expired")).is_err());
        assert!(assign(planned(), &red, 7, allow("insurance_expired")).is_err());
        let visit = assign(planned(), &yellow, 7, allow("insurance_expired")).expect("let pass");
        assert!(matches!(&visit.state, State::Assigned { assigned } if assigned.override_.is_some()));
        let visit = assign(planned(), &green(7), 7, allow("insurance_expired")).expect("green");
        assert!(matches!(&visit.state, State::Assigned { assigned } if assigned.override_.is_none()));
    }

    #[test]
    fn w12_a_newer_standing_is_applied_once_and_undone_by_one_newer_still() {
        let now = at("2026-10-09 08:00");
        let visit = assign(planned(), &green(7), 7, None).expect("green");
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
        let replaced = assign(lost, &other, 8, None).expect("green");
        assert_eq!(recheck(replaced, &green(10), now), Recheck::Unchanged, "somebody took his place");
        let running = start(visit.clone(), at("2026-10-10 09:00")).expect("it begins");
        assert_eq!(recheck(running, &red, now), Recheck::AlertSupervisor);
        let off = cancel(visit, Cancel { by: Party::Customer, at: now }).expect("still ahead");
        assert_eq!(recheck(off, &red, now), Recheck::Unchanged);
    }

    use crate::price::ServiceCode;
}
