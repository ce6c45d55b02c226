//! Holes: ids given out below the highest one seen, whose rows were not visible yet (`events.md` §2).
//!
//! Pure, so that every interleaving can be tried by calling it. What must hold: an id leaves the holes only
//! when its row was read, or when no transaction that could still commit it is running.

use std::collections::BTreeMap;

/// A transaction id, widened so that it never wraps.
pub type Xid = i64;

/// Half-open ranges of ids, each with the fence that must pass before it may be forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Holes {
    /// From → (end, fence); ranges never touch while their fences differ in origin, and never overlap.
    ranges: BTreeMap<i64, (i64, Option<Xid>)>,
}

/// What one turn read: the ids that were visible, ascending, and whether there may be more.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// The ids read, ascending.
    pub ids: &'a [i64],
    /// True where the read stopped at its limit: above the last id there may be rows it never looked at.
    pub is_cut_off: bool,
}

impl Holes {
    /// The holes of an earlier run. Every restart gives fresh fences.
    pub fn restored(ranges: impl IntoIterator<Item = (i64, i64)>) -> Self {
        Self { ranges: ranges.into_iter().map(|(from, to)| (from, (to, None))).collect() }
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The lowest fence that has still to pass, if any hole has one.
    pub fn lowest_fence(&self) -> Option<Xid> {
        self.ranges.values().filter_map(|(_, fence)| *fence).min()
    }

    /// The ranges, for the table.
    pub fn ranges(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.ranges.iter().map(|(from, (to, _))| (*from, *to))
    }

    /// Holes found in earlier turns get *this* turn's own transaction id as their fence. Any earlier value is
    /// wrong: a snapshot's xmax is the latest *completed* id plus one, not the next to be given out.
    pub fn fence(&mut self, me: Xid) {
        for (_, fence) in self.ranges.values_mut() {
            fence.get_or_insert(me);
        }
    }

    /// Takes in what a turn read: ids read leave their holes, ids skipped above `max_seen` become holes without
    /// a fence. Returns the new highest id seen.
    pub fn absorb(&mut self, max_seen: i64, scan: Scan<'_>) -> i64 {
        let mut seen = max_seen;
        for id in scan.ids {
            if *id > max_seen {
                if *id > seen + 1 {
                    self.ranges.insert(seen + 1, (*id, None));
                }
                seen = *id;
            } else {
                self.remove(*id);
            }
        }
        seen
    }

    fn remove(&mut self, id: i64) {
        let Some((&from, &(to, fence))) = self.ranges.range(..=id).next_back() else { return };
        if id >= to {
            return;
        }
        self.ranges.remove(&from);
        if from < id {
            self.ranges.insert(from, (id, fence));
        }
        if id + 1 < to {
            self.ranges.insert(id + 1, (to, fence));
        }
    }

    /// Forgets the holes that can no longer be filled: their fence was set in an earlier turn than `me`, no
    /// transaction below it is running (`oldest`), and this turn's own read looked at them.
    pub fn forget(&mut self, me: Xid, oldest: Xid, scan: Scan<'_>) {
        // Without this bound a bulk insert wider than one read would be forgotten behind its first rows.
        let looked_at = if scan.is_cut_off { scan.ids.last().map_or(0, |last| last + 1) } else { i64::MAX };
        let dead = |fence: Option<Xid>| fence.is_some_and(|fence| fence < me && fence <= oldest);
        let doomed: Vec<i64> =
            self.ranges.iter().filter(|(_, (_, fence))| dead(*fence)).map(|(from, _)| *from).collect();
        for from in doomed {
            let (to, fence) = self.ranges.remove(&from).expect("it was just listed");
            if to > looked_at {
                self.ranges.insert(from.max(looked_at), (to, fence));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ids: &[i64]) -> Scan<'_> {
        Scan { ids, is_cut_off: false }
    }

    fn listed(holes: &Holes) -> Vec<(i64, i64)> {
        holes.ranges().collect()
    }

    #[test]
    fn gaps_become_holes_and_late_rows_close_them() {
        let mut holes = Holes::default();
        assert_eq!(holes.absorb(0, read(&[2, 5, 6])), 6);
        assert_eq!(listed(&holes), [(1, 2), (3, 5)]);
        assert_eq!(holes.absorb(6, read(&[3, 7])), 7);
        assert_eq!(listed(&holes), [(1, 2), (4, 5)]);
        assert_eq!(holes.absorb(7, read(&[1, 4])), 7);
        assert!(holes.is_empty());
    }

    #[test]
    fn a_hole_lives_until_a_later_turn_sees_its_fence_pass() {
        let mut holes = Holes::default();
        let max = holes.absorb(0, read(&[2]));
        holes.forget(100, 100, read(&[2]));
        assert_eq!(listed(&holes), [(1, 2)], "found in this turn: no fence yet");
        holes.fence(101);
        holes.forget(101, 101, read(&[]));
        assert_eq!(listed(&holes), [(1, 2)], "the fence is this turn's own id");
        holes.fence(102);
        holes.forget(102, 100, read(&[]));
        assert_eq!(listed(&holes), [(1, 2)], "a writer older than the fence is still running");
        holes.forget(103, 101, read(&[]));
        assert!(holes.is_empty());
        assert_eq!(max, 2);
    }

    #[test]
    fn a_read_cut_off_by_its_limit_forgets_nothing_above_its_last_id() {
        let mut holes = Holes::restored([(1, 100)]);
        holes.fence(10);
        let scan = Scan { ids: &[1, 2, 3], is_cut_off: true };
        holes.absorb(200, scan);
        holes.forget(12, 12, scan);
        assert_eq!(listed(&holes), [(4, 100)]);
    }
}
