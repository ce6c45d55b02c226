//! The name on a worker's card, which the public check shows masked (W10).

use super::{Refusal, Worker, WorkerCardWritten, WorkerView, store};
use events::WorkerId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The longest name.
const LONGEST: usize = 100;

/// Writes the name on a worker's card.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteCard {
    /// As the worker's papers write it.
    pub name: String,
}

impl Addressed for WriteCard {
    type To = WorkerId;
}

/// Writes the name; the event says only that it was written.
pub fn decide(worker: Worker, name: &str) -> Result<Decision<Worker>, Refusal> {
    let card_name = name.trim().to_owned();
    if card_name.is_empty() || card_name.chars().count() > LONGEST || card_name.chars().any(char::is_control)
    {
        return Err(Refusal::CardName {});
    }
    let written = WorkerCardWritten { worker_id: worker.id };
    Ok(Decision::of(Worker { card_name, ..worker }).and(written).under(clause!("P1-1")))
}

/// Writes the name on a worker's card.
#[utoipa::path(post, path = "/v1/workforce/workers/{id}/card", request_body = WriteCard, responses(Commanded<WorkerView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<WriteCard, permission!("worker.write")>,
) -> Answer<WorkerView> {
    house
        .commit(cmd, async |tx, cmd, _| {
            let worker = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(worker, &cmd.body.name)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::worker;
    use super::*;

    #[test]
    fn no_event_carries_the_name() {
        let decision = decide(worker(), " 王小明 ").expect("a name");
        assert_eq!(decision.state().card_name, "王小明");
        assert!(decision.facts().iter().all(|fact| !fact.data.to_string().contains('王')));
        for name in ["", "  ", "a\nb", &"x".repeat(101)] {
            assert_eq!(decide(worker(), name).err(), Some(Refusal::CardName {}), "{name}");
        }
    }
}
