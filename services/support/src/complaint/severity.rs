//! How grave a case is: factors set the floor, repetition adds one, and what becomes major is reported in the same
//! decision (R4, C8, C9).

use super::escalation::escalate;
use super::facts::{FindingWaits, SeverityChanged};
use super::finding::needs_two;
use super::kind::{Class, EscalationCause, Factor};
use super::policy::ComplaintTerms;
use super::{Complaint, Refusal, Rung, Triage};
use crate::by_severity::BySeverity;
use crate::complaint::escalation::ladder::Ladder;
use crate::words::Word;
use events::support::{ComplaintMajorReported, Severity};
use house::policy::InForce;
use kernel::{Decision, Timestamp, clause};

/// What a severity is decided with.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// The terms in force.
    pub terms: &'a InForce<ComplaintTerms>,
    /// Who stands above the owner.
    pub ladder: &'a Ladder,
    /// By when a level asked now must acknowledge.
    pub ack_due: &'a BySeverity<Timestamp>,
}

/// The severity that factors set, and those of the house added: any one sets the floor, repetition of either kind adds one.
pub fn of_factors(factors: &[Factor], terms: &ComplaintTerms) -> Option<Severity> {
    let floor = factors.iter().filter_map(|factor| terms.factors.get(factor)).max().copied();
    let repetition = [Factor::RepeatedComplaint, Factor::RepeatedBrokenPromise];
    let is_repeated = factors.iter().any(|factor| repetition.contains(factor));
    floor.map(|floor| if is_repeated { next(floor) } else { floor })
}

/// One graver; S4 is the gravest.
pub const fn next(severity: Severity) -> Severity {
    match severity {
        Severity::S1 => Severity::S2,
        Severity::S2 => Severity::S3,
        Severity::S3 | Severity::S4 => Severity::S4,
    }
}

/// Ordinary or major; a case that was major once stays so, lowering does not unreport it.
pub fn class(severity: Severity, before: Option<Class>, terms: &ComplaintTerms) -> Class {
    match before {
        Some(Class::Invalid) => Class::Invalid,
        Some(Class::Major) => Class::Major,
        Some(Class::Ordinary) | None if severity >= terms.major_from => Class::Major,
        Some(Class::Ordinary) | None => Class::Ordinary,
    }
}

/// Makes a case graver. It is reported where it becomes major by that; else a level that has not answered has less time
/// from now on (K6), and a case that begins higher on the ladder is asked there (K11). A finding of one person waits for
/// a second one where two find from now on (R4).
pub fn raised(
    complaint: Complaint,
    to: Severity,
    factor: Option<Factor>,
    grounds: Grounds<'_>,
) -> Result<Decision<Complaint>, Refusal> {
    let Some(triage) = complaint.triage else { return Err(complaint.not_now()) };
    if to <= triage.severity {
        return Err(Refusal::NotRaised { severity: triage.severity.word().to_owned() });
    }
    let (policy, terms) = (grounds.terms.id, &grounds.terms.terms);
    let changed = SeverityChanged {
        complaint_id: complaint.id,
        from: triage.severity,
        to,
        factor: factor.map(|factor| factor.word()),
        policy_version: policy,
    };
    let class = class(to, Some(triage.class), terms);
    let waits = FindingWaits { complaint_id: complaint.id };
    let complaint = Complaint { triage: Some(Triage { severity: to, class, policy }), ..complaint };
    let is_second_due = !needs_two(triage.severity) && complaint.finding_that_stands().is_err();
    let proposed = if is_second_due { complaint.finding.clone() } else { complaint.proposed.clone() };
    let is_news = !is_reported(triage.severity, terms) && is_reported(to, terms);
    let is_below = complaint.rung.is_some_and(|rung| rung.level < *terms.ladder.first_level.of(to));
    let (rung, reported, escalated) = if is_news {
        let (rung, reported) = report(&complaint, to, grounds);
        (Some(rung), Some(reported), None)
    } else if is_below {
        let (rung, escalated) = escalate::next_level(&complaint, EscalationCause::Graver, grounds)?;
        (Some(rung), None, Some(escalated))
    } else {
        (complaint.rung.map(|rung| hurried(rung, *grounds.ack_due.of(to))), None, None)
    };
    let mut decision =
        Decision::of(Complaint { rung, proposed, ..complaint }).and(changed).under(clause!("R4"));
    if let Some(reported) = reported {
        decision = decision.and(reported).under(clause!("P3.3.3-6"));
    }
    if let Some(escalated) = escalated {
        decision = decision.and(escalated).under(clause!("R7"));
    }
    Ok(if is_second_due { decision.and(waits).under(clause!("R4")) } else { decision })
}

/// A level that was asked and has not answered, with the time that it would have if it were asked now, where that is
/// earlier (K6).
fn hurried(rung: Rung, due: Timestamp) -> Rung {
    match rung.acknowledged_at {
        None => Rung { due_ack_at: rung.due_ack_at.min(due), ..rung },
        Some(_) => rung,
    }
}

/// True where a case of this severity is reported by the house.
pub fn is_reported(severity: Severity, terms: &ComplaintTerms) -> bool {
    severity >= terms.major_from
}

/// The report of a major case: which level is asked, and by when it must acknowledge (K11); a level that was asked before
/// has no more time by that (K6).
pub fn report(
    complaint: &Complaint,
    severity: Severity,
    grounds: Grounds<'_>,
) -> (Rung, ComplaintMajorReported) {
    let first = *grounds.terms.terms.ladder.first_level.of(severity);
    let asked_before = complaint.rung.map_or(first, |rung| rung.level);
    let step = grounds.ladder.step_from(first.max(asked_before), |employee| complaint.is_accused(employee));
    let due = *grounds.ack_due.of(severity);
    let open = complaint.rung.filter(|rung| rung.level == step.level && rung.acknowledged_at.is_none());
    let due_ack_at = open.map_or(due, |open| hurried(open, due).due_ack_at);
    let rung =
        Rung { level: step.level, cause: None, asked: step.employee, due_ack_at, acknowledged_at: None };
    let to_role = step.role().to_owned();
    (rung, ComplaintMajorReported { complaint_id: complaint.id, to_role, due_ack_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use house::policy::Terms;

    #[test]
    fn factors_set_the_floor_and_repetition_adds_one() {
        let terms = ComplaintTerms::defaults();
        for (factors, severity) in [
            (&[Factor::Manner][..], Some(Severity::S1)),
            (&[Factor::Manner, Factor::LateOverHour], Some(Severity::S2)),
            (&[Factor::DamageSmall], Some(Severity::S2)),
            (&[Factor::DamageLarge], Some(Severity::S3)),
            (&[Factor::NoShowDependentCare], Some(Severity::S3)),
            (&[Factor::Theft, Factor::Manner], Some(Severity::S4)),
            (&[Factor::Manner, Factor::RepeatedComplaint], Some(Severity::S2)),
            (&[Factor::Rework, Factor::RepeatedComplaint], Some(Severity::S3)),
            (&[Factor::Injury, Factor::RepeatedComplaint], Some(Severity::S4)),
            (&[Factor::Manner, Factor::RepeatedBrokenPromise], Some(Severity::S2)),
            (&[Factor::Manner, Factor::RepeatedComplaint, Factor::RepeatedBrokenPromise], Some(Severity::S2)),
            (&[], None),
        ] {
            assert_eq!(of_factors(factors, &terms), severity, "{factors:?}");
        }
    }
}
