//! Epochs: which stream an event belongs to, once a restored database has begun a new one (`events.md` §3, §5).
//!
//! Numbers go on over epochs; an event belongs to the newest epoch that begins before it. How a new one is found and begun
//! stands in `renewal`.

use crate::Fault;
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use std::cmp::Reverse;

/// One epoch of a service's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// 1 upwards.
    pub epoch: i32,
    /// The number of the last event before it.
    pub base: i64,
    /// The number, `base` or above, up to which the streams before held the same events under the same numbers: beyond
    /// `base` only where an operator began the epoch earlier than he had to.
    pub agreed: i64,
}

impl Epoch {
    /// Of a stream that was never restored.
    pub const FIRST: Self = Self { epoch: 1, base: 0, agreed: 0 };
}

/// All epochs of a service, ascending; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Epoch>", into = "Vec<Epoch>")]
pub struct Epochs(Vec<Epoch>);

/// Consecutive numbers that stand in one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Of which epoch.
    pub epoch: i32,
    /// The first number.
    pub from: i64,
    /// The last number, not below the first.
    pub to: i64,
}

impl Default for Epochs {
    fn default() -> Self {
        Self(vec![Epoch::FIRST])
    }
}

impl TryFrom<Vec<Epoch>> for Epochs {
    type Error = String;
    fn try_from(mut epochs: Vec<Epoch>) -> Result<Self, String> {
        epochs.sort_by_key(|epoch| epoch.epoch);
        let is_sound = |epoch: &Epoch| epoch.epoch > 0 && epoch.base >= 0 && epoch.agreed >= epoch.base;
        let is_once = epochs.windows(2).all(|pair| pair[0].epoch < pair[1].epoch);
        if epochs.is_empty() || !is_once || !epochs.iter().all(is_sound) {
            return Err(format!("{epochs:?} are no epochs"));
        }
        Ok(Self(epochs))
    }
}

impl From<Epochs> for Vec<Epoch> {
    fn from(epochs: Epochs) -> Self {
        epochs.0
    }
}

impl Epochs {
    /// The epoch that an event of this number belongs to, however often it is published again.
    pub fn of(&self, seq: i64) -> i32 {
        let newest = self.0.iter().rev().find(|epoch| epoch.base < seq);
        newest.unwrap_or(&self.0[0]).epoch
    }

    /// The epoch that is published now.
    pub fn latest(&self) -> Epoch {
        self.0[self.0.len() - 1]
    }

    /// The epochs, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &Epoch> {
        self.0.iter()
    }

    /// What a reader of `epoch` goes on with, and from where: the newest of the later epochs with the smallest base, because
    /// whatever the others hold was given up with it.
    pub fn following(&self, epoch: i32) -> Option<Epoch> {
        let later = self.0.iter().filter(|later| later.epoch > epoch);
        later.min_by_key(|later| (later.base, Reverse(later.epoch))).copied()
    }

    /// The same with more epochs, each known once: what is known here goes before what is said there.
    #[must_use]
    pub fn with(&self, others: impl IntoIterator<Item = Epoch>) -> Self {
        let mut epochs = self.0.clone();
        for other in others {
            if epochs.iter().all(|epoch| epoch.epoch != other.epoch) {
                epochs.push(other);
            }
        }
        epochs.sort_by_key(|epoch| epoch.epoch);
        Self(epochs)
    }

    /// Where the events above `above` and up to `to` stand for somebody who read the streams up to `epoch`: newest first.
    pub fn stretches(&self, epoch: i32, above: i64, to: i64) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        let mut to = to;
        for read in self.0.iter().rev().filter(|read| read.epoch <= epoch) {
            let below = read.base.max(above);
            if below < to {
                stretches.push(Stretch { epoch: read.epoch, from: below + 1, to });
                to = below;
            }
        }
        stretches
    }
}

