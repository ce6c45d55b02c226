//! Records a confirmed payment with its fee base: the own part, by cumulative rounding over all payments (C11, C14).

use super::fee::{Before, FeeShare};
use super::{Channel, Collected, Collection, CollectionView, ExternalRef, Refusal, Role, store};
use crate::contract::{self, Contract};
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
    use super::super::fee::Before;
    use super::*;
    use uuid::Uuid;

    fn paid_on() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, 5).expect("a date")
    }

    #[test]
    fn only_money_above_zero_is_collected() {
        let share = FeeShare { total_fen: Fen::new(100), own_fen: Fen::new(50), before: Before::default() };
        let nothing = Payment { amount_fen: Fen::ZERO, paid_on: paid_on() };
        let refused = record(CollectionId::of(Uuid::from_u128(1)), nothing, &share);
        assert_eq!(refused, Err(Refusal::NotPositive {}));
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
}
