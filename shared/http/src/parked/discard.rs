//! Giving a parked event up, with a reason.

use super::{Discarded, Happened, Parked, ParkedId, ParkedView, Refusal, fact, store};
use crate::command::{Addressed, Command};
use crate::house::{Answer, Commanded, House};
use crate::permission;
use kernel::{Decision, Timestamp, UserId};
use serde::Deserialize;
use utoipa::ToSchema;

/// The longest reason, in characters.
const MOST: usize = 500;

/// It shall never take effect here. What waited behind it is tried next, in order.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardParked {
    /// Why, 1 to 500 characters; it stays in this service.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

impl Addressed for DiscardParked {
    type To = ParkedId;
}

/// Gives an event up; nobody does so without saying why.
pub fn decide(parked: Parked, why: &str, by: UserId, now: Timestamp) -> Result<Decision<Parked>, Refusal> {
    let why = why.trim();
    if why.is_empty() || why.chars().count() > MOST || why.contains('\0') {
        return Err(Refusal::ReasonMissing { most: MOST });
    }
    let fact = fact(Happened::Discarded, &parked);
    let discarded = Some(Discarded { by, at: now, why: why.to_owned() });
    Ok(Decision::of(Parked { discarded, next_try_at: None, ..parked }).and_fact(fact))
}

#[utoipa::path(post, path = "/parked/{id}/discard", request_body = DiscardParked, responses(Commanded<ParkedView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<DiscardParked, permission!("parked.discard")>,
) -> Answer<ParkedView> {
    let service = house.service();
    house
        .commit(cmd, async |tx, cmd, now| {
            let parked = cmd.current(store::load(tx, service, cmd.id).await?)?;
            let decision = decide(parked, &cmd.body.reason, cmd.principal.user, now)?;
            store::save_discarded(tx, &decision).await?;
            Ok(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn nobody_discards_without_a_reason() {
        let (by, now) = (UserId::of(Uuid::from_u128(9)), Timestamp::of(chrono::DateTime::UNIX_EPOCH));
        let decided = |why: &str| decide(super::super::parked(), why, by, now);
        for bad in ["", " \n ", "a\0b", &"字".repeat(MOST + 1)] {
            assert_eq!(decided(bad).err(), Some(Refusal::ReasonMissing { most: MOST }), "{bad:?}");
        }
        let longest = "字".repeat(MOST);
        for good in ["a", " told twice ", longest.as_str()] {
            let decision = decided(good).expect("a reason");
            let discarded = decision.state().discarded.clone().expect("it is");
            assert_eq!((discarded.why.as_str(), discarded.by, discarded.at), (good.trim(), by, now));
            assert_eq!(decision.facts()[0].event_type, "hr.parked.discarded");
            assert!(!decision.facts()[0].data.to_string().contains("told twice"), "no free text in an event");
        }
    }
}
