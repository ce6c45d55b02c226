//! Running clocks go on under another calendar or other terms from the day these are in force (K2).
//!
//! What was counted until that midnight was counted under the old version and stays; what was left then is counted under
//! the new one. Promises, breaches and paused clocks are not touched: a paused one counts nothing, and goes on under
//! whatever is in force when it is resumed.

use super::policy::{Budget, ClockTerms};
use super::{CaseClock, RETIME, store};
use crate::hours::{self, Opening};
use chrono::TimeDelta;
use events::support::{ClockRetimed, RetimeReason};
use house::policy::InForce;
use journal::{Due, Failure, Fault, Tx};
use kernel::{BranchId, Decision, PolicyVersionId, Timestamp, clause};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// So many clocks in one statement, and so many loaded at once.
const CHUNK: i64 = 500;

/// What counts before an instant and from it on.
#[derive(Debug, Clone)]
struct Change {
    at: Timestamp,
    before: Opening,
    after: Opening,
    old_terms: InForce<ClockTerms>,
    terms: InForce<ClockTerms>,
}

/// Lets a running clock go on from the change; `None` where it runs by what is in force already.
fn decide(clock: CaseClock, change: &Change) -> Option<Decision<CaseClock>> {
    let Change { at, before, after, old_terms, terms } = change;
    let is_business = matches!(clock.budget, Budget::BusinessMinutes(_));
    let has_other_hours = is_business && (before.policy != after.policy || before.network != after.network);
    let budget = terms.terms.budget(clock.kind, clock.budget_of);
    // A clock of another time keeps its own: what was counted by night cannot go on in opening hours.
    let has_other_terms = old_terms.id != terms.id && budget.is_like(clock.budget) && budget != clock.budget;
    let reason = match (has_other_hours, has_other_terms) {
        (true, _) => RetimeReason::OpeningHours,
        (false, true) => RetimeReason::Terms,
        (false, false) => return None,
    };
    let old = clock.due.value;
    let mut left = clock.left_at(&before.calendar, *at);
    let mut clock = CaseClock { hours: after.policy, ..clock };
    if has_other_terms {
        left = (left + budget.whole() - clock.budget.whole()).max(TimeDelta::zero());
        clock = CaseClock { budget, policy: terms.id, ..clock };
    }
    let retimed = clock.counting(&after.calendar, *at, left);
    let fact = ClockRetimed { clock: retimed.fact(), old, new: retimed.due.value, reason };
    Some(Decision::of(retimed).and(fact).under(clause!("P3.4-4")))
}

/// Waits for the first midnight at which a version that was approved is in force somewhere, or not any more.
pub(crate) async fn announce(tx: &mut Tx, version: PolicyVersionId) -> Result<(), Failure> {
    let now = tx.now();
    schedule_after(tx, version, now).await
}

async fn schedule_after(tx: &mut Tx, version: PolicyVersionId, after: Timestamp) -> Result<(), Failure> {
    let (zones, days) = (store::zones(tx).await?, store::turns(tx, version).await?);
    let midnights = days.iter().flat_map(|day| zones.iter().map(|zone| zone.midnight(*day)));
    match midnights.filter(|midnight| *midnight > after).min() {
        Some(midnight) => Ok(tx.schedule(RETIME, version, midnight).await?),
        None => Ok(()),
    }
}

/// The timer [`RETIME`]: from this instant on a version of the hours or of the terms is in force in the branches of one
/// zone, or has ended there.
pub(crate) async fn due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let version = PolicyVersionId::of(due.reference);
    let mut changes: BTreeMap<BranchId, Change> = BTreeMap::new();
    let mut after = None;
    loop {
        let clocks = store::running_before(tx, due.at, after, CHUNK).await?;
        let Some(last) = clocks.last() else { break };
        after = Some(last.id);
        let mut decisions = Vec::new();
        for clock in clocks {
            let branch = clock.branch;
            let change = match changes.entry(branch) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(change(tx, branch, due.at).await?),
            };
            decisions.extend(decide(clock, change));
        }
        store::save_all(tx, &decisions).await?;
    }
    schedule_after(tx, version, due.at).await
}

