//! May this price be published: overlap, supersede, bounds (C1, P4, P5). A pure decision; the database's
//! exclusion constraint is the last word.

use super::bounds::OverridePolicy;
use super::tariff::Warning;
use super::{Owner, PriceEntry, PriceEntryId, Refusal};
use chrono::NaiveDate;
use kernel::Span;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to do about published entries of the same owner and key that share days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnOverlap {
    /// Refuse and name the first one.
    Refuse,
    /// Cut their shared days off, in the same transaction.
    Supersede,
}

/// An existing entry that gives way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cut {
    /// Which one.
    pub entry_id: PriceEntryId,
    /// Its range until now.
    pub was: Span<NaiveDate>,
    /// What is left of it: nothing where it is covered whole (it is withdrawn); its beginning, its end, or both.
    /// The first piece keeps the id, a second one is a new version on the same terms.
    pub kept: Vec<Span<NaiveDate>>,
}

/// What publishing does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Publication {
    /// The new entry.
    pub entry: PriceEntry,
    /// The old ones that give way, in order of their beginning.
    pub cuts: Vec<Cut>,
    /// What the publisher should look at.
    pub warnings: Vec<Warning>,
}

/// Decides whether a price may be published beside what is published (C1).
///
/// `published` is everything in force or to come for the key, of every owner: bases and overrides alike.
pub fn decide(
    entry: PriceEntry,
    published: &[PriceEntry],
    policy: &OverridePolicy,
    on_overlap: OnOverlap,
) -> Result<Publication, Refusal> {
    if entry.valid.is_empty() {
        return Err(Refusal::EmptyRange { wanted: entry.valid });
    }
    let mut rivals: Vec<_> = published
        .iter()
        .filter(|rival| rival.id != entry.id && rival.owner == entry.owner && rival.key == entry.key)
        .filter(|rival| rival.state.is_out() && rival.valid.intersect(&entry.valid).is_some())
        .collect();
    rivals.sort_by_key(|rival| (rival.valid.from, rival.id));
    let cuts = match (on_overlap, rivals.first()) {
        (OnOverlap::Refuse, Some(rival)) => {
            return Err(Refusal::Overlap {
                existing_id: rival.id,
                existing: rival.valid,
                wanted: entry.valid,
            });
        }
        (OnOverlap::Refuse, None) => Vec::new(),
        (OnOverlap::Supersede, _) => rivals.into_iter().map(|rival| cut(rival, &entry.valid)).collect(),
    };
    match entry.owner {
        Owner::Branch(_) => policy.prove(&entry, published)?,
        Owner::Network | Owner::Contract(_) => {}
    }
    let warnings = entry.terms.warnings();
    Ok(Publication { entry, cuts, warnings })
}

fn cut(old: &PriceEntry, new: &Span<NaiveDate>) -> Cut {
    let before = Span { from: old.valid.from, to: Some(new.from) };
    let after = new.to.map(|to| Span { from: to, to: old.valid.to });
    let kept = [Some(before), after].into_iter().flatten().filter(|piece| !piece.is_empty()).collect();
    Cut { entry_id: old.id, was: old.valid, kept }
}

#[cfg(test)]
mod tests {
    use super::super::BookState;
    use super::super::bounds::Lock;
    use super::super::fixtures::{base, entry_id, over, page, span};
    use super::*;
    use kernel::BasisPoints;
    use proptest::prelude::*;

    const POLICY: OverridePolicy = OverridePolicy {
        floor_bp: BasisPoints::new(8_500),
        ceiling_bp: BasisPoints::new(13_000),
        lock: Lock::Open,
    };

    fn wanted() -> PriceEntry {
        over(9, 'B', ("2026-08-15", Some("2026-10-01")), 6_000)
    }

    #[test]
    fn p4_an_overlap_is_refused_and_named() {
        let refusal = Refusal::Overlap {
            existing_id: entry_id(3),
            existing: span("2026-06-01", Some("2026-09-01")),
            wanted: span("2026-08-15", Some("2026-10-01")),
        };
        assert_eq!(decide(wanted(), &page(), &POLICY, OnOverlap::Refuse), Err(refusal));
        let beside = over(9, 'B', ("2026-09-01", Some("2026-10-01")), 6_000);
        assert!(
            decide(beside, &page(), &POLICY, OnOverlap::Refuse).is_ok(),
            "ranges that touch do not overlap"
        );
        let elsewhere = over(9, 'C', ("2026-08-15", Some("2026-10-01")), 6_000);
        assert!(decide(elsewhere, &page(), &POLICY, OnOverlap::Refuse).is_ok());
    }

    #[test]
    fn p5_supersede_truncates_the_old_one() {
        let done = decide(wanted(), &page(), &POLICY, OnOverlap::Supersede).expect("published");
        assert_eq!(done.entry.valid, span("2026-08-15", Some("2026-10-01")));
        let cut = Cut {
            entry_id: entry_id(3),
            was: span("2026-06-01", Some("2026-09-01")),
            kept: vec![span("2026-06-01", Some("2026-08-15"))],
        };
        assert_eq!(done.cuts, [cut]);
        let dear = over(9, 'B', ("2026-08-15", Some("2026-10-01")), 9_000);
        assert!(matches!(
            decide(dear, &page(), &POLICY, OnOverlap::Supersede),
            Err(Refusal::OutOfBounds { .. })
        ));
    }

    #[test]
    fn drafts_are_no_rivals_and_a_new_base_cuts_bases_alone() {
        let mut entries = page();
        entries[2].state = BookState::Draft;
        assert!(decide(wanted(), &entries, &POLICY, OnOverlap::Refuse).is_ok());
        let dear = base(9, "2026-08-01", None, 9_000);
        let done = decide(dear, &page(), &POLICY, OnOverlap::Supersede).expect("published");
        assert_eq!(done.cuts.len(), 1);
        assert_eq!(done.cuts[0].kept, [span("2026-07-01", Some("2026-08-01"))]);
        let empty = over(9, 'B', ("2026-08-15", Some("2026-08-15")), 6_000);
        assert!(matches!(
            decide(empty, &page(), &POLICY, OnOverlap::Supersede),
            Err(Refusal::EmptyRange { .. })
        ));
    }

    proptest! {
        #[test]
        fn superseding_changes_no_day_outside_the_new_range(
            old in (0_u64..40, prop::option::of(1_u64..40)),
            new in (0_u64..40, prop::option::of(1_u64..40)),
        ) {
            let day = |days| chrono::NaiveDate::from_ymd_opt(2026, 6, 1).expect("a date") + chrono::Days::new(days);
            let range = |(from, length): (u64, Option<u64>)| Span { from: day(from), to: length.map(|length| day(from + length)) };
            let existing = PriceEntry { valid: range(old), ..over(3, 'B', ("2026-06-01", None), 5_500) };
            let entry = PriceEntry { valid: range(new), ..over(9, 'B', ("2026-06-01", None), 5_500) };
            let entries = [existing.clone(), base(1, "2026-01-01", None, 5_500)];
            let done = decide(entry.clone(), &entries, &POLICY, OnOverlap::Supersede).expect("published");
            for on in (0..120).map(day) {
                let kept = match done.cuts.first() {
                    None => usize::from(existing.valid.contains(on)),
                    Some(cut) => cut.kept.iter().filter(|piece| piece.contains(on)).count(),
                };
                let expected = existing.valid.contains(on) && !entry.valid.contains(on);
                prop_assert_eq!(kept, usize::from(expected));
            }
        }
    }
}
