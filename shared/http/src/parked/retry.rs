//! Having a parked event tried again now.

use super::{Happened, Parked, ParkedId, ParkedView, fact, store};
use crate::command::{Addressed, Command};
use crate::house::{Answer, Commanded, House};
use crate::permission;
use kernel::{Decision, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

/// Now, please: what was in its way is out of it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryParked {}

impl Addressed for RetryParked {
    type To = ParkedId;
}

/// It is due at once, with all that wait before it.
pub fn decide(parked: Parked, now: Timestamp) -> Decision<Parked> {
    let fact = fact(Happened::Retried, &parked);
    Decision::of(Parked { next_try_at: Some(now), ..parked }).and_fact(fact)
}

#[utoipa::path(post, path = "/parked/{id}/retry", request_body = RetryParked, responses(Commanded<ParkedView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RetryParked, permission!("parked.retry")>,
) -> Answer<ParkedView> {
    let service = house.service();
    house
        .commit(cmd, async |tx, cmd, now| {
            let parked = cmd.current(store::load(tx, service, cmd.id).await?)?;
            let decision = decide(parked, now);
            store::save_retried(tx, &decision).await?;
            Ok(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_is_due_now_and_remembered() {
        let now = Timestamp::of(chrono::DateTime::UNIX_EPOCH);
        let decision = decide(super::super::parked(), now);
        assert_eq!(decision.state().next_try_at, Some(now));
        assert_eq!(decision.facts()[0].event_type, "hr.parked.retried");
        assert_eq!(decision.version().get(), 1);
    }
}
