//! Lines, total and payment plan are one amount, and every split adds up (C5, C14).

use super::{Instalment, Line, Refusal};
use chrono::NaiveDate;
use kernel::Fen;
use std::num::NonZeroU32;

/// Refuses a contract whose lines, total and plan differ, or a line that is not its own parts.
pub fn check(lines: &[Line], total_fen: Fen, plan: &[Instalment]) -> Result<(), Refusal> {
    for (place, line) in lines.iter().enumerate() {
        let parts = [line.split.wage_fen, line.split.management_fen, line.split.material_fen];
        if parts.into_iter().any(|part| part < Fen::ZERO) {
            return Err(Refusal::NegativePart { line: place });
        }
        let parts_fen = line.split.sum();
        if parts_fen != line.total_fen {
            return Err(Refusal::FeeSplitDiffers { line: place, parts_fen, total_fen: line.total_fen });
        }
    }
    let lines_fen: Fen = lines.iter().map(|line| line.total_fen).sum();
    let plan_fen: Fen = plan.iter().map(|instalment| instalment.amount_fen).sum();
    if lines_fen != total_fen || plan_fen != total_fen {
        return Err(Refusal::SumsDiffer { lines_fen, total_fen, plan_fen });
    }
    Ok(())
}

/// Divides a total into equal instalments by cumulative rounding: they always add up (C14).
pub fn instalments(total_fen: Fen, due_on: &[NaiveDate]) -> Vec<Instalment> {
    let weights = vec![1; due_on.len()];
    let amounts = total_fen.split(&weights).into_iter();
    due_on
        .iter()
        .zip(amounts)
        .map(|(due_on, amount_fen)| Instalment { due_on: *due_on, amount_fen })
        .collect()
}

/// The part of a line that one of its visits takes, by cumulative rounding (C14): what is due up to it less what was
/// due before. `number` counts from 1.
pub fn of_visit(line_fen: Fen, number: u32, visits: NonZeroU32) -> Fen {
    let due = |number: u32| line_fen.share(number.into(), visits.get().into());
    due(number) - due(number.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::super::{FeeSplit, PassThrough};
    use super::*;
    use proptest::prelude::*;

    fn line(wage: i64, management: i64, material: i64, total: i64) -> Line {
        let split = FeeSplit {
            wage_fen: Fen::new(wage),
            management_fen: Fen::new(management),
            material_fen: Fen::new(material),
        };
        Line { total_fen: Fen::new(total), split, pass_through: PassThrough::Wage }
    }

    fn days(count: u32) -> Vec<NaiveDate> {
        (1..=count).map(|day| NaiveDate::from_ymd_opt(2026, 10, day).expect("a date")).collect()
    }

    #[test]
    fn c5_one_fen_off_is_refused_wherever_it_is() {
        let lines = [line(600_000, 80_000, 0, 680_000), line(0, 9_000, 1_000, 10_000)];
        let total = Fen::new(690_000);
        let mut plan = instalments(total, &days(3));
        assert_eq!(check(&lines, total, &plan), Ok(()));
        assert!(matches!(check(&lines, Fen::new(690_001), &plan), Err(Refusal::SumsDiffer { .. })));
        plan[0].amount_fen = plan[0].amount_fen + Fen::new(1);
        assert!(matches!(check(&lines, total, &plan), Err(Refusal::SumsDiffer { .. })));
        let off = [line(600_000, 80_001, 0, 680_000)];
        assert!(matches!(
            check(&off, Fen::new(680_000), &plan),
            Err(Refusal::FeeSplitDiffers { line: 0, .. })
        ));
        let negative = [line(700_000, -20_000, 0, 680_000)];
        assert_eq!(check(&negative, Fen::new(680_000), &plan), Err(Refusal::NegativePart { line: 0 }));
    }

    #[test]
    fn what_passes_through_is_not_ours() {
        let wage = line(600_000, 80_000, 5_000, 685_000);
        assert_eq!(wage.own_fen(), Fen::new(85_000));
        assert_eq!(Line { pass_through: PassThrough::Whole, ..wage }.own_fen(), Fen::ZERO);
        assert_eq!(Line { pass_through: PassThrough::None, ..wage }.own_fen(), Fen::new(685_000));
    }

    proptest! {
        #[test]
        fn c14_parts_add_up(fen in 0_i64..10_000_000, count in 1_u32..28) {
            let total = Fen::new(fen);
            let plan = instalments(total, &days(count));
            prop_assert_eq!(plan.iter().map(|one| one.amount_fen).sum::<Fen>(), total);
            let all = NonZeroU32::new(count).expect("one at least");
            let visits: Vec<Fen> = (1..=count).map(|number| of_visit(total, number, all)).collect();
            prop_assert_eq!(visits.iter().copied().sum::<Fen>(), total);
            let (least, most) = (visits.iter().min(), visits.iter().max());
            prop_assert!(most.zip(least).is_some_and(|(most, least)| *most - *least <= Fen::new(1)));
        }
    }

    #[test]
    fn c14_one_part_of_very_many_needs_none_of_the_others() {
        let many = NonZeroU32::MAX;
        let total = Fen::new(i64::from(many.get()) * 2 + 1);
        assert_eq!(of_visit(total, 1, many), Fen::new(2));
        assert_eq!(of_visit(total, 2_147_483_648, many), Fen::new(3), "the odd fen is in the middle");
        assert_eq!(of_visit(total, many.get(), many), Fen::new(2));
    }
}
