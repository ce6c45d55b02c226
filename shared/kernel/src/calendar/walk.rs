//! The proof: the engine against an independent walk, minute by minute, over random calendars (K12).
//!
//! The walk shares no code with the engine but `Zone::instant`, which defines what wall-clock hours are. It paints
//! the minutes of a window one by one and answers by counting them.

use super::{Calendar, Hours, Interval, Layer, Layers, OfficialYear, Override, Reckoned, Weekly};
use crate::{Timestamp, Zone};
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Days painted around the middle one.
const WINDOW: u64 = 24;

/// The open minutes of a window, painted naively.
struct Walk {
    first: i64,
    open: Vec<bool>,
}

impl Walk {
    fn of(layers: &Layers, first: NaiveDate) -> Self {
        let minute = |date: NaiveDate, minute: u16| {
            let local = date.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(minute.into());
            layers.zone.instant(local).utc().timestamp() / 60
        };
        let (from, to) = (minute(first, 0), minute(first + Days::new(WINDOW), 0));
        let mut open = vec![false; usize::try_from(to - from).expect("a window")];
        for date in (first - Days::new(2)).iter_days().take(usize::try_from(WINDOW + 3).expect("small")) {
            for (start, end) in naive_hours(layers, date) {
                for at in minute(date, start)..minute(date, end) {
                    if let Some(slot) = usize::try_from(at - from).ok().and_then(|place| open.get_mut(place))
                    {
                        *slot = true;
                    }
                }
            }
        }
        Self { first: from, open }
    }

    fn minute(&self, place: usize) -> Timestamp {
        let minute = self.first + i64::try_from(place).expect("a window");
        Timestamp::of(DateTime::from_timestamp(minute * 60, 0).expect("in range"))
    }

    /// Walks so many open minutes on: due at the end of the last one.
    fn add(&self, start: usize, budget: usize) -> Option<Timestamp> {
        let mut open = (start..self.open.len()).filter(|place| self.open[*place]);
        if budget == 0 {
            open.next().map(|place| self.minute(place))
        } else {
            open.nth(budget - 1).map(|place| self.minute(place + 1))
        }
    }

    /// Walks back: due at the start of the last minute.
    fn subtract(&self, start: usize, budget: usize) -> Option<Timestamp> {
        (0..start).rev().filter(|place| self.open[*place]).nth(budget - 1).map(|place| self.minute(place))
    }

    fn count(&self, from: usize, to: usize) -> i64 {
        self.open[from..to].iter().map(|open| i64::from(*open)).sum()
    }
}

/// The hours of a date, by asking minute after minute whether each layer has it.
fn naive_hours(layers: &Layers, date: NaiveDate) -> Vec<(u16, u16)> {
    let week = layers.branch.weekly.as_ref().or(layers.network.weekly.as_ref()).cloned().unwrap_or_default();
    let days = [&week.mon, &week.tue, &week.wed, &week.thu, &week.fri, &week.sat, &week.sun];
    let ordinary = days.iter().find(|hours| !hours.intervals().is_empty()).copied().unwrap_or(days[0]);
    let has =
        |hours: &Hours, minute: u16| hours.intervals().iter().any(|i| i.from() <= minute && minute < i.to());
    let notice = layers.national.iter().find(|notice| notice.year == date.year());
    let fixed = [(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)].contains(&(date.month(), date.day()));
    let closed = notice.map_or(fixed, |notice| notice.off.contains(&date));
    let makeup = notice.is_some_and(|notice| notice.work.contains(&date));
    let base = if makeup {
        ordinary
    } else {
        days[usize::try_from(date.weekday().num_days_from_monday()).expect("7")]
    };
    let open = |minute: u16| {
        let mut open = !closed && has(base, minute);
        for layer in [&layers.network, &layers.branch] {
            open = match layer.days.get(&date) {
                None => open,
                Some(Override::Closed) => false,
                Some(Override::Open(hours)) if hours.intervals().is_empty() => has(ordinary, minute),
                Some(Override::Open(hours)) => has(hours, minute),
                Some(Override::Partial(hours)) => open && has(hours, minute),
            };
        }
        open
    };
    (0..48 * 60).filter(|minute| open(*minute)).map(|minute| (minute, minute + 1)).collect()
}

