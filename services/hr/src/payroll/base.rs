//! Step 1, base pay by segments (P6.6-1; probation: L.labour-contract-20).
//!
//! Base pay is always paid (R6): nothing here looks at complaints. Absence is a step of its own.

use crate::payroll::line::{Formula, Line, LineKind, Rate, Source};
use crate::payroll::policy::{BaseMethod, PolicyInForce};
use crate::payroll::timeline::{PayInForce, Segment, Timeline, days};
use kernel::{Fen, clause};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// One line per salaried segment that holds a workday.
pub fn lines(timeline: &Timeline<'_>, policy: &PolicyInForce) -> Vec<Line> {
    // A month employed throughout is paid whole under either method; 21.75 would cut or raise it.
    let average = match policy.policy.base_method {
        BaseMethod::Average if !timeline.is_throughout() => Some(policy.policy.average_workdays),
        BaseMethod::Average | BaseMethod::Scheduled => None,
    };
    let whole = average.unwrap_or_else(|| days(timeline.workdays()));
    let mut passed = Decimal::ZERO;
    let mut seen: BTreeMap<Fen, Decimal> = BTreeMap::new();
    let mut lines = Vec::new();
    for segment in timeline.segments() {
        // The days count up to 21.75 and no further, so that no month pays more than its base.
        let counted = days(segment.workdays).min(whole - passed);
        passed += counted;
        let Some(base) = segment.pay.base() else { continue };
        if segment.workdays == 0 {
            continue;
        }
        let before = *seen.entry(base).or_default();
        let rate = Rate::one_of(whole);
        // Segments of the same base together give what one undivided segment would.
        let amount = rate.of(base, before + counted) - rate.of(base, before);
        seen.insert(base, before + counted);
        lines.push(line(segment, policy, amount, Counted { base, days: counted, before, whole }));
    }
    lines
}

#[derive(Clone, Copy)]
struct Counted {
    base: Fen,
    days: Decimal,
    before: Decimal,
    whole: Decimal,
}

