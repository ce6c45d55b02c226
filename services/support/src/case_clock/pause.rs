//! Pausing a resolution: for somebody else's sake, and not for ever (K4).

use super::policy::ClockTerms;
use super::{CaseClock, ClockView, Pause, PauseReason, Refusal, State, store};
use crate::complaint;
use crate::hours;
use crate::person::Person;
use crate::words::Word;
use events::ClockId;
use events::support::{ClockKind, ClockPaused};
use house::policy::InForce;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Calendar, Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// What the resolution waits for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseClock {
    /// `waiting_customer_decision`, `waiting_customer_evidence` or `third_party_report`.
    pub reason: PauseReason,
}

impl Addressed for PauseClock {
    type To = ClockId;
}

/// Stops counting, until it is resumed or has paused in all for as long as the terms allow (K4).
pub fn decide(
    clock: CaseClock,
    reason: PauseReason,
    terms: &InForce<ClockTerms>,
    calendar: &Calendar,
    now: Timestamp,
) -> Result<Decision<CaseClock>, Refusal> {
    match clock.kind {
        ClockKind::Resolution => {}
        ClockKind::Ack | ClockKind::NextReply => return Err(Refusal::OnlyResolution {}),
    }
    let State::Running = clock.state else { return Err(Refusal::NotRunning { state: clock.state.word() }) };
    if now >= clock.due.value {
        return Err(Refusal::Overdue { due_at: clock.due.value });
    }
    let may_pause = terms.terms.pause_most() - clock.paused;
    if may_pause <= chrono::TimeDelta::zero() {
        let most_minutes = terms.terms.pause_most_minutes;
        return Err(Refusal::PauseSpent { most_minutes, policy_version: terms.id });
    }
    let left = clock.left_at(calendar, now);
    let ends_at = clock.budget.end(calendar, now, may_pause).value;
    let state = State::Paused(Pause { at: now, reason, ends_at });
    let paused = CaseClock { counted_from: now, left, state, ..clock };
    let fact = ClockPaused { clock: paused.fact(), reason: reason.word(), ends_at };
    Ok(Decision::of(paused).and(fact).under(clause!("P3.3.3-3")))
}

/// Pauses the resolution of a complaint (K4).
#[utoipa::path(post, path = "/v1/support/clocks/{id}/pause", request_body = PauseClock, responses(Commanded<ClockView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<PauseClock, permission!("complaint.work")>,
) -> Answer<ClockView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = store::case_of(tx, cmd.id).await?;
            let complaint = complaint::worked_on(tx, complaint, Person::of(&cmd.principal)).await?;
            let clock = cmd.current(store::load(tx, cmd.id).await?)?;
            let (terms, opening) =
                (store::terms(tx, complaint.branch).await?, hours::of(tx, complaint.branch).await?);
            let decision = decide(clock, cmd.body.reason, &terms, &opening.calendar, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::follow::tests::{case, opening, started, terms};
    use super::super::resume;
    use super::*;
    use crate::hours::tests::at;
    use chrono::TimeDelta;

    const REASON: PauseReason = PauseReason::ThirdPartyReport;

    fn resolution() -> CaseClock {
        started(ClockKind::Resolution, &case(), case().cycle_from)
    }

    fn paused(clock: CaseClock, now: &str) -> Result<CaseClock, Refusal> {
        decide(clock, REASON, &terms(), &opening().calendar, at(now)).map(Decision::into_state)
    }

    #[test]
    fn k4_only_a_running_resolution_pauses() {
        let ack = started(ClockKind::Ack, &case(), case().cycle_from);
        assert_eq!(paused(ack, "2025-09-26 17:00").err(), Some(Refusal::OnlyResolution {}));
        let once = paused(resolution(), "2025-09-26 17:00").expect("it runs");
        assert_eq!(paused(once, "2025-09-26 17:10").err(), Some(Refusal::NotRunning { state: "paused" }));
        let due_at = resolution().due.value;
        let late = decide(resolution(), REASON, &terms(), &opening().calendar, due_at).err();
        assert_eq!(late, Some(Refusal::Overdue { due_at }));
    }

    /// S2: 2,700 business minutes from Friday 16:00 are five days of nine hours: without a pause due on Friday, 10 October, 16:00
    /// (Fri 90, Sun 28 to Tue 30 three days, Thu 9 one day, Fri 10 the last 450).
    #[test]
    fn k5_what_was_paused_is_added_in_business_time() {
        assert_eq!(resolution().due.value, at("2025-10-10 16:00"));
        let once = paused(resolution(), "2025-09-28 09:30").expect("it runs");
        let State::Paused(pause) = once.state else { panic!("it pauses") };
        assert_eq!(pause.ends_at, at("2025-10-11 09:30"), "five business days later at the latest");
        let calendar = &opening().calendar;
        let on = resume::decide(once, calendar, at("2025-10-09 08:40")).expect("it pauses").into_state();
        // Sun 8 h, Mon and Tue 9 h each, Thu 10 minutes.
        assert_eq!(on.paused, TimeDelta::minutes(26 * 60 + 10));
        assert_eq!(
            Some(on.due),
            calendar.add_exact(case().cycle_from, TimeDelta::minutes(2_700) + on.paused)
        );
    }

    #[test]
    fn k4_whoever_resumes_after_the_cap_finds_it_counting_since_then() {
        let calendar = &opening().calendar;
        let once = paused(resolution(), "2025-09-28 09:30").expect("it runs");
        let late =
            resume::decide(once.clone(), calendar, at("2025-10-14 09:30")).expect("it pauses").into_state();
        let at_the_cap =
            resume::decide(once, calendar, at("2025-10-11 09:30")).expect("it pauses").into_state();
        assert_eq!((late.paused, late.due), (TimeDelta::hours(5 * 9), at_the_cap.due));
    }

    #[test]
    fn k4_pauses_count_together_and_end_at_the_cap() {
        let calendar = &opening().calendar;
        let once = paused(resolution(), "2025-09-28 09:30").expect("it runs");
        let on = resume::decide(once, calendar, at("2025-09-30 09:30")).expect("it pauses").into_state();
        let twice = paused(on, "2025-09-30 10:30").expect("three of five days are left");
        let State::Paused(pause) = twice.state else { panic!("it pauses") };
        assert_eq!(pause.ends_at, at("2025-10-11 10:30"));
        let on = resume::decide(twice, calendar, pause.ends_at).expect("it pauses").into_state();
        let refused = paused(on, "2025-10-11 11:00").err();
        let spent = Refusal::PauseSpent { most_minutes: 2_700, policy_version: terms().id };
        assert_eq!(refused, Some(spent));
    }
}
