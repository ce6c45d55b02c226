//! The numbers of fines: floor, bands, hearing and appeal (P6.6-1, R5, R6).

use super::Refusal;
use crate::rulebook::RULEBOOK;
use events::support::{PenaltyKind, Severity};
use house::policy::{RuleBook, Terms};
use kernel::{Clause, Fen, Refused, clause};
use serde::{Deserialize, Serialize};

/// The terms of fines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTerms {
    /// Money, points or proven loss (R6).
    pub kind: PenaltyKind,
    /// No fine is below this.
    pub floor_fen: Fen,
    /// No fine is above this.
    pub band_fen: Bands,
    /// So many business days the employee may answer.
    pub hearing_business_days: u32,
    /// So many days after its confirmation a fine may be appealed.
    pub appeal_days: u32,
}

/// The upper bound per severity; S4 has none, headquarters decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bands {
    /// Manner, small omission.
    #[serde(rename = "S1")]
    s1: Fen,
    /// Damage below 1,000 yuan, rework.
    #[serde(rename = "S2")]
    s2: Fen,
    /// Damage from 1,000 yuan.
    #[serde(rename = "S3")]
    s3: Fen,
}

impl FineTerms {
    /// The most a fine of this severity may be; `None` where headquarters decides.
    pub const fn band(&self, severity: Severity) -> Option<Fen> {
        match severity {
            Severity::S1 => Some(self.band_fen.s1),
            Severity::S2 => Some(self.band_fen.s2),
            Severity::S3 => Some(self.band_fen.s3),
            Severity::S4 => None,
        }
    }
}

impl Terms for FineTerms {
    const KIND: &'static str = "fine";
    const CLAUSE: Clause = clause!("P6.6-1");
    const BOOK: RuleBook = RULEBOOK;
    fn agree(&self) -> Result<(), Refused> {
        let Bands { s1, s2, s3 } = self.band_fen;
        let is_sound = Fen::ZERO < self.floor_fen && self.floor_fen <= s1 && s1 <= s2 && s2 <= s3;
        if is_sound { Ok(()) } else { Err(kernel::Refusal::refused(Refusal::BandsContradict {})) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_the_shipped_bands() {
        let terms = FineTerms::defaults();
        assert!(terms.check().is_ok());
        let band = |severity| terms.band(severity).map(Fen::fen);
        assert_eq!(
            [Severity::S1, Severity::S2, Severity::S3, Severity::S4].map(band),
            [Some(1_000), Some(5_000), Some(20_000), None]
        );
        assert_eq!(
            (terms.floor_fen, terms.hearing_business_days, terms.appeal_days),
            (Fen::new(1_000), 3, 7)
        );
    }

    #[test]
    fn p6_6_1_a_band_below_the_floor_is_no_policy() {
        let terms = FineTerms { floor_fen: Fen::new(1_001), ..FineTerms::defaults() };
        let refused = terms.check().err().map(|refused| refused.error.code);
        assert_eq!(refused, Some("support.penalty.bands_contradict"));
    }

    #[test]
    fn r5_no_policy_takes_the_hearing_or_the_appeal_away_or_stretches_them_beyond_the_calendar() {
        let with = |hearing_business_days, appeal_days| {
            let terms = FineTerms { hearing_business_days, appeal_days, ..FineTerms::defaults() };
            terms.check().err().map(|refused| refused.error.code)
        };
        for (hearing, appeal) in [(0, 7), (3, 0), (u32::MAX, 7), (3, u32::MAX), (366, 7), (3, 3_651)] {
            assert_eq!(with(hearing, appeal), Some("policy.out_of_bounds"), "{hearing} {appeal}");
        }
        assert_eq!((with(1, 1), with(365, 3_650)), (None, None));
    }
}
