//! The events that a subscriber has read, in a file: what it makes of them, and its position, in one place.
//!
//! One event in a line. The last whole line is the position, so nothing is lost and nothing kept twice, whenever the
//! program is killed.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// An event is smaller than this, in bytes.
const TAIL: u64 = 262_144;

/// What the numbers of the events that arrive say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Every event arrives: each number is the one before and one, so whoever counts them misses none.
    Whole,
    /// A filter, or the reader's rights, leave events out.
    Filtered,
}

/// The file, and where it ends.
pub struct Kept {
    file: File,
    /// Number and epoch of the last event; nothing where there is none.
    last: Option<(i64, i64)>,
}

impl Kept {
    /// What is kept there; a line that was cut off was never kept.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or its last line is no event.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        let begin = file.seek(SeekFrom::End(0))?.saturating_sub(TAIL);
        file.seek(SeekFrom::Start(begin))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        file.set_len(begin + u64::try_from(whole)?)?;
        file.seek(SeekFrom::End(0))?;
        let last = tail[..whole].split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
        let last = last.map(|line| place(&serde_json::from_slice(line)?)).transpose()?;
        Ok(Self { file, last })
    }

    /// Number of the last event; 0 where there is none.
    pub fn seq(&self) -> i64 {
        self.last.map_or(0, |(seq, _)| seq)
    }

    /// `epoch:seq` of the last event.
    pub fn cursor(&self) -> Option<String> {
        self.last.map(|(seq, epoch)| format!("{epoch}:{seq}"))
    }

    /// Keeps what is new, and moves the position with it.
    ///
    /// # Errors
    /// Where something is missing before an event, or the file cannot be written.
    pub fn add(&mut self, events: &[Value], reading: Reading) -> Result<()> {
        let mut lines = Vec::new();
        for event in events {
            let (seq, epoch) = place(event)?;
            // Delivered again: it has had its effect.
            if seq <= self.seq() {
                continue;
            }
            // What the source keeps begins where it begins; from there on nothing may be missing.
            let is_next = self.last.is_none_or(|(last, _)| seq == last + 1);
            ensure!(is_next || reading == Reading::Filtered, "{} to {} are missing", self.seq() + 1, seq - 1);
            writeln!(lines, "{event}")?;
            self.last = Some((seq, epoch));
        }
        self.file.write_all(&lines)?;
        Ok(self.file.sync_data()?)
    }
}

/// Number and epoch of an event.
fn place(event: &Value) -> Result<(i64, i64)> {
    let number = |name: &str| event[name].as_i64().with_context(|| format!("an event without {name}"));
    Ok((number("seq")?, number("epoch")?))
}
