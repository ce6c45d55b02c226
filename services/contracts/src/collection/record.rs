//! Records a confirmed payment with its fee base: the own part, by cumulative rounding over all payments (C11, C14).

use super::{Channel, Collected, Collection, CollectionView, ExternalRef, Refusal, Role, store};
use crate::contract::{self, Contract, Line};
use crate::price;
use chrono::NaiveDate;
use events::contracts::CollectionRecorded;
use events::{CollectionId, ContractId};
use house::access::Permitted;
use house::known::{Employment, KnownEmployee};
use house::{Addressed, Answer, Command, Commanded, House, New, not_found, permission};
use journal::{Failure, RefuseOn, Tx};
use kernel::{Decision, EmployeeId, Fen, Money, Version, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// A payment that the channel has confirmed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordCollection {
    /// Under which contract.
    pub contract_id: ContractId,
    /// How the money came.
    pub channel: Channel,
    /// The channel's own number for it, or that of the receipt.
    pub external_ref: ExternalRef,
    /// How much.
    pub amount: Money,
    /// The day it came, in the branch's zone.
    #[serde(deserialize_with = "kernel::time::date")]
    pub collected_on: NaiveDate,
    /// Whose task it was to collect; absent: whoever sold the contract is credited.
    #[serde(default)]
    pub collector_id: Option<EmployeeId>,
}

impl Addressed for RecordCollection {
    type To = New<CollectionId>;
}

/// What was collected under a contract before, and what was taken back of it. In fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Before {
    /// What is left of all payments.
    pub left_fen: Fen,
    /// What is left of their fee bases.
    pub fee_left_fen: Fen,
    /// What was given back of the fee alone, or of what passes through alone: it is owed no longer.
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
    fn base_of(&self, amount: Fen) -> Fen {
        let own = (self.own_fen - self.before.fee_waived_fen).floored();
        let total = (self.total_fen - self.before.waived_fen).max(own);
        if total.is_zero() {
            return Fen::ZERO;
        }
        let collected = (self.before.left_fen + amount).min(total);
        let due = own.share(collected.fen(), total.fen());
        (due - self.before.fee_left_fen).floored().min(amount)
    }
}

/// A payment that the channel has confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// In fen.
    pub amount_fen: Fen,
    /// Its day, branch zone.
    pub paid_on: NaiveDate,
}

/// Records a payment as collected (C11).
pub fn record(id: CollectionId, payment: Payment, share: &FeeShare) -> Result<Collected, Refusal> {
    if payment.amount_fen <= Fen::ZERO {
        return Err(Refusal::NotPositive {});
    }
    Ok(Collected {
        id,
        collected_on: payment.paid_on,
        amount_fen: payment.amount_fen,
        fee_base_fen: share.base_of(payment.amount_fen),
        reversals: Vec::new(),
    })
}

/// What a collection is recorded in.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Today, in the branch's zone.
    pub today: NaiveDate,
    /// Collected before under the contract.
    pub before: Before,
    /// The collector that is named, as hr told us of him.
    pub collector: Option<KnownEmployee>,
}

/// Records money under a contract in force and credits whoever collected it, else whoever sold it.
pub fn decide(
    id: CollectionId,
    contract: &Contract,
    body: RecordCollection,
    around: Surroundings,
) -> Result<Decision<Collection>, Refusal> {
    match contract.state {
        contract::State::Active(..) => {}
        contract::State::Draft | contract::State::Offered(_) | contract::State::Voided => {
            return Err(Refusal::ContractNotActive { state: contract.state.word() });
        }
    }
    let (collected_on, today) = (body.collected_on, around.today);
    if today < collected_on {
        return Err(Refusal::InFuture { collected_on, today });
    }
    if let Some(collector) = body.collector_id {
        at_work(collector, around.collector.as_ref(), collected_on)?;
    }
    let collector = body.collector_id.map(|employee| (employee, Role::Collector));
    let seller = contract.sold_by.map(|employee| (employee, Role::Seller));
    let Some((credited, role)) = collector.or(seller) else { return Err(Refusal::NobodyCredited {}) };
    let payment = Payment { amount_fen: body.amount.fen(), paid_on: collected_on };
    let money = record(id, payment, &FeeShare::of(&contract.sums(), around.before))?;
    let collection = Collection {
        branch: contract.branch,
        contract: contract.id,
        channel: body.channel,
        external_ref: body.external_ref,
        credited,
        role,
        money,
        version: Version::NONE,
    };
    let recorded = CollectionRecorded(collection.outside());
    Ok(Decision::of(collection).and(recorded).under(clause!("P6.6-2")).born_of(contract.id))
}

