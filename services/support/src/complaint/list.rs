//! Reading complaints. Whoever reads one about himself learns neither who complained nor in which words; an HR clerk
//! reads how it ended.

use super::{Complaint, ComplaintView, store};
use crate::words::Word;
use axum::response::Response;
use events::support::Severity;
use events::{ComplaintId, CustomerId};
use house::access::Permitted;
use house::{House, List, One, Page, Principal, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId, EmployeeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which complaints.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ComplaintFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// In this state.
    #[param(inline)]
    pub state: Option<Stage>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// Owned by this employee.
    pub owner: Option<EmployeeId>,
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// With this number.
    pub no: Option<String>,
}

/// How far a complaint has come, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ComplaintStage)]
pub enum Stage {
    /// Received.
    Registered,
    /// Graded.
    Triaged,
    /// The cause is being looked for.
    Investigating,
    /// Proposals are prepared, none is on the table.
    Proposing,
    /// One is on the table, or accepted.
    AwaitingDecision,
    /// What was accepted is being done.
    Implementing,
    /// The customer knows process and result.
    Replied,
    /// He was asked how it was.
    FollowingUp,
    /// Ended.
    Closed,
}

impl Word for Stage {}

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
                let whole = whole(&list.principal);
                let complaints =
                    store::page(&mut connection, &list.reach, &list.filter, &whole, list.page).await?;
                Ok(complaints.iter().map(|complaint| shown(complaint, &list.principal)).collect())
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
            Ok(complaint.map(|complaint| (complaint.version(), shown(&complaint, &read.principal))))
        })
        .await
}

/// What happened to a complaint, oldest first; only for who reads it whole, because its events name the customer.
#[utoipa::path(get, path = "/v1/support/complaints/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<ComplaintId, permission!("complaint.read")>,
) -> Result<Response, Problem> {
    house
        .history(read, async |pool, read| {
            let mut connection = pool.acquire().await?;
            let complaint = store::find(&mut connection, &read.reach, read.id).await?;
            Ok(complaint.filter(|complaint| is_seen_whole(complaint, &read.principal)))
        })
        .await
}

/// The cases that a reader may see whole, but for those that are about him.
fn whole(reader: &Principal) -> store::Whole {
    let reach = reader.reach(<permission!("complaint.whole") as Permitted>::permission());
    let branches = match &reach {
        Some(reach) => reach.branches().map(<[_]>::to_vec),
        None => Some(Vec::new()),
    };
    store::Whole { branches, reader: reader.employee }
}

/// The view that a reader may have.
fn shown(complaint: &Complaint, reader: &Principal) -> ComplaintView {
    let version = complaint.version();
    match Sight::of(complaint, reader) {
        Sight::Whole => complaint.whole(version),
        Sight::OfHimself => complaint.view(version),
        Sight::Result => complaint.whole(version).result_only(),
    }
}

/// True for whoever may see all of a complaint, what was said at its steps too.
pub(super) fn is_seen_whole(complaint: &Complaint, reader: &Principal) -> bool {
    Sight::of(complaint, reader) == Sight::Whole
}

/// How much of a complaint a reader sees (`access.md`, Complaints).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Who works on the case, or in its branch.
    Whole,
    /// The one complained about, whatever else he is: no complainant identity.
    OfHimself,
    /// An HR clerk: how it ended.
    Result,
}

impl Sight {
    fn of(complaint: &Complaint, reader: &Principal) -> Self {
        let is = |employee: EmployeeId| reader.employee == Some(employee);
        if reader.employee.is_some_and(|employee| complaint.is_accused(employee)) {
            return Self::OfHimself;
        }
        let works_on_it = is(complaint.owner) || complaint.offered_to.is_some_and(is);
        let whole = reader.reach(<permission!("complaint.whole") as Permitted>::permission());
        if works_on_it || whole.is_some_and(|reach| reach.covers(Some(complaint.branch))) {
            Self::Whole
        } else {
            Self::Result
        }
    }
}
