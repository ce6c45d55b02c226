//! Writing an edition of a standard.

use super::{Content, Refusal, Standard, StandardId, StandardView, State, store};
use crate::contract;
use crate::price::ServiceCode;
use events::event;
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::{Failure, RefuseOn};
use kernel::{Decision, Version};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// A new edition.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftStandard {
    /// The code of the service.
    pub service: ServiceCode,
    /// The text.
    pub content: Content,
}

impl Addressed for DraftStandard {
    type To = New<StandardId>;
}

/// An edition was written.
#[derive(Debug, Serialize)]
struct StandardDrafted {
    service_code: String,
    edition: i32,
    hash: String,
}
event!(StandardDrafted, "contracts.standard.drafted", internal);

/// Writes the next edition of a service's standard; its hash covers service, edition and text.
pub fn decide(id: StandardId, body: DraftStandard, edition: i32) -> Result<Decision<Standard>, Refusal> {
    let DraftStandard { service, content } = body;
    let service = String::from(service);
    let numbers = [content.min_staffing, content.response_hours, content.replacement_days];
    let is_said = |item: &super::Item| !item.text.trim().is_empty() && !item.check.trim().is_empty();
    if content.items.is_empty() || !content.items.iter().all(is_said) || numbers.contains(&0) {
        return Err(Refusal::Malformed {});
    }
    let text = json!({ "service": service, "edition": edition, "content": content });
    let hash = contract::hash(&text).map_err(|_| Refusal::Malformed {})?.as_str().to_owned();
    let drafted = StandardDrafted { service_code: service.clone(), edition, hash: hash.clone() };
    let standard =
        Standard { id, service, edition, content, hash, state: State::Draft, version: Version::NONE };
    Ok(Decision::of(standard).and(drafted))
}

/// Writes an edition of a standard.
#[utoipa::path(post, path = "/v1/contracts/standards", request_body = DraftStandard, responses(Commanded<StandardView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<DraftStandard, permission!("service.write")>,
) -> Answer<StandardView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let edition = store::next_edition(tx, cmd.body.service.as_str()).await?;
            let decision = decide(cmd.id, cmd.body.clone(), edition)?;
            store::add(tx, &decision)
                .await
                .refuse_on("service_standard_edition", Refusal::ChangedMeanwhile {})?;
            Ok::<_, Failure>(decision)
        })
        .await
}
