//! What of a case's clocks should run, and what has to be done until it does (K3, K6, K7, K8).
//!
//! Everything follows from the case and from one fact of its contacts: when the customer last heard from us, reached,
//! about the matter. So no verb of the case can forget a clock, and none knows of them.

use super::policy::ClockTerms;
use super::{CaseClock, State, breach, resume, store};
use crate::hours::{self, Opening};
use chrono::TimeDelta;
use events::support::{ClockGraded, ClockKind, ClockStarted, ClockStopped, Severity};
use events::{ClockId, ComplaintId};
use house::policy::InForce;
use journal::{Fault, Tx};
use kernel::{BranchId, Decision, Timestamp, Version, clause};

/// What the clocks of a case follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    /// Which.
    pub(crate) complaint: ComplaintId,
    /// Where.
    pub(crate) branch: BranchId,
    /// How grave; before triage that of an ordinary case, as for promises (P6).
    pub(crate) severity: Severity,
    /// Its cycle, and since when.
    pub(crate) cycle: u32,
    /// When that began.
    pub(crate) cycle_from: Timestamp,
    /// When in this cycle the customer last heard from us about the matter, if he did (K7).
    pub(crate) told_at: Option<Timestamp>,
    /// Whether he still waits for process and result.
    pub(crate) wait: Wait,
}

/// Whether the customer still waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// For process and result.
    Waits,
    /// He was told, or the case has ended.
    Over,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Stop(CaseClock),
    Start(ClockKind, Timestamp),
    Grade(CaseClock),
}

/// What is to be done, given all clocks of the cycle and those that have not stopped.
fn steps(clocks: Vec<CaseClock>, case: &Case) -> Vec<Step> {
    let mut steps = Vec::new();
    let has = |kind| clocks.iter().any(|clock| clock.kind == kind && clock.cycle == case.cycle);
    let (had_ack, had_next) = (has(ClockKind::Ack), has(ClockKind::NextReply));
    let had_resolution = has(ClockKind::Resolution);
    // The customer was told since the newest clock for the next reply began.
    let is_told_anew = case.told_at.filter(|told| {
        !clocks.iter().any(|clock| clock.kind == ClockKind::NextReply && clock.started_at >= *told)
    });
    for clock in clocks {
        if matches!(clock.state, State::Stopped { .. }) {
            continue;
        }
        let is_needed = clock.cycle == case.cycle
            && match clock.kind {
                ClockKind::Ack => case.told_at.is_none(),
                ClockKind::NextReply => is_told_anew.is_none(),
                ClockKind::Resolution => true,
            };
        if case.wait == Wait::Over || !is_needed {
            steps.push(Step::Stop(clock));
        } else if clock.severity != case.severity {
            steps.push(Step::Grade(clock));
        }
    }
    if case.wait == Wait::Waits {
        // One who was answered in the contact that brought the case waits for the next answer, never for a first one.
        if !had_ack && !had_next && case.told_at.is_none() {
            steps.push(Step::Start(ClockKind::Ack, case.cycle_from));
        }
        if !had_resolution {
            steps.push(Step::Start(ClockKind::Resolution, case.cycle_from));
        }
        if let Some(told) = is_told_anew {
            steps.push(Step::Start(ClockKind::NextReply, told));
        }
    }
    steps
}

/// Begins a clock at an instant.
pub(super) fn start(
    (id, kind, from): (ClockId, ClockKind, Timestamp),
    case: &Case,
    terms: &InForce<ClockTerms>,
    opening: &Opening,
) -> Decision<CaseClock> {
    let budget = terms.terms.budget(kind, case.severity);
    let clock = CaseClock {
        id,
        branch: case.branch,
        complaint: case.complaint,
        kind,
        cycle: case.cycle,
        severity: case.severity,
        budget,
        budget_of: case.severity,
        started_at: from,
        counted_from: from,
        left: budget.whole(),
        paused: TimeDelta::zero(),
        due: budget.end(&opening.calendar, from, budget.whole()),
        policy: terms.id,
        hours: opening.policy,
        state: State::Running,
        version: Version::NONE,
    };
    let started = ClockStarted { clock: clock.fact(), severity: clock.severity };
    let complaint = clock.complaint;
    Decision::of(clock).and(started).under(clause!("P3.3.3-3")).born_of(complaint)
}

/// Stops a clock: what it waited for has happened, or the case needs it no more.
fn stop(clock: CaseClock, now: Timestamp) -> Decision<CaseClock> {
    let state = State::Stopped { at: now, detected_at: clock.state.detected_at() };
    let stopped = CaseClock { state, ..clock };
    let fact = ClockStopped { clock: stopped.fact() };
    Decision::of(stopped).and(fact).under(clause!("P3.3.3-3"))
}

