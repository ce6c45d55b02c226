//! What was measured: rounds of candidate and limit, their medians, the ratio and the verdict.
//!
//! Whole numbers throughout: rates per second, microseconds, per mille. Ratios are taken within a round, where both
//! sides met the same machine, and the median is that of the ratios.

use serde::Serialize;
use std::fmt::{self, Write};

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// So many a second: more is better.
    PerSecond,
    /// Less is better.
    Microseconds,
    /// 1,024 bytes; less is better.
    Kibibytes,
}

/// What the design asks of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Candidate ÷ limit, in per mille, at least.
    AtLeast(u64),
    /// Candidate ÷ limit, in per mille, at most.
    AtMost(u64),
    /// The candidate itself, in its unit, at most.
    Within(u64),
    /// Told, and not judged.
    Reported,
}

/// One round: both sides of a ratio, one right after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Round {
    /// What we do.
    pub candidate: u64,
    /// What the machine could do; nothing where there is no limit to compare with.
    pub limit: Option<u64>,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// The row of `events.md` §11: `commands`.
    pub row: &'static str,
    /// What was measured.
    pub what: &'static str,
    /// Against what.
    pub against: &'static str,
    /// In what.
    pub unit: Unit,
    /// What is asked.
    pub goal: Goal,
    /// Every round, in order.
    pub rounds: Vec<Round>,
    /// How to read it: formulas, the load of the machine, what was left out.
    pub notes: Vec<String>,
}

/// What became of a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Reached.
    Reached,
    /// Not reached.
    Missed,
    /// There is no goal, or nothing was measured.
    Open,
}

/// The middle one; of an even number the lower middle. 0 of none.
pub fn median(values: impl IntoIterator<Item = u64>) -> u64 {
    quantile(values, 500)
}

/// The value that so many per mille do not exceed (nearest rank). 0 of none.
pub fn quantile(values: impl IntoIterator<Item = u64>, per_mille: usize) -> u64 {
    let mut values: Vec<u64> = values.into_iter().collect();
    values.sort_unstable();
    let rank = (values.len() * per_mille).div_ceil(1_000).max(1);
    values.get(rank - 1).copied().unwrap_or_default()
}

/// `part` of `whole` in per mille; 0 of nothing.
pub fn per_mille(part: u64, whole: u64) -> u64 {
    part.saturating_mul(1_000).checked_div(whole).unwrap_or_default()
}

impl Figure {
    /// The median of the candidate.
    pub fn candidate(&self) -> u64 {
        median(self.rounds.iter().map(|round| round.candidate))
    }

    /// The median of the limit, where there is one.
    pub fn limit(&self) -> Option<u64> {
        let limits: Vec<u64> = self.rounds.iter().filter_map(|round| round.limit).collect();
        (!limits.is_empty()).then(|| median(limits))
    }

    fn ratios(&self) -> Vec<u64> {
        let ratio = |round: &Round| Some(per_mille(round.candidate, round.limit?));
        self.rounds.iter().filter_map(ratio).collect()
    }

    /// The median of the rounds' ratios, in per mille.
    pub fn ratio(&self) -> Option<u64> {
        let ratios = self.ratios();
        (!ratios.is_empty()).then(|| median(ratios))
    }

    /// Whether the goal was reached.
    pub fn verdict(&self) -> Verdict {
        let holds = match self.goal {
            Goal::AtLeast(wanted) => self.ratio().map(|ratio| ratio >= wanted),
            Goal::AtMost(wanted) => self.ratio().map(|ratio| ratio <= wanted),
            Goal::Within(wanted) => (!self.rounds.is_empty()).then(|| self.candidate() <= wanted),
            Goal::Reported => None,
        };
        match holds {
            Some(true) => Verdict::Reached,
            Some(false) => Verdict::Missed,
            None => Verdict::Open,
        }
    }

