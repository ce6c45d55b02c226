//! Whose price counts: signed contract, then branch override, then network base, then none (`contracts.md` §2).

use super::trace::{Considered, Verdict};
use super::{Owner, PriceEntry, PriceKey, Refusal};
use chrono::NaiveDate;
use events::ContractId;
use kernel::BranchId;
use std::cmp::Reverse;

/// Who asks, for what, on which date of the branch's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question<'a> {
    /// The branch whose prices count.
    pub branch_id: BranchId,
    /// The signed contract the visit is under, if any.
    pub contract_id: Option<ContractId>,
    /// For what.
    pub key: &'a PriceKey,
    /// The date of the pricing instant in the branch's zone (C12).
    pub on: NaiveDate,
}

/// The one entry that counts, and every candidate exactly once with what became of it.
///
/// Total and deterministic: the same candidates in any order give the same answer. None in force is
/// [`Refusal::NotFound`], never a price of zero (P1-2). Under a signed contract its snapshot alone answers: what is not
/// in it has no price there, whatever the price lists say.
pub fn resolve<'a>(
    question: &Question<'_>,
    candidates: &'a [PriceEntry],
) -> Result<(&'a PriceEntry, Vec<Considered>), Refusal> {
    let mut ranked: Vec<&PriceEntry> = candidates.iter().collect();
    ranked.sort_by_key(|entry| (entry.owner, entry.id, entry.valid.from, entry.valid.to));
    let winner = ranked
        .iter()
        .copied()
        .filter(|entry| ruled_out(question, entry).is_none() && !is_beside(question, entry))
        .min_by_key(|entry| (entry.owner, Reverse(entry.valid.from), entry.id));
    let considered = ranked
        .iter()
        .map(|entry| {
            let verdict = ruled_out(question, entry).unwrap_or_else(|| beaten(entry, winner));
            Considered { entry_id: entry.id, owner: entry.owner, verdict }
        })
        .collect();
    match winner {
        Some(winner) => Ok((winner, considered)),
        None => Err(Refusal::NotFound {
            service: question.key.service.as_str().to_owned(),
            unit: question.key.unit,
            on: question.on,
            considered,
        }),
    }
}

/// True for a price of the lists where a contract is asked.
const fn is_beside(question: &Question<'_>, entry: &PriceEntry) -> bool {
    question.contract_id.is_some() && !matches!(entry.owner, Owner::Contract(_))
}

fn ruled_out(question: &Question<'_>, entry: &PriceEntry) -> Option<Verdict> {
    let foreign = match entry.owner {
        Owner::Contract(id) => (question.contract_id != Some(id)).then_some(Verdict::OtherContract),
        Owner::Branch(id) => (question.branch_id != id).then_some(Verdict::OtherBranch),
        Owner::Network => None,
    };
    if entry.key.service != question.key.service {
        Some(Verdict::OtherService)
    } else if entry.key.unit != question.key.unit {
        Some(Verdict::OtherUnit)
    } else if entry.key.attributes != question.key.attributes {
        Some(Verdict::OtherAttributes)
    } else if foreign.is_some() {
        foreign
    } else if !entry.state.is_out() {
        Some(Verdict::NotPublished { state: entry.state })
    } else if question.on < entry.valid.from {
        Some(Verdict::NotYetInForce { from: entry.valid.from })
    } else {
        entry.valid.to.filter(|to| question.on >= *to).map(|to| Verdict::NoLongerInForce { to })
    }
}