fn line(segment: &Segment, policy: &PolicyInForce, amount: Fen, counted: Counted) -> Line {
    let Counted { base, days, before, whole } = counted;
    let (days, whole_text) = (days.normalize(), whole.normalize());
    let sum = if before.is_zero() {
        format!("{} × {days}/{whole_text} = {}", base.yuan(), amount.yuan())
    } else {
        let (both, before) = ((before + days).normalize(), before.normalize());
        format!(
            "{base} × {both}/{whole_text} − {base} × {before}/{whole_text} = {}",
            amount.yuan(),
            base = base.yuan()
        )
    };
    let (zh, en) = match segment.pay {
        PayInForce::Salaried { probation: Some((full, bp)), .. } => (
            format!("试用期工资 {} × {} = {}；{sum}", full.yuan(), bp.percent(), base.yuan()),
            format!("probation pay {} × {} = {}; {sum}", full.yuan(), bp.percent(), base.yuan()),
        ),
        PayInForce::Salaried { probation: None, .. } | PayInForce::ByVisit => {
            (format!("基本工资 {sum}"), format!("base pay {sum}"))
        }
    };
    Line {
        kind: LineKind::Base,
        quantity: days,
        rate: Rate::one_of(whole),
        base,
        amount,
        clause: match segment.pay {
            PayInForce::Salaried { probation: Some(_), .. } => clause!("L.labour-contract-20"),
            PayInForce::Salaried { probation: None, .. } | PayInForce::ByVisit => clause!("P6.6-1"),
        },
        policy_version: policy.version,
        source: Source::Profile { event: segment.event },
        branch: Some(segment.branch),
        formula: Formula { zh, en },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payroll::fixture::*;
    use crate::payroll::input::{Assignment, Input, Pay, Probation};
    use crate::payroll::policy::PayPolicy;
    use house::policy::Terms;
    use kernel::BasisPoints;

    fn base(input: &Input, base_method: BaseMethod) -> Vec<i64> {
        let policy = in_force(PayPolicy { base_method, ..PayPolicy::defaults() });
        lines(&Timeline::of(input), &policy).iter().map(|line| line.amount.fen()).collect()
    }

    #[test]
    fn h_e7_joins_on_the_tenth_of_november() {
        let input = salaried("2025-11", 600_000, from("2025-11-10"));
        assert_eq!(base(&input, BaseMethod::Scheduled), [450_000]);
        assert_eq!(base(&input, BaseMethod::Average), [413_793]);
    }

    #[test]
    fn h_e9_last_day_on_the_twelfth_of_september() {
        let input = salaried("2025-09", 600_000, through("2025-01-01", "2025-09-12"));
        assert_eq!(base(&input, BaseMethod::Scheduled), [260_870]);
    }

    #[test]
    fn h_e12_a_raise_within_the_month() {
        let mut input = salaried("2025-11", 500_000, through("2025-01-01", "2025-11-16"));
        input.profiles.push(profile(2, 560_000, from("2025-11-17")));
        input.assignments = vec![assignment(1, from("2025-01-01"))];
        for method in [BaseMethod::Scheduled, BaseMethod::Average] {
            assert_eq!(
                base(&input, method),
                [250_000, 280_000],
                "employed throughout: the method is the same"
            );
        }
    }

    #[test]
    fn segments_of_one_base_add_up_to_the_whole() {
        // Three times 6 of 18 days of 5,000.00: rounded apart, 3 × 1,666.67 would win a fen.
        let mut input = salaried("2025-10", 500_000, from("2025-01-01"));
        input.assignments = vec![
            assignment(1, until("2025-01-01", "2025-10-16")),
            assignment(2, until("2025-10-16", "2025-10-24")),
            assignment(1, from("2025-10-24")),
        ];
        assert_eq!(base(&input, BaseMethod::Scheduled), [166_667, 166_666, 166_667]);
    }

    #[test]
    fn a_transfer_on_the_first_the_last_or_a_holiday_costs_nothing() {
        for day in ["2025-10-01", "2025-10-08", "2025-10-31", "2025-10-25"] {
            let mut input = salaried("2025-10", 540_000, from("2025-01-01"));
            input.assignments = vec![
                Assignment { span: until("2025-01-01", day), ..assignment(1, from("2025-01-01")) },
                assignment(2, from(day)),
            ];
            assert_eq!(base(&input, BaseMethod::Scheduled).iter().sum::<i64>(), 540_000, "{day}");
        }
    }

    #[test]
    fn hired_gone_and_hired_again_within_one_month() {
        let mut input = salaried("2025-11", 600_000, from("2025-01-01"));
        input.assignments =
            vec![assignment(1, through("2025-11-03", "2025-11-07")), assignment(1, from("2025-11-24"))];
        assert_eq!(base(&input, BaseMethod::Scheduled).iter().sum::<i64>(), 300_000, "10 of 20");
        assert_eq!(base(&input, BaseMethod::Average).iter().sum::<i64>(), 275_862, "10 / 21.75");
    }

    #[test]
    fn probation_that_ends_within_the_month_is_a_segment() {
        let mut input = salaried("2025-11", 500_000, from("2025-01-01"));
        let probation = Probation { ends_on: date("2025-11-17"), bp: BasisPoints::new(8_000) };
        input.profiles[0].pay = Pay::Salaried { base: Fen::new(500_000), probation: Some(probation) };
        assert_eq!(base(&input, BaseMethod::Scheduled), [200_000, 250_000]);
    }

    #[test]
    fn average_days_never_pay_above_the_base() {
        // 22 of September's 23 workdays are more than 21.75.
        let input = salaried("2025-09", 600_000, from("2025-09-02"));
        assert_eq!(base(&input, BaseMethod::Average), [600_000]);
        // Two bases: 11 days of the first, then 10.75 of the second.
        let mut input = salaried("2025-09", 435_000, until("2025-01-01", "2025-09-17"));
        input.profiles.push(profile(2, 870_000, from("2025-09-17")));
        input.assignments = vec![assignment(1, from("2025-09-02"))];
        assert_eq!(base(&input, BaseMethod::Average), [220_000, 430_000]);
    }

    #[test]
    fn a_segment_without_workdays_pays_nothing() {
        let input = salaried("2025-11", 600_000, from("2025-11-29"));
        assert_eq!(base(&input, BaseMethod::Scheduled), Vec::<i64>::new());
    }

    #[test]
    fn who_joins_on_the_first_workday_has_missed_nothing() {
        let input = salaried("2025-11", 600_000, from("2025-11-03"));
        assert_eq!(base(&input, BaseMethod::Average), [600_000]);
    }

    #[test]
    fn a_line_says_how_it_was_reckoned() {
        let input = salaried("2025-11", 600_000, from("2025-11-10"));
        let policy = in_force(PayPolicy::defaults());
        let line = &lines(&Timeline::of(&input), &policy)[0];
        assert_eq!(line.formula.en, "base pay 6000.00 × 15/20 = 4500.00");
        assert_eq!(line.formula.zh, "基本工资 6000.00 × 15/20 = 4500.00");
        assert_eq!((line.rate.to_string().as_str(), line.quantity), ("1/20", days(15)));
        assert_eq!(line.rate.of(line.base, line.quantity), line.amount);
    }
}
