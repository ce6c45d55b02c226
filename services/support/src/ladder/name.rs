//! Naming who stands above the owners of a branch.

use super::{Ladder, LadderId, LadderNamed, LadderView, Levels, Refusal, store};
use house::{Addressed, Answer, Command, Commanded, House, New, known, not_found, permission};
use journal::Failure;
use kernel::{BranchId, Decision, Version, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Who holds the levels of a branch.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameLadder {
    /// Which branch.
    pub branch_id: BranchId,
    /// Who holds them.
    pub levels: Levels,
}

impl Addressed for NameLadder {
    type To = New<LadderId>;
}

/// Names the ladder of a branch, once; it is changed afterwards.
pub fn decide(id: LadderId, ask: &NameLadder) -> Result<Decision<Ladder>, Refusal> {
    ask.levels.check()?;
    let ladder = Ladder { id, branch: ask.branch_id, levels: ask.levels, version: Version::NONE };
    let named = LadderNamed { branch_id: ladder.branch, levels: ladder.levels };
    Ok(Decision::of(ladder).and(named).under(clause!("R7")))
}

/// Names the ladder of a branch (K11).
#[utoipa::path(post, path = "/v1/support/ladders", request_body = NameLadder, responses(Commanded<LadderView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<NameLadder, permission!("ladder.write")>,
) -> Answer<LadderView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let branch = cmd.body.branch_id;
            let known = known::branch(tx, branch).await?.filter(|_| tx.reach().covers(Some(branch)));
            known.ok_or_else(not_found)?;
            let decision = decide(cmd.id, &cmd.body)?;
            store::check_employed(tx, &cmd.body.levels).await?;
            store::add(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
