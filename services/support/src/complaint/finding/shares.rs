//! The parts of a fault: 100 together, and of the parties that the finding names (C14).

use crate::complaint::kind::{FindingKind, Party};
use crate::complaint::{Refusal, Share};
use kernel::EmployeeId;
use serde::Deserialize;
use utoipa::ToSchema;

/// A part of the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareAsk {
    /// Whose.
    pub party: Party,
    /// The employee, for `worker`.
    pub employee_id: Option<EmployeeId>,
    /// Percent.
    pub pct: u8,
}

/// The whole of a fault, percent.
const WHOLE: u32 = 100;

/// Checks the parts of a finding.
pub(super) fn checked(kind: FindingKind, asks: &[ShareAsk]) -> Result<Vec<Share>, Refusal> {
    let sum: u32 = asks.iter().map(|ask| u32::from(ask.pct)).sum();
    let whole = if kind == FindingKind::Unfounded { 0 } else { WHOLE };
    let names_an_employee = |ask: &ShareAsk| (ask.party == Party::Worker) == ask.employee_id.is_some();
    let is_one_party = |party: Party| asks.iter().all(|ask| ask.party == party);
    let fits = match kind {
        FindingKind::Company => is_one_party(Party::Company),
        FindingKind::Worker => is_one_party(Party::Worker),
        FindingKind::Customer => is_one_party(Party::Customer),
        FindingKind::ThirdParty => is_one_party(Party::ThirdParty),
        FindingKind::Shared => asks.len() > 1 && asks.iter().any(|ask| is_ours(ask.party)),
        FindingKind::Unfounded => asks.is_empty(),
    };
    let is_twice = |place: usize, ask: &ShareAsk| {
        asks[..place].iter().any(|other| (other.party, other.employee_id) == (ask.party, ask.employee_id))
    };
    let has_twice = asks.iter().enumerate().any(|(place, ask)| is_twice(place, ask));
    let has_nothing = asks.iter().any(|ask| ask.pct == 0);
    if sum != whole || !fits || has_twice || has_nothing || !asks.iter().all(names_an_employee) {
        return Err(Refusal::SharesWrong { sum });
    }
    Ok(asks.iter().map(|ask| Share { party: ask.party, employee: ask.employee_id, pct: ask.pct }).collect())
}

/// True for the parties whose fault is ours.
pub(super) const fn is_ours(party: Party) -> bool {
    match party {
        Party::Company | Party::Worker => true,
        Party::Customer | Party::ThirdParty => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn of(party: Party, employee: Option<u128>, pct: u8) -> ShareAsk {
        ShareAsk { party, employee_id: employee.map(|id| EmployeeId::of(Uuid::from_u128(id))), pct }
    }

    #[test]
    fn c14_shares_are_100_and_of_the_parties_that_the_finding_names() {
        use FindingKind::{Company, Customer, Shared, Unfounded, Worker};
        let good: [(FindingKind, &[ShareAsk]); 6] = [
            (Company, &[of(Party::Company, None, 100)]),
            (Worker, &[of(Party::Worker, Some(1), 60), of(Party::Worker, Some(2), 40)]),
            (Shared, &[of(Party::Worker, Some(1), 70), of(Party::Customer, None, 30)]),
            (Shared, &[of(Party::Worker, Some(1), 50), of(Party::Company, None, 50)]),
            (Customer, &[of(Party::Customer, None, 100)]),
            (Unfounded, &[]),
        ];
        for (kind, shares) in good {
            assert!(checked(kind, shares).is_ok(), "{kind:?} {shares:?}");
        }
        let bad: [(FindingKind, &[ShareAsk]); 9] = [
            (Company, &[]),
            (Company, &[of(Party::Company, None, 99)]),
            (Company, &[of(Party::Worker, Some(1), 100)]),
            (Worker, &[of(Party::Worker, None, 100)]),
            (Worker, &[of(Party::Worker, Some(1), 60), of(Party::Worker, Some(1), 40)]),
            (Shared, &[of(Party::Worker, Some(1), 100)]),
            (Shared, &[of(Party::Customer, None, 50), of(Party::ThirdParty, None, 50)]),
            (Shared, &[of(Party::Worker, Some(1), 100), of(Party::Company, None, 0)]),
            (Unfounded, &[of(Party::Customer, None, 100)]),
        ];
        for (kind, shares) in bad {
            assert!(matches!(checked(kind, shares), Err(Refusal::SharesWrong { .. })), "{kind:?} {shares:?}");
        }
    }
}