/// The epochs of this service, as its database knows them.
pub async fn load(executor: impl PgExecutor<'_>) -> Result<Epochs, Fault> {
    let epochs = sqlx::query_as!(Epoch, "SELECT epoch, base, agreed FROM epoch ORDER BY epoch LIMIT 10000")
        .fetch_all(executor)
        .await?;
    Epochs::try_from(epochs).map_err(|value| Fault::Corrupt { table: "epoch", column: "epoch", value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(bases: &[i64]) -> Epochs {
        let epochs = bases.iter().zip(1..).map(|(base, epoch)| Epoch { epoch, base: *base, agreed: *base });
        Epochs::try_from(epochs.collect::<Vec<_>>()).expect("epochs")
    }

    #[test]
    fn a_number_belongs_to_the_newest_epoch_that_begins_before_it() {
        let of = |bases: &[i64], numbers: &[i64]| {
            numbers.iter().map(|seq| epochs(bases).of(*seq)).collect::<Vec<_>>()
        };
        assert_eq!(of(&[0], &[1, 100]), [1, 1]);
        assert_eq!(of(&[0, 100], &[1, 100, 101, 102]), [1, 1, 2, 2]);
        // Restored once more, and further: the second epoch is no number's any more above 80, and never was below.
        assert_eq!(of(&[0, 100, 80], &[80, 81, 100, 101]), [1, 3, 3, 3]);
        assert_eq!(of(&[0, 0], &[0, 1]), [1, 2]);
    }

    #[test]
    fn a_reader_follows_to_where_the_numbers_after_its_own_stand() {
        let after = |bases: &[i64], epoch| epochs(bases).following(epoch).map(|next| (next.epoch, next.base));
        assert_eq!(after(&[0], 1), None);
        assert_eq!(after(&[0, 100], 1), Some((2, 100)));
        assert_eq!(after(&[0, 100, 120], 1), Some((2, 100)), "the second one's events are needed");
        assert_eq!(after(&[0, 100, 80], 1), Some((3, 80)), "nothing of the second one is");
        assert_eq!(after(&[0, 100, 100], 1), Some((3, 100)));
        assert_eq!(after(&[0, 100, 80], 2), Some((3, 80)));
        assert_eq!(after(&[0, 100, 80], 3), None);
    }

    #[test]
    fn what_was_read_beyond_a_base_stands_in_the_streams_it_was_read_from() {
        let stretches = |bases: &[i64], epoch, above, to| {
            let found = epochs(bases).stretches(epoch, above, to);
            found.into_iter().map(|found| (found.epoch, found.from, found.to)).collect::<Vec<_>>()
        };
        assert_eq!(stretches(&[0, 100], 1, 100, 130), [(1, 101, 130)]);
        assert_eq!(stretches(&[0, 100, 80], 2, 80, 130), [(2, 101, 130), (1, 81, 100)]);
        assert_eq!(stretches(&[0, 100, 80], 1, 80, 90), [(1, 81, 90)]);
        assert_eq!(stretches(&[0, 100, 80], 2, 80, 90), [(1, 81, 90)]);
        assert_eq!(stretches(&[0, 100], 2, 0, 100), [(1, 1, 100)]);
        assert_eq!(stretches(&[0, 100], 2, 130, 130), []);
    }

    #[test]
    fn what_are_no_epochs_is_refused() {
        let of = |epoch, base, agreed| Epoch { epoch, base, agreed };
        for wrong in [vec![], vec![of(0, 0, 0)], vec![of(1, 2, 1)], vec![of(1, 0, 0), of(1, 5, 5)]] {
            assert!(Epochs::try_from(wrong.clone()).is_err(), "{wrong:?}");
        }
        let told = serde_json::to_string(&epochs(&[0, 7])).expect("plain data");
        assert_eq!(told, r#"[{"epoch":1,"base":0,"agreed":0},{"epoch":2,"base":7,"agreed":7}]"#);
        assert_eq!(serde_json::from_str::<Epochs>(&told).ok(), Some(epochs(&[0, 7])));
        assert_eq!(epochs(&[0]).with([of(1, 5, 5), of(2, 7, 7)]), epochs(&[0, 7]));
    }
}
