//! The life of a visit, from every state by every verb: what the tests of all its verbs share.

use super::{Confirmation, Party, Refusal, Visit};
use crate::policy::{VisitConfirmation, VisitStart};
use kernel::{Decision, Timestamp};

pub(super) fn start(visit: Visit, now: Timestamp) -> Result<Visit, Refusal> {
    let policy = VisitStart { early_minutes: 30 };
    super::start::decide(visit, &fixtures::green(1), &policy, now).map(Decision::into_state)
}

pub(super) fn finish(visit: Visit, now: Timestamp) -> Result<Visit, Refusal> {
    super::finish::decide(visit, now).map(Decision::into_state)
}

pub(super) fn confirm(
    visit: Visit,
    by: Confirmation,
    policy: &VisitConfirmation,
    now: Timestamp,
) -> Result<Visit, Refusal> {
    super::confirm::decide(visit, by, policy, now).map(Decision::into_state)
}

pub(super) fn cancel(visit: Visit, (by, now): (Party, Timestamp)) -> Result<Visit, Refusal> {
    super::cancel::decide(visit, by, now).map(Decision::into_state)
}

pub(super) fn no_show(visit: Visit, by: Party, now: Timestamp) -> Result<Visit, Refusal> {
    super::no_show::decide(visit, by, now).map(Decision::into_state)
}

pub(super) fn need_replacement(visit: Visit, now: Timestamp) -> Result<Visit, Refusal> {
    super::need_replacement::decide(visit, now).map(Decision::into_state)
}

pub(super) mod fixtures {
    use super::super::{Interval, Light, Standing, StandingOverride, State, Visit};
    use crate::price::ServiceCode;
    pub(crate) use crate::price::fixtures::at;
    use crate::window::Window;
    use events::{ContractId, CustomerId, VisitId, WorkerId};
    use kernel::{BranchId, Fen, Span, UserId, Version};
    use std::collections::BTreeSet;
    use uuid::Uuid;

    pub(crate) fn planned() -> Visit {
        Visit {
            id: VisitId::of(Uuid::from_u128(1)),
            branch: BranchId::of(Uuid::from_u128(3)),
            contract: ContractId::of(Uuid::from_u128(4)),
            line: 0,
            number: 1,
            customer: CustomerId::of(Uuid::from_u128(5)),
            busy_until: at("2026-10-10 12:00"),
            base_fen: Fen::new(15_000),
            surcharge_fen: Fen::ZERO,
            worker_share_fen: Fen::new(10_000),
            home_branch: None,
            version: Version::of(1),
            service: ServiceCode::new("cleaning"),
            window: Window::new(at("2026-10-10 09:00"), at("2026-10-10 12:00")).expect("not empty"),
            state: State::Planned,
        }
    }

    pub(crate) fn colours(parts: &[(&str, &str, Light)], seq: i64) -> Standing {
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

    pub(crate) fn pass(covers: &[&str]) -> StandingOverride {
        StandingOverride {
            approved_by: UserId::of(Uuid::from_u128(6)),
            reason: "保单明日生效".to_owned().try_into().expect("a reason"),
            covers: covers.iter().map(|code| (*code).to_owned()).collect(),
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

mod tests {
    use super::super::assign::assign;
    use super::super::{Confirmation, Party, Refusal, StateWord, Visit};
    use super::fixtures::*;
    use super::*;
    use crate::policy::VisitConfirmation;

    const POLICY: VisitConfirmation = VisitConfirmation { after_hours: 48 };

    fn done() -> Visit {
        let visit = assign(planned(), &green(1), None, None).expect("green");
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
        let assigned = assign(planned(), &green(1), None, None).expect("green");
        let running = start(assigned.clone(), now).expect("assigned");
        let late = at("2026-10-20 09:00");
        let confirmed = confirm(done(), Confirmation::Customer, &POLICY, late).expect("done");
        let off = cancel(planned(), (Party::Customer, now)).expect("planned");
        let missed = no_show(assigned.clone(), Party::Customer, now).expect("assigned");
        let lost = need_replacement(assigned.clone(), now).expect("assigned");
        // Columns: assign, start, finish, confirm, cancel, no-show, needs replacement.
        let drawn = [
            (planned(), "x...xx."),
            (assigned, ".x..xxx"),
            (running, "..x...."),
            (done(), "...x..."),
            (confirmed, "......."),
            (off, "......."),
            (missed, "......."),
            (lost, "x...xx."),
        ];
        for (visit, row) in drawn {
            let tried = [
                assign(visit.clone(), &green(1), None, None).is_ok(),
                start(visit.clone(), at("2026-10-10 10:00")).is_ok(),
                finish(visit.clone(), late).is_ok(),
                confirm(visit.clone(), Confirmation::Customer, &POLICY, late).is_ok(),
                cancel(visit.clone(), (Party::Worker, late)).is_ok(),
                no_show(visit.clone(), Party::Company, late).is_ok(),
                need_replacement(visit.clone(), late).is_ok(),
            ];
            let found: String = tried.into_iter().map(|is_ok| if is_ok { 'x' } else { '.' }).collect();
            assert_eq!(found, row, "{:?}", visit.state.word());
        }
    }

    #[test]
    fn a_no_show_is_known_only_when_the_window_has_begun() {
        let visit = assign(planned(), &green(1), None, None).expect("green");
        let refused = no_show(visit, Party::Worker, at("2026-10-10 08:59"));
        assert_eq!(refused, Err(Refusal::TooEarly { possible_at: at("2026-10-10 09:00") }));
    }

    #[test]
    fn nobody_says_the_customer_was_not_there_where_nobody_went() {
        let now = at("2026-10-10 09:00");
        let assigned = assign(planned(), &green(1), None, None).expect("green");
        let lost = need_replacement(assigned.clone(), now).expect("assigned");
        for (visit, parties) in [(planned(), "c.."), (lost, "c.w"), (assigned, "cuw")] {
            let tried = [(Party::Company, 'c'), (Party::Customer, 'u'), (Party::Worker, 'w')];
            let tried =
                tried.map(|(by, letter)| if no_show(visit.clone(), by, now).is_ok() { letter } else { '.' });
            assert_eq!(tried.iter().collect::<String>(), parties, "{:?}", visit.state.word());
        }
    }
}
