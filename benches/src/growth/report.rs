//! Plans as Markdown tables: what `benches/GROWTH.md` shows.

use super::Inputs;
use super::plan::{Limit, Need, Plan, Use, plan};
use crate::figure::grouped;
use std::fmt::Write;

/// The sizes that are asked about.
pub const SIZES: [u64; 3] = [200, 2_000, 20_000];

impl Limit {
    /// What is used up.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SharedCommits => "commits/s of one machine for all databases",
            Self::SharedDisk => "disk of that machine",
            Self::SharedConnections => "connections of one PostgreSQL for all",
            Self::OwnCommits => "commits/s of a service's own machine",
            Self::OwnDisk => "disk of a service's own machine",
            Self::OwnConnections => "connections of a service's own PostgreSQL",
            Self::Numbering => "rows/s of one numbering",
            Self::Publishing => "events/s of one relay into one stream",
            Self::Reading => "events/s of one reader",
        }
    }

    /// What takes over where it is used up: an engine that exists.
    pub const fn successor(self) -> &'static str {
        match self {
            Self::SharedCommits | Self::SharedDisk | Self::SharedConnections => {
                "each database on a machine of its own: they are separate already"
            }
            Self::OwnCommits | Self::OwnDisk => {
                "Citus: rows of `branch_id` on several machines, a journal on each"
            }
            Self::OwnConnections => {
                "PgBouncer before the commands (the relay keeps its own connection), then Citus"
            }
            Self::Numbering => "Citus: each machine numbers its own journal",
            Self::Publishing => {
                "a NATS cluster, a stream for each journal; subjects partitioned by branch (`partition(n, …)`)"
            }
            Self::Reading => {
                "a reader for each partition of the subjects: aggregates keep their order within one"
            }
        }
    }
}

/// Everything, for all sizes.
pub fn tables(inputs: &Inputs) -> String {
    let plans: Vec<Plan> = SIZES.iter().map(|branches| plan(inputs, *branches)).collect();
    [needs(&plans), limits(&plans), lags(&plans)].join("\n")
}

/// Thousandths to one place after the point.
fn tenths(thousandths: u64) -> String {
    format!("{}.{}", grouped(thousandths / 1_000), thousandths % 1_000 / 100)
}

fn needs(plans: &[Plan]) -> String {
    let mut text = "| Branches | Service | Rows a day | Rows a year | Journal, 13 months | Stream, 13 months | Peak events/s | Processes | Connections | Memory |\n\
                    |---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for plan in plans {
        for need in &plan.needs {
            let _ = writeln!(text, "{}", line(plan.branches, &need.service, need));
        }
        let total = |pick: fn(&Need) -> u64| plan.needs.iter().map(pick).sum();
        let all = Need {
            service: String::new(),
            rows_per_day: total(|need| need.rows_per_day),
            rows_per_year: total(|need| need.rows_per_year),
            journal_megabytes: total(|need| need.journal_megabytes),
            stream_megabytes: total(|need| need.stream_megabytes),
            peak_thousandths: total(|need| need.peak_thousandths),
            processes: total(|need| need.processes),
            connections: total(|need| need.connections),
            memory_kib: total(|need| need.memory_kib),
        };
        let _ = writeln!(text, "{}", line(plan.branches, "**all**", &all));
    }
    text
}

fn line(branches: u64, name: &str, need: &Need) -> String {
    format!(
        "| {} | {name} | {} | {} | {} GB | {} GB | {} | {} | {} | {} MiB |",
        grouped(branches),
        grouped(need.rows_per_day),
        grouped(need.rows_per_year),
        tenths(need.journal_megabytes),
        tenths(need.stream_megabytes),
        tenths(need.peak_thousandths),
        need.processes,
        grouped(need.connections),
        grouped(need.memory_kib / 1_024),
    )
}

/// The worst of each kind of limit, at each size.
fn limits(plans: &[Plan]) -> String {
    let mut text = "| Limit | The most used | ".to_owned();
    for plan in plans {
        let _ = write!(text, "{} branches | ", grouped(plan.branches));
    }
    text.push_str("Enough for | Then |\n|---|---|");
    text.push_str(&"---|".repeat(plans.len() + 2));
    text.push('\n');
    let Some(largest) = plans.last() else { return text };
    let mut seen: Vec<Limit> = Vec::new();
    for worst in &largest.uses {
        if seen.contains(&worst.limit) {
            continue;
        }
        seen.push(worst.limit);
        let same = |one: &&Use| one.limit == worst.limit && one.of == worst.of;
        let _ = write!(text, "| {} | {} | ", worst.limit.name(), worst.of);
        for plan in plans {
            let percent = plan.uses.iter().find(same).map_or(0, |one| one.per_mille);
            let _ = write!(text, "{} % | ", tenths(percent * 100));
        }
        let _ = writeln!(text, "{} branches | {} |", grouped(worst.enough_for), worst.limit.successor());
    }
    text
}

fn lags(plans: &[Plan]) -> String {
    let mut text = "| Branches | Reader | Longest queue | Longest wait | Seconds a day with more than 1 s | To catch up with a day |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for plan in plans {
        for lag in &plan.lags {
            let catch_up = lag.catch_up_seconds.map_or("never".to_owned(), |seconds| {
                if seconds < 600 { format!("{seconds} s") } else { format!("{} min", grouped(seconds / 60)) }
            });
            let _ = writeln!(
                text,
                "| {} | {} ← {} | {} | {} ms | {} | {catch_up} |",
                grouped(plan.branches),
                lag.service,
                lag.source,
                grouped(lag.queue.longest),
                grouped(lag.queue.wait_ms),
                grouped(lag.queue.slow_seconds),
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::sample::inputs;
    use super::*;

    #[test]
    fn the_tables_show_what_was_reckoned() {
        let text = tables(&inputs());
        // 200 × 100 × 5 rows a day; a fifth of the page's hundred a second at a thousand branches.
        assert!(
            text.contains(
                "| 200 | shop | 100,000 | 36,500,000 | 80.0 GB | 40.0 GB | 20.0 | 2 | 50 | 58 MiB |"
            ),
            "{text}"
        );
        assert!(
            text.contains(
                "| 200 | **all** | 110,000 | 40,150,000 | 88.0 GB | 44.0 GB | 22.0 | 4 | 100 | 117 MiB |"
            ),
            "{text}"
        );
        assert!(
            text.contains(
                "| disk of that machine | all | 8.8 % | 88.0 % | 880.0 % | 1,136 branches | each database"
            ),
            "{text}"
        );
        assert!(text.contains("| 200 | desk ← shop | 0 | 0 ms | 0 |"), "{text}");
    }
}
