//! Reading what was said and kept of a complaint: process and result, reasons, evidence, statements (`support.md` §1:
//! details are read through the API with rights). Not for whoever it is about, nor for whoever only knows of the case.

use super::kind::EvidenceKind;
use super::list::is_seen_whole;
use super::store;
use crate::words::Text;
use axum::response::Response;
use events::ComplaintId;
use house::{House, List, Page, Principal, Problem, not_found, permission};
use journal::{Failure, Reach};
use kernel::{EmployeeId, Timestamp, id};
use serde::{Deserialize, Serialize};
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use utoipa::ToSchema;

id!(
    /// Words that go with a step of a case.
    NoteId, "cnt"
);
id!(
    /// A piece of evidence.
    EvidenceId, "evd"
);

/// Of which complaint.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfComplaint {
    /// Which.
    pub complaint_id: ComplaintId,
}

/// Words that go with a step of a case.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoteView {
    /// Which.
    #[schema(value_type = String)]
    pub id: NoteId,
    /// The step: `answered`, `process`, `result`, `lower`, `close`.
    pub kind: String,
    /// The words.
    pub text: Text,
    /// Who wrote them down.
    pub said_by: String,
    /// When.
    pub said_at: Timestamp,
}

/// A piece of evidence.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvidenceView {
    /// Which.
    #[schema(value_type = String)]
    pub id: EvidenceId,
    /// What it is.
    pub kind: EvidenceKind,
    /// The hash of the file, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Who says it, where it is a statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<EmployeeId>,
    /// What he says, or what the file shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
}

/// What was said at the steps of a complaint.
#[utoipa::path(get, path = "/v1/support/complaint-notes", params(OfComplaint), responses(Page<NoteView>))]
pub(super) async fn notes(
    house: House,
    list: List<OfComplaint, permission!("complaint.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let complaint = list.filter.complaint_id;
                let mut connection = readable(pool, &list.reach, &list.principal, complaint).await?;
                Ok(store::notes(&mut connection, complaint, list.page).await?)
            },
            |view: &NoteView| view.id.uuid(),
        )
        .await
}

/// The evidence of a complaint.
#[utoipa::path(get, path = "/v1/support/complaint-evidence", params(OfComplaint), responses(Page<EvidenceView>))]
pub(super) async fn evidence(
    house: House,
    list: List<OfComplaint, permission!("complaint.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let complaint = list.filter.complaint_id;
                let mut connection = readable(pool, &list.reach, &list.principal, complaint).await?;
                Ok(store::evidence(&mut connection, complaint, list.page).await?)
            },
            |view: &EvidenceView| view.id.uuid(),
        )
        .await
}

/// A connection, if the reader may see all of the complaint; else it is not there.
async fn readable(
    pool: &PgPool,
    reach: &Reach,
    reader: &Principal,
    complaint: ComplaintId,
) -> Result<PoolConnection<Postgres>, Failure> {
    let mut connection = pool.acquire().await?;
    let found = store::find(&mut connection, reach, complaint).await?;
    found.filter(|found| is_seen_whole(found, reader)).ok_or_else(not_found)?;
    Ok(connection)
}
