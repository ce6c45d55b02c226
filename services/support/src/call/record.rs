//! Closing the record of a call: complete, or not at all (B1, B2, B3; P3.3.1-6).

use super::{Apology, Call, CallView, EndedBy, Refusal, State, store};
use events::support::CallRecorded;
use events::{CallId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId, Timestamp, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The record is complete.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordCall {}

impl Addressed for RecordCall {
    type To = CallId;
}

/// One of us hung up before the caller did (P3.3.1-8, B3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallConductFlagged {
    /// The call.
    pub call_id: CallId,
    /// Who.
    pub employee_id: EmployeeId,
    /// What, as a code.
    pub finding: String,
}
event!(CallConductFlagged, "support.call.conduct_flagged", internal);

/// Closes the record: nothing unasked, repeated to the caller, and the waiting apologised for. Whoever hung up first is
/// flagged, unless there was nobody to talk to.
pub fn decide(call: Call, now: Timestamp) -> Result<Decision<Call>, Refusal> {
    let State::Wrapping(talk, ending) = call.state else {
        return Err(Refusal::WrongState { state: call.state.word() });
    };
    let missing = call.content.missing();
    let Some(reason) = call.content.reason.filter(|_| missing.is_empty()) else {
        return Err(Refusal::Incomplete { missing });
    };
    if call.recap_at.is_none() && !reason.is_no_conversation() {
        return Err(Refusal::RecapIncomplete { missing: vec!["phone", "name", "address", "matter"] });
    }
    if call.apology == Some(Apology::Due) {
        return Err(Refusal::ApologyDue { rings: talk.rings.into() });
    }
    let recorded = CallRecorded {
        call_id: call.id,
        employee_id: talk.agent,
        reason_code: reason.word().to_owned(),
        completeness: call.content.completeness(),
        recap_ok: call.recap_at.is_some(),
        ended_by: ending.by.word().to_owned(),
    };
    let flagged =
        CallConductFlagged { call_id: call.id, employee_id: talk.agent, finding: "hung_up_first".to_owned() };
    let has_hung_up_first = ending.by == EndedBy::Agent && !reason.is_no_conversation();
    let call = Call { state: State::Recorded(talk, ending, now), ..call };
    let decision = Decision::of(call).and(recorded).under(clause!("P3.3.1-6"));
    Ok(if has_hung_up_first { decision.and(flagged).under(clause!("P3.3.1-8")) } else { decision })
}

/// Closes the record of a call; it never changes again.
#[utoipa::path(post, path = "/v1/support/calls/{id}/record", request_body = RecordCall, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RecordCall, permission!("call.write")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(call, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::ReasonCode;
    use super::super::end::tests::ended;
    use super::super::record_content::{self, tests::whole};
    use super::*;
    use crate::hours::tests::at;

    fn now() -> Timestamp {
        at("2025-10-09 10:07")
    }

    fn wrapped(rings: u32, ended_by: EndedBy, reason: ReasonCode) -> Call {
        let said = record_content::decide(ended(rings, ended_by), &whole(reason)).expect("open").into_state();
        Call { recap_at: Some(now()), ..said }
    }

    #[test]
    fn b1_a_call_is_not_recorded_until_name_place_content_and_why_are_set_or_refused() {
        let blank = ended(1, EndedBy::Caller);
        let missing = vec!["caller_name", "place", "topic", "why", "reason_code"];
        assert_eq!(decide(blank, now()).err(), Some(Refusal::Incomplete { missing }));
        let mut call = wrapped(1, EndedBy::Caller, ReasonCode::Complaint);
        call.content.why = None;
        assert_eq!(decide(call, now()).err(), Some(Refusal::Incomplete { missing: vec!["why"] }));
        let decision = decide(wrapped(1, EndedBy::Caller, ReasonCode::Complaint), now()).expect("complete");
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!((fact.event_type, &fact.data["completeness"]), ("support.call.recorded", &75.into()));
    }

    #[test]
    fn b2_a_call_without_recap_is_not_recorded_unless_nobody_was_there() {
        let unrepeated = |reason| Call { recap_at: None, ..wrapped(1, EndedBy::Caller, reason) };
        assert!(matches!(
            decide(unrepeated(ReasonCode::Enquiry), now()),
            Err(Refusal::RecapIncomplete { .. })
        ));
        let decision = decide(unrepeated(ReasonCode::Silent), now()).expect("nobody to repeat it to");
        assert_eq!(decision.facts()[0].data["recap_ok"], false);
    }

    #[test]
    fn b3_hanging_up_before_the_caller_raises_a_conduct_flag_unless_excused() {
        let flags = |ended_by, reason| {
            let decision = decide(wrapped(1, ended_by, reason), now()).expect("complete");
            decision.facts().iter().any(|fact| fact.event_type == "support.call.conduct_flagged")
        };
        assert!(flags(EndedBy::Agent, ReasonCode::Complaint));
        for reason in [ReasonCode::Abuse, ReasonCode::Silent, ReasonCode::WrongNumber] {
            assert!(!flags(EndedBy::Agent, reason), "{reason:?}");
        }
        for ended_by in [EndedBy::Caller, EndedBy::System, EndedBy::Unknown] {
            assert!(!flags(ended_by, ReasonCode::Complaint), "{ended_by:?}");
        }
    }

    #[test]
    fn r1_beyond_five_rings_the_record_needs_the_courtesy_apology() {
        let call = wrapped(6, EndedBy::Caller, ReasonCode::Enquiry);
        assert_eq!(decide(call.clone(), now()).err(), Some(Refusal::ApologyDue { rings: 6 }));
        let said = super::super::apologise::decide(call).expect("due").into_state();
        let recorded = decide(said, now()).expect("complete").into_state();
        assert_eq!(decide(recorded, now()).err(), Some(Refusal::WrongState { state: "recorded" }));
    }
}
