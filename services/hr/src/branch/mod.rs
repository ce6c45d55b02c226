//! Branches: hr owns them, every other service projects what it says here (`hr.md` §4).
//!
//! A branch is the scope of rights and the home of a zone, a city and its minimum wage. What is not here: its
//! calendar (`work_calendar`) and its people (`employee`).
//!
//! Clauses: R6 the minimum wage. The rule book says nothing of when a branch opens and closes, so those refusals have none.

pub mod change;
pub mod close;
mod list;
pub mod open;
pub(crate) mod store;

use chrono::NaiveDate;
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, Fen, Money, Version, Zone, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A branch (门店) of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Which.
    pub id: BranchId,
    /// What people call it.
    pub name: String,
    /// The short code in human numbers: `B01`.
    pub code: String,
    /// The zone its business dates belong to.
    pub zone: Zone,
    /// The city its legal minimum wage comes from.
    pub city: String,
    /// The minimum wage said last, with its first day, fen a month.
    pub minimum_wage: MinimumWage,
    /// First day it is open.
    pub opened_on: NaiveDate,
    /// First day it is closed.
    pub closed_on: Option<NaiveDate>,
    /// How many events it has had.
    pub version: Version,
}

/// The minimum wage of a city from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumWage {
    /// Fen a month.
    pub amount: Fen,
    /// First day.
    pub from: NaiveDate,
}

/// The minimum wage of a city as a request says it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMinimumWage {
    /// A month.
    pub amount: Money,
    /// First day it holds.
    #[serde(deserialize_with = "kernel::time::date")]
    pub from: NaiveDate,
}

impl Aggregate for Branch {
    type Id = BranchId;
    const KIND: &'static str = "branch";
    fn id(&self) -> BranchId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.id)
    }
    fn version(&self) -> Version {
        self.version
    }
}

refusals! {
    /// Another branch has this code.
    CodeTaken { code: String } = "hr.branch.code_taken";
    /// A code is two to eight capital letters or digits.
    CodeMalformed { code: String } = "hr.branch.code_malformed";
    /// A name or a city is empty or very long.
    TextLength { most: usize } = "hr.text_length";
    /// A minimum wage of nothing is none.
    NoMinimumWage {} = "hr.branch.no_minimum_wage", kernel::clause!("R6");
    /// A minimum wage does not change for days before the one said last.
    MinimumWageBackdated { since: NaiveDate } = "hr.branch.minimum_wage_backdated", kernel::clause!("R6");
    /// It is closed.
    AlreadyClosed { closed_on: NaiveDate } = "hr.branch.already_closed";
    /// It cannot close before it opened.
    ClosesBeforeOpened { opened_on: NaiveDate } = "hr.branch.closes_before_opened";
    /// It is closed on the day, not ahead: until then it hires, and its people may be changed.
    ClosingAhead { closed_on: NaiveDate } = "hr.branch.closing_ahead";
    /// Somebody still belongs to it on that day.
    StillStaffed { closed_on: NaiveDate } = "hr.branch.still_staffed";
}

/// A branch as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BranchView {
    /// Which.
    pub id: BranchId,
    /// What people call it.
    pub name: String,
    /// The short code in human numbers.
    pub code: String,
    /// The zone its business dates belong to.
    pub zone: Zone,
    /// Its city.
    pub city: String,
    /// The city's minimum wage, a month.
    pub minimum_wage: Money,
    /// First day it is open.
    pub opened_on: NaiveDate,
    /// First day it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_on: Option<NaiveDate>,
    /// The ETag.
    pub version: Version,
}

impl Shown for Branch {
    type View = BranchView;
    fn view(&self, version: Version) -> BranchView {
        BranchView {
            id: self.id,
            name: self.name.clone(),
            code: self.code.clone(),
            zone: self.zone,
            city: self.city.clone(),
            minimum_wage: Money::of(self.minimum_wage.amount),
            opened_on: self.opened_on,
            closed_on: self.closed_on,
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/hr/branches/{}", self.id)
    }
}

/// Whether the members of a branch can be what they say.
fn check(branch: &Branch) -> Result<(), Refusal> {
    const MOST: usize = 100;
    let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    if !(2..=8).contains(&branch.code.len()) || !branch.code.bytes().all(is_code) {
        return Err(Refusal::CodeMalformed { code: branch.code.clone() });
    }
    let is_good = |text: &str| !text.trim().is_empty() && text.chars().count() <= MOST;
    if !is_good(&branch.name) || !is_good(&branch.city) {
        return Err(Refusal::TextLength { most: MOST });
    }
    if branch.minimum_wage.amount <= Fen::ZERO {
        return Err(Refusal::NoMinimumWage {});
    }
    Ok(())
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(open::route, list::list))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(change::route))
        .routes(routes!(close::route))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use uuid::Uuid;

    pub(crate) fn branch() -> Branch {
        let opened_on = "2025-09-01".parse().expect("a literal");
        Branch {
            id: BranchId::of(Uuid::from_u128(1)),
            name: "静安店".to_owned(),
            code: "B01".to_owned(),
            zone: Zone::SHANGHAI,
            city: "Shanghai".to_owned(),
            minimum_wage: MinimumWage { amount: Fen::new(269_000), from: opened_on },
            opened_on,
            closed_on: None,
            version: Version::of(1),
        }
    }

    #[test]
    fn a_branch_says_what_it_is() {
        assert_eq!(check(&branch()), Ok(()));
        for code in ["", "B", "b01", "B 1", "B12345678", "店一"] {
            let wrong = Branch { code: code.to_owned(), ..branch() };
            assert_eq!(check(&wrong), Err(Refusal::CodeMalformed { code: code.to_owned() }), "{code}");
        }
        let nameless = Branch { name: " ".to_owned(), ..branch() };
        assert_eq!(check(&nameless), Err(Refusal::TextLength { most: 100 }));
        let unpaid = MinimumWage { amount: Fen::ZERO, ..branch().minimum_wage };
        assert_eq!(check(&Branch { minimum_wage: unpaid, ..branch() }), Err(Refusal::NoMinimumWage {}));
    }
}
