//! The algebra of holes against a model that keeps every id by itself.

use journal::hole::{Holes, Scan};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What happens between two looks: some ids are given out, some become visible, some are rolled back.
#[derive(Debug, Clone)]
struct Step {
    given: u8,
    /// Which of the ids that are missing or new become visible now, by place.
    visible: Vec<bool>,
    limit: usize,
    /// How far the oldest running transaction lags behind this turn.
    lag: i64,
    is_restart: bool,
}

fn step() -> impl Strategy<Value = Step> {
    (0..20_u8, prop::collection::vec(any::<bool>(), 0..60), 1..25_usize, 0..6_i64, prop::bool::weighted(0.1))
        .prop_map(|(given, visible, limit, lag, is_restart)| Step { given, visible, limit, lag, is_restart })
}

/// Each missing id with its fence, as the page says it and no faster.
#[derive(Default)]
struct Model {
    missing: BTreeMap<i64, Option<i64>>,
    max_seen: i64,
}

impl Model {
    fn turn(&mut self, me: i64, oldest: i64, scan: Scan<'_>) {
        let read = scan.ids;
        for fence in self.missing.values_mut() {
            fence.get_or_insert(me);
        }
        let new_max = read.last().copied().unwrap_or(0).max(self.max_seen);
        for id in self.max_seen + 1..=new_max {
            self.missing.insert(id, None);
        }
        for id in read {
            self.missing.remove(id);
        }
        self.max_seen = new_max;
        let last_read = if scan.is_cut_off { read.last().copied().unwrap_or(0) } else { i64::MAX };
        self.missing
            .retain(|id, fence| !fence.is_some_and(|fence| fence < me && fence <= oldest) || *id > last_read);
    }
}

fn listed(holes: &Holes) -> BTreeSet<i64> {
    holes.ranges().flat_map(|(from, to)| from..to).collect()
}

proptest! {
    #[test]
    fn holes_are_what_a_set_of_ids_would_be(steps in prop::collection::vec(step(), 1..60)) {
        let (mut holes, mut model, mut given, mut max_seen) = (Holes::default(), Model::default(), 0, 0);
        for (place, step) in steps.into_iter().enumerate() {
            let me = 100 + 2 * i64::try_from(place).expect("a few");
            if step.is_restart {
                holes = Holes::restored(holes.ranges());
                model.missing.values_mut().for_each(|fence| *fence = None);
            }
            given += i64::from(step.given);
            let readable: Vec<i64> = model.missing.keys().copied().chain(max_seen + 1..=given).collect();
            let visible = readable.into_iter().zip(step.visible.iter().chain(std::iter::repeat(&false)));
            let read: Vec<i64> =
                visible.filter(|(_, is_visible)| **is_visible).map(|(id, _)| id).take(step.limit).collect();
            let scan = Scan { ids: &read, is_cut_off: read.len() >= step.limit };
            let oldest = me - step.lag;
            holes.fence(me);
            max_seen = holes.absorb(max_seen, scan);
            holes.forget(me, oldest, scan);
            model.turn(me, oldest, scan);
            prop_assert_eq!(max_seen, model.max_seen);
            prop_assert_eq!(listed(&holes), model.missing.keys().copied().collect::<BTreeSet<_>>());
            let ranges: Vec<(i64, i64)> = holes.ranges().collect();
            prop_assert!(ranges.iter().all(|(from, to)| from < to), "none is empty");
            prop_assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0), "none overlaps");
        }
    }
}