fn beaten(entry: &PriceEntry, winner: Option<&PriceEntry>) -> Verdict {
    match winner {
        Some(winner) if std::ptr::eq(winner, entry) => Verdict::Won,
        Some(winner) if winner.owner != entry.owner => Verdict::Outranked { by: winner.id },
        Some(winner) => Verdict::Replaced { by: winner.id },
        None => Verdict::NotInContract,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{base, branch, cleaning, date, entry_id, over, span};
    use super::super::{BookState, Terms};
    use super::*;
    use kernel::Fen;
    use proptest::prelude::*;

    fn question(branch_id: BranchId, key: &PriceKey, on: &str) -> Question<'static> {
        let key = Box::leak(Box::new(key.clone()));
        Question { branch_id, contract_id: None, key, on: date(on) }
    }

    #[test]
    fn a_signed_contract_stops_the_search() {
        let contract_id = ContractId::of(uuid::Uuid::from_u128(77));
        let entries = [
            base(1, "2026-01-01", None, 5_000),
            over(2, 'B', ("2026-06-01", Some("2026-09-01")), 5_800),
            base(3, "2026-01-01", None, 4_200).frozen(contract_id, span("2026-05-01", Some("2026-12-01"))),
        ];
        let key = cleaning();
        let asked = Question { contract_id: Some(contract_id), ..question(branch('B'), &key, "2026-06-15") };
        let (won, seen) = resolve(&asked, &entries).expect("a price");
        assert_eq!(won.id, entry_id(3));
        assert_eq!(seen[0].verdict, Verdict::Won);
        assert_eq!(seen[1].verdict, Verdict::Outranked { by: entry_id(3) });
        assert_eq!(seen[2].verdict, Verdict::Outranked { by: entry_id(3) });
        let (won, seen) = resolve(&question(branch('B'), &key, "2026-06-15"), &entries).expect("a price");
        assert_eq!(won.id, entry_id(2));
        assert_eq!(seen[0].verdict, Verdict::OtherContract);
    }

    #[test]
    fn what_a_signed_contract_does_not_list_has_no_price_under_it() {
        let contract_id = ContractId::of(uuid::Uuid::from_u128(77));
        let frozen =
            base(3, "2026-01-01", None, 4_200).frozen(contract_id, span("2026-05-01", Some("2026-12-01")));
        let entries = [base(1, "2026-01-01", None, 5_000), frozen];
        let after =
            Question { contract_id: Some(contract_id), ..question(branch('B'), &cleaning(), "2026-12-01") };
        let by_visit = PriceKey { unit: super::super::Unit::Visit, ..cleaning() };
        let other =
            Question { contract_id: Some(contract_id), ..question(branch('B'), &by_visit, "2026-06-15") };
        let verdicts = |asked: &Question<'_>| match resolve(asked, &entries) {
            Err(Refusal::NotFound { considered, .. }) => {
                considered.iter().map(|seen| seen.verdict).collect::<Vec<_>>()
            }
            answer => panic!("{answer:?}"),
        };
        let to = date("2026-12-01");
        assert_eq!(verdicts(&after), [Verdict::NoLongerInForce { to }, Verdict::NotInContract]);
        assert_eq!(verdicts(&other), [Verdict::OtherUnit, Verdict::OtherUnit]);
    }

    #[test]
    fn none_is_a_refusal_that_says_why_each_lost() {
        let entries = [
            base(1, "2026-01-01", Some("2026-07-01"), 5_000),
            PriceEntry { state: BookState::Draft, ..base(2, "2026-07-01", None, 5_500) },
            PriceEntry { state: BookState::Ended, ..over(3, 'C', ("2026-01-01", Some("2026-12-01")), 5_500) },
        ];
        let refused = resolve(&question(branch('B'), &cleaning(), "2026-07-01"), &entries);
        let Err(Refusal::NotFound { considered, .. }) = refused else { panic!("{refused:?}") };
        let verdicts: Vec<_> = considered.iter().map(|seen| seen.verdict).collect();
        assert_eq!(
            verdicts,
            [
                Verdict::OtherBranch,
                Verdict::NoLongerInForce { to: date("2026-07-01") },
                Verdict::NotPublished { state: BookState::Draft },
            ]
        );
        assert!(
            resolve(&question(branch('C'), &cleaning(), "2026-07-01"), &entries).is_ok(),
            "ended books answer for their days"
        );
    }

    fn any_entry() -> impl Strategy<Value = PriceEntry> {
        (0_u128..4, 0_usize..4, 0_i64..60, prop::option::of(1_i64..40), 0_usize..5, 0_usize..3).prop_map(
            |(id, owner, from, days, state, unit)| {
                let from = date("2026-06-01") + chrono::Days::new(u64::try_from(from).expect("small"));
                let to = days.map(|days| from + chrono::Days::new(u64::try_from(days).expect("small")));
                let owners = [
                    Owner::Network,
                    Owner::Branch(branch('B')),
                    Owner::Branch(branch('C')),
                    Owner::Contract(ContractId::of(uuid::Uuid::from_u128(1))),
                ];
                let states = [
                    BookState::Published,
                    BookState::Ended,
                    BookState::Draft,
                    BookState::Approved,
                    BookState::Withdrawn,
                ];
                let units = [super::super::Unit::Hour, super::super::Unit::Hour, super::super::Unit::Visit];
                PriceEntry {
                    id: entry_id(id),
                    owner: owners[owner],
                    state: states[state],
                    key: PriceKey { unit: units[unit], ..cleaning() },
                    valid: kernel::Span { from, to },
                    terms: Terms::flat(Fen::new(5_000)),
                }
            },
        )
    }

    proptest! {
        #[test]
        fn resolution_is_total_and_blind_to_the_order(
            entries in prop::collection::vec(any_entry(), 0..9),
            turn in 0_usize..9,
            day in 0_u64..90,
            is_signed: bool,
        ) {
            let key = cleaning();
            let on = date("2026-06-01") + chrono::Days::new(day);
            let contract_id = is_signed.then(|| ContractId::of(uuid::Uuid::from_u128(1)));
            let asked = Question { branch_id: branch('B'), contract_id, key: &key, on };
            // An id names one entry of an owner; here they follow another order than the list.
            let entries: Vec<_> = entries.into_iter().zip(1_u128..)
                .map(|(entry, place)| PriceEntry { id: entry_id(place * 7 % 11), ..entry })
                .collect();
            let mut turned = entries.clone();
            turned.rotate_left(if entries.is_empty() { 0 } else { turn % entries.len() });
            turned.reverse();
            let (one, two) = (resolve(&asked, &entries), resolve(&asked, &turned));
            prop_assert_eq!(one.as_ref().map(|(won, _)| (won.id, won.owner, won.valid)), two.as_ref().map(|(won, _)| (won.id, won.owner, won.valid)));
            let seen = match &one {
                Ok((won, seen)) => {
                    prop_assert!(won.valid.contains(on) && won.state.is_out() && won.key == key);
                    prop_assert_eq!(matches!(won.owner, Owner::Contract(_)), is_signed);
                    prop_assert_eq!(seen.iter().filter(|seen| seen.verdict == Verdict::Won).count(), 1);
                    seen.clone()
                }
                Err(Refusal::NotFound { considered, .. }) => {
                    prop_assert!(considered.iter().all(|seen| seen.verdict != Verdict::Won));
                    considered.clone()
                }
                Err(other) => panic!("{other:?}"),
            };
            let mut ids: Vec<_> = entries.iter().map(|entry| (entry.owner, entry.id)).collect();
            let mut listed: Vec<_> = seen.iter().map(|seen| (seen.owner, seen.entry_id)).collect();
            ids.sort_unstable();
            listed.sort_unstable();
            prop_assert_eq!(ids, listed);
        }
    }
}
