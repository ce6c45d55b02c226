//! The skill level that the customer was promised: nobody of a lower one goes (P1-1).

use super::{Refusal, Visit, standing, store};
use crate::level::WorkerLevel;
use events::WorkerId;
use journal::{Failure, Tx};

/// Refuses a worker who has not reached the promised level; 0 is none at all.
pub fn check(promised: Option<WorkerLevel>, reached: u8) -> Result<(), Refusal> {
    match promised {
        Some(promised) if !promised.is_met_by(reached) => Err(Refusal::LevelTooLow { promised, reached }),
        Some(_) | None => Ok(()),
    }
}

/// The same for a visit and whoever shall go.
pub(super) async fn hold(tx: &mut Tx, visit: &Visit, worker: WorkerId) -> Result<(), Failure> {
    let promised = store::promised_level(tx, visit.contract).await?;
    let reached = standing::level(tx, worker, &visit.service).await?;
    Ok(check(promised, reached)?)
}
