//! Reading complaints. Whoever reads one about himself learns neither who complained nor in which words.

use super::{Complaint, ComplaintView, store};
use axum::response::Response;
use events::{ComplaintId, CustomerId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use journal::Reach;
use kernel::{Aggregate, BranchId, EmployeeId};
use serde::Deserialize;

/// Which complaints.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ComplaintFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// In this state.
    pub state: Option<String>,
    /// Of this severity.
    pub severity: Option<String>,
    /// Owned by this employee.
    pub owner: Option<EmployeeId>,
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// With this number.
    pub no: Option<String>,
}

/// Complaints within the caller's reach.
#[utoipa::path(get, path = "/v1/support/complaints", params(ComplaintFilter), responses(Page<ComplaintView>))]
pub(super) async fn list(
    house: House,
    list: List<ComplaintFilter, permission!("complaint.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let mut connection = pool.acquire().await?;
                let complaints = store::page(&mut connection, &list.reach, &list.filter, list.page).await?;
                Ok(complaints
                    .iter()
                    .map(|complaint| shown(complaint, &list.reach, list.principal.employee))
                    .collect())
            },
            |view: &ComplaintView| view.id.uuid(),
        )
        .await
}

/// One complaint.
#[utoipa::path(get, path = "/v1/support/complaints/{id}", responses(One<ComplaintView>))]
pub(super) async fn read(
    house: House,
    read: Read<ComplaintId, permission!("complaint.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let mut connection = pool.acquire().await?;
            let complaint = store::find(&mut connection, &read.reach, read.id).await?;
            Ok(complaint.map(|complaint| {
                (complaint.version(), shown(&complaint, &read.reach, read.principal.employee))
            }))
        })
        .await
}

/// What happened to a complaint, oldest first; not for whoever it is about, because its events name the customer.
#[utoipa::path(get, path = "/v1/support/complaints/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<ComplaintId, permission!("complaint.read")>,
) -> Result<Response, Problem> {
    house
        .history(read, async |pool, read| {
            let mut connection = pool.acquire().await?;
            let complaint = store::find(&mut connection, &read.reach, read.id).await?;
            Ok(complaint
                .filter(|complaint| may_see_complainant(complaint, &read.reach, read.principal.employee)))
        })
        .await
}

/// The view that a reader may have (`access.md`, Complaints: of himself, no complainant identity).
fn shown(complaint: &Complaint, reach: &Reach, reader: Option<EmployeeId>) -> ComplaintView {
    let version = complaint.version();
    let is_whole = may_see_complainant(complaint, reach, reader);
    if is_whole { complaint.whole(version) } else { complaint.view(version) }
}

/// True for whoever works on the case, or in its branch, and is not the one complained about.
pub(super) fn may_see_complainant(complaint: &Complaint, reach: &Reach, reader: Option<EmployeeId>) -> bool {
    let works_on_it =
        |own| complaint.owner.uuid() == own || complaint.offered_to.map(EmployeeId::uuid) == Some(own);
    let is_accused = reader.is_some_and(|reader| complaint.is_accused(reader));
    let is_near = reach.covers(Some(complaint.branch)) || reach.own().is_some_and(works_on_it);
    is_near && !is_accused
}
