//! Step 3, commission on collected fees, and back again when they are refunded (P6.6-2).
//!
//! A negative month is carried forward, never taken from the base. The rate is the one of the day the money came
//! in, so the policy of this month plays no part. Where that rate has changed since it was paid, the line pays the
//! difference, for what came in and for what was given back alike.

use crate::payroll::input::{Commission, CommissionDebt};
use crate::payroll::line::{Formula, Line, LineKind, Rate, Source};
use crate::payroll::timeline::Timeline;
use kernel::{Fen, Month, PolicyVersionId, clause};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The commission of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its lines; their sum is at least 0.
    pub lines: Vec<Line>,
    /// What is left to be made up for in later months, fen, at least 0.
    pub debt: Fen,
}

/// Pays the commission of a month, less what earlier months left to be made up for.
pub fn settle(
    timeline: &Timeline<'_>,
    month: Month,
    facts: (&[Commission], CommissionDebt),
    version: PolicyVersionId,
) -> Settled {
    let (items, debt) = facts;
    let items: BTreeMap<_, _> = items.iter().map(|item| (item.key(), item)).collect();
    let mut lines: Vec<Line> = items.values().map(|item| line(timeline, item, version)).collect();
    if !debt.amount.is_zero() {
        lines.insert(0, carried(Carried::In { debt, before: month.minus(1) }, version));
    }
    let total: Fen = lines.iter().map(|line| line.amount).sum();
    let left = (-total).floored();
    if !left.is_zero() {
        lines.push(carried(Carried::Out { month, left }, version));
    }
    Settled { lines, debt: left }
}

fn line(timeline: &Timeline<'_>, item: &Commission, version: PolicyVersionId) -> Line {
    match *item {
        Commission::Collected { event, collection_id, on, base, rate, paid } => {
            let due = rate.of(base);
            let amount = due - paid.unwrap_or_default();
            let sum = sum_of(format!("{} × {}", base.yuan(), rate.percent()), paid, amount);
            Line {
                kind: LineKind::Commission,
                quantity: Decimal::ONE,
                rate: Rate::bp(rate),
                base,
                amount,
                clause: clause!("P6.6-2"),
                policy_version: version,
                source: Source::Collection { event, collection_id },
                branch: timeline.branch_on(on),
                formula: Formula {
                    zh: format!("{on} 实收提成 {sum}"), en: format!("{on} commission {sum}")
                },
            }
        }
        Commission::Reversed { event, collection_id, reverses, on, base, reversed_before, rate, paid } => {
            // What is due back up to here less what was given back before: parts add up to the whole (C14).
            let due = rate.of(reversed_before) - rate.of(reversed_before + base);
            let amount = due - paid.unwrap_or_default();
            let sum = sum_of(reversal(base, reversed_before, &rate.percent()), paid, amount);
            Line {
                kind: LineKind::CommissionReversal,
                quantity: Decimal::ONE,
                rate: Rate::bp(rate),
                base,
                amount,
                clause: clause!("P6.6-2"),
                policy_version: version,
                source: Source::CollectionReversal { event, collection_id, reverses },
                branch: timeline.branch_on(on),
                formula: Formula {
                    zh: format!("{on} 退款冲回提成 {sum}"),
                    en: format!("{on} commission taken back {sum}"),
                },
            }
        }
    }
}

/// The reckoning, less what was paid at the rate before.
fn sum_of(due: String, paid: Option<Fen>, amount: Fen) -> String {
    match paid {
        None => format!("{due} = {}", amount.yuan()),
        Some(paid) => format!("{due} − ({}) = {}", paid.yuan(), amount.yuan()),
    }
}

fn reversal(base: Fen, before: Fen, rate: &str) -> String {
    if before.is_zero() {
        return format!("−{} × {rate}", base.yuan());
    }
    format!("{} × {rate} − {} × {rate}", before.yuan(), (before + base).yuan())
}

enum Carried {
    /// From an earlier slip; `before` stands for its month where it is unknown.
    In { debt: CommissionDebt, before: Month },
    /// To a later one.
    Out { month: Month, left: Fen },
}

