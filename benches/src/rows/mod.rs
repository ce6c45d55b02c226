//! The rows of `events.md` §11, one file each: candidate and limit in turn, in one run.

mod commands;
mod end_to_end;
mod http;
mod memory;
mod numbering;
mod publishing;
mod reading;
mod wire;

use crate::figure::Figure;
use crate::stage::Stage;
use anyhow::Result;
use std::path::PathBuf;
use std::time::Duration;

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Row {
    /// Commands with and without a journal.
    Commands,
    /// Commands over HTTP against bare SQL.
    Http,
    /// The relay against a raw pipelined publish.
    Publishing,
    /// Numbering against `INSERT … SELECT`.
    Numbering,
    /// The reader against `COPY` and an ordered read.
    Reading,
    /// From commit to effect against the same steps by themselves.
    EndToEnd,
    /// An idle service.
    Memory,
}

impl Row {
    /// All of them, in the page's order.
    pub const ALL: [Self; 7] = [
        Self::Commands,
        Self::Http,
        Self::Publishing,
        Self::Numbering,
        Self::Reading,
        Self::EndToEnd,
        Self::Memory,
    ];
}

/// How much of everything.
#[derive(Debug, Clone)]
pub struct Scale {
    /// Rounds of each ratio.
    pub rounds: usize,
    /// How long each load is counted.
    pub span: Duration,
    /// Writers at once.
    pub writers: u64,
    /// Rows to publish.
    pub published: i64,
    /// Rows to number.
    pub numbered: i64,
    /// Events to read.
    pub read: i64,
    /// Commands a second, end to end.
    pub per_second: u64,
    /// How long a service idles before it is weighed.
    pub idle: Duration,
    /// The program to weigh; without one the row is left out.
    pub support: Option<PathBuf>,
}

impl Scale {
    /// A whole run: below a quarter of an hour on two cores.
    pub const fn full() -> Self {
        Self {
            rounds: 5,
            span: Duration::from_secs(4),
            writers: 32,
            published: 1_000_000,
            numbered: 500_000,
            read: 100_000,
            per_second: 1_000,
            idle: Duration::from_secs(10),
            support: None,
        }
    }

    /// A few seconds, to see that everything still runs: its figures mean nothing.
    pub const fn quick() -> Self {
        Self {
            rounds: 2,
            span: Duration::from_millis(200),
            writers: 4,
            published: 2_000,
            numbered: 12_000,
            read: 2_000,
            per_second: 100,
            idle: Duration::from_millis(100),
            support: None,
        }
    }

    /// The sides of a round, in an order that turns: what grows or warms up meanwhile favours none of them.
    fn turn<T: Copy, const N: usize>(&self, round: usize, mut sides: [T; N]) -> [T; N] {
        sides.rotate_left(round % N.max(1));
        if round % 2 == 1 {
            sides.reverse();
        }
        sides
    }
}

/// Measures one row.
///
/// # Errors
/// Where anything in it failed: half a figure is none.
pub async fn measure(row: Row, stage: &Stage, scale: &Scale) -> Result<Vec<Figure>> {
    match row {
        Row::Commands => commands::measure(stage, scale).await,
        Row::Http => http::measure(stage, scale).await,
        Row::Publishing => publishing::measure(stage, scale).await,
        Row::Numbering => numbering::measure(stage, scale).await,
        Row::Reading => reading::measure(stage, scale).await,
        Row::EndToEnd => end_to_end::measure(stage, scale).await,
        Row::Memory => memory::measure(stage, scale).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_comes_first_in_some_round() {
        let scale = Scale::full();
        let firsts: std::collections::BTreeSet<u8> =
            (0..scale.rounds).map(|round| scale.turn(round, [1, 2, 3])[0]).collect();
        assert_eq!(firsts.len(), 3);
        assert_eq!(scale.turn(0, [1, 2]), [1, 2]);
    }
}
