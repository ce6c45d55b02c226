//! Approving a version of a policy: by another person than its author.

use super::{Happened, Person, Policy, PolicyKind, PolicyView, Refusal, State, earliest, fact, store};
use crate::command::{Addressed, Command};
use crate::house::{Answer, Commanded, House};
use crate::permission;
use axum::Extension;
use chrono::NaiveDate;
use journal::RefuseOn;
use kernel::{Decision, PolicyVersionId, Span, Zone};
use serde::Deserialize;
use utoipa::ToSchema;

/// The second person's yes.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovePolicy {}

impl Addressed for ApprovePolicy {
    type To = PolicyVersionId;
}

/// Puts a draft in force (P3.2-1); its author cannot, and nobody can once its first day has come (P3.4-4).
pub fn decide(policy: Policy, approver: Person, today: NaiveDate) -> Result<Decision<Policy>, Refusal> {
    match policy.state {
        State::Approved { .. } => Err(Refusal::AlreadyApproved {}),
        State::Draft if policy.author.is(&approver) => Err(Refusal::OwnPolicy {}),
        State::Draft if policy.valid.from < earliest(today) => {
            Err(Refusal::Backdated { valid_from: policy.valid.from, today })
        }
        State::Draft => {
            let fact = fact(policy.service, Happened::Approved, &policy);
            Ok(Decision::of(Policy { state: State::Approved { by: approver }, ..policy }).and_fact(fact))
        }
    }
}

/// Ends the version in force on the new one's first day there, if both were to end on the same day: then every day
/// has one version, before and after. Any other overlap is left to the constraint.
pub fn give_way(before: Policy, new: &Policy) -> Result<Option<Decision<Policy>>, Refusal> {
    if before.valid.from >= new.valid.from {
        return Ok(None);
    }
    match (before.valid.to, new.valid.to) {
        (to, new_to) if to == new_to => {
            let ended = Policy { valid: Span { to: Some(new.valid.from), ..before.valid }, ..before };
            let fact = fact(ended.service, Happened::Ended, &ended);
            Ok(Some(Decision::of(ended).and_fact(fact)))
        }
        (None, valid_to @ Some(_)) => Err(Refusal::Gap { valid_to }),
        (Some(to), Some(new_to)) if new_to < to => Err(Refusal::Gap { valid_to: Some(new_to) }),
        (Some(_), _) | (None, None) => Ok(None),
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
        .commit(cmd, async |tx, cmd, now| {
            let policy = cmd.current(store::load(tx, service, cmd.id).await?)?;
            let decision = decide(policy, Person::of(&cmd.principal), now.date_in(Zone::SHANGHAI))?;
            let approved = decision.state();
            let kind = kinds.iter().find(|kind| kind.kind == approved.kind);
            if let Some(guard) = kind.and_then(|kind| kind.guard) {
                guard(tx, approved.valid).await?;
            }
            if let Some(before) = store::before(tx, decision.state()).await?
                && let Some(ended) = give_way(before, decision.state())?
            {
                store::save(tx, &ended).await?;
            }
            store::save(tx, &decision).await.refuse_on("policy_in_force_once", Refusal::Overlap {})?;
            if let Some(follow) = kind.and_then(|kind| kind.follow) {
                follow(tx, decision.state().id, decision.state().valid).await?;
            }
            Ok(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{EmployeeId, Timestamp, UserId, Version, clause};
    use uuid::Uuid;

    fn person(user: u128, employee: Option<u128>) -> Person {
        Person {
            user: UserId::of(Uuid::from_u128(user)),
            employee: employee.map(|id| EmployeeId::of(Uuid::from_u128(id))),
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn draft(from: &str, to: Option<&str>) -> Policy {
        Policy {
            id: PolicyVersionId::of(Uuid::from_u128(2)),
            service: "hr",
            kind: "pay".to_owned(),
            branch: None,
            valid: Span { from: day(from), to: to.map(day) },
            state: State::Draft,
            clause: clause!("P6.7-1"),
            parameters: serde_json::Value::Null,
            reason: String::new(),
            author: person(1, Some(11)),
            version: Version::of(1),
            created_at: Timestamp::of(chrono::DateTime::UNIX_EPOCH),
        }
    }

    #[test]
    fn p3_2_1_the_author_does_not_approve_whatever_account_he_uses() {
        let today = day("2025-09-30");
        for author in [person(1, None), person(1, Some(11)), person(9, Some(11))] {
            assert_eq!(decide(draft("2025-10-01", None), author, today).err(), Some(Refusal::OwnPolicy {}));
        }
        let other = person(3, None);
        let approved = decide(draft("2025-10-01", None), other, today).expect("another may").into_state();
        assert_eq!(decide(approved, other, today).err(), Some(Refusal::AlreadyApproved {}));
    }

    #[test]
    fn p3_4_4_a_draft_whose_first_day_has_come_is_too_late() {
        let (valid_from, today) = (day("2025-10-01"), day("2025-10-01"));
        let refused = decide(draft("2025-10-01", None), person(3, None), today).err();
        assert_eq!(refused, Some(Refusal::Backdated { valid_from, today }));
    }

    #[test]
    fn p3_2_1_a_version_gives_way_only_where_no_day_is_left_without_one() {
        let gives_way = |to: Option<&str>, new_to: Option<&str>| {
            give_way(draft("2025-01-01", to), &draft("2025-10-01", new_to))
                .map(|decision| decision.map(|ended| ended.into_state().valid.to))
        };
        let (november, december) = ("2025-11-01", "2025-12-01");
        assert_eq!(gives_way(None, None), Ok(Some(Some(day("2025-10-01")))));
        assert_eq!(gives_way(Some(december), Some(december)), Ok(Some(Some(day("2025-10-01")))));
        assert_eq!(gives_way(None, Some(december)), Err(Refusal::Gap { valid_to: Some(day(december)) }));
        assert_eq!(
            gives_way(Some(december), Some(november)),
            Err(Refusal::Gap { valid_to: Some(day(november)) })
        );
        assert_eq!(gives_way(Some(november), None), Ok(None), "the constraint refuses that");
    }
}
