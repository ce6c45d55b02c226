//! Records a confirmed payment with its fee base: the own part, by cumulative rounding over all payments (C11, C14).

use super::{Channel, Collected, Collection, CollectionView, Refusal, Role, store};
use crate::contract::{self, Contract, Line};
use crate::price;
use chrono::NaiveDate;
use events::contracts::CollectionRecorded;
use events::{CollectionId, ContractId};
use house::{Addressed, Answer, Command, Commanded, House, New, known, not_found, permission};
use journal::{Failure, RefuseOn, Tx};
use kernel::{Decision, EmployeeId, Fen, Money, Version, clause};
use serde::{Deserialize, Serialize};
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
    pub external_ref: String,
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

/// How far a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Announced.
    Pending,
    /// Confirmed by the channel.
    Settled,
    /// It did not come.
    Failed,
}

/// Of what is owed, how much is the house's own; and how much of it has been collected before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeShare {
    /// All that is owed, in fen.
    pub total_fen: Fen,
    /// The house's own part of it, in fen.
    pub own_fen: Fen,
    /// Collected before this payment, in fen, reversals not taken off: each payment keeps its own share.
    pub collected_before_fen: Fen,
}

impl FeeShare {
    /// What is owed under these lines.
    pub fn of(lines: &[Line], collected_before_fen: Fen) -> Self {
        Self {
            total_fen: lines.iter().map(|line| line.total_fen).sum(),
            own_fen: lines.iter().map(Line::own_fen).sum(),
            collected_before_fen,
        }
    }

    /// The own part of the first so many fen collected. What is paid beyond what is owed is an advance of the
    /// customer and earns nobody anything.
    fn own_up_to(&self, collected: Fen) -> Fen {
        if self.total_fen.is_zero() {
            return Fen::ZERO;
        }
        self.own_fen.share(collected.min(self.total_fen).fen(), self.total_fen.fen())
    }
}

/// A payment as the channel reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// How far it is.
    pub state: PaymentState,
    /// In fen.
    pub amount_fen: Fen,
    /// Its day, branch zone.
    pub paid_on: NaiveDate,
}

/// Records a settled payment as collected (C11).
pub fn record(id: CollectionId, payment: Payment, share: &FeeShare) -> Result<Collected, Refusal> {
    match payment.state {
        PaymentState::Settled => {}
        PaymentState::Pending | PaymentState::Failed => {
            return Err(Refusal::NotSettled { state: payment.state });
        }
    }
    if payment.amount_fen <= Fen::ZERO {
        return Err(Refusal::NotPositive {});
    }
    let before = share.collected_before_fen;
    let fee_base_fen = share.own_up_to(before + payment.amount_fen) - share.own_up_to(before);
    Ok(Collected {
        id,
        collected_on: payment.paid_on,
        amount_fen: payment.amount_fen,
        fee_base_fen,
        reversals: Vec::new(),
    })
}

/// What a collection is recorded in.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// Today, in the branch's zone.
    pub today: NaiveDate,
    /// Collected before under the contract, reversals not taken off.
    pub collected_before_fen: Fen,
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
    let collector = body.collector_id.map(|employee| (employee, Role::Collector));
    let seller = contract.sold_by.map(|employee| (employee, Role::Seller));
    let Some((credited, role)) = collector.or(seller) else { return Err(Refusal::NobodyCredited {}) };
    let payment =
        Payment { state: PaymentState::Settled, amount_fen: body.amount.fen(), paid_on: collected_on };
    let money = record(id, payment, &FeeShare::of(&contract.sums(), around.collected_before_fen))?;
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

/// The contract, locked so that two payments cannot both round the same fen; who reaches only what is his own
/// records only what he collected himself.
async fn contract_of(tx: &mut Tx, body: &RecordCollection) -> Result<Contract, Failure> {
    if let Some(employee_id) = body.collector_id
        && known::employee(tx, employee_id).await?.is_none()
    {
        return Err(Refusal::EmployeeUnknown { employee_id }.into());
    }
    let contract = store::contract(tx, body.contract_id).await?;
    let is_own = body.collector_id.is_some_and(|collector| Some(collector.uuid()) == tx.own());
    if is_own || tx.reach().covers(Some(contract.branch)) { Ok(contract) } else { Err(not_found().into()) }
}

/// Records a payment as collected (P6.6-2).
#[utoipa::path(post, path = "/v1/contracts/collections", request_body = RecordCollection, responses(Commanded<CollectionView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RecordCollection, permission!("collection.write")>,
) -> Answer<CollectionView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let contract = contract_of(tx, &cmd.body).await?;
            let zone = price::store::zone(tx.connection(), Some(contract.branch)).await?;
            let collected_before_fen = store::collected_before(tx, contract.id).await?;
            let around = Surroundings { today: now.date_in(zone), collected_before_fen };
            let decision = decide(cmd.id, &contract, cmd.body.clone(), around)?;
            let channel = cmd.body.channel;
            store::add(tx, &decision).await.refuse_on("collection_ref_once", Refusal::RefUsed { channel })?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn payment(fen: i64) -> Payment {
        let paid_on = NaiveDate::from_ymd_opt(2026, 10, 5).expect("a date");
        Payment { state: PaymentState::Settled, amount_fen: Fen::new(fen), paid_on }
    }

    fn share(total: i64, own: i64, before: i64) -> FeeShare {
        FeeShare {
            total_fen: Fen::new(total),
            own_fen: Fen::new(own),
            collected_before_fen: Fen::new(before),
        }
    }

    #[test]
    fn only_settled_money_above_zero_is_collected() {
        let id = CollectionId::of(Uuid::from_u128(1));
        let pending = Payment { state: PaymentState::Pending, ..payment(1) };
        let refused = record(id, pending, &share(100, 50, 0));
        assert_eq!(refused, Err(Refusal::NotSettled { state: PaymentState::Pending }));
        assert_eq!(record(id, payment(0), &share(100, 50, 0)), Err(Refusal::NotPositive {}));
    }

    proptest! {
        #[test]
        fn payments_in_any_portions_have_the_whole_fee_base(
            portions in prop::collection::vec(1_i64..100_000, 1..12),
            own_bp in 0_i64..=10_000,
            surplus in 0_i64..1_000,
        ) {
            let total: i64 = portions.iter().sum();
            let own = total * own_bp / 10_000;
            let (mut before, mut bases) = (0, Fen::ZERO);
            for portion in portions.iter().copied().chain((surplus > 0).then_some(surplus)) {
                let id = CollectionId::of(Uuid::from_u128(1));
                let collected = record(id, payment(portion), &share(total, own, before)).expect("settled");
                prop_assert!(Fen::ZERO <= collected.fee_base_fen && collected.fee_base_fen <= collected.amount_fen);
                bases = bases + collected.fee_base_fen;
                before += portion;
            }
            prop_assert_eq!(bases, Fen::new(own));
        }
    }
}
