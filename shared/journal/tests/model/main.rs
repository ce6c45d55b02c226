//! A model of the protocol (`events.md` §2, §3, §5), searched through all its interleavings: with every rule in force
//! nothing is broken; with any one left out the search finds how.
//!
//! `numbering` is PostgreSQL, writers and the numbering half of relays; `delivery` is relays, the bus, epochs and readers.
//! What a real database and a real bus do is not proved here, that is what `interleavings`, `stress` and the faults are for.

mod delivery;
mod numbering;
mod search;

use numbering::{World, Wrong};
use search::{Found, Protocol, search};

const LOST: &str = "a row that may be committed is never looked for again";
const TWICE: &str = "a row has two numbers";
const INVERTED: &str = "an effect is numbered before its cause";

const NARROW: World = World { wrong: None, rows: &[1, 1], limit: 2, turns: 3, takeovers: 0, is_plain: false };
const WIDE: World = World { wrong: None, rows: &[3, 1], limit: 2, turns: 3, takeovers: 0, is_plain: false };
const THREE: World =
    World { wrong: None, rows: &[1, 1, 1], limit: 5, turns: 2, takeovers: 0, is_plain: true };
const TWO_RELAYS: World =
    World { wrong: None, rows: &[1, 1], limit: 5, turns: 3, takeovers: 1, is_plain: true };

const QUIET: delivery::World = delivery::World {
    wrong: None,
    events: 3,
    relays: 1,
    readers: 1,
    crashes: 0,
    tail_losses: 0,
    store_losses: 0,
    source_restores: 0,
    reader_restores: 0,
    arrives_late: true,
};
const RELAYS: delivery::World = delivery::World { events: 2, relays: 2, crashes: 1, tail_losses: 1, ..QUIET };
const STORE: delivery::World = delivery::World { crashes: 1, store_losses: 1, ..QUIET };
const READERS: delivery::World = delivery::World { readers: 2, crashes: 1, ..QUIET };
const SOURCE: delivery::World = delivery::World { source_restores: 1, crashes: 1, ..QUIET };
const READER: delivery::World = delivery::World { reader_restores: 1, crashes: 1, ..QUIET };
/// Nobody is left who could tell the source what it has forgotten.
const BOTH: delivery::World =
    delivery::World { source_restores: 1, store_losses: 1, arrives_late: false, ..QUIET };

/// How many states there are, all of them sound.
#[track_caller]
fn assert_holds<P: Protocol + std::fmt::Debug>(world: &P) -> usize {
    match search(world) {
        Found::Holds(states) => states,
        broken => panic!("{world:?}: {broken}"),
    }
}

#[test]
fn with_every_rule_no_row_is_lost_doubled_or_before_its_cause() {
    let states: Vec<usize> = [NARROW, WIDE, THREE, TWO_RELAYS].iter().map(assert_holds).collect();
    println!("{states:?} states");
}

#[test]
fn each_wrong_rule_of_numbering_is_found_out() {
    let cases = [
        (Wrong::FenceFromBefore, NARROW, LOST),
        (Wrong::FenceFromXmax, NARROW, LOST),
        (Wrong::OldHolesSkipped, THREE, INVERTED),
        (Wrong::LimitForgotten, WIDE, LOST),
        (Wrong::LocksReadAfterScan, NARROW, LOST),
        (Wrong::LockGivenBackEarly, NARROW, LOST),
        (Wrong::IdBeforeXid, NARROW, LOST),
        (Wrong::ReadAfterInsert, NARROW, INVERTED),
        (Wrong::LastIdOnly, NARROW, LOST),
        (Wrong::HolesNotKept, TWO_RELAYS, LOST),
        (Wrong::TermNotCompared, TWO_RELAYS, TWICE),
    ];
    for (wrong, world, rule) in cases {
        let found = search(&World { wrong: Some(wrong), ..world });
        assert!(matches!(found, Found::Broken(broken, _) if broken == rule), "{wrong:?}: {found}");
    }
}

#[test]
fn with_every_guard_each_event_takes_effect_once_in_order_and_in_the_end() {
    let states: Vec<usize> =
        [QUIET, RELAYS, STORE, READERS, SOURCE, READER].iter().map(assert_holds).collect();
    println!("{states:?} states");
}

#[test]
fn each_guard_that_is_left_out_is_missed() {
    use delivery::{AMISS, TWICE, Wrong};
    // `None`: what shall happen in the end can no longer happen.
    let cases = [
        (Wrong::NoExpectedSequence, RELAYS, Some(TWICE)),
        (Wrong::OwnWatermark, RELAYS, None),
        (Wrong::NeverLooksAgain, RELAYS, None),
        (Wrong::NumbersOnly, SOURCE, None),
        (Wrong::LastIdOnly, SOURCE, None),
        (Wrong::BaseIsLast, SOURCE, Some(AMISS)),
        (Wrong::PositionFirst, READERS, Some(AMISS)),
        (Wrong::EffectFirst, READERS, Some(TWICE)),
        (Wrong::NoCompareAndSet, READERS, Some(TWICE)),
        (Wrong::PositionOnTheBus, READER, Some(AMISS)),
        (Wrong::ReaderComparesNothing, BOTH, Some(AMISS)),
        (Wrong::BaseIgnored, SOURCE, Some(AMISS)),
    ];
    for (wrong, world, rule) in cases {
        let found = search(&delivery::World { wrong: Some(wrong), ..world });
        let is_expected = match (&found, rule) {
            (Found::Broken(broken, _), Some(rule)) => *broken == rule,
            (Found::Trapped(_), None) => true,
            _ => false,
        };
        assert!(is_expected, "{wrong:?}: {found}");
    }
}

#[test]
fn a_reader_stands_still_where_nobody_else_can_tell_that_the_past_was_another_one() {
    let found = search(&BOTH);
    assert!(matches!(found, Found::Trapped(_)), "no harm is done, and an operator must look: {found}");
}
