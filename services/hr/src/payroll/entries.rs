//! Step 4, approved additions: bonus, allowance (P6.6-3), and the share of visits for those paid by visit (P6.6-1).
//!
//! What is *not* here yet: overtime and the appraisal bonus; each will be a kind of its own with its own line.

use crate::payroll::input::{Entry, EntryKind, VisitShare};
use crate::payroll::line::{Formula, Line, LineKind, Rate, Source};
use crate::payroll::slip::Exception;
use crate::payroll::timeline::{PayInForce, Timeline};
use kernel::{PolicyVersionId, clause};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// One line per approved pay entry; the branches share it.
pub fn lines(entries: &[Entry], version: PolicyVersionId) -> Vec<Line> {
    let entries: BTreeSet<&Entry> = entries.iter().collect();
    entries
        .into_iter()
        .map(|entry| {
            let (kind, zh, en) = match entry.kind {
                EntryKind::Bonus => (LineKind::Bonus, "奖金", "bonus"),
                EntryKind::Allowance => (LineKind::Allowance, "补贴", "allowance"),
            };
            let amount = entry.amount.yuan();
            Line {
                kind,
                quantity: Decimal::ONE,
                rate: Rate::ONE,
                base: entry.amount,
                amount: entry.amount,
                clause: clause!("P6.6-3"),
                policy_version: version,
                source: Source::Entry { event: entry.event },
                branch: None,
                formula: Formula {
                    zh: format!("经审批的{zh} {amount}"),
                    en: format!("{en} as approved {amount}"),
                },
            }
        })
        .collect()
}

/// One line per confirmed visit on a day he was paid by visit; a salary covers the others.
pub fn visit_lines(
    timeline: &Timeline<'_>,
    visits: &[VisitShare],
    version: PolicyVersionId,
) -> (Vec<Line>, Vec<Exception>) {
    let visits: BTreeSet<&VisitShare> = visits.iter().collect();
    let (mut lines, mut exceptions) = (Vec::new(), Vec::new());
    for visit in visits {
        match timeline.pay_on(visit.on) {
            None => exceptions.push(Exception::DayNotEmployed { event: visit.event, day: visit.on }),
            Some(PayInForce::Salaried { .. }) => {}
            Some(PayInForce::ByVisit) => lines.push(Line {
                kind: LineKind::VisitPay,
                quantity: Decimal::ONE,
                rate: Rate::ONE,
                base: visit.share,
                amount: visit.share,
                clause: clause!("P6.6-1"),
                policy_version: version,
                source: Source::Visit { event: visit.event },
                branch: timeline.branch_on(visit.on),
                formula: Formula {
                    zh: format!("{} 上门服务，服务人员份额 {}", visit.on, visit.share.yuan()),
                    en: format!("{} visit, the worker's share {}", visit.on, visit.share.yuan()),
                },
            }),
        }
    }
    (lines, exceptions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payroll::fixture::*;
    use crate::payroll::input::Pay;
    use crate::payroll::policy::PayPolicy;
    use house::policy::Terms;
    use kernel::Fen;

    #[test]
    fn approved_entries_are_paid_once_each() {
        let version = in_force(PayPolicy::defaults()).version;
        let bonus = Entry { kind: EntryKind::Bonus, event: event(1), amount: Fen::new(50_000) };
        let allowance = Entry { kind: EntryKind::Allowance, event: event(2), amount: Fen::new(30_000) };
        let lines = lines(&[allowance, bonus, bonus], version);
        let amounts: Vec<_> = lines.iter().map(|line| (line.kind, line.amount.fen())).collect();
        assert_eq!(amounts, [(LineKind::Bonus, 50_000), (LineKind::Allowance, 30_000)]);
    }

    #[test]
    fn visits_are_paid_by_the_profile_of_their_day() {
        let mut input = salaried("2025-11", 500_000, from("2025-11-10"));
        input.profiles.push(crate::payroll::input::Profile {
            pay: Pay::ByVisit,
            ..profile(2, 0, until("2025-10-01", "2025-11-10"))
        });
        input.assignments = vec![assignment(1, from("2025-10-01"))];
        let visit = |on: &str, id| VisitShare { on: date(on), event: event(id), share: Fen::new(12_000) };
        // Done in October, confirmed in November: the profile of the visit's day decides.
        let visits =
            [visit("2025-10-31", 1), visit("2025-11-09", 2), visit("2025-11-10", 3), visit("2025-09-01", 4)];
        let version = in_force(PayPolicy::defaults()).version;
        let (lines, exceptions) = visit_lines(&Timeline::of(&input), &visits, version);
        assert_eq!(lines.iter().map(|line| line.amount.fen()).collect::<Vec<_>>(), [12_000, 12_000]);
        assert_eq!(exceptions, [Exception::DayNotEmployed { event: event(4), day: date("2025-09-01") }]);
    }
}