async fn change(tx: &mut Tx, branch: BranchId, at: Timestamp) -> Result<Change, Fault> {
    let zone = hours::zone(tx, branch).await?;
    let today = at.date_in(zone);
    let yesterday = at.minus(TimeDelta::microseconds(1)).date_in(zone);
    let before = hours::on(tx, branch, yesterday).await?;
    let after = hours::on(tx, branch, today).await?;
    let old_terms = store::terms_on(tx, branch, yesterday).await?;
    let terms = store::terms_on(tx, branch, today).await?;
    Ok(Change { at, before, after, old_terms, terms })
}

#[cfg(test)]
mod tests {
    use super::super::follow::tests::{case, opening, started, terms};
    use super::*;
    use crate::by_severity::BySeverity;
    use crate::hours::OpeningHours;
    use crate::hours::tests::{at, calendar_of};
    use events::support::{ClockKind, Severity};
    use house::policy::Terms;
    use std::sync::Arc;
    use uuid::Uuid;

    /// From Thursday, 9 October on it is open from 10:00 to 16:00.
    fn shorter() -> Change {
        let mut hours = OpeningHours::defaults();
        let week = r#"{"mon":["10:00-16:00"],"tue":["10:00-16:00"],"wed":["10:00-16:00"],"thu":["10:00-16:00"],"fri":["10:00-16:00"]}"#;
        hours.hours.weekly = Some(serde_json::from_str(week).expect("a week"));
        let version = PolicyVersionId::of(Uuid::from_u128(7));
        let after = Opening { calendar: Arc::new(calendar_of(hours)), policy: version, network: version };
        Change { at: at("2025-10-09 00:00"), before: opening(), after, old_terms: terms(), terms: terms() }
    }

    #[test]
    fn k2_what_was_counted_stays_and_what_is_left_goes_on_under_the_new_calendar() {
        // 540 minutes from Tuesday 16:00: 90 are over when the holidays begin, 450 are left on the 9th.
        let next = started(ClockKind::NextReply, &case(), at("2025-09-30 16:00"));
        assert_eq!(next.due.value, at("2025-10-09 16:00"));
        let decision = decide(next, &shorter()).expect("another calendar");
        // Six hours on the 9th, ninety minutes on the 10th.
        assert_eq!(decision.state().due.value, at("2025-10-10 11:30"));
        let data = &decision.facts()[0].data;
        assert_eq!(data["old"], serde_json::json!(at("2025-10-09 16:00")));
        assert_eq!(data["new"], serde_json::json!(at("2025-10-10 11:30")));
        assert_eq!(data["reason"], "opening_hours");
    }

    #[test]
    fn k2_k6_other_hours_leave_a_graded_clock_its_budget() {
        let next = || started(ClockKind::NextReply, &case(), at("2025-09-30 16:00"));
        for severity in [Severity::S1, Severity::S3, Severity::S4] {
            let graded = CaseClock { severity, ..next() };
            let decision = decide(graded, &shorter()).expect("another calendar");
            assert_eq!(
                decision.state().due.value,
                at("2025-10-10 11:30"),
                "{severity:?}: its budget is that of S2"
            );
        }
        let night = CaseClock { budget: Budget::WallMinutes(540), ..next() };
        assert_eq!(decide(night, &shorter()), None, "no hours move what runs by the wall");
    }

    #[test]
    fn k2_a_longer_budget_adds_what_it_is_longer_and_nothing_new_changes_nothing() {
        let next = || started(ClockKind::NextReply, &case(), at("2025-09-30 16:00"));
        let same = Change { after: opening(), ..shorter() };
        assert_eq!(decide(next(), &same), None);
        let mut longer = same;
        longer.terms.id = PolicyVersionId::of(Uuid::from_u128(8));
        longer.terms.terms.next_reply =
            BySeverity { s2: Budget::BusinessMinutes(600), ..longer.terms.terms.next_reply };
        let decision = decide(next(), &longer).expect("other terms");
        assert_eq!(decision.state().due.value, at("2025-10-09 17:00"), "an hour more");
        assert_eq!(decision.facts()[0].data["reason"], "terms");
    }
}
