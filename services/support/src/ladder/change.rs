//! Changing who stands above the owners of a branch, and reading it.

use super::{Ladder, LadderId, LadderNamed, LadderView, Levels, Refusal, store};
use axum::response::Response;
use house::{Addressed, Answer, Command, Commanded, House, One, Problem, Read, Shown, permission};
use journal::Failure;
use kernel::{Aggregate, Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Who holds the levels from now on; what was asked before stays asked.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeLadder {
    /// Who holds them.
    pub levels: Levels,
}

impl Addressed for ChangeLadder {
    type To = LadderId;
}

/// Puts others on the levels.
pub fn decide(ladder: Ladder, levels: Levels) -> Result<Decision<Ladder>, Refusal> {
    levels.check()?;
    let named = LadderNamed { branch_id: ladder.branch, levels };
    Ok(Decision::of(Ladder { levels, ..ladder }).and(named).under(clause!("R7")))
}

/// Changes the ladder of a branch (K11).
#[utoipa::path(post, path = "/v1/support/ladders/{id}/change", request_body = ChangeLadder, responses(Commanded<LadderView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ChangeLadder, permission!("ladder.write")>,
) -> Answer<LadderView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let ladder = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(ladder, cmd.body.levels)?;
            store::check_employed(tx, &cmd.body.levels).await?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

/// The ladder of a branch.
#[utoipa::path(get, path = "/v1/support/ladders/{id}", responses(One<LadderView>))]
pub(super) async fn read(
    house: House,
    read: Read<LadderId, permission!("ladder.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let ladder = store::find(pool, &read.reach, read.id).await?;
            Ok(ladder.map(|ladder| (ladder.version(), ladder.view(ladder.version()))))
        })
        .await
}

/// What happened to a ladder, oldest first.
#[utoipa::path(get, path = "/v1/support/ladders/{id}/history", responses((status = 200, description = "Its events.")))]
pub(super) async fn history(
    house: House,
    read: Read<LadderId, permission!("ladder.read")>,
) -> Result<Response, Problem> {
    house.history(read, async |pool, read| store::find(pool, &read.reach, read.id).await).await
}
