//! What a broken promise does to its case: one level more is asked, and a second one makes the case graver (P8).

use super::ack::{self, Basis};
use super::escalate;
use crate::complaint::facts::PromiseLapsed;
use crate::complaint::kind::{EscalationCause, Factor};
use crate::complaint::severity::{self, Grounds};
use crate::complaint::{Assurance, Complaint, Refusal, store};
use crate::promise::{Promise, State as Kept};
use journal::{Failure, Tx};
use kernel::{Decision, clause};

/// Whether the promise has just been broken, or its renewal was missed once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// Its time has passed.
    Broken,
    /// There is still no next one.
    RenewalMissed,
}

/// Counts the lapse, and makes the case graver by one with the second broken promise (`support.md` §11).
pub fn decide_lapse(
    complaint: Complaint,
    lapse: Lapse,
    grounds: Grounds<'_>,
) -> Result<Decision<Complaint>, Refusal> {
    let broken = complaint.broken_promises + u32::from(lapse == Lapse::Broken);
    // Where the customer was tried as the rule asks, a missed renewal does not make a broken promise of it (P3).
    let assurance = if lapse == Lapse::Broken { Assurance::Lapsed } else { complaint.assurance };
    let lapsed = PromiseLapsed { complaint_id: complaint.id, broken };
    let is_repeated = lapse == Lapse::Broken && broken == grounds.terms.terms.repeat.broken_promises;
    let complaint = Complaint { broken_promises: broken, assurance, ..complaint };
    let graver = complaint.severity().filter(|_| is_repeated).map(severity::next);
    match graver.filter(|graver| Some(*graver) > complaint.severity()) {
        Some(graver) => {
            let decision = severity::raised(complaint, graver, Some(Factor::RepeatedBrokenPromise), grounds)?;
            Ok(decision.and(lapsed).under(clause!("P4-1")))
        }
        None => Ok(Decision::of(complaint).and(lapsed).under(clause!("P4-1"))),
    }
}

/// Asks one level more after a broken promise, or one whose renewal was missed; called by the promise, in its
/// transaction. A case that needs no reply any more is left alone; where there is no case the promise is broken all
/// the same.
pub(crate) async fn after_broken_promise(tx: &mut Tx, promise: &Promise) -> Result<(), Failure> {
    let complaint = store::find_for_clock(tx, promise.case.complaint).await?;
    let Some(complaint) = complaint.filter(Complaint::is_waiting) else { return Ok(()) };
    let basis = Basis::of(tx, complaint.branch).await?;
    let grounds = basis.grounds();
    let (lapse, cause) = match promise.state {
        Kept::Broken { renewal, .. } if renewal.escalations <= 1 => {
            (Lapse::Broken, EscalationCause::PromiseBroken)
        }
        Kept::Broken { .. }
        | Kept::KeptByAttempt { .. }
        | Kept::Active
        | Kept::Kept { .. }
        | Kept::Released { .. }
        | Kept::Superseded { .. } => (Lapse::RenewalMissed, EscalationCause::RenewalMissed),
    };
    let decision = decide_lapse(complaint, lapse, grounds)?;
    store::save(tx, &decision).await?;
    store::save_findings(tx, decision.state()).await?;
    let Some(complaint) = store::find_for_clock(tx, promise.case.complaint).await? else { return Ok(()) };
    match escalate::decide(complaint, cause, grounds) {
        Ok(decision) => {
            store::save(tx, &decision).await?;
            Ok(ack::watch(tx, decision.state()).await?)
        }
        // Headquarters was asked already: there is nobody higher, and the case goes on.
        Err(Refusal::AtTop {}) => Ok(()),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Says that the customer could not be reached, but was tried as the rule asks (P3): the next promise is owed now.
pub fn decide_tried(complaint: Complaint) -> Decision<Complaint> {
    let lapsed = PromiseLapsed { complaint_id: complaint.id, broken: complaint.broken_promises };
    Decision::of(Complaint { assurance: Assurance::Tried, ..complaint }).and(lapsed).under(clause!("P4-1"))
}

/// Tells the case that its promise was kept by attempts; called by the promise, in its transaction. Nobody is asked for
/// it, and a case that needs no reply any more is left alone.
pub(crate) async fn after_attempts(tx: &mut Tx, promise: &Promise) -> Result<(), Failure> {
    let complaint = store::find_for_clock(tx, promise.case.complaint).await?;
    let Some(complaint) = complaint.filter(Complaint::is_waiting) else { return Ok(()) };
    Ok(store::save(tx, &decide_tried(complaint)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::walk::{World, graded};
    use events::support::Severity;

    #[test]
    fn the_second_broken_promise_of_a_case_adds_one_and_reports_what_becomes_major() {
        let world = World::new();
        let first = decide_lapse(graded(Severity::S2), Lapse::Broken, world.grounds()).expect("counted");
        assert_eq!((first.facts().len(), first.state().severity()), (1, Some(Severity::S2)));
        assert_eq!(first.state().assurance, Assurance::Lapsed);
        let second = decide_lapse(first.into_state(), Lapse::Broken, world.grounds()).expect("counted");
        let kinds: Vec<_> = second.facts().iter().map(|fact| fact.event_type).collect();
        assert_eq!(
            kinds,
            [
                "support.complaint.severity_changed",
                "support.complaint.major_reported",
                "support.complaint.promise_lapsed"
            ]
        );
        let third = decide_lapse(second.into_state(), Lapse::Broken, world.grounds()).expect("counted");
        assert_eq!(third.state().severity(), Some(Severity::S3), "once");
    }

    #[test]
    fn p8_a_missed_renewal_is_no_second_broken_promise() {
        let world = World::new();
        let first = decide_lapse(graded(Severity::S1), Lapse::Broken, world.grounds()).expect("counted");
        let missed = decide_lapse(first.into_state(), Lapse::RenewalMissed, world.grounds()).expect("noted");
        assert_eq!((missed.state().broken_promises, missed.state().severity()), (1, Some(Severity::S1)));
    }
}
