//! How long a visit of a service lasts: no shorter than its minimum, and by its steps (P1-2).

use super::Refusal;
use crate::price::{PriceKey, Quantity, Unit};

/// In minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durations {
    /// The shortest visit.
    pub min_minutes: i32,
    /// What a visit grows by.
    pub step_minutes: i32,
}

impl Durations {
    /// Refuses a quantity of hours that no visit of the service may last; other units have no duration.
    pub fn check(self, key: &PriceKey, quantity: Quantity) -> Result<(), Refusal> {
        match key.unit {
            Unit::Hour => self.check_hours(key, quantity),
            Unit::Visit | Unit::Day | Unit::Month | Unit::SquareMetre | Unit::Package => Ok(()),
        }
    }

    fn check_hours(self, key: &PriceKey, quantity: Quantity) -> Result<(), Refusal> {
        let (least, step) = (i64::from(self.min_minutes), i64::from(self.step_minutes));
        let service = || key.service.as_str().to_owned();
        let minutes = quantity.minutes();
        let least_quantity = Quantity::of_minutes(least).unwrap_or(Quantity::MAX);
        if quantity < least_quantity {
            return Err(Refusal::TooShort { service: service(), quantity, least: least_quantity });
        }
        let is_whole = Quantity::of_minutes(minutes) == Some(quantity);
        if !is_whole || (minutes - least).checked_rem(step) != Some(0) {
            return Err(Refusal::OffStep { service: service(), minutes: least, step_minutes: step });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::fixtures::cleaning;

    const TWO_HOURS_BY_HALVES: Durations = Durations { min_minutes: 120, step_minutes: 30 };

    fn hours(thousandths: i64) -> Quantity {
        Quantity::of_thousandths(thousandths).expect("in range")
    }

    #[test]
    fn hours_begin_with_the_minimum_and_grow_by_the_step() {
        let check = |thousandths| TWO_HOURS_BY_HALVES.check(&cleaning(), hours(thousandths));
        for good in [2_000, 2_500, 3_000, 8_000] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for short in [1, 1_500, 1_999] {
            let (quantity, least) = (hours(short), hours(2_000));
            assert_eq!(check(short), Err(Refusal::TooShort { service: "cleaning".into(), quantity, least }));
        }
        for odd in [2_001, 2_250, 2_499, 3_001] {
            let refusal = Refusal::OffStep { service: "cleaning".into(), minutes: 120, step_minutes: 30 };
            assert_eq!(check(odd), Err(refusal), "{odd}");
        }
    }

    #[test]
    fn a_third_of_an_hour_is_a_step_and_other_units_have_none() {
        let thirds = Durations { min_minutes: 20, step_minutes: 20 };
        for good in [333, 667, 1_000, 1_333] {
            assert_eq!(thirds.check(&cleaning(), hours(good)), Ok(()), "{good}");
        }
        assert!(thirds.check(&cleaning(), hours(334)).is_err());
        let visit = PriceKey { unit: Unit::Visit, ..cleaning() };
        assert_eq!(TWO_HOURS_BY_HALVES.check(&visit, hours(1)), Ok(()));
    }
}
