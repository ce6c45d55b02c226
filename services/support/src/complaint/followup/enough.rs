//! Whether a customer was asked often enough (C5).

use crate::complaint::FollowUp;
use crate::complaint::policy::FollowUpTerms;
use events::support::Severity;
use std::collections::BTreeSet;

/// How many follow-ups are done, and how many are needed; enough attempts in vain count as all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Follow-ups that reached the customer.
    pub done: u32,
    /// So many are needed.
    pub needed: u32,
    /// Enough attempts on enough days by enough channels.
    pub is_unreachable: bool,
}

impl Asked {
    /// What the follow-ups of a cycle show.
    pub fn of(follow_ups: &[FollowUp], severity: Option<Severity>, terms: &FollowUpTerms) -> Self {
        let done: Vec<_> = follow_ups.iter().filter(|follow_up| follow_up.score.is_some()).collect();
        let failed: Vec<_> = follow_ups.iter().filter(|follow_up| follow_up.score.is_none()).collect();
        let days: BTreeSet<_> = failed.iter().map(|attempt| attempt.on).collect();
        let channels: BTreeSet<_> = failed.iter().map(|attempt| attempt.channel.word()).collect();
        let reaches = |count: usize, needed: u32| usize::try_from(needed).is_ok_and(|needed| count >= needed);
        let is_unreachable = reaches(failed.len(), terms.attempts)
            && reaches(days.len(), terms.attempt_days)
            && reaches(channels.len(), terms.attempt_channels);
        let first_is_good = done.first().is_some_and(|first| first.score >= Some(terms.second_below));
        let is_waived = first_is_good && done.first().is_some_and(|first| first.is_last_wanted);
        let is_grave = severity.is_some_and(|severity| severity >= terms.second_from);
        let is_second_needed = (is_grave && !is_waived) || (!done.is_empty() && !first_is_good);
        let needed = 1 + u32::from(is_second_needed);
        Self { done: u32::try_from(done.len()).unwrap_or(u32::MAX), needed, is_unreachable }
    }

    /// Whether the case may be closed.
    pub const fn is_enough(&self) -> bool {
        self.is_unreachable || self.done >= self.needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::policy::ComplaintTerms;
    use crate::complaint::walk::World;
    use crate::contact::Channel;
    use house::policy::Terms;

    fn done(score: u8) -> FollowUp {
        let on = "2025-09-30".parse().expect("a date");
        FollowUp {
            no: 1,
            channel: Channel::Phone,
            score: Some(score),
            is_last_wanted: false,
            comment: None,
            on,
            at: World::now(),
        }
    }

    fn failed(on: &str, channel: Channel) -> FollowUp {
        FollowUp { score: None, channel, on: on.parse().expect("a date"), ..done(5) }
    }

    fn is_enough(severity: Severity, follow_ups: &[FollowUp]) -> bool {
        Asked::of(follow_ups, Some(severity), &ComplaintTerms::defaults().follow_up).is_enough()
    }

    #[test]
    fn c5_one_follow_up_two_for_s2_or_a_low_score_unless_waived() {
        let waived = FollowUp { is_last_wanted: true, ..done(4) };
        let waived_low = FollowUp { is_last_wanted: true, ..done(3) };
        for (severity, follow_ups, enough) in [
            (Severity::S1, vec![], false),
            (Severity::S1, vec![done(4)], true),
            (Severity::S1, vec![done(3)], false),
            (Severity::S1, vec![done(3), done(3)], true),
            (Severity::S2, vec![done(5)], false),
            (Severity::S2, vec![done(5), done(5)], true),
            (Severity::S2, vec![waived.clone()], true),
            (Severity::S4, vec![waived], true),
            (Severity::S2, vec![waived_low], false),
        ] {
            assert_eq!(is_enough(severity, &follow_ups), enough, "{severity:?} {follow_ups:?}");
        }
    }

    #[test]
    fn c5_or_three_failed_attempts_on_two_days_by_two_channels() {
        use Channel::{Message, Phone};
        for (attempts, enough) in [
            (vec![("2025-09-30", Phone), ("2025-09-30", Message), ("2025-10-09", Phone)], true),
            (vec![("2025-09-30", Phone), ("2025-09-30", Message), ("2025-09-30", Phone)], false),
            (vec![("2025-09-30", Phone), ("2025-10-09", Phone), ("2025-10-10", Phone)], false),
            (vec![("2025-09-30", Phone), ("2025-10-09", Message)], false),
        ] {
            let attempts: Vec<_> = attempts.into_iter().map(|(on, channel)| failed(on, channel)).collect();
            assert_eq!(is_enough(Severity::S3, &attempts), enough, "{attempts:?}");
        }
    }
}
