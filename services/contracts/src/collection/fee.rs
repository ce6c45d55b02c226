//! What the house has earned of the payments under a contract: its own part of what is owed, by cumulative rounding
//! over all of them, whichever comes and whichever goes back (C11).

use crate::contract::Line;
use kernel::Fen;

/// What was collected under a contract before, and what was taken back of it. In fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Before {
    /// What is left of all payments.
    pub left_fen: Fen,
    /// What is left of their fee bases.
    pub fee_left_fen: Fen,
    /// What was given back of the fee alone, or of what passes through alone: it is not owed again.
    pub waived_fen: Fen,
    /// The house's own part of that.
    pub fee_waived_fen: Fen,
}

/// Of what is owed, how much is the house's own; and how much of it is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeShare {
    /// All that is owed, in fen.
    pub total_fen: Fen,
    /// The house's own part of it, in fen.
    pub own_fen: Fen,
    /// What was collected before this payment.
    pub before: Before,
}

impl FeeShare {
    /// What is owed under these lines.
    pub fn of(lines: &[Line], before: Before) -> Self {
        Self {
            total_fen: lines.iter().map(|line| line.total_fen).sum(),
            own_fen: lines.iter().map(Line::own_fen).sum(),
            before,
        }
    }

    /// The own part of a payment: what is due of the fee with it, less what is credited already. So whatever was taken
    /// back in proportion is credited again when it is paid again, and a fee that was given back never is. What is paid
    /// beyond what is owed is an advance of the customer and earns nobody anything.
    pub(super) fn base_of(&self, amount: Fen) -> Fen {
        (self.due(self.before.left_fen + amount) - self.before.fee_left_fen).floored().min(amount)
    }

    /// The own part of what is given back in proportion: what is credited, less what is due of the fee after it. So an
    /// advance is given back without any, and a fee that is still paid stays earned.
    pub(super) fn taken_back(&self, amount: Fen) -> Fen {
        (self.before.fee_left_fen - self.due(self.before.left_fen - amount)).floored()
    }

    /// True where the customer has paid more than is owed.
    pub(super) fn is_overpaid(&self) -> bool {
        self.total_fen < self.before.left_fen + self.before.waived_fen
    }