fn hours() -> impl Strategy<Value = Hours> {
    // Cut points in order make disjoint intervals; now and then they reach past midnight.
    prop::collection::btree_set(0_u16..1_800, 0..5).prop_map(|cuts| {
        let cuts: Vec<u16> = cuts.into_iter().collect();
        let pairs = cuts.chunks_exact(2).filter_map(|pair| Interval::new(pair[0], pair[1]).ok());
        Hours::new(pairs.collect()).expect("disjoint")
    })
}

fn weekly() -> impl Strategy<Value = Weekly> {
    prop_oneof![
        prop::array::uniform7(hours()).prop_map(|[mon, tue, wed, thu, fri, sat, sun]| Weekly {
            mon,
            tue,
            wed,
            thu,
            fri,
            sat,
            sun
        }),
        Just(Weekly::workdays(&serde_json::from_str(r#"["08:30-12:00", "13:30-17:30"]"#).expect("hours"))),
        Just(Weekly::workdays(&serde_json::from_str(r#"["00:00-24:00"]"#).expect("hours"))),
    ]
}

fn days(first: NaiveDate) -> impl Strategy<Value = BTreeMap<NaiveDate, Override>> {
    let said = prop_oneof![
        Just(Override::Closed),
        hours().prop_map(Override::Open),
        hours().prop_map(Override::Partial)
    ];
    prop::collection::btree_map((0..WINDOW).prop_map(move |day| first + Days::new(day)), said, 0..6)
}

/// Calendars, with the first day of a window near a clock change, a holiday, New Year or anywhere.
fn layers() -> impl Strategy<Value = (Layers, NaiveDate)> {
    let zone = prop::sample::select(vec![
        "Asia/Shanghai",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
    ]);
    let near = prop::sample::select(vec![
        "2025-03-01",
        "2025-03-20",
        "2025-09-20",
        "2025-10-18",
        "2025-10-25",
        "2025-04-18",
        "2025-12-20",
        "2026-02-10",
    ])
    .prop_map(|date| date.parse::<NaiveDate>().expect("a literal"));
    let anywhere = (0_u64..365 * 3)
        .prop_map(|day| NaiveDate::from_ymd_opt(2024, 6, 1).expect("a date") + Days::new(day));
    (zone, prop_oneof![near, anywhere], any::<bool>()).prop_flat_map(|(zone, first, official)| {
        (prop::option::of(weekly()), prop::option::weighted(0.3, weekly()), days(first), days(first))
            .prop_map(move |(network, branch, network_days, branch_days)| {
                let national = if official { OfficialYear::shipped().to_vec() } else { Vec::new() };
                let layers = Layers {
                    zone: zone.parse::<Zone>().expect("a zone"),
                    national,
                    network: Layer { weekly: network, days: network_days },
                    branch: Layer { weekly: branch, days: branch_days },
                };
                (layers, first)
            })
    })
}

/// Start, end and budget as parts of a window.
fn questions() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    let window = usize::try_from(WINDOW * 1_440 - 180).expect("small");
    prop::collection::vec((0..window, 0..window, prop_oneof![0..600_usize, 0..6_000_usize]), 100)
}

fn value(reckoned: Option<Reckoned<Timestamp>>) -> Option<Timestamp> {
    reckoned.map(|reckoned| reckoned.value)
}

/// The engine's answer against the walk's: where the walk found nothing in its window, nothing lies in it.
fn same(engine: Option<Timestamp>, walk: Option<Timestamp>, outside: impl Fn(Timestamp) -> bool) -> bool {
    match walk {
        Some(walk) => engine == Some(walk),
        None => engine.is_none_or(outside),
    }
}

proptest! {
    // A quarter of the usual cases, each with a hundred questions; PROPTEST_CASES=400000 asks ten million.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    #[test]
    fn k12_the_engine_is_the_minute_by_minute_walk((layers, first) in layers(), questions in questions()) {
        let walk = Walk::of(&layers, first);
        let calendar = Calendar::new(layers).expect("consistent");
        let (begin, end) = (walk.minute(0), walk.minute(walk.open.len()));
        for (from, to, budget) in questions {
            let start = walk.minute(from);
            let minutes = i64::try_from(budget).expect("small");
            prop_assert_eq!(calendar.is_open(start).value, walk.open[from], "is_open {}", start);
            let added = value(calendar.add(start, minutes));
            prop_assert!(same(added, walk.add(from, budget), |at| at >= end), "{start} + {minutes}: {added:?}");
            let opening = value(calendar.next_opening(start));
            prop_assert!(same(opening, walk.add(from, 0), |at| at >= end), "opening {start}: {opening:?}");
            if budget > 0 {
                let back = value(calendar.add(start, -minutes));
                let walked = walk.subtract(from, budget);
                prop_assert!(same(back, walked, |at| at < begin), "{start} - {minutes}: {back:?} {walked:?}");
            }
            let earlier = value(calendar.nearest_earlier_open_minute(start));
            let walked = (0..=from).rev().find(|place| walk.open[*place]).map(|place| walk.minute(place));
            prop_assert!(same(earlier, walked, |at| at < begin), "earlier {start}: {earlier:?} {walked:?}");
            let opened = (from..walk.open.len()).find(|place| walk.open[*place]);
            let closed = opened.and_then(|opened| (opened..walk.open.len()).find(|place| !walk.open[*place]));
            let closing = value(calendar.closing_after(start));
            let walked = closed.map(|place| walk.minute(place));
            prop_assert!(same(closing, walked, |at| at >= end), "closing {start}: {closing:?} {walked:?}");
            let (one, other) = (from.min(to), from.max(to));
            let open = calendar.diff(walk.minute(one), walk.minute(other)).value;
            prop_assert_eq!(open, TimeDelta::minutes(walk.count(one, other)), "diff");
        }
    }

    #[test]
    fn k12_add_and_diff_undo_each_other_and_keep_order((layers, first) in layers(), questions in questions(), second in 0_i64..60) {
        let walk = Walk::of(&layers, first);
        let calendar = Calendar::new(layers).expect("consistent");
        for (from, to, budget) in questions {
            let start = walk.minute(from).plus(TimeDelta::seconds(second));
            let later = walk.minute(from.max(to)).plus(TimeDelta::seconds(second));
            let minutes = i64::try_from(budget).expect("small");
            let Some(due) = value(calendar.add(start, minutes)) else { continue };
            prop_assert_eq!(calendar.diff(start, due).value, TimeDelta::minutes(minutes));
            prop_assert!(start <= due);
            prop_assert!(value(calendar.add(later, minutes)).is_none_or(|at| due <= at), "monotone in start");
            prop_assert!(value(calendar.add(start, minutes + 1)).is_none_or(|at| due < at), "monotone in budget");
            prop_assert_eq!(calendar.diff(due, start).value, TimeDelta::minutes(-minutes));
            if budget > 0 {
                let begun = value(calendar.next_opening(start)).expect("something was added");
                prop_assert_eq!(value(calendar.add(due, -minutes)), Some(begun), "a negative budget is the inverse");
                if let Some(back) = value(calendar.add(start, -minutes)) {
                    prop_assert_eq!(calendar.diff(back, start).value, TimeDelta::minutes(minutes));
                    prop_assert!(value(calendar.add(start, -minutes - 1)).is_none_or(|at| at < back));
                    prop_assert!(value(calendar.add(later, -minutes)).is_some_and(|at| back <= at));
                }
            }
        }
    }
}
