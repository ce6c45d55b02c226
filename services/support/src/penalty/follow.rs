//! What becomes of a fine when the finding it rested on is changed (`support.md` §5, `FindLiability`): a verb
//! without a route, done in the transaction of the new finding.

use super::{Ground, Judgement, Penalty, Reversal, State, Verdict, store};
use crate::person::Person;
use events::ComplaintId;
use events::support::{PenaltyDismissed, PenaltyReversed};
use journal::{Failure, Tx};
use kernel::{Decision, EmployeeId, Fen, Timestamp, clause};

/// Takes back what is left of a fine; `None` where nothing is.
pub fn decide(penalty: Penalty, by: Person, now: Timestamp) -> Option<Decision<Penalty>> {
    let judgement = Judgement { by, at: now };
    let (verdict, appeal) = match penalty.state {
        State::Assessed { heard_at } => {
            let dismissed = PenaltyDismissed {
                penalty_id: penalty.id,
                complaint_id: penalty.complaint,
                employee_id: penalty.employee,
            };
            let state = State::Dismissed(Verdict { by, at: now, heard_at });
            return Some(Decision::of(Penalty { state, ..penalty }).and(dismissed).under(clause!("R5")));
        }
        State::Confirmed(verdict) => (verdict, None),
        State::Appealed(verdict, appeal) | State::Upheld(verdict, appeal, _) => (verdict, Some(appeal)),
        State::Reversed(verdict, reversal) if !reversal.new_amount.is_zero() => (verdict, reversal.appeal),
        State::Dismissed(_) | State::Reversed(..) => return None,
    };
    let reversed = PenaltyReversed {
        penalty_id: penalty.id,
        reverses: penalty.id,
        employee_id: penalty.employee,
        new_amount_fen: Fen::ZERO,
    };
    let reversal = Reversal { ground: Ground::Finding, appeal, judgement, new_amount: Fen::ZERO };
    let state = State::Reversed(verdict, reversal);
    Some(Decision::of(Penalty { state, ..penalty }).and(reversed).under(clause!("R5")))
}

/// Takes back the fines of those whom a new finding frees. A complaint blames a handful of people at most.
pub(crate) async fn freed(
    tx: &mut Tx,
    complaint: ComplaintId,
    freed: &[EmployeeId],
    by: Person,
) -> Result<(), Failure> {
    let now = tx.now();
    for penalty in store::of_complaint(tx, complaint, freed).await? {
        if let Some(decision) = decide(penalty, by, now) {
            store::save(tx, &decision).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::confirm::tests::{appealed, assessed, confirmed, ends_at, person};
    use super::*;

    #[test]
    fn a_changed_finding_dismisses_what_is_proposed_and_reverses_what_is_confirmed() {
        let by = person(20, Some(21));
        for (penalty, event, word) in [
            (assessed(None), "support.penalty.dismissed", "dismissed"),
            (confirmed(), "support.penalty.reversed", "reversed"),
            (appealed(), "support.penalty.reversed", "reversed"),
        ] {
            let decision = decide(penalty, by, ends_at()).expect("something is left");
            assert_eq!((decision.facts()[0].event_type, decision.state().state.word()), (event, word));
            assert_eq!(decide(decision.into_state(), by, ends_at()), None, "once is enough");
        }
    }
}
