//! Reading policies: which versions there are, and what each says.

use super::{PolicyView, store};
use crate::house::{House, Shown};
use crate::list::{List, Page};
use crate::openapi::One;
use crate::{Problem, Read, permission};
use axum::response::Response;
use kernel::PolicyVersionId;
use serde::Deserialize;

/// Which versions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PolicyFilter {
    /// Only this kind.
    kind: Option<String>,
}

#[utoipa::path(get, path = "/policies", params(PolicyFilter), responses(Page<PolicyView>))]
pub(super) async fn list(
    house: House,
    list: List<PolicyFilter, permission!("policy.read")>,
) -> Result<Response, Problem> {
    let service = house.service();
    house
        .list(
            list,
            async |pool, list| {
                let policies = store::page(pool, service, list.filter.kind.as_deref(), list.page).await?;
                Ok(policies.iter().map(|policy| policy.view(policy.version)).collect())
            },
            |view: &PolicyView| view.id.uuid(),
        )
        .await
}

#[utoipa::path(get, path = "/policies/{id}", responses(One<PolicyView>))]
pub(super) async fn read(
    house: House,
    read: Read<PolicyVersionId, permission!("policy.read")>,
) -> Result<Response, Problem> {
    let service = house.service();
    house
        .read(read, async |pool, read| {
            let found = store::find(pool, service, read.id).await?;
            Ok(found.map(|policy| (policy.version, policy.view(policy.version))))
        })
        .await
}
