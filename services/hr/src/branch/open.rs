//! Opening a branch: from here on every service knows it.

use super::{Branch, BranchView, MinimumWage, Refusal, check, store};
use chrono::NaiveDate;
use events::hr::BranchOpened;
use house::{Addressed, Answer, Command, Commanded, House, New, not_found, permission};
use journal::Failure;
use kernel::{BranchId, Decision, Money, Version, Zone};
use serde::Deserialize;
use utoipa::ToSchema;

/// A new branch.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenBranch {
    /// What people call it.
    pub name: String,
    /// The short code in human numbers: two to eight capital letters or digits.
    pub code: String,
    /// The zone its business dates belong to.
    pub zone: Zone,
    /// The city its legal minimum wage comes from.
    pub city: String,
    /// The city's minimum wage, a month.
    pub minimum_wage: Money,
    /// First day.
    #[serde(deserialize_with = "kernel::time::date")]
    pub opened_on: NaiveDate,
}

impl Addressed for OpenBranch {
    type To = New<BranchId>;
}

/// Opens a branch.
pub fn decide(id: BranchId, command: &OpenBranch) -> Result<Decision<Branch>, Refusal> {
    let branch = Branch {
        id,
        name: command.name.trim().to_owned(),
        code: command.code.clone(),
        zone: command.zone,
        city: command.city.trim().to_owned(),
        minimum_wage: MinimumWage { amount: command.minimum_wage.fen(), from: command.opened_on },
        opened_on: command.opened_on,
        closed_on: None,
        version: Version::NONE,
    };
    check(&branch)?;
    let opened = BranchOpened {
        branch_id: id,
        code: branch.code.clone(),
        zone: branch.zone,
        city: branch.city.clone(),
        minimum_wage_fen: branch.minimum_wage.amount,
    };
    Ok(Decision::of(branch).and(opened))
}

/// Opens a branch.
#[utoipa::path(post, path = "/v1/hr/branches", request_body = OpenBranch, responses(Commanded<BranchView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<OpenBranch, permission!("branch.open")>,
) -> Answer<BranchView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            // A new branch is in nobody's reach but the network's.
            if !tx.reach().is_network() {
                return Err(not_found().into());
            }
            let decision = decide(cmd.id, &cmd.body)?;
            store::add(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_opened_branch_tells_every_service_what_it_needs() {
        let command: OpenBranch = serde_json::from_value(serde_json::json!({
            "name": "静安店", "code": "B01", "zone": "Asia/Shanghai", "city": "Shanghai",
            "minimum_wage": { "amount": "2690.00", "currency": "CNY" }, "opened_on": "2025-09-01"
        }))
        .expect("a command");
        let decision = decide(BranchId::of(Uuid::from_u128(1)), &command).expect("it may open");
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!(
            (fact.event_type, fact.data["code"].as_str(), fact.data["minimum_wage_fen"].as_i64()),
            ("hr.branch.opened", Some("B01"), Some(269_000))
        );
        assert!(fact.data.get("name").is_none(), "a name is nobody's business on the bus");
        let wrong = OpenBranch { code: "b".to_owned(), ..command };
        assert!(decide(BranchId::of(Uuid::from_u128(1)), &wrong).is_err());
    }
}