/// Gives a clock the severity its case has now: a graver one brings its end nearer, never a milder one, and neither
/// touches what was breached (K6).
fn grade(
    clock: CaseClock,
    severity: Severity,
    terms: &InForce<ClockTerms>,
    opening: &Opening,
    now: Timestamp,
) -> Decision<CaseClock> {
    let budget = terms.terms.budget(clock.kind, severity);
    let is_graver = severity > clock.severity;
    let graded = CaseClock { severity, ..clock };
    let graded = match graded.state {
        State::Running if is_graver => {
            let nearer = CaseClock { budget, budget_of: severity, policy: terms.id, ..graded }.counting(
                &opening.calendar,
                now,
                budget.whole(),
            );
            if nearer.due.value < graded.due.value { nearer } else { graded }
        }
        // What is left when it goes on; a resolution counts business time at every severity.
        State::Paused(_) if is_graver && budget.whole() < graded.left => {
            let left = budget.whole();
            CaseClock { left, budget, budget_of: severity, policy: terms.id, ..graded }
        }
        State::Running | State::Paused(_) | State::Breached { .. } | State::Stopped { .. } => graded,
    };
    let fact = ClockGraded { clock: graded.fact(), severity };
    Decision::of(graded).and(fact).under(clause!("R4"))
}

/// What its timers would have done, had they come before this command: a pause is over, a clock has run out (K9). Neither
/// is lost where a command stops the clock after downtime.
async fn catch_up(tx: &mut Tx, clock: &mut CaseClock) -> Result<(), Fault> {
    let now = tx.now();
    if let State::Paused(pause) = clock.state
        && pause.ends_at <= now
    {
        let calendar = hours::of(tx, clock.branch).await?.calendar;
        let decision = resume::again(clock.clone(), pause, &calendar, pause.ends_at);
        store::save(tx, &decision).await?;
        *clock = saved(decision);
    }
    if matches!(clock.state, State::Running) && clock.due.value < now {
        let decision = breach::breached(clock.clone(), now);
        store::save(tx, &decision).await?;
        *clock = saved(decision);
    }
    Ok(())
}

/// The clock as it was just written.
fn saved(decision: Decision<CaseClock>) -> CaseClock {
    CaseClock { version: decision.version(), ..decision.into_state() }
}

