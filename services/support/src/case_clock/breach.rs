//! A clock runs out: a fact, told once, at whatever hour (K9, K10).

use super::{CaseClock, Refusal, State, store};
use events::ClockId;
use events::support::ClockBreached;
use journal::{Due, Failure, Tx};
use kernel::{Decision, Timestamp, clause};

/// Breaches a clock whose time has come; it was breached at its `due`, whenever that is noticed.
pub fn decide(clock: CaseClock, now: Timestamp) -> Result<Decision<CaseClock>, Refusal> {
    let State::Running = clock.state else { return Err(Refusal::NotRunning { state: clock.state.word() }) };
    Ok(breached(clock, now))
}

/// The same for one that is known to run.
pub(super) fn breached(clock: CaseClock, now: Timestamp) -> Decision<CaseClock> {
    let breached = CaseClock { state: State::Breached { detected_at: now }, ..clock };
    let fact = ClockBreached { clock: breached.fact(), detected_at: now };
    Decision::of(breached).and(fact).under(clause!("P3.3.3-3"))
}

/// The timer [`super::DUE`]. One that was moved or stopped while it fired has nothing to do.
pub(crate) async fn due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let clock = store::load_due(tx, ClockId::of(due.reference)).await?;
    if !matches!(clock.state, State::Running) || tx.now() < clock.due.value {
        return Ok(());
    }
    let now = tx.now();
    Ok(store::save(tx, &decide(clock, now)?).await?)
}

#[cfg(test)]
mod tests {
    use super::super::follow::tests::{case, started};
    use super::*;
    use crate::hours::tests::at;
    use events::support::ClockKind;

    #[test]
    fn k9_a_breach_is_told_once_and_at_its_time() {
        let ack = started(ClockKind::Ack, &case(), case().cycle_from);
        let (due_at, noticed) = (ack.due.value, at("2025-09-30 03:00"));
        let breached = decide(ack, noticed).expect("it ran");
        let data = &breached.facts()[0].data;
        assert_eq!(data["due_at"], serde_json::json!(due_at));
        assert_eq!(data["detected_at"], serde_json::json!(noticed));
        let again = decide(breached.into_state(), noticed).err();
        assert_eq!(again, Some(Refusal::NotRunning { state: "breached" }));
    }
}
