//! The busiest day, second by second: what arrives, and how long a queue with one server gets.

use super::{Driver, Inputs, minute};
use crate::load::Dice;

const MINUTES: usize = 24 * 60;

/// Events of a service in each minute of the busiest day, in thousandths.
pub fn minutes(inputs: &Inputs, service: &str, branches: u64) -> Vec<u64> {
    let mut day = vec![0; MINUTES];
    for flow in inputs.flow.iter().filter(|flow| flow.service == service) {
        let Some(driver) = inputs.driver.get(&flow.driver) else { continue };
        // Units a day in thousandths, events a unit in thousandths, the busiest day in per mille.
        let thousandths = u128::from(branches)
            * u128::from(driver.per_branch_day_thousandths)
            * u128::from(flow.events_thousandths)
            * u128::from(driver.busiest_day_per_mille)
            / 1_000_000;
        spread(driver, thousandths, &mut day);
    }
    day
}

/// Adds a day's events to its minutes, evenly within each part.
fn spread(driver: &Driver, thousandths: u128, day: &mut [u64]) {
    for part in &driver.day {
        let (Ok(from), Ok(to)) = (minute(&part.from), minute(&part.to)) else { continue };
        let each = thousandths * u128::from(part.per_mille) / 1_000 / u128::from(to - from);
        let each = u64::try_from(each).unwrap_or(u64::MAX);
        let range = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
        day[range].iter_mut().for_each(|minute| *minute += each);
    }
}

/// Events in the busiest second, in thousandths, as the mean of its minute.
pub fn peak(minutes: &[u64]) -> u64 {
    minutes.iter().max().map_or(0, |most| most.div_ceil(60))
}

/// What became of a queue in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// The longest it was, in events.
    pub longest: u64,
    /// How long the last one of that queue waited, in milliseconds.
    pub wait_ms: u64,
    /// Seconds of the day in which whoever came last waited longer than a second.
    pub slow_seconds: u64,
    /// What was still waiting at midnight.
    pub left: u64,
}

/// Lets a day's events arrive at random, second by second, before one server that serves so many a second. The same
/// seed, the same day.
///
/// How many arrive in a second is Poisson's, drawn as the normal one that it comes close to: the mean, and its root
/// times twelve dice less their mean. A fraction of an event is carried over to the next second.
pub fn queue(minutes: &[u64], per_second: u64, seed: u64) -> Queue {
    let mut dice = Dice::seeded(seed);
    let mut queue = Queue { longest: 0, wait_ms: 0, slow_seconds: 0, left: 0 };
    let mut carried: u64 = 0;
    for minute in minutes {
        let mean = minute / 60;
        for _ in 0..60 {
            let arrived = arrivals(mean, &mut dice) + carried;
            carried = arrived % 1_000;
            queue.left = (queue.left + arrived / 1_000).saturating_sub(per_second);
            let wait_ms = (queue.left * 1_000).checked_div(per_second).unwrap_or(u64::MAX);
            queue.longest = queue.longest.max(queue.left);
            queue.wait_ms = queue.wait_ms.max(wait_ms);
            queue.slow_seconds += u64::from(wait_ms > 1_000);
        }
    }
    queue
}

/// Events that arrive in a second whose mean is this; both in thousandths.
fn arrivals(mean: u64, dice: &mut Dice) -> u64 {
    let deviation = (mean * 1_000).isqrt();
    let fallen: u64 = (0..12).map(|_| dice.roll(1_000)).sum();
    // Twelve dice of 0 to 999 have a mean of 5,994 and a deviation of 1,000.
    (mean + deviation * fallen / 1_000).saturating_sub(deviation * 5_994 / 1_000)
}

#[cfg(test)]
mod tests {
    use super::super::sample::inputs;
    use super::*;

    #[test]
    fn the_busiest_day_is_spread_over_its_parts() {
        // 10 branches × 100 sales × 5 events × 2 = 10,000 events; 36 % of them in the 60 minutes from eight.
        let day = minutes(&inputs(), "shop", 10);
        assert_eq!((day[8 * 60 - 1], day[8 * 60], day[9 * 60 - 1]), (0, 60_000, 60_000));
        // 64 % in the 900 minutes after them: 7.111 each.
        assert_eq!((day[9 * 60], day[24 * 60 - 1]), (7_111, 7_111));
        // 60 events a minute are one a second.
        assert_eq!(peak(&day), 1_000);
        assert_eq!(peak(&minutes(&inputs(), "desk", 10)), 100, "a tenth of it");
    }

    #[test]
    fn arrivals_have_their_mean_and_their_deviation() {
        let (mut dice, mean, seconds) = (Dice::seeded(1), 100_000, 10_000);
        let drawn: Vec<u64> = (0..seconds).map(|_| arrivals(mean, &mut dice)).collect();
        let average = drawn.iter().sum::<u64>() / seconds;
        assert!(average.abs_diff(mean) < 500, "{average}");
        // The deviation of Poisson's hundred is ten.
        let variance = drawn.iter().map(|each| each.abs_diff(mean).pow(2)).sum::<u64>() / seconds;
        assert!(variance.isqrt().abs_diff(10_000) < 300, "{}", variance.isqrt());
    }

    #[test]
    fn a_server_that_keeps_up_keeps_nobody_waiting_and_one_that_does_not_falls_behind_by_the_difference() {
        // 100 a second for an hour, then nothing.
        let mut day = vec![0; MINUTES];
        day[..60].iter_mut().for_each(|minute| *minute = 100 * 60 * 1_000);
        let fast = queue(&day, 1_000, 7);
        assert_eq!(fast, Queue { longest: 0, wait_ms: 0, slow_seconds: 0, left: 0 });
        let slow = queue(&day, 90, 7);
        // Ten more each second than are served: 36,000 after the hour, gone 400 s later.
        assert!(slow.longest.abs_diff(36_000) < 1_500, "{slow:?}");
        assert!(slow.wait_ms.abs_diff(400_000) < 20_000, "{slow:?}");
        assert!(slow.slow_seconds.abs_diff(3_600 + 400) < 60, "{slow:?}");
        assert_eq!(slow.left, 0);
        assert_eq!(slow, queue(&day, 90, 7), "the same seed, the same day");
        assert_eq!(queue(&day, 0, 7).wait_ms, u64::MAX, "nobody serves");
    }
}
