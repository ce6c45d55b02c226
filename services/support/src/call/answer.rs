//! Somebody takes a call: within two rings (P3.3.1-1, R10).

use super::{Apology, Call, CallTerms, CallView, Promptness, Refusal, State, Talk, store};
use crate::agent;
use events::CallId;
use events::support::{CallAnswered, CallLateApologyDue};
use house::policy::in_force;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// How long it rang, as the switch counts: rings, or seconds, or both; at most 1,000 rings, or an hour.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerCall {
    /// How often it rang.
    #[schema(maximum = 1000)]
    pub rings: Option<u32>,
    /// How long it rang.
    #[schema(maximum = 3600)]
    pub seconds: Option<u32>,
}

impl Addressed for AnswerCall {
    type To = CallId;
}

/// More rings than any switch lets a caller wait for.
const MOST_RINGS: u16 = 1_000;
/// An hour.
const MOST_SECONDS: u16 = 3_600;

/// What a switch can have counted; more is its mistake, or the client's.
fn counted(count: Option<u32>, most: u16) -> Result<Option<u16>, Refusal> {
    let refusal = Refusal::WaitOutOfBounds { most_rings: MOST_RINGS, most_seconds: MOST_SECONDS };
    let within = |count| u16::try_from(count).ok().filter(|count| *count <= most).ok_or(refusal);
    count.map(within).transpose()
}

/// Takes a ringing call; beyond five rings a courtesy apology is due in the wrap-up.
pub fn decide(
    call: Call,
    answer: &AnswerCall,
    agent: EmployeeId,
    terms: &CallTerms,
    now: Timestamp,
) -> Result<Decision<Call>, Refusal> {
    let State::Ringing = call.state else { return Err(Refusal::WrongState { state: call.state.word() }) };
    let seconds = counted(answer.seconds, MOST_SECONDS)?;
    let rings = counted(answer.rings, MOST_RINGS)?.or_else(|| seconds.map(|seconds| terms.rings_in(seconds)));
    let rings = rings.ok_or(Refusal::NotCounted {})?;
    let talk = Talk { agent, at: now, rings, wait_ms: terms.wait_ms(rings, seconds) };
    let promptness = terms.promptness(rings);
    let answered = CallAnswered {
        call_id: call.id,
        employee_id: agent,
        rings: rings.into(),
        wait_ms: talk.wait_ms,
        late: promptness != Promptness::OnTime,
    };
    let due = CallLateApologyDue { call_id: call.id, employee_id: agent, rings: rings.into() };
    let answer = |apology| {
        let call = Call { state: State::Answered(talk), apology, ..call };
        Decision::of(call).and(answered).under(clause!("P3.3.1-1"))
    };
    Ok(match promptness {
        Promptness::OnTime | Promptness::Late => answer(None),
        Promptness::ApologyDue => answer(Some(Apology::Due)).and(due).under(clause!("R10")),
    })
}

/// Takes a ringing call; from here on it is the taker's own.
#[utoipa::path(post, path = "/v1/support/calls/{id}/answer", request_body = AnswerCall, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<AnswerCall, permission!("call.take")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            let agent = agent::of(&cmd.principal)?;
            let today = now.date_in(crate::hours::zone(tx, call.branch).await?);
            let terms = in_force::<CallTerms>(tx.connection(), Some(call.branch), today).await?.terms;
            let decision = decide(call, &cmd.body, agent, &terms, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::offer::tests::ringing;
    use super::*;
    use crate::hours::tests::at;
    use house::policy::Terms;
    use uuid::Uuid;

    pub(in crate::call) fn agent() -> EmployeeId {
        EmployeeId::of(Uuid::from_u128(7))
    }

    fn answer(rings: Option<u32>, seconds: Option<u32>) -> Result<Decision<Call>, Refusal> {
        let terms = CallTerms::defaults();
        decide(ringing(), &AnswerCall { rings, seconds }, agent(), &terms, at("2025-10-09 10:01"))
    }

    /// A call that was answered after so many rings.
    pub(in crate::call) fn answered(rings: u32) -> Call {
        Call::saved(answer(Some(rings), None).expect("it rings"))
    }

    #[test]
    fn r10_each_class_of_rings_has_its_events() {
        for (rings, late, events) in [
            (2, false, &["support.call.answered"][..]),
            (3, true, &["support.call.answered"][..]),
            (5, true, &["support.call.answered"][..]),
            (6, true, &["support.call.answered", "support.call.late_apology_due"][..]),
        ] {
            let decision = answer(Some(rings), None).expect("it rings");
            let types: Vec<_> = decision.facts().iter().map(|fact| fact.event_type).collect();
            assert_eq!((types.as_slice(), decision.facts()[0].data["late"].as_bool()), (events, Some(late)));
        }
    }

    #[test]
    fn p3_3_1_1_seconds_alone_are_counted_as_rings_and_nothing_at_all_is_refused() {
        let decision = answer(None, Some(26)).expect("it rings");
        assert_eq!(decision.facts()[0].data["rings"], 6);
        assert_eq!(decision.facts()[0].data["wait_ms"], 26_000);
        assert_eq!(answer(None, None).err(), Some(Refusal::NotCounted {}));
    }

    #[test]
    fn p3_3_1_1_a_wait_that_no_switch_can_have_counted_is_refused() {
        let beyond = Refusal::WaitOutOfBounds { most_rings: 1_000, most_seconds: 3_600 };
        for (rings, seconds) in
            [(Some(1_001), None), (Some(2_147_483_648), None), (None, Some(3_601)), (Some(1), Some(u32::MAX))]
        {
            assert_eq!(answer(rings, seconds).err(), Some(beyond.clone()), "{rings:?} {seconds:?}");
        }
        assert!(answer(Some(1_000), Some(3_600)).is_ok());
        assert_eq!(answer(None, Some(3_600)).expect("an hour").facts()[0].data["rings"], 720);
    }

    #[test]
    fn a_call_is_answered_once() {
        let again = decide(
            answered(1),
            &AnswerCall { rings: Some(1), seconds: None },
            agent(),
            &CallTerms::defaults(),
            at("2025-10-09 10:02"),
        );
        assert_eq!(again.err(), Some(Refusal::WrongState { state: "answered" }));
    }
}
