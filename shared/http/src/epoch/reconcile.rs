//! What a reader of this service had applied of another one's old stream, and what came of it.

use super::{ReconciliationId, Refusal, store};
use crate::command::{Addressed, Command, Read};
use crate::house::{Answer, Commanded, House, Shown};
use crate::list::{List, Page};
use crate::openapi::One;
use crate::{Problem, permission};
use axum::response::Response;
use journal::Failure;
use kernel::{Aggregate, BranchId, Decision, EventId, Fact, Timestamp, UserId, Version};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Characters of a reason.
const MOST: usize = 2_000;

/// One event that a reader had taken beyond the base.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reconciliation {
    pub(super) id: ReconciliationId,
    pub(super) service: &'static str,
    pub(super) reader: String,
    pub(super) source: String,
    pub(super) epoch: i32,
    pub(super) seq: i64,
    pub(super) event: Option<EventId>,
    pub(super) event_type: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) was_applied: bool,
    pub(super) done: Option<Done>,
    pub(super) version: Version,
}

/// What somebody has said of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    pub(super) at: Timestamp,
    pub(super) by: UserId,
    pub(super) reason: String,
}

/// What a reader had taken of an old stream, as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Reconciliation)]
pub struct ReconciliationView {
    /// Of this row.
    pub id: ReconciliationId,
    /// Which reader of this service.
    pub reader: String,
    /// Whose stream.
    pub source: String,
    /// The epoch of that stream.
    pub epoch: i32,
    /// The number there.
    pub seq: i64,
    /// The event; absent where nobody can say any more what stood there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// `steward.support.penalty.confirmed.v1`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// What it was about: `pen_…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether it took effect here; else it was only parked, and never will.
    pub was_applied: bool,
    /// When somebody said what came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconciled_at: Option<Timestamp>,
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconciled_by: Option<UserId>,
    /// What.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ETag.
    pub version: Version,
}

impl Aggregate for Reconciliation {
    type Id = ReconciliationId;
    const KIND: &'static str = "phantom";
    fn id(&self) -> ReconciliationId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        None
    }
    fn version(&self) -> Version {
        self.version
    }
}

impl Shown for Reconciliation {
    type View = ReconciliationView;
    fn view(&self, version: Version) -> ReconciliationView {
        let done = self.done.clone();
        ReconciliationView {
            id: self.id,
            reader: self.reader.clone(),
            source: self.source.clone(),
            epoch: self.epoch,
            seq: self.seq,
            event_id: self.event,
            event_type: self.event_type.clone(),
            subject: self.subject.clone(),
            was_applied: self.was_applied,
            reconciled_at: done.as_ref().map(|done| done.at),
            reconciled_by: done.as_ref().map(|done| done.by),
            reason: done.map(|done| done.reason),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/{}/reconciliations/{}", self.service, self.id)
    }
}

/// Says what came of it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// What was done about it, or why nothing had to be: 1 to 2,000 characters.
    pub reason: String,
}

impl Addressed for Reconcile {
    type To = ReconciliationId;
}

/// Once is enough.
fn decide(
    reconciliation: Reconciliation,
    reason: &str,
    by: UserId,
    now: Timestamp,
) -> Result<Decision<Reconciliation>, Refusal> {
    if reconciliation.done.is_some() {
        return Err(Refusal::Done {});
    }
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MOST {
        return Err(Refusal::ReasonLength { most: MOST });
    }
    // The reason is free text, and stays here.
    let data = json!({ "source": reconciliation.source, "epoch": reconciliation.epoch, "seq": reconciliation.seq, "event_id": reconciliation.event });
    let event_type = reconciled_type(reconciliation.service);
    let done = Some(Done { at: now, by, reason: reason.to_owned() });
    let fact = Fact { event_type, version: 0, data, clause: None };
    Ok(Decision::of(Reconciliation { done, ..reconciliation }).and_fact(fact))
}

/// The type of what happened; it is the service's own, hence no `event!`.
fn reconciled_type(service: &str) -> &'static str {
    match service {
        "support" => "support.phantom.reconciled",
        "hr" => "hr.phantom.reconciled",
        "workforce" => "workforce.phantom.reconciled",
        "contracts" => "contracts.phantom.reconciled",
        _ => "edge.phantom.reconciled",
    }
}

#[utoipa::path(post, path = "/reconciliations/{id}/reconcile", request_body = Reconcile, responses(Commanded<ReconciliationView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<Reconcile, permission!("phantom.reconcile")>,
) -> Answer<ReconciliationView> {
    let service = house.service();
    house
        .commit(cmd, async |tx, cmd, now| {
            let reconciliation = cmd.current(store::load(tx, service, cmd.id).await?)?;
            let decision = decide(reconciliation, &cmd.body.reason, cmd.principal.user, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

/// Which of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReconciliationFilter {
    /// Only of this service's stream.
    source: Option<String>,
    /// `open` or `done`.
    #[param(inline)]
    state: Option<Stage>,
}

/// Whether somebody has said what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReconciliationState)]
pub enum Stage {
    /// Nobody yet.
    Open,
    /// Somebody has.
    Done,
}

#[utoipa::path(get, path = "/reconciliations", params(ReconciliationFilter), responses(Page<ReconciliationView>))]
pub(super) async fn list(
    house: House,
    list: List<ReconciliationFilter, permission!("stream.read")>,
) -> Result<Response, Problem> {
    let service = house.service();
    house
        .list(
            list,
            async |pool, list| {
                let is_done = list.filter.state.map(|state| state == Stage::Done);
                let source = list.filter.source.as_deref();
                let rows = store::reconciliations(pool, service, (source, is_done), list.page).await?;
                Ok(rows.iter().map(|row| row.view(row.version)).collect())
            },
            |view: &ReconciliationView| view.id.uuid(),
        )
        .await
}

#[utoipa::path(get, path = "/reconciliations/{id}", responses(One<ReconciliationView>))]
pub(super) async fn read(
    house: House,
    read: Read<ReconciliationId, permission!("stream.read")>,
) -> Result<Response, Problem> {
    let service = house.service();
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, service, read.id).await?;
            Ok(found.map(|row| (row.version, row.view(row.version))))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_came_of_a_phantom_is_said_once_and_with_a_reason() {
        let open = Reconciliation {
            id: ReconciliationId::of(Uuid::from_u128(1)),
            service: "hr",
            reader: "hr".to_owned(),
            source: "support".to_owned(),
            epoch: 1,
            seq: 7,
            event: None,
            event_type: None,
            subject: None,
            was_applied: true,
            done: None,
            version: Version::NONE,
        };
        let by = UserId::of(Uuid::from_u128(2));
        let now = Timestamp::of(chrono::DateTime::UNIX_EPOCH);
        for wrong in [String::new(), "  \n".to_owned(), "长".repeat(2_001)] {
            let refused = decide(open.clone(), &wrong, by, now).err();
            assert_eq!(refused, Some(Refusal::ReasonLength { most: 2_000 }), "{wrong}");
        }
        let decision = decide(open, " 已冲销 ", by, now).expect("a reason");
        assert_eq!(decision.facts()[0].event_type, "hr.phantom.reconciled");
        assert!(!decision.facts()[0].data.to_string().contains('冲'), "no free text in events");
        let done = decision.into_state();
        assert_eq!(done.done.as_ref().map(|done| done.reason.as_str()), Some("已冲销"));
        assert_eq!(decide(done, "again", by, now).err(), Some(Refusal::Done {}));
    }
}
