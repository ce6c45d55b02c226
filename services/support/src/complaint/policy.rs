//! The numbers of complaints: severity factors, proposals, authority, follow-ups, reopening, the ladder's clocks.

use super::Refusal;
use super::kind::Factor;
use crate::by_severity::BySeverity;
use crate::person::Standing;
use crate::rulebook::RULEBOOK;
use events::support::Severity;
use house::policy::{RuleBook, Terms};
use kernel::{Clause, Fen, Refused, clause};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The terms of complaints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintTerms {
    /// From this severity on a complaint is major (R4).
    pub major_from: Severity,
    /// The severity each factor sets at least.
    pub factors: BTreeMap<Factor, Severity>,
    /// From this damage on it is [`Factor::DamageLarge`].
    pub damage_fen: Fen,
    /// What raises the severity by one.
    pub repeat: Repeat,
    /// So many proposals at least (R8).
    pub min_proposals: BySeverity<u8>,
    /// So many at most, in one cycle (R8).
    pub max_proposals: u8,
    /// What somebody may give by himself (R9).
    pub authority: Authority,
    /// How the customer is asked afterwards (R11, C5, C6).
    pub follow_up: FollowUpTerms,
    /// So many days after its end a case may be reopened without new facts.
    pub reopen_days: u32,
    /// Who is asked, and how long he has to answer (K11).
    pub ladder: LadderTerms,
}

/// What raises the severity by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// The so-manieth complaint of a household …
    pub complaints: u32,
    /// … within so many days.
    pub days: u32,
    /// The so-manieth broken promise in one case.
    pub broken_promises: u32,
}

/// What each standing may give by itself (R9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Whoever works on the case.
    pub agent_fen: BySeverity<Fen>,
    /// The branch manager.
    pub manager_fen: BySeverity<Fen>,
    /// Headquarters.
    pub headquarters_fen: BySeverity<Fen>,
}

/// How the customer is asked afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUpTerms {
    /// The first one within so many business days.
    pub first_business_days: u32,
    /// The second one within so many days.
    pub second_days: u32,
    /// A second one from this severity on …
    pub second_from: Severity,
    /// … or where the first scored below this; at or above it the customer may waive the second.
    pub second_below: u8,
    /// A score up to this reopens the case (C6).
    pub reopen_at_most: u8,
    /// Instead of follow-ups: so many failed attempts …
    pub attempts: u32,
    /// … on so many days …
    pub attempt_days: u32,
    /// … by so many channels.
    pub attempt_channels: u32,
}

/// Who is asked, and how long he has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LadderTerms {
    /// The first level that is asked: 2 the team lead, 3 the head of the branch, 4 headquarters.
    pub first_level: BySeverity<u8>,
    /// Minutes until a level must have acknowledged.
    pub ack_minutes: BySeverity<u32>,
    /// From this severity on those minutes run by the clock on the wall, day and night.
    pub wall_from: Severity,
}

impl ComplaintTerms {
    /// What a standing may give by itself in a case of this severity.
    pub const fn authority(&self, standing: Standing, severity: Severity) -> Fen {
        match standing {
            Standing::Agent => *self.authority.agent_fen.of(severity),
            Standing::Manager => *self.authority.manager_fen.of(severity),
            Standing::Headquarters => *self.authority.headquarters_fen.of(severity),
        }
    }
}

impl Terms for ComplaintTerms {
    const KIND: &'static str = "complaint";
    const CLAUSE: Clause = clause!("P3.3.3-0");
    const BOOK: RuleBook = RULEBOOK;
    fn agree(&self) -> Result<(), Refused> {
        let counts =
            [self.min_proposals.s1, self.min_proposals.s2, self.min_proposals.s3, self.min_proposals.s4];
        let levels = self.ladder.first_level;
        let levels = [levels.s1, levels.s2, levels.s3, levels.s4];
        let is_sound = counts.into_iter().all(|count| (1..=self.max_proposals).contains(&count))
            && levels.into_iter().all(|level| (2..=4).contains(&level))
            // R4 leaves discretion for S1 and S2 only: no policy makes a grave case silent.
            && self.major_from <= Severity::S3
            && self.repeat.complaints > 0
            && self.repeat.broken_promises > 0
            && self.follow_up.attempts > 0
            && self.follow_up.reopen_at_most < self.follow_up.second_below;
        if is_sound { Ok(()) } else { Err(kernel::Refusal::refused(Refusal::TermsContradict {})) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_terms_are_those_of_the_page() {
        let terms = ComplaintTerms::defaults();
        assert!(terms.check().is_ok());
        let BySeverity { s1, s2, s3, s4 } = terms.min_proposals;
        assert_eq!(([s1, s2, s3, s4], terms.max_proposals), ([1, 2, 3, 3], 4), "R8");
        assert_eq!((terms.major_from, terms.damage_fen), (Severity::S3, Fen::new(100_000)));
        assert_eq!(terms.factors.len(), 16, "every factor that somebody may name");
        assert_eq!((terms.repeat.complaints, terms.repeat.days, terms.repeat.broken_promises), (3, 90, 2));
        assert_eq!((terms.follow_up.second_below, terms.follow_up.reopen_at_most), (4, 2), "C5, C6");
        assert_eq!(terms.ladder.first_level.s4, 3, "K11");
    }

    #[test]
    fn no_policy_names_a_span_of_time_that_the_calendar_cannot_bear() {
        let shipped = ComplaintTerms::defaults();
        let repeat = |days| ComplaintTerms { repeat: Repeat { days, ..shipped.repeat }, ..shipped.clone() };
        let reopen = |reopen_days| ComplaintTerms { reopen_days, ..shipped.clone() };
        let second = |second_days| ComplaintTerms {
            follow_up: FollowUpTerms { second_days, ..shipped.follow_up },
            ..shipped.clone()
        };
        let ack = |s3| ComplaintTerms {
            ladder: LadderTerms {
                ack_minutes: BySeverity { s3, ..shipped.ladder.ack_minutes },
                ..shipped.ladder
            },
            ..shipped.clone()
        };
        let each = |count| [repeat(count), reopen(count), second(count), ack(count)];
        for terms in [0, u32::MAX].into_iter().flat_map(each) {
            let refused = terms.check().err().map(|refused| refused.error.code);
            assert_eq!(refused, Some("policy.out_of_bounds"), "{terms:?}");
        }
        assert!([1, 3_650].into_iter().flat_map(each).all(|terms| terms.check().is_ok()));
    }

    #[test]
    fn r4_no_policy_silences_a_grave_case() {
        let terms = ComplaintTerms { major_from: Severity::S4, ..ComplaintTerms::defaults() };
        assert!(terms.check().is_err());
    }
}
