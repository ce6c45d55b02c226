//! Load: workers that each do one thing after the other for a span, counted between two instants.

use crate::machine::Processors;
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// One of many that do the same at once; the next step begins when the last one is done.
pub trait Worker: Send + 'static {
    /// Does it once.
    fn step(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// What a load came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Steps a second.
    pub rate: u64,
    /// How busy the machine's processors were meanwhile, in per mille: near 1,000 the processor was the limit.
    pub busy: u64,
}

const WARMING: u8 = 0;
const COUNTING: u8 = 1;
const OVER: u8 = 2;

/// Lets all workers run for a quarter of the span to warm up, then counts their steps for the span.
///
/// # Errors
/// The first error of any step: a figure of half a load is none.
pub async fn measure(workers: Vec<impl Worker>, span: Duration) -> Result<Measured> {
    let phase = Arc::new(AtomicU8::new(WARMING));
    let tasks: Vec<_> = workers
        .into_iter()
        .map(|mut worker| {
            let phase = phase.clone();
            tokio::spawn(async move {
                let mut steps: u64 = 0;
                loop {
                    worker.step().await?;
                    match phase.load(Ordering::Relaxed) {
                        WARMING => {}
                        COUNTING => steps += 1,
                        _ => return anyhow::Ok(steps),
                    }
                }
            })
        })
        .collect();
    elapse(span / 4).await;
    let (before, begun) = (Processors::now(), Instant::now());
    phase.store(COUNTING, Ordering::Relaxed);
    elapse(span).await;
    phase.store(OVER, Ordering::Relaxed);
    let (elapsed, busy) = (begun.elapsed(), Processors::now().busy_since(before));
    let mut steps = 0;
    for task in tasks {
        steps += task.await??;
    }
    Ok(Measured { rate: rate(steps, elapsed), busy })
}

/// Lets time pass: the span of a measurement is no condition that could be waited for.
pub async fn elapse(span: Duration) {
    let _ = tokio::time::timeout(span, std::future::pending::<()>()).await;
}

/// So many in this time, per second.
pub fn rate(count: u64, elapsed: Duration) -> u64 {
    let nanoseconds = u128::from(count).saturating_mul(1_000_000_000);
    u64::try_from(nanoseconds.checked_div(elapsed.as_nanos()).unwrap_or_default()).unwrap_or(u64::MAX)
}

/// A span in whole microseconds.
pub fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// SplitMix64: small, and the same everywhere. Every decision of a run comes from a fixed seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way every time.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second() {
        assert_eq!(rate(1_000, Duration::from_millis(500)), 2_000);
        assert_eq!(rate(0, Duration::from_secs(1)), 0);
        assert_eq!(rate(7, Duration::ZERO), 0);
    }

    #[test]
    fn dice_fall_the_same_way() {
        // The reference's first value for the seed 0.
        assert_eq!(Dice::seeded(0).roll(u64::MAX), 0xe220_a839_7b1d_cdaf);
        let (mut one, mut other) = (Dice::seeded(7), Dice::seeded(7));
        assert!((0..100).all(|_| one.roll(10) == other.roll(10)));
    }

    struct Failing;
    impl Worker for Failing {
        async fn step(&mut self) -> Result<()> {
            anyhow::bail!("no")
        }
    }

    #[tokio::test]
    async fn a_load_that_fails_is_no_figure() {
        let failed = measure(vec![Failing], Duration::from_millis(4)).await;
        assert_eq!(failed.expect_err("it failed").to_string(), "no");
    }
}
