//! Writing down what the caller says (P3.3.1-5, P3.3.1-6).

use super::{Call, CallView, Content, ReasonCode, Refusal, Stated, store};
use events::{CallId, event};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was said; absent members stay as they are.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordContent {
    /// His name: `{"given": "王女士"}`, or `"refused"`.
    pub caller_name: Option<Stated>,
    /// The place it is about.
    pub place: Option<Stated>,
    /// What it is about.
    pub topic: Option<Stated>,
    /// Why he called.
    pub why: Option<Stated>,
    /// The same as a code.
    pub reason_code: Option<ReasonCode>,
}

impl Addressed for RecordContent {
    type To = CallId;
}

/// Something of what the caller said was written down; the words stay here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallContentRecorded {
    /// The call.
    pub call_id: CallId,
    /// 0-100.
    pub completeness: u8,
}
event!(CallContentRecorded, "support.call.content_recorded", internal);

/// All of a record, in percent.
const WHOLE: usize = 100;

impl Content {
    /// The four points, by name.
    fn points(&self) -> [(&'static str, &Option<Stated>); 4] {
        let Self { caller_name, place, topic, why, reason: _ } = self;
        [("caller_name", caller_name), ("place", place), ("topic", topic), ("why", why)]
    }

    /// The points that were not asked yet, and so cannot be repeated (B2).
    pub(super) fn unasked(&self) -> Vec<&'static str> {
        self.points().into_iter().filter(|(_, stated)| stated.is_none()).map(|(name, _)| name).collect()
    }

    /// What the record lacks (B1).
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let reason = self.reason.is_none().then_some("reason_code");
        self.unasked().into_iter().chain(reason).collect()
    }

    /// How much of it the caller gave, 0-100: what he refused is asked, but not known.
    pub fn completeness(&self) -> u8 {
        let points = self.points();
        let given = points.iter().filter(|(_, stated)| matches!(stated, Some(Stated::Given(_)))).count();
        u8::try_from(given * WHOLE / points.len()).expect("a part of a hundred")
    }
}

/// Takes over what was said. What the caller confirmed is what stands here: where one of the points says something else
/// now, it must be repeated again (B2).
pub fn decide(call: Call, said: &RecordContent) -> Result<Decision<Call>, Refusal> {
    call.open_talk()?;
    let take = |new: &Option<Stated>, old: &Option<Stated>| new.clone().or_else(|| old.clone());
    let content = Content {
        caller_name: take(&said.caller_name, &call.content.caller_name),
        place: take(&said.place, &call.content.place),
        topic: take(&said.topic, &call.content.topic),
        why: take(&said.why, &call.content.why),
        reason: said.reason_code.or(call.content.reason),
    };
    let recorded = CallContentRecorded { call_id: call.id, completeness: content.completeness() };
    let recap_at = call.recap_at.filter(|_| content.points() == call.content.points());
    Ok(Decision::of(Call { content, recap_at, ..call }).and(recorded).under(clause!("P3.3.1-6")))
}

/// Writes down what the caller says.
#[utoipa::path(post, path = "/v1/support/calls/{id}/record-content", request_body = RecordContent, responses(Commanded<CallView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RecordContent, permission!("call.write")>,
) -> Answer<CallView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let call = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(call, &cmd.body)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::EndedBy;
    use super::super::end::tests::ended;
    use super::*;
    use crate::hours::tests::at;
    use crate::words::Text;

    pub(in crate::call) fn whole(reason: ReasonCode) -> RecordContent {
        let given = |text: &str| Some(Stated::Given(Text::of(text)));
        RecordContent {
            caller_name: given("王女士"),
            place: Some(Stated::Refused),
            topic: given("地板有划痕"),
            why: given("昨天保洁后发现"),
            reason_code: Some(reason),
        }
    }

    #[test]
    fn p3_3_1_6_what_was_said_is_kept_until_it_is_said_otherwise() {
        let first =
            decide(ended(1, EndedBy::Caller), &whole(ReasonCode::Complaint)).expect("open").into_state();
        assert_eq!((first.content.completeness(), first.content.missing()), (75, vec![]));
        let place = RecordContent {
            caller_name: None,
            place: Some(Stated::Given(Text::of("世纪大道 1 号"))),
            topic: None,
            why: None,
            reason_code: None,
        };
        let second = decide(first.clone(), &place).expect("open");
        assert_eq!(second.state().content.completeness(), 100);
        assert_eq!(second.state().content.topic, first.content.topic);
        assert!(!second.facts()[0].data.to_string().contains("世纪"), "no words in events");
    }

    #[test]
    fn b2_what_is_said_otherwise_after_the_recap_must_be_repeated_again() {
        let said =
            decide(ended(1, EndedBy::Caller), &whole(ReasonCode::Complaint)).expect("open").into_state();
        let repeated = Call { recap_at: Some(at("2025-10-09 10:06")), ..said };
        let again =
            |said: &RecordContent| decide(repeated.clone(), said).expect("open").into_state().recap_at;
        assert_eq!(again(&whole(ReasonCode::Enquiry)), repeated.recap_at, "the code is our word, not his");
        let place = Some(Stated::Given(Text::of("世纪大道 1 号")));
        assert_eq!(again(&RecordContent { place, ..whole(ReasonCode::Complaint) }), None);
    }
}