    fn line(&self) -> String {
        let ratios = self.ratios();
        let ratio = self.ratio().map_or("–".to_owned(), |ratio| {
            let (low, high) = (ratios.iter().min(), ratios.iter().max());
            let spread = |end: Option<&u64>| Ratio(end.copied().unwrap_or_default()).to_string();
            format!("**{}** ({}–{})", Ratio(ratio), spread(low), spread(high))
        });
        let verdict = match self.verdict() {
            Verdict::Reached => "reached",
            Verdict::Missed => "**missed**",
            Verdict::Open => "–",
        };
        format!(
            "| {} | {} | {} | {} | {} | {ratio} | {} | {verdict} |",
            self.row,
            self.what,
            self.against,
            if self.rounds.is_empty() { "–".to_owned() } else { self.unit.shown(self.candidate()) },
            self.limit().map_or("–".to_owned(), |limit| self.unit.shown(limit)),
            self.goal.shown(self.unit),
        )
    }
}

/// Per mille as people read them: `0.704`.
struct Ratio(u64);

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

impl Unit {
    fn shown(self, value: u64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", grouped(value)),
            Self::Microseconds => format!("{} µs", grouped(value)),
            Self::Kibibytes => format!("{} KiB", grouped(value)),
        }
    }
}

impl Goal {
    fn shown(self, unit: Unit) -> String {
        match self {
            Self::AtLeast(wanted) => format!("≥ {}", Ratio(wanted)),
            Self::AtMost(wanted) => format!("≤ {}", Ratio(wanted)),
            Self::Within(wanted) => format!("≤ {}", unit.shown(wanted)),
            Self::Reported => "–".to_owned(),
        }
    }
}

/// `1,234,567`.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// All figures as a Markdown table, their notes below it.
pub fn table(figures: &[Figure]) -> String {
    let mut text = "| Row | What | Against | Ours | Limit | Ratio (least–most) | Goal | |\n|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for figure in figures {
        let _ = writeln!(text, "{}", figure.line());
    }
    for figure in figures.iter().filter(|figure| !figure.notes.is_empty()) {
        let _ = writeln!(text, "\n*{}, {}:* {}", figure.row, figure.what, figure.notes.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(goal: Goal, rounds: &[(u64, u64)]) -> Figure {
        let rounds =
            rounds.iter().map(|(candidate, limit)| Round { candidate: *candidate, limit: Some(*limit) });
        Figure {
            row: "row",
            what: "ours",
            against: "theirs",
            unit: Unit::PerSecond,
            goal,
            rounds: rounds.collect(),
            notes: vec!["A note.".to_owned()],
        }
    }

    #[test]
    fn the_middle_is_a_value_that_was_measured() {
        assert_eq!(median([5, 1, 3]), 3);
        assert_eq!(median([4, 1, 3, 2]), 2);
        assert_eq!(median([]), 0);
        assert_eq!(quantile(1..=100, 990), 99);
        assert_eq!(quantile(1..=100, 1_000), 100);
        assert_eq!(quantile([7], 990), 7);
    }

    #[test]
    fn the_ratio_is_taken_within_each_round() {
        // 500, 900, 800 ‰. The ratio of the medians would be 800 ‰ of another round than any that was run.
        let one = figure(Goal::AtLeast(700), &[(100, 200), (90, 100), (400, 500)]);
        assert_eq!((one.candidate(), one.limit(), one.ratio()), (100, Some(200), Some(800)));
        assert_eq!(one.verdict(), Verdict::Reached);
        assert_eq!(figure(Goal::AtLeast(801), &[(800, 1_000)]).verdict(), Verdict::Missed);
        assert_eq!(figure(Goal::AtMost(2_000), &[(2_001, 1_000)]).verdict(), Verdict::Missed);
        assert_eq!(figure(Goal::Within(40), &[(40, 0)]).verdict(), Verdict::Reached);
        assert_eq!(figure(Goal::Within(40), &[]).verdict(), Verdict::Open);
        assert_eq!(figure(Goal::Reported, &[(1, 1)]).verdict(), Verdict::Open);
    }

    #[test]
    fn the_table_says_it_all() {
        let text = table(&[figure(Goal::AtLeast(700), &[(1_234_567, 2_000_000)])]);
        assert!(text.contains("| row | ours | theirs | 1,234,567/s | 2,000,000/s | **0.617** (0.617–0.617) | ≥ 0.700 | **missed** |"), "{text}");
        assert!(text.ends_with("\n*row, ours:* A note.\n"), "{text}");
        let left_out = table(&[figure(Goal::Within(40), &[])]);
        assert!(left_out.contains("| row | ours | theirs | – | – | – | ≤ 40/s | – |"), "{left_out}");
    }
}
