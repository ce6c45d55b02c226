//! Running clocks go on under another calendar or other terms from the day these are in force (K2).
//!
//! What was counted until that midnight was counted under the old version and stays; what was left then is counted under
//! the new one. Promises, breaches and paused clocks are not touched: a paused one counts nothing, and goes on under
//! whatever is in force when it is resumed.

use super::policy::ClockTerms;
use super::{CaseClock, RETIME, store};
use crate::hours::{self, Opening};
use chrono::{NaiveDate, TimeDelta};
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
    terms: InForce<ClockTerms>,
}

/// Lets a running clock go on from the change; `None` where it runs by what is in force already.
fn decide(clock: CaseClock, change: &Change) -> Option<Decision<CaseClock>> {
    let Change { at, before, after, terms } = change;
    let reason = if before.policy != after.policy || before.network != after.network {
        RetimeReason::OpeningHours
    } else if clock.policy != terms.id {
        RetimeReason::Terms
    } else {
        return None;
    };
    let old = clock.due.value;
    let budget = terms.terms.budget(clock.kind, clock.severity);
    // A clock of another time keeps its own: what was counted by night cannot go on in opening hours.
    let (budget, policy) =
        if budget.is_like(clock.budget) { (budget, terms.id) } else { (clock.budget, clock.policy) };
    let left = clock.left_at(&before.calendar, *at) + (budget.whole() - clock.budget.whole());
    let left = left.max(TimeDelta::zero());
    let clock = CaseClock { budget, policy, hours: after.policy, ..clock };
    let retimed = clock.counting(&after.calendar, *at, left);
    let fact = ClockRetimed { clock: retimed.fact(), old, new: retimed.due.value, reason };
    Some(Decision::of(retimed).and(fact).under(clause!("P3.4-4")))
}

/// Waits for the first midnight at which a version that was approved is in force somewhere.
pub(crate) async fn announce(tx: &mut Tx, version: PolicyVersionId, from: NaiveDate) -> Result<(), Fault> {
    let now = tx.now();
    schedule_after(tx, version, from, now).await
}

async fn schedule_after(
    tx: &mut Tx,
    version: PolicyVersionId,
    from: NaiveDate,
    after: Timestamp,
) -> Result<(), Fault> {
    let midnights = store::zones(tx).await?.into_iter().map(|zone| zone.midnight(from));
    match midnights.filter(|midnight| *midnight > after).min() {
        Some(midnight) => tx.schedule(RETIME, version, midnight).await,
        None => Ok(()),
    }
}

/// The timer [`RETIME`]: from this instant on a version of the hours or of the terms is in force in the branches of one
/// zone.
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
    let from = store::first_day(tx, version).await?;
    Ok(schedule_after(tx, version, from, due.at).await?)
}

async fn change(tx: &mut Tx, branch: BranchId, at: Timestamp) -> Result<Change, Fault> {
    let zone = hours::zone(tx, branch).await?;
    let today = at.date_in(zone);
    let yesterday = at.minus(TimeDelta::microseconds(1)).date_in(zone);
    let before = hours::on(tx, branch, yesterday).await?;
    let after = hours::on(tx, branch, today).await?;
    let terms = store::terms_on(tx, branch, today).await?;
    Ok(Change { at, before, after, terms })
}

#[cfg(test)]
mod tests {
    use super::super::follow::tests::{case, opening, started, terms};
    use super::super::policy::Budget;
    use super::*;
    use crate::by_severity::BySeverity;
    use crate::hours::OpeningHours;
    use crate::hours::tests::{at, calendar_of};
    use events::support::ClockKind;
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
        Change { at: at("2025-10-09 00:00"), before: opening(), after, terms: terms() }
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
