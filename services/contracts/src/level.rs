//! The skill levels of the trade: 5 is primary, 2 is technician; the lower the number, the higher the level
//! (`workforce.md` §1).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A level that a certificate may prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "i64", into = "u8")]
#[schema(value_type = u8, minimum = 2, maximum = 5)]
pub struct WorkerLevel(u8);

impl WorkerLevel {
    /// The level of a number of the national standard; none where it has no such level.
    pub fn of(number: u8) -> Option<Self> {
        (2..=5).contains(&number).then_some(Self(number))
    }

    /// Its number in the national standard.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// True where a level that somebody has reached is this one or a higher one; 0 is none at all.
    pub fn is_met_by(self, reached: u8) -> bool {
        (1..=self.0).contains(&reached)
    }
}

impl TryFrom<i64> for WorkerLevel {
    type Error = &'static str;
    fn try_from(number: i64) -> Result<Self, Self::Error> {
        u8::try_from(number).ok().and_then(Self::of).ok_or("contracts.worker_level_unknown")
    }
}

impl From<WorkerLevel> for u8 {
    fn from(level: WorkerLevel) -> Self {
        level.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promised_level_is_met_by_itself_and_every_higher_one() {
        let middle = WorkerLevel::of(4).expect("middle");
        let met: Vec<u8> = (0..=6).filter(|reached| middle.is_met_by(*reached)).collect();
        assert_eq!(met, [1, 2, 3, 4], "5 is lower, 0 is none");
        let known: Vec<u8> = (0..=255).filter(|number| WorkerLevel::of(*number).is_some()).collect();
        assert_eq!(known, [2, 3, 4, 5]);
    }
}
