//! Changing a branch: what is left out stays.

use super::{Branch, BranchView, MinimumWage, NewMinimumWage, Refusal, check, store};
use events::hr::BranchChanged;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{BranchId, Decision};
use serde::Deserialize;
use utoipa::ToSchema;

/// What is different from now on. The zone never changes: closed months were counted in it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBranch {
    /// What people call it.
    pub name: Option<String>,
    /// The short code in human numbers.
    pub code: Option<String>,
    /// Its city.
    pub city: Option<String>,
    /// A new minimum wage, from a day on.
    pub minimum_wage: Option<NewMinimumWage>,
}

impl Addressed for ChangeBranch {
    type To = BranchId;
}

/// Changes a branch that is open.
pub fn decide(branch: Branch, command: &ChangeBranch) -> Result<Decision<Branch>, Refusal> {
    if let Some(closed_on) = branch.closed_on {
        return Err(Refusal::AlreadyClosed { closed_on });
    }
    let minimum_wage = match &command.minimum_wage {
        Some(wage) if wage.from < branch.minimum_wage.from => {
            return Err(Refusal::MinimumWageBackdated { since: branch.minimum_wage.from });
        }
        Some(wage) => MinimumWage { amount: wage.amount.fen(), from: wage.from },
        None => branch.minimum_wage,
    };
    let text = |new: &Option<String>, old: &str| new.as_deref().unwrap_or(old).trim().to_owned();
    let branch = Branch {
        name: text(&command.name, &branch.name),
        code: text(&command.code, &branch.code),
        city: text(&command.city, &branch.city),
        minimum_wage,
        ..branch
    };
    check(&branch)?;
    let changed = BranchChanged {
        branch_id: branch.id,
        code: branch.code.clone(),
        zone: branch.zone,
        city: branch.city.clone(),
        minimum_wage_fen: branch.minimum_wage.amount,
        minimum_wage_from: branch.minimum_wage.from,
    };
    Ok(Decision::of(branch).and(changed))
}

/// Changes a branch.
#[utoipa::path(post, path = "/v1/hr/branches/{id}/change", request_body = ChangeBranch, responses(Commanded<BranchView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ChangeBranch, permission!("branch.write")>,
) -> Answer<BranchView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let branch = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(branch, &cmd.body)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::branch;
    use super::*;
    use kernel::{Fen, Money};

    fn nothing() -> ChangeBranch {
        ChangeBranch { name: None, code: None, city: None, minimum_wage: None }
    }

    #[test]
    fn what_is_left_out_stays_and_a_wage_is_never_backdated() {
        let wage = |from: &str| NewMinimumWage {
            amount: Money::of(Fen::new(274_000)),
            from: from.parse().expect("a literal"),
        };
        let raise = ChangeBranch { minimum_wage: Some(wage("2025-10-01")), ..nothing() };
        let changed = decide(branch(), &raise).expect("it may rise");
        assert_eq!(changed.facts()[0].event_type, "hr.branch.changed");
        let told = &changed.facts()[0].data;
        assert_eq!(
            (&told["minimum_wage_fen"], &told["minimum_wage_from"]),
            (&274_000.into(), &"2025-10-01".into())
        );
        let changed = changed.into_state();
        assert_eq!((changed.name.as_str(), changed.minimum_wage.amount), ("静安店", Fen::new(274_000)));
        let backdated = ChangeBranch { minimum_wage: Some(wage("2025-08-31")), ..nothing() };
        let since = branch().opened_on;
        assert_eq!(decide(branch(), &backdated).err(), Some(Refusal::MinimumWageBackdated { since }));
    }
}