    /// What is due of the fee where so much is left of the payments. What was waived counts as collected and as
    /// credited: it changes nothing of what the rest earns.
    fn due(&self, left: Fen) -> Fen {
        if self.total_fen.is_zero() {
            return Fen::ZERO;
        }
        let collected = (left + self.before.waived_fen).min(self.total_fen);
        self.own_fen.share(collected.fen(), self.total_fen.fen()) - self.before.fee_waived_fen
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{Payment, record};
    use super::super::reverse::{Refund, reverse};
    use super::super::{Collected, Part, Refusal, Reversal};
    use super::*;
    use chrono::NaiveDate;
    use events::CollectionId;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, 5).expect("a date")
    }

    /// The payments under one contract, as the table holds them.
    struct Book {
        total: Fen,
        own: Fen,
        collected: Vec<Collected>,
    }

    impl Book {
        fn of(total: i64, own: i64) -> Self {
            Self { total: Fen::new(total), own: Fen::new(own), collected: Vec::new() }
        }

        fn reversals(&self) -> impl Iterator<Item = &Reversal> {
            self.collected.iter().flat_map(|one| &one.reversals)
        }

        fn owed(&self) -> FeeShare {
            FeeShare { total_fen: self.total, own_fen: self.own, before: self.before() }
        }

        fn before(&self) -> Before {
            let waived = || self.reversals().filter(|reversal| reversal.part != Part::Proportional);
            Before {
                left_fen: self.collected.iter().map(Collected::left_fen).sum(),
                fee_left_fen: self.collected.iter().map(Collected::fee_left_fen).sum(),
                waived_fen: -waived().map(|reversal| reversal.amount_fen).sum::<Fen>(),
                fee_waived_fen: -waived().map(|reversal| reversal.fee_base_fen).sum::<Fen>(),
            }
        }

        /// Pays, and says the fee base of it.
        fn pay(&mut self, fen: i64) -> i64 {
            let payment = Payment { amount_fen: Fen::new(fen), paid_on: day() };
            let one = record(self.fresh(), payment, &self.owed()).expect("above zero");
            assert!(Fen::ZERO <= one.fee_base_fen && one.fee_base_fen <= one.amount_fen);
            self.collected.push(one);
            self.collected.last().map_or(0, |one| one.fee_base_fen.fen())
        }

        /// Takes back from a payment, and says the fee base of it.
        fn try_back(&mut self, place: usize, part: Part, fen: i64) -> Result<i64, Refusal> {
            let (id, owed) = (self.fresh(), self.owed());
            let one = self.collected.get_mut(place).expect("it was paid");
            let refund = Refund { part, amount_fen: Fen::new(fen), reversed_on: day() };
            let reversal = reverse(one, id, refund, &owed)?;
            one.reversals.push(reversal);
            Ok(reversal.fee_base_fen.fen())
        }

        /// Takes back from a payment, and says the fee base of it; nothing where that is refused.
        fn take_back(&mut self, place: usize, part: Part, fen: i64) -> i64 {
            if place < self.collected.len() { self.try_back(place, part, fen).unwrap_or(0) } else { 0 }
        }

        /// Takes back from the newest payments so much, as far as there is anything left.
        fn take_back_newest(&mut self, fen: i64) {
            let mut rest = fen;
            for place in (0..self.collected.len()).rev() {
                let left = self.collected.get(place).map_or(0, |one| one.left_fen().fen()).min(rest);
                if left > 0 {
                    self.try_back(place, Part::Proportional, left).expect("the newest first");
                }
                rest -= left;
            }
        }

        /// First what was paid too much, then the rest.
        fn take_all_back(&mut self) {
            let excess = (self.before().left_fen - self.total).floored();
            self.take_back_newest(excess.fen());
            self.take_back_newest(self.before().left_fen.fen());
        }

        /// What the house has earned where so much is left of the payments and nothing was waived (C11).
        fn earned(&self) -> Fen {
            self.own.share(self.before().left_fen.min(self.total).fen(), self.total.fen())
        }

        fn fresh(&self) -> CollectionId {
            let number = self.collected.len() + self.reversals().count();
            CollectionId::of(Uuid::from_u128(u128::try_from(number).expect("few")))
        }

        fn fee(&self) -> Fen {
            self.before().fee_left_fen
        }
    }

    #[test]
    fn c11_what_is_paid_again_is_credited_again() {
        let mut book = Book::of(680_000, 80_000);
        assert_eq!(book.pay(680_000), 80_000);
        assert_eq!(book.take_back(0, Part::Proportional, 680_000), -80_000);
        assert_eq!(book.pay(680_000), 80_000);
        assert_eq!(book.pay(1_000), 0, "an advance");
        let mut book = Book::of(680_000, 80_000);
        assert_eq!((book.pay(340_000), book.take_back(0, Part::Proportional, 170_000)), (40_000, -20_000));
        assert_eq!(book.pay(510_000), 60_000);
    }

    #[test]
    fn c11_a_fee_that_was_given_back_is_not_earned_by_the_next_instalment() {
        let mut book = Book::of(680_000, 80_000);
        assert_eq!((book.pay(340_000), book.take_back(0, Part::Fee, 20_000)), (40_000, -20_000));
        assert_eq!((book.pay(340_000), book.fee()), (40_000, Fen::new(60_000)));
        let mut book = Book::of(680_000, 80_000);
        assert_eq!((book.pay(340_000), book.take_back(0, Part::PassThrough, 100_000)), (40_000, 0));
        assert_eq!(
            (book.pay(340_000), book.fee()),
            (40_000, Fen::new(80_000)),
            "the insurance is owed no longer"
        );
    }

    #[test]
    fn c11_every_instalment_after_a_directed_refund_earns_its_own_part() {
        let mut book = Book::of(680_000, 80_000);
        assert_eq!((book.pay(340_000), book.take_back(0, Part::Fee, 40_000)), (40_000, -40_000));
        // 80,000 × 440/680 = 51,765, less the 40,000 that were given back.
        assert_eq!((book.pay(100_000), book.fee()), (11_765, Fen::new(11_765)));
        assert_eq!((book.pay(240_000), book.fee()), (28_235, Fen::new(40_000)));
        let mut book = Book::of(680_000, 80_000);
        assert_eq!((book.pay(340_000), book.take_back(0, Part::PassThrough, 300_000)), (40_000, 0));
        assert_eq!((book.pay(100_000), book.fee()), (11_765, Fen::new(51_765)));
        assert_eq!((book.pay(100_000), book.fee()), (11_764, Fen::new(63_529)));
        assert_eq!((book.pay(140_000), book.fee()), (16_471, Fen::new(80_000)));
        assert_eq!((book.pay(1_000), book.fee()), (0, Fen::new(80_000)), "an advance");
    }

    #[test]
    fn c11_what_was_paid_twice_is_given_back_without_the_fee() {
        let mut book = Book::of(680_000, 80_000);
        assert_eq!((book.pay(680_000), book.pay(680_000)), (80_000, 0));
        // All of the fee was credited with the first: it cannot go back without it.
        assert_eq!(book.try_back(0, Part::Proportional, 680_000), Err(Refusal::NewestFirst {}));
        assert_eq!(book.fee(), Fen::new(80_000), "no refusal changed anything");
        assert_eq!(book.try_back(1, Part::Proportional, 680_000), Ok(0));
        assert_eq!(book.fee(), Fen::new(80_000));
        // Nothing is paid too much any more: the first takes its fee with it.
        assert_eq!(book.try_back(0, Part::Proportional, 680_000), Ok(-80_000));
        assert_eq!(book.fee(), Fen::ZERO);
    }

    #[test]
    fn c11_an_advance_is_given_back_without_the_fee_from_whichever_payment() {
        let mut book = Book::of(680_000, 80_000);
        assert_eq!((book.pay(680_000), book.pay(100_000)), (80_000, 0));
        assert_eq!(book.try_back(0, Part::Proportional, 100_000), Ok(0));
        assert_eq!(book.fee(), Fen::new(80_000));
        let mut book = Book::of(680_000, 80_000);
        assert_eq!((book.pay(400_000), book.pay(400_000)), (47_059, 32_941));
        assert_eq!(book.try_back(1, Part::Proportional, 120_000), Ok(0));
        assert_eq!(book.fee(), Fen::new(80_000));
        // 80,000 × 580/680 = 68,235 are due of what is left.
        assert_eq!(book.try_back(1, Part::Proportional, 100_000), Ok(-11_765));
        assert_eq!(book.fee(), Fen::new(68_235));
    }

    #[test]
    fn c11_what_is_owed_and_given_back_takes_its_fee_with_it() {
        let mut book = Book::of(680_000, 80_000);
        assert_eq!((book.pay(340_000), book.pay(340_000)), (40_000, 40_000));
        assert_eq!(book.try_back(0, Part::Proportional, 170_000), Ok(-20_000));
        assert_eq!(book.fee(), Fen::new(60_000));
        // What is left of a payment bounds its fee from above: 80,000 × 200/680 = 23,529 would be due.
        let mut book = Book::of(680_000, 80_000);
        assert_eq!((book.pay(680_000), book.pay(200_000)), (80_000, 0));
        assert_eq!(book.try_back(0, Part::Proportional, 200_000), Ok(0));
        assert_eq!(book.try_back(1, Part::Proportional, 200_000), Ok(0), "it never had any");
        assert_eq!((book.before().left_fen, book.fee()), (Fen::new(480_000), Fen::new(80_000)));
        assert_eq!(book.try_back(0, Part::Proportional, 240_000), Ok(-51_765));
        assert_eq!(book.fee(), book.earned(), "80,000 × 240/680 = 28,235");
    }

    proptest! {
        #[test]
        fn payments_in_any_portions_have_the_whole_fee_base(
            portions in prop::collection::vec(1_i64..100_000, 1..12),
            own_bp in 0_i64..=10_000,
            surplus in 0_i64..1_000,
        ) {
            let total: i64 = portions.iter().sum();
            let mut book = Book::of(total, total * own_bp / 10_000);
            for portion in portions.iter().copied().chain((surplus > 0).then_some(surplus)) {
                book.pay(portion);
            }
            prop_assert_eq!(book.fee(), book.own);
        }

        #[test]
        fn c11_whatever_was_taken_back_before_the_whole_has_the_whole_fee_base(
            total in 1_i64..500_000,
            own_bp in 0_i64..=10_000,
            steps in prop::collection::vec((1_i64..300_000, 0_usize..6, 1_i64..300_000), 0..8),
            last in 1_i64..100_000,
        ) {
            let mut book = Book::of(total, total * own_bp / 10_000);
            for (paid, place, back) in steps {
                book.pay(paid);
                book.take_back(place, Part::Proportional, back);
                prop_assert!(book.fee() <= book.own);
                if book.total <= book.before().left_fen {
                    prop_assert_eq!(book.fee(), book.own, "all that is owed is paid, so all of the fee is earned");
                }
            }
            book.take_all_back();
            prop_assert_eq!(book.fee(), Fen::ZERO);
            let first = last.min(total);
            book.pay(first);
            prop_assert_eq!(book.fee(), book.own.share(first, total), "counted anew");
            book.pay(total);
            prop_assert_eq!(book.fee(), book.own);
        }

        #[test]
        fn c11_the_fee_is_that_of_what_is_left_after_every_step(
            total in 1_i64..500_000,
            own_bp in 0_i64..=10_000,
            steps in prop::collection::vec((1_i64..300_000, 0_i64..300_000), 0..8),
        ) {
            let mut book = Book::of(total, total * own_bp / 10_000);
            for (paid, back) in steps {
                book.pay(paid);
                prop_assert_eq!(book.fee(), book.earned());
                book.take_back_newest(back);
                prop_assert_eq!(book.fee(), book.earned());
            }
        }

        #[test]
        fn c11_a_fee_is_never_earned_twice(
            total in 1_i64..500_000,
            own_bp in 0_i64..=10_000,
            steps in prop::collection::vec((1_i64..300_000, 0_usize..6, 1_i64..300_000, 0_u8..3), 0..8),
        ) {
            let mut book = Book::of(total, total * own_bp / 10_000);
            for (paid, place, back, part) in steps {
                book.pay(paid);
                let part = match part { 0 => Part::Proportional, 1 => Part::Fee, _ => Part::PassThrough };
                book.take_back(place, part, back);
                prop_assert!(book.fee() + book.before().fee_waived_fen <= book.own);
            }
            book.pay(total * 3);
            prop_assert_eq!(book.fee() + book.before().fee_waived_fen, book.own);
        }
    }
}
