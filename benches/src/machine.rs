//! The machine: what it is, how fast its disk syncs, and how busy it was.

use crate::load::rate;
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// On what a run was made.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Processors that the program may use.
    pub cores: usize,
    /// What the processor calls itself.
    pub processor: String,
    /// The kernel's release.
    pub kernel: String,
    /// Writes of 8 KiB a second, each followed by `fdatasync`, one after the other, where the databases lie.
    pub syncs_per_second: u64,
    /// Runnable and waiting processes over the last minute before the run, times 100: what others were doing.
    pub load_before: u64,
    /// `PostgreSQL 18.6`.
    pub postgres: String,
    /// `NATS 2.15.1`.
    pub nats: String,
    /// True where the program was built with optimisation.
    pub is_optimised: bool,
}

impl Machine {
    /// Looks at the machine; `place` is where the databases lie.
    ///
    /// # Errors
    /// Where that place cannot be written to.
    pub fn inspect(place: &Path) -> Result<Self> {
        let processor = first_line("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            processor,
            kernel: kernel.trim().to_owned(),
            load_before: load(&std::fs::read_to_string("/proc/loadavg").unwrap_or_default()),
            syncs_per_second: syncs(place, Duration::from_secs(1))?,
            postgres: String::new(),
            nats: String::new(),
            is_optimised: !cfg!(debug_assertions),
        })
    }

    /// As a few lines of Markdown.
    pub fn shown(&self) -> String {
        let mut text = format!(
            "{} cores of {}, Linux {}; {} syncs/s; PostgreSQL {}, NATS {}",
            self.cores, self.processor, self.kernel, self.syncs_per_second, self.postgres, self.nats
        );
        if !self.is_optimised {
            text.push_str("; **built without optimisation: figures of this run mean nothing**");
        }
        let _ =
            write!(text, "; load before the run {}.{:02}", self.load_before / 100, self.load_before % 100);
        if self.load_before > 50 {
            text.push_str(" (**others were at work: take it again on a quiet machine**)");
        }
        text
    }
}

/// The first value of a key in a file of `key : value`.
fn first_line(file: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// `0.42 …` is 42.
fn load(text: &str) -> u64 {
    let first = text.split_whitespace().next().unwrap_or_default();
    let (whole, hundredths) = first.split_once('.').unwrap_or((first, "0"));
    whole.parse::<u64>().unwrap_or_default() * 100 + hundredths.parse::<u64>().unwrap_or_default()
}

/// How often a second 8 KiB can be written and synced, one after the other.
fn syncs(place: &Path, span: Duration) -> Result<u64> {
    let path = place.join("syncs");
    let mut file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    let page = [7; 8 * 1_024];
    let begun = Instant::now();
    let mut times = 0;
    while begun.elapsed() < span {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&page)?;
        file.sync_data()?;
        times += 1;
    }
    let rate = rate(times, begun.elapsed());
    std::fs::remove_file(&path)?;
    Ok(rate)
}

/// What the processors have done since the machine started, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Processors {
    busy: u64,
    all: u64,
}

impl Processors {
    /// Up to this instant.
    pub fn now() -> Self {
        Self::read(&std::fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    /// `cpu  user nice system idle iowait irq softirq steal …`; guests are counted in user time already.
    fn read(text: &str) -> Self {
        let first = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> =
            first.split_whitespace().skip(1).take(8).filter_map(|part| part.parse().ok()).collect();
        let all: u64 = ticks.iter().sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        Self { busy: all - idle, all }
    }

    /// How busy they were since then, in per mille.
    pub fn busy_since(self, before: Self) -> u64 {
        crate::figure::per_mille(self.busy.saturating_sub(before.busy), self.all.saturating_sub(before.all))
    }
}

/// The resident memory of a process, and the part of it that it shares with nobody, in KiB.
///
/// # Errors
/// Where it has ended.
pub fn resident(pid: u32) -> Result<(u64, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
        .context("the process has ended, or may not be looked at")?;
    let of = |key: &str| -> u64 {
        let lines = text.lines().filter(|line| line.starts_with(key));
        lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
    };
    Ok((of("Rss:"), of("Private_Clean:") + of("Private_Dirty:")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_busy_when_they_are_not_idle() {
        let before = Processors::read("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 …");
        let after = Processors::read("cpu  160 10 70 890 70 0 0 0 99 0\ncpu0 …");
        assert_eq!(after.busy_since(before), 450, "90 of 200 ticks: 60 user, 10 nice, 20 system");
        assert_eq!(before.busy_since(before), 0);
    }

    #[test]
    fn the_load_is_read_in_hundredths() {
        assert_eq!(load("2.52 1.91 0.96 3/127 19655"), 252);
        assert_eq!(load("0.05 …"), 5);
        assert_eq!(load(""), 0);
    }

    #[test]
    fn this_process_has_memory() {
        let (all, private) = resident(std::process::id()).expect("it runs");
        assert!(all >= private && private > 0, "{all} {private}");
    }
}
