//! Writing a version of a policy.

use super::{Happened, Person, Policy, PolicyKind, PolicyView, Refusal, State, earliest, fact, store};
use crate::command::{Addressed, Command, New};
use crate::house::{Answer, Commanded, House};
use crate::permission;
use axum::Extension;
use chrono::NaiveDate;
use journal::Failure;
use kernel::{Decision, PolicyVersionId, Span, Timestamp, Version, Zone};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// New terms from a day on; in force once another person approves them.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftPolicy {
    /// `fine`, `pay`.
    pub kind: String,
    /// First day in force: tomorrow or later, because no rule changes for days that are over (P3.4-4).
    #[serde(deserialize_with = "kernel::time::date")]
    pub valid_from: NaiveDate,
    /// First day no longer in force; absent for ever.
    #[serde(default, deserialize_with = "kernel::time::optional_date")]
    pub valid_to: Option<NaiveDate>,
    /// The terms, complete.
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// Why.
    pub reason: String,
}

impl Addressed for DraftPolicy {
    type To = New<PolicyVersionId>;
}

/// What a draft is decided with.
pub struct Draft<'a> {
    service: &'static str,
    id: PolicyVersionId,
    kind: &'a PolicyKind,
    author: Person,
}

/// Checks terms and days.
pub fn decide(draft: Draft<'_>, command: &DraftPolicy, now: Timestamp) -> Result<Decision<Policy>, Failure> {
    (draft.kind.check)(&command.parameters)?;
    let today = now.date_in(Zone::SHANGHAI);
    if command.valid_from < earliest(today) {
        return Err(Refusal::Backdated { valid_from: command.valid_from, today }.into());
    }
    let valid = Span { from: command.valid_from, to: command.valid_to };
    if valid.is_empty() {
        return Err(Refusal::WrongTerms { note: "valid_to must lie after valid_from".to_owned() }.into());
    }
    let policy = Policy {
        id: draft.id,
        service: draft.service,
        kind: command.kind.clone(),
        branch: None,
        valid,
        state: State::Draft,
        clause: draft.kind.clause,
        parameters: command.parameters.clone(),
        reason: command.reason.clone(),
        author: draft.author,
        version: Version::NONE,
        created_at: now,
    };
    let fact = fact(draft.service, Happened::Drafted, &policy);
    Ok(Decision::of(policy).and_fact(fact))
}

#[utoipa::path(post, path = "/policies", request_body = DraftPolicy, responses(Commanded<PolicyView>))]
pub(super) async fn route(
    house: House,
    Extension(kinds): Extension<Vec<PolicyKind>>,
    cmd: Command<DraftPolicy, permission!("policy.write")>,
) -> Answer<PolicyView> {
    let service = house.service();
    house
        .commit(cmd, async |tx, cmd, now| {
            let kind = kinds
                .iter()
                .find(|kind| kind.kind == cmd.body.kind)
                .ok_or_else(|| Refusal::UnknownKind { kind: cmd.body.kind.clone() })?;
            let decision = decide(
                Draft { service, id: cmd.id, kind, author: Person::of(&cmd.principal) },
                &cmd.body,
                now,
            )?;
            store::add(tx, &decision).await?;
            Ok(decision)
        })
        .await
}