fn carried(way: Carried, version: PolicyVersionId) -> Line {
    let (kind, base, amount, source, zh, en) = match way {
        Carried::In { debt, before } => {
            let slip = debt.left_by.map(|(slip, _)| slip);
            let month = debt.left_by.map_or(before, |(_, month)| month);
            let debt = debt.amount;
            (
                LineKind::CommissionCarriedIn,
                debt,
                -debt,
                Source::CommissionCarried { month, slip },
                format!("以前月份的负提成 {} 转入", debt.yuan()),
                format!("negative commission of {} brought from earlier months", debt.yuan()),
            )
        }
        Carried::Out { month, left } => (
            LineKind::CommissionCarriedOut,
            left,
            left,
            Source::CommissionCarried { month, slip: None },
            format!("负提成 {} 结转以后月份，不扣基本工资", left.yuan()),
            format!("negative commission of {} left for later months, not taken from the base", left.yuan()),
        ),
    };
    Line {
        kind,
        quantity: Decimal::ONE,
        rate: Rate::ONE,
        base,
        amount,
        clause: clause!("P6.6-2"),
        policy_version: version,
        source,
        branch: None,
        formula: Formula { zh, en },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payroll::fixture::*;
    use house::policy::Terms;
    use kernel::BasisPoints;
    use proptest::prelude::*;

    fn settled(items: &[Commission], debt: i64) -> (Vec<i64>, i64) {
        let input = salaried("2025-11", 0, from("2025-01-01"));
        let version = in_force(crate::payroll::policy::PayPolicy::defaults()).version;
        let debt = CommissionDebt { amount: Fen::new(debt), left_by: None };
        let settled = settle(&Timeline::of(&input), input.month, (items, debt), version);
        (settled.lines.iter().map(|line| line.amount.fen()).collect(), settled.debt.fen())
    }

    #[test]
    fn h_e23_each_collection_is_rounded_by_itself() {
        let items = [collected(1, 80_000), collected(2, 120_000), collected(3, 95_050)];
        assert_eq!(settled(&items, 0), (vec![4_000, 6_000, 4_753], 0));
        let reordered = [items[2], items[0], items[1], items[0]];
        assert_eq!(settled(&reordered, 0), settled(&items, 0));
    }

    #[test]
    fn f2_refunding_half_the_fee_takes_half_the_commission_back() {
        assert_eq!(settled(&[collected(1, 80_000)], 0).0, [4_000]);
        assert_eq!(settled(&[collected(1, 80_000), reversed(2, 1, 40_000, 0)], 0).0, [4_000, -2_000]);
    }

    #[test]
    fn a_negative_month_is_carried_forward_and_made_up_for() {
        let (lines, debt) = settled(&[collected(1, 80_000), reversed(2, 9, 200_000, 0)], 0);
        assert_eq!((lines, debt), (vec![4_000, -10_000, 6_000], 6_000));
        assert_eq!(settled(&[collected(3, 100_000)], 6_000), (vec![-6_000, 5_000, 1_000], 1_000));
        assert_eq!(settled(&[collected(4, 100_000)], 1_000), (vec![-1_000, 5_000], 0));
        assert_eq!(settled(&[], 1_000), (vec![-1_000, 1_000], 1_000));
        assert_eq!(settled(&[], 0), (vec![], 0));
    }

    /// The same as paid at 5 %, at a rate of 8 % now.
    fn rerated(item: Commission) -> Commission {
        let (rate, five) = (BasisPoints::new(800), BasisPoints::new(500));
        match item {
            Commission::Collected { event, collection_id, on, base, .. } => {
                Commission::Collected { event, collection_id, on, base, rate, paid: Some(five.of(base)) }
            }
            Commission::Reversed { event, collection_id, reverses, on, base, reversed_before, .. } => {
                let paid = Some(five.of(reversed_before) - five.of(reversed_before + base));
                Commission::Reversed { event, collection_id, reverses, on, base, reversed_before, rate, paid }
            }
        }
    }

    #[test]
    fn c14_a_rate_that_changed_since_is_made_up_for_on_both_sides() {
        // 8 % − 5 % of 800.00, and of the 400.00 given back.
        assert_eq!(settled(&[rerated(collected(1, 80_000))], 0), (vec![2_400], 0));
        let both = [rerated(collected(1, 80_000)), rerated(reversed(2, 1, 40_000, 0))];
        assert_eq!(settled(&both, 0), (vec![2_400, -1_200], 0));
    }

    #[test]
    fn what_is_carried_names_the_slip_that_left_it() {
        let input = salaried("2025-11", 0, from("2025-01-01"));
        let version = in_force(crate::payroll::policy::PayPolicy::defaults()).version;
        let slip = events::PayslipId::of(uuid::Uuid::from_u128(5));
        let september = "2025-09".parse().expect("a month");
        let debt = CommissionDebt { amount: Fen::new(100), left_by: Some((slip, september)) };
        let settled = settle(&Timeline::of(&input), input.month, (&[], debt), version);
        let sources: Vec<Source> = settled.lines.iter().map(|line| line.source).collect();
        let here = Source::CommissionCarried { month: input.month, slip: None };
        assert_eq!(sources, [Source::CommissionCarried { month: september, slip: Some(slip) }, here]);
    }

    proptest! {
        #[test]
        fn partial_reversals_take_back_exactly_what_was_paid(parts in prop::collection::vec(0_i64..100_000, 1..6), debt in 0_i64..50_000) {
            let mut items = vec![collected(1, parts.iter().sum())];
            let mut before = 0;
            for (part, id) in parts.iter().zip(2_u128..) {
                items.push(reversed(id, 1, *part, before));
                before += part;
            }
            prop_assert_eq!(settled(&items, 0).0.iter().sum::<i64>(), 0);
            // Nothing of the debt is lost either.
            let (lines, left) = settled(&items, debt);
            prop_assert_eq!((lines.iter().sum::<i64>(), left), (0, debt));
        }
    }
}