/// Refuses a collector of whom hr has not told us, or who was not at work on that day any more.
fn at_work(employee_id: EmployeeId, known: Option<&KnownEmployee>, on: NaiveDate) -> Result<(), Refusal> {
    let Some(known) = known else { return Err(Refusal::EmployeeUnknown { employee_id }) };
    match known.employment {
        Employment::Suspended | Employment::Left if known.effective_on <= on => {
            Err(Refusal::NotEmployed { employee_id, since: known.effective_on })
        }
        Employment::Employed | Employment::Suspended | Employment::Left => Ok(()),
    }
}

type Write = permission!("collection.write");

/// The contract, locked so that two payments cannot both round the same fen; who reaches only what is his own
/// records only what he collected himself, under a contract of a branch of his.
async fn contract_of(tx: &mut Tx, cmd: &Command<RecordCollection, Write>) -> Result<Contract, Failure> {
    let contract = store::contract(tx, cmd.body.contract_id).await?;
    let is_own = cmd.body.collector_id.is_some_and(|collector| Some(collector.uuid()) == tx.own())
        && cmd.principal.holds_in(Write::permission(), contract.branch);
    if is_own || tx.reach().covers(Some(contract.branch)) { Ok(contract) } else { Err(not_found().into()) }
}

/// Records a payment as collected (P6.6-2).
#[utoipa::path(post, path = "/v1/contracts/collections", request_body = RecordCollection, responses(Commanded<CollectionView>))]
pub(super) async fn route(house: House, cmd: Command<RecordCollection, Write>) -> Answer<CollectionView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let contract = contract_of(tx, cmd).await?;
            let zone = price::store::zone(tx.connection(), Some(contract.branch)).await?;
            let before = store::collected_before(tx, contract.id).await?;
            let collector = store::collector(tx, cmd.body.collector_id).await?;
            let around = Surroundings { today: now.date_in(zone), before, collector };
            let decision = decide(cmd.id, &contract, cmd.body.clone(), around)?;
            let channel = cmd.body.channel;
            store::add(tx, &decision).await.refuse_on("collection_ref_once", Refusal::RefUsed { channel })?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::reverse::{Refund, reverse};
    use super::super::{Part, Reversal};
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn paid_on() -> NaiveDate {
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
            let share = FeeShare { total_fen: self.total, own_fen: self.own, before: self.before() };
            let payment = Payment { amount_fen: Fen::new(fen), paid_on: paid_on() };
            let one = record(self.fresh(), payment, &share).expect("above zero");
            assert!(Fen::ZERO <= one.fee_base_fen && one.fee_base_fen <= one.amount_fen);
            self.collected.push(one);
            self.collected.last().map_or(0, |one| one.fee_base_fen.fen())
        }

        /// Takes back from a payment what is left at the most, and says the fee base of it.
        fn take_back(&mut self, place: usize, part: Part, fen: i64) -> i64 {
            let id = self.fresh();
            let Some(one) = self.collected.get_mut(place) else { return 0 };
            let refund = Refund { part, amount_fen: Fen::new(fen), reversed_on: paid_on() };
            let Ok(reversal) = reverse(one, id, refund) else { return 0 };
            one.reversals.push(reversal);
            reversal.fee_base_fen.fen()
        }

        fn take_all_back(&mut self) {
            for place in 0..self.collected.len() {
                let left = self.collected.get(place).map_or(0, |one| one.left_fen().fen());
                self.take_back(place, Part::Proportional, left);
            }
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
    fn only_money_above_zero_is_collected() {
        let share = FeeShare { total_fen: Fen::new(100), own_fen: Fen::new(50), before: Before::default() };
        let nothing = Payment { amount_fen: Fen::ZERO, paid_on: paid_on() };
        let refused = record(CollectionId::of(Uuid::from_u128(1)), nothing, &share);
        assert_eq!(refused, Err(Refusal::NotPositive {}));
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
    fn a_collector_is_known_and_at_work_on_the_day() {
        let id = EmployeeId::of(Uuid::from_u128(1));
        let known = |employment, effective_on: &str| KnownEmployee {
            id,
            branch: kernel::BranchId::of(Uuid::from_u128(3)),
            position: events::hr::Position::CustomerService,
            employment,
            effective_on: effective_on.parse().expect("a date"),
        };
        let since = paid_on();
        assert_eq!(at_work(id, None, since), Err(Refusal::EmployeeUnknown { employee_id: id }));
        for (employment, effective_on, is_good) in [
            (Employment::Employed, "2026-10-05", true),
            (Employment::Left, "2026-10-06", true),
            (Employment::Left, "2026-10-05", false),
            (Employment::Suspended, "2026-10-05", false),
        ] {
            let expected =
                if is_good { Ok(()) } else { Err(Refusal::NotEmployed { employee_id: id, since }) };
            assert_eq!(
                at_work(id, Some(&known(employment, effective_on)), since),
                expected,
                "{effective_on}"
            );
        }
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
