//! Reading certificates.

use super::{CertificateView, Issued, store};
use axum::response::Response;
use events::{CertificateId, WorkerId};
use house::{House, List, One, Page, Problem, Read, Shown, permission};
use kernel::{Aggregate, BranchId};
use serde::Deserialize;

/// Which certificates.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CertificateFilter {
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Of this worker.
    pub worker_id: Option<WorkerId>,
    /// In this state.
    pub state: Option<String>,
}

/// Certificates within the caller's reach.
#[utoipa::path(get, path = "/v1/workforce/certificates", params(CertificateFilter), responses(Page<CertificateView>))]
pub(super) async fn list(
    house: House,
    list: List<CertificateFilter, permission!("certificate.read")>,
) -> Result<Response, Problem> {
    house
        .list(
            list,
            async |pool, list| {
                let found = store::page(pool, &list.reach, &list.filter, list.page).await?;
                Ok(found.iter().map(|one: &Issued| one.view(one.version())).collect())
            },
            |view: &CertificateView| view.id.uuid(),
        )
        .await
}

/// One of the certificates.
#[utoipa::path(get, path = "/v1/workforce/certificates/{id}", responses(One<CertificateView>))]
pub(super) async fn read(
    house: House,
    read: Read<CertificateId, permission!("certificate.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, &read.reach, read.id).await?;
            Ok(found.map(|one| (one.version(), one.view(one.version()))))
        })
        .await
}

/// What happened to one of the certificates, oldest first.
#[utoipa::path(get, path = "/v1/workforce/certificates/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<CertificateId, permission!("certificate.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
