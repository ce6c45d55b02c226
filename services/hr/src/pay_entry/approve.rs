//! Approving a pay entry.

use super::{Happened, PayEntry, PayEntryApproved, PayEntryView, Refusal, State, store};
use crate::ids::PayEntryId;
use crate::person::Person;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

/// The second person's word on an entry.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovePayEntry {}

impl Addressed for ApprovePayEntry {
    type To = PayEntryId;
}

/// Lets an entry count.
pub fn decide(entry: PayEntry, approver: Person, now: Timestamp) -> Result<Decision<PayEntry>, Refusal> {
    if entry.state != State::Draft {
        return Err(Refusal::AlreadyApproved {});
    }
    if approver.is(&entry.author) {
        return Err(Refusal::OwnDraft {});
    }
    if approver.is_employee(entry.employee) {
        return Err(Refusal::OwnPay {});
    }
    let approved = PayEntryApproved(Happened::to(&entry));
    Ok(Decision::of(PayEntry { state: State::Approved { by: approver, at: now }, ..entry }).and(approved))
}

/// Approves a pay entry (P6.6-3).
#[utoipa::path(post, path = "/v1/hr/pay-entries/{id}/approve", request_body = ApprovePayEntry, responses(Commanded<PayEntryView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ApprovePayEntry, permission!("pay_entry.approve")>,
) -> Answer<PayEntryView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let entry = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(entry, Person::of(&cmd.principal), now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payroll::input::EntryKind;
    use kernel::{BranchId, EmployeeId, Fen, Month, UserId, Version};
    use uuid::Uuid;

    fn person(user: u128, employee: Option<u128>) -> Person {
        Person {
            user: UserId::of(Uuid::from_u128(user)),
            employee: employee.map(|id| EmployeeId::of(Uuid::from_u128(id))),
        }
    }

    #[test]
    fn h4_a_second_person_approves_and_not_the_one_who_is_paid() {
        let now = Timestamp::of("2025-10-31T00:00:00Z".parse().expect("a literal"));
        let entry = PayEntry {
            id: PayEntryId::of(Uuid::from_u128(1)),
            employee: EmployeeId::of(Uuid::from_u128(9)),
            branch: BranchId::of(Uuid::from_u128(2)),
            month: Month::new(2025, 10).expect("a month"),
            kind: EntryKind::Allowance,
            amount: Fen::new(30_000),
            reason: "高温津贴".to_owned(),
            author: person(10, Some(11)),
            state: State::Draft,
            version: Version::of(1),
        };
        for author in [person(10, None), person(99, Some(11))] {
            assert_eq!(decide(entry.clone(), author, now).err(), Some(Refusal::OwnDraft {}));
        }
        assert_eq!(decide(entry.clone(), person(50, Some(9)), now).err(), Some(Refusal::OwnPay {}));
        let approved = decide(entry, person(20, Some(21)), now).expect("a second person may");
        assert_eq!(approved.facts()[0].event_type, "hr.pay_entry.approved");
        let again = decide(approved.into_state(), person(20, Some(21)), now).err();
        assert_eq!(again, Some(Refusal::AlreadyApproved {}));
    }
}
