//! The customer was reached.

use super::{Answer, Callback, CallbackView, DUE, MISSED_CALL, Refusal, State, store};
use crate::call::{Call, return_missed};
use crate::contact::{self, Channel, Direction, Kind, Parties, Reference, Said};
use crate::words::Code;
use events::CallbackId;
use events::support::CallbackDone;
use house::{Addressed, Answer as Answered, Command, Commanded, House, permission};
use journal::{Failure, Tx};
use kernel::{Decision, EmployeeId, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// What he said.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DoneCallback {
    /// 1-5, where he gave one.
    pub score: Option<u8>,
    /// What it was about, as codes; ten at the most.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub topics: Vec<Code>,
}

impl Addressed for DoneCallback {
    type To = CallbackId;
}

/// The best score.
const BEST: u8 = 5;
/// The most topics of one callback: a talk is about a handful of things.
const TOPICS: usize = 10;

/// From in progress, by whoever is at it.
pub fn decide(
    callback: Callback,
    said: &DoneCallback,
    now: Timestamp,
) -> Result<Decision<Callback>, Refusal> {
    let State::InProgress { by } = callback.state else {
        return Err(Refusal::WrongState { state: callback.state.word() });
    };
    if let Some(score) = said.score.filter(|score| !(1..=BEST).contains(score)) {
        return Err(Refusal::WrongScore { score });
    }
    if said.topics.len() > TOPICS {
        return Err(Refusal::TooManyTopics { most: TOPICS });
    }
    let answer = Answer { score: said.score, topics: said.topics.clone() };
    Ok(reached(callback, by, answer, now))
}

fn reached(callback: Callback, by: EmployeeId, answer: Answer, now: Timestamp) -> Decision<Callback> {
    let done = CallbackDone {
        callback_id: callback.id,
        kind: MISSED_CALL.to_owned(),
        employee_id: by,
        score: answer.score,
    };
    let state = State::Done { by, at: now, answer };
    Decision::of(Callback { state, ..callback }).and(done).under(clause!("P3.3.1-11"))
}

/// Ends the open callback of a call that was returned, if it has one, inside that command.
pub(crate) async fn of_call(tx: &mut Tx, call: &Call, by: EmployeeId) -> Result<(), Failure> {
    let Some(callback) = store::open_of(tx, call.branch, call.id).await? else { return Ok(()) };
    let now = tx.now();
    let decision = reached(callback, by, Answer::default(), now);
    finish(tx, &decision, by).await
}

/// Writes it, stops its timer, records the contact.
async fn finish(tx: &mut Tx, decision: &Decision<Callback>, by: EmployeeId) -> Result<(), Failure> {
    store::save(tx, decision).await?;
    let callback = decision.state();
    tx.cancel(DUE, callback.id).await?;
    let parties = Parties { branch: callback.branch, customer: callback.customer, employee: Some(by) };
    let said = Said {
        direction: Direction::Out,
        channel: Channel::Phone,
        reached: true,
        kind: Kind::Substantive,
        about: Reference::Callback(callback.id),
    };
    contact::record(tx, parties, said).await?;
    Ok(())
}

/// Records that the customer was reached; the missed call is returned by that.
#[utoipa::path(post, path = "/v1/support/callbacks/{id}/done", request_body = DoneCallback, responses(Commanded<CallbackView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<DoneCallback, permission!("callback.write")>,
) -> Answered<CallbackView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            store::lock_call(tx, cmd.id).await?;
            let callback = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(callback, &cmd.body, now)?;
            let callback = decision.state();
            if let State::Done { by, .. } = callback.state {
                return_missed::by_callback(tx, callback.branch, callback.call, by).await?;
                finish(tx, &decision, by).await?;
            }
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::schedule::tests::{agent, callback};
    use super::*;
    use crate::hours::tests::at;

    #[test]
    fn only_who_is_at_it_reaches_the_customer_and_a_score_is_one_to_five() {
        let said = |score| DoneCallback { score, topics: vec![] };
        let now = at("2025-10-10 09:05");
        let refusal = decide(callback(), &said(None), now).err();
        assert_eq!(refusal, Some(Refusal::WrongState { state: "scheduled" }));
        let busy = Callback { state: State::InProgress { by: agent() }, ..callback() };
        for score in [0, 6] {
            assert_eq!(
                decide(busy.clone(), &said(Some(score)), now).err(),
                Some(Refusal::WrongScore { score })
            );
        }
        let decision = decide(busy.clone(), &said(Some(5)), now).expect("in progress");
        assert_eq!(decision.facts()[0].data["score"], 5);
        let about = |count| DoneCallback { score: None, topics: vec![Code::of("order"); count] };
        assert!(decide(busy.clone(), &about(10), now).is_ok());
        assert_eq!(decide(busy, &about(11), now).err(), Some(Refusal::TooManyTopics { most: 10 }));
    }
}
