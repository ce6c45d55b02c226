//! Warning of a promise before its time (K10): the fact; who is told, and when, is the notices' business.

use super::{Promise, Refusal, State, WARNING, store};
use events::event;
use events::support::PromiseFact;
use journal::{Due, Failure, Tx};
use kernel::{Decision, Timestamp, clause};
use serde::{Deserialize, Serialize};

/// A promise comes near its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseWarning {
    /// Which.
    #[serde(flatten)]
    pub promise: PromiseFact,
    /// Whole minutes by the wall clock.
    pub minutes_left: i64,
}
event!(PromiseWarning, "support.promise.warning", internal);

/// Warns of an active promise, once per threshold.
pub fn decide(promise: Promise, at: Timestamp) -> Result<Decision<Promise>, Refusal> {
    let State::Active = promise.state else {
        return Err(Refusal::NotActive { state: promise.state.word() });
    };
    let warning =
        PromiseWarning { promise: promise.fact(), minutes_left: promise.due_at.since(at).num_minutes() };
    Ok(Decision::of(promise).and(warning).under(clause!("P3.3.3-3")))
}

/// The timer [`WARNING`]; the next threshold follows.
pub(crate) async fn due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let promise = store::load_due(tx, due.reference).await?;
    let decision = decide(promise, due.at)?;
    store::save(tx, &decision).await?;
    let promise = decision.state();
    if let Some(next) = promise.warn_at.iter().find(|next| **next > due.at) {
        tx.schedule(WARNING, promise.id, *next).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::make::tests::active;
    use super::*;
    use crate::hours::tests::at;

    #[test]
    fn k10_a_warning_says_how_much_is_left() {
        let decision = decide(active(), at("2025-09-28 10:00")).expect("active");
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!(
            (fact.event_type, fact.version, fact.data["minutes_left"].as_i64()),
            ("support.promise.warning", 0, Some(60))
        );
    }
}
