//! Approving a version of a policy: by another person than its author.

use super::{Happened, Policy, PolicyKind, PolicyView, Refusal, State, fact, store};
use crate::command::{Addressed, Command};
use crate::house::{Answer, Commanded, House};
use crate::permission;
use axum::Extension;
use journal::RefuseOn;
use kernel::{Decision, PolicyVersionId, UserId};
use serde::Deserialize;
use utoipa::ToSchema;

/// The second person's yes.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovePolicy {}

impl Addressed for ApprovePolicy {
    type To = PolicyVersionId;
}

/// Puts a draft in force (P3.2-1); its author cannot.
pub fn decide(policy: Policy, approver: UserId) -> Result<Decision<Policy>, Refusal> {
    match policy.state {
        State::Approved { .. } => Err(Refusal::AlreadyApproved {}),
        State::Draft if policy.author == approver => Err(Refusal::OwnPolicy {}),
        State::Draft => {
            let fact = fact(policy.service, Happened::Approved, &policy);
            Ok(Decision::of(Policy { state: State::Approved { by: approver }, ..policy }).and_fact(fact))
        }
    }
}

#[utoipa::path(post, path = "/policies/{id}/approve", request_body = ApprovePolicy, responses(Commanded<PolicyView>))]
pub(super) async fn route(
    house: House,
    Extension(kinds): Extension<Vec<PolicyKind>>,
    cmd: Command<ApprovePolicy, permission!("policy.approve")>,
) -> Answer<PolicyView> {
    let service = house.service();
    house
        .commit(cmd, async |tx, cmd, _now| {
            let policy = cmd.current(store::load(tx, service, cmd.id).await?)?;
            let decision = decide(policy, cmd.principal.user)?;
            let approved = decision.state();
            if let Some(guard) =
                kinds.iter().find(|kind| kind.kind == approved.kind).and_then(|kind| kind.guard)
            {
                guard(tx, approved.valid).await?;
            }
            store::end_before(tx, decision.state()).await?;
            store::save(tx, &decision).await.refuse_on("policy_in_force_once", Refusal::Overlap {})?;
            Ok(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;
    use kernel::{Span, Timestamp, Version, clause};
    use uuid::Uuid;

    #[test]
    fn the_author_does_not_approve() {
        let author = UserId::of(Uuid::from_u128(1));
        let policy = Policy {
            id: PolicyVersionId::of(Uuid::from_u128(2)),
            service: "hr",
            kind: "pay".to_owned(),
            branch: None,
            valid: Span { from: NaiveDate::from_ymd_opt(2025, 10, 1).expect("a date"), to: None },
            state: State::Draft,
            clause: clause!("P6.7-1"),
            parameters: serde_json::Value::Null,
            reason: String::new(),
            author,
            version: Version::of(1),
            created_at: Timestamp::of(chrono::DateTime::UNIX_EPOCH),
        };
        assert_eq!(decide(policy.clone(), author).err(), Some(Refusal::OwnPolicy {}));
        let approved =
            decide(policy, UserId::of(Uuid::from_u128(3))).expect("another person may").into_state();
        assert_eq!(decide(approved, UserId::of(Uuid::from_u128(3))).err(), Some(Refusal::AlreadyApproved {}));
    }
}
