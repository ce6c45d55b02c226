//! Reading certificates.

use super::{CertificateView, Issued, StoredWord, store};
use axum::response::Response;
use events::{CertificateId, WorkerId};
use house::access::Permitted;
use house::{House, List, One, Page, Principal, Problem, Read, Shown, permission};
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
    /// `active`, `suspended`, `revoked`, `superseded`.
    #[param(value_type = Option<String>)]
    pub state: Option<StoredWord>,
}

/// What a reader may see of a certificate: its code and paper are not for those who only ask how it stands.
fn shown(issued: &Issued, principal: &Principal) -> CertificateView {
    let knows = principal.reach(<permission!("certificate.code") as Permitted>::permission());
    let worker = Some(issued.certificate.worker_id.uuid());
    let is_seen = knows.is_some_and(|reach| reach.covers(Some(issued.branch)) || reach.own() == worker);
    let view = issued.view(issued.version());
    CertificateView {
        verification_code: view.verification_code.filter(|_| is_seen),
        paper_id: view.paper_id.filter(|_| is_seen),
        ..view
    }
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
                Ok(found.iter().map(|one| shown(one, &list.principal)).collect())
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
            Ok(found.map(|one| (one.version(), shown(&one, &read.principal))))
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
