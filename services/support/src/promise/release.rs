//! Releasing a promise: the case is withdrawn, goes to an external dispute or is merged (support.md §6, C12).

use super::{Case, Promise, Refusal, Release, State, keep, lapse, store};
use events::support::PromiseReleased;
use journal::{Failure, Tx};
use kernel::{Decision, Timestamp, clause};

/// Ends an active promise without need of it. What is over its time is broken, not released.
pub fn decide(promise: Promise, reason: Release, now: Timestamp) -> Result<Decision<Promise>, Refusal> {
    let State::Active = promise.state else {
        return Err(Refusal::NotActive { state: promise.state.word() });
    };
    if promise.is_overdue(now) {
        return Err(Refusal::Overdue { due_at: promise.due_at });
    }
    let released = PromiseReleased { promise: promise.fact(), reason: reason.word().to_owned() };
    let state = State::Released { at: now, reason };
    Ok(Decision::of(Promise { state, ..promise }).and(released).under(clause!("P3.3.3-3")))
}

/// Ends whatever a case still owes, inside the command that ends the case; nothing, where it owes nothing.
pub async fn all_of(tx: &mut Tx, case: Case, reason: Release) -> Result<(), Failure> {
    if let Some(promise) = store::active_of(tx, case).await? {
        if promise.is_overdue(tx.now()) {
            lapse::now(tx, promise).await?;
        } else {
            let decision = decide(promise, reason, tx.now())?;
            store::save(tx, &decision).await?;
            keep::end_clocks(tx, decision.state()).await?;
        }
    }
    keep::meet_renewal(tx, case).await
}

#[cfg(test)]
mod tests {
    use super::super::make::tests::active;
    use super::*;
    use crate::hours::tests::at;

    #[test]
    fn a_case_that_ends_releases_its_promise_and_says_why() {
        let now = at("2025-09-28 10:00");
        for (reason, word) in [
            (Release::Withdrawn, "withdrawn"),
            (Release::ExternalDispute, "external_dispute"),
            (Release::Merged, "merged"),
        ] {
            let decision = decide(active(), reason, now).expect("it is active");
            assert_eq!(decision.state().state, State::Released { at: now, reason });
            assert_eq!(decision.facts()[0].data["reason"].as_str(), Some(word));
        }
    }

    #[test]
    fn p7_a_case_that_ends_after_the_time_does_not_mend_the_promise() {
        let refusal = decide(active(), Release::Withdrawn, at("2025-09-28 11:01")).err();
        assert_eq!(refusal, Some(Refusal::Overdue { due_at: at("2025-09-28 11:00") }));
    }
}