/// Brings the clocks of a case to where they belong, after any change of it and in its transaction.
pub(crate) async fn follow(tx: &mut Tx, case: Case) -> Result<(), Fault> {
    let mut clocks = store::of_case(tx, &case).await?;
    for clock in &mut clocks {
        catch_up(tx, clock).await?;
    }
    let mut steps = steps(clocks, &case);
    if steps.is_empty() {
        return Ok(());
    }
    // Of a kind only one runs: what stops makes room for what starts.
    steps.sort_by_key(|step| matches!(step, Step::Start(..)));
    let (now, opening) = (tx.now(), hours::of(tx, case.branch).await?);
    let terms = store::terms(tx, case.branch).await?;
    for step in steps {
        match step {
            Step::Stop(clock) => store::save(tx, &stop(clock, now)).await?,
            Step::Grade(clock) => {
                store::save(tx, &grade(clock, case.severity, &terms, &opening, now)).await?;
            }
            Step::Start(kind, from) => {
                store::add(tx, &start((tx.fresh(), kind, from), &case, &terms, &opening)).await?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::policy::Budget;
    use super::*;
    use crate::hours::tests::{at, default_calendar};
    use house::policy::Terms;
    use kernel::PolicyVersionId;
    use std::sync::Arc;
    use uuid::Uuid;

    pub fn terms() -> InForce<ClockTerms> {
        InForce { id: PolicyVersionId::of(Uuid::from_u128(5)), terms: ClockTerms::defaults() }
    }

    pub fn opening() -> Opening {
        let policy = PolicyVersionId::of(Uuid::from_u128(6));
        Opening { calendar: Arc::new(default_calendar()), policy, network: policy }
    }

    /// Registered on the Friday before the make-up Sunday, 16:00; not graded yet.
    pub fn case() -> Case {
        Case {
            complaint: ComplaintId::of(Uuid::from_u128(3)),
            branch: BranchId::of(Uuid::from_u128(2)),
            severity: Severity::S2,
            cycle: 1,
            cycle_from: at("2025-09-26 16:00"),
            told_at: None,
            wait: Wait::Waits,
        }
    }

    pub fn started(kind: ClockKind, case: &Case, from: Timestamp) -> CaseClock {
        let id = ClockId::of(Uuid::from_u128(100));
        let decision = start((id, kind, from), case, &terms(), &opening());
        saved(decision)
    }

    fn shown(steps: &[Step]) -> Vec<String> {
        let show = |step: &Step| match step {
            Step::Stop(clock) => format!("stop {}", clock.kind.word()),
            Step::Start(kind, _) => format!("start {}", kind.word()),
            Step::Grade(clock) => format!("grade {}", clock.kind.word()),
        };
        steps.iter().map(show).collect()
    }

    #[test]
    fn k3_a_new_case_waits_for_a_first_answer_and_for_its_resolution() {
        assert_eq!(shown(&steps(Vec::new(), &case())), ["start ack", "start resolution"]);
        let ack = started(ClockKind::Ack, &case(), case().cycle_from);
        assert_eq!(ack.due.value, at("2025-09-28 11:00"), "240 minutes of business time, K5");
    }

    #[test]
    fn k7_the_first_answer_stops_one_clock_and_starts_the_next_and_so_does_each_later_one() {
        let clocks = || {
            [ClockKind::Ack, ClockKind::Resolution]
                .map(|kind| started(kind, &case(), case().cycle_from))
                .to_vec()
        };
        assert_eq!(shown(&steps(clocks(), &case())), [""; 0], "nothing to do");
        let told = Case { told_at: Some(at("2025-09-26 17:00")), ..case() };
        assert_eq!(shown(&steps(clocks(), &told)), ["stop ack", "start next_reply"]);
        let next = started(ClockKind::NextReply, &told, at("2025-09-26 17:00"));
        let with_next = [vec![next], clocks().split_off(1)].concat();
        assert_eq!(shown(&steps(with_next.clone(), &told)), ["start ack"; 0], "the same contact counts once");
        let again = Case { told_at: Some(at("2025-09-28 10:00")), ..told };
        assert_eq!(shown(&steps(with_next.clone(), &again)), ["stop next_reply", "start next_reply"]);
        let over = Case { wait: Wait::Over, ..again };
        assert_eq!(shown(&steps(with_next, &over)), ["stop next_reply", "stop resolution"]);
    }

    #[test]
    fn k7_whoever_was_answered_at_once_never_waits_for_a_first_answer() {
        let answered = Case { told_at: Some(case().cycle_from), ..case() };
        assert_eq!(shown(&steps(Vec::new(), &answered)), ["start resolution", "start next_reply"]);
        let clocks = [ClockKind::NextReply, ClockKind::Resolution]
            .map(|kind| started(kind, &case(), case().cycle_from))
            .to_vec();
        // Only the case said so, and a courtesy has taken its word away.
        assert_eq!(shown(&steps(clocks, &case())), [""; 0]);
    }

    #[test]
    fn k8_a_new_cycle_has_clocks_of_its_own_and_the_old_ones_stay() {
        let old = started(ClockKind::Resolution, &case(), case().cycle_from);
        let old = stop(old, at("2025-09-28 10:00")).into_state();
        let again = Case { cycle: 2, cycle_from: at("2025-09-30 17:00"), ..case() };
        let steps = steps(vec![old], &again);
        assert_eq!(shown(&steps), ["start ack", "start resolution"]);
        assert!(steps.contains(&Step::Start(ClockKind::Ack, at("2025-09-30 17:00"))));
    }

    #[test]
    fn k6_a_graver_case_brings_the_end_nearer_and_a_milder_one_leaves_it() {
        let clock = || started(ClockKind::Ack, &case(), case().cycle_from);
        let graded = |severity, now| grade(clock(), severity, &terms(), &opening(), now).into_state();
        let friday = at("2025-09-26 17:00");
        assert_eq!(graded(Severity::S3, friday).due.value, at("2025-09-28 09:00"), "60 business minutes");
        let night = graded(Severity::S4, friday);
        assert_eq!((night.due.value, night.budget), (at("2025-09-26 17:30"), Budget::WallMinutes(30)));
        assert_eq!(graded(Severity::S1, friday).due, clock().due);
        let late = at("2025-09-28 10:30");
        assert_eq!(graded(Severity::S3, late).due, clock().due, "the old end is the nearer one");
        let breached = CaseClock { state: State::Breached { detected_at: late }, ..clock() };
        let after = grade(breached, Severity::S4, &terms(), &opening(), late).into_state();
        assert_eq!((after.due, after.severity), (clock().due, Severity::S4), "a breach is never moved");
    }
}
