//! Entering an addition to somebody's pay.

use super::{Happened, PayEntry, PayEntryDrafted, PayEntryView, Refusal, State, store};
use crate::ids::PayEntryId;
use crate::payroll::input::EntryKind;
use crate::person::Person;
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::Failure;
use kernel::{BranchId, Decision, EmployeeId, Fen, Money, Month, Version};
use serde::Deserialize;
use utoipa::ToSchema;

/// An addition to somebody's pay; counts once another person approves it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftPayEntry {
    /// Whose.
    pub employee_id: EmployeeId,
    /// The month that pays it; the next open run where that month is paid already.
    pub month: Month,
    /// What for: `bonus`, `allowance`.
    #[schema(value_type = String)]
    pub kind: EntryKind,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
}

impl Addressed for DraftPayEntry {
    type To = New<PayEntryId>;
}

/// Keeps an entry as a draft; `branch` is the employee's.
pub fn decide(
    id: PayEntryId,
    branch: BranchId,
    author: Person,
    command: &DraftPayEntry,
) -> Result<Decision<PayEntry>, Refusal> {
    const MOST: usize = 500;
    if author.is_employee(command.employee_id) {
        return Err(Refusal::OwnPay {});
    }
    if command.amount.fen() <= Fen::ZERO {
        return Err(Refusal::NoAmount {});
    }
    let reason = command.reason.trim();
    if reason.is_empty() || reason.chars().count() > MOST {
        return Err(Refusal::ReasonLength { most: MOST });
    }
    let entry = PayEntry {
        id,
        employee: command.employee_id,
        branch,
        month: command.month,
        kind: command.kind,
        amount: command.amount.fen(),
        reason: reason.to_owned(),
        author,
        state: State::Draft,
        version: Version::NONE,
    };
    let drafted = PayEntryDrafted(Happened::to(&entry));
    Ok(Decision::of(entry).and(drafted).born_of(command.employee_id))
}

/// Enters an addition to somebody's pay (P6.6-3).
#[utoipa::path(post, path = "/v1/hr/pay-entries", request_body = DraftPayEntry, responses(Commanded<PayEntryView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<DraftPayEntry, permission!("pay_entry.write")>,
) -> Answer<PayEntryView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let branch = store::payer(tx, cmd.body.employee_id, cmd.body.month).await?;
            let decision = decide(cmd.id, branch, Person::of(&cmd.principal), &cmd.body)?;
            store::add(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::UserId;
    use uuid::Uuid;

    #[test]
    fn h4_nobody_enters_his_own_bonus_and_an_entry_has_an_amount_and_a_reason() {
        let employee = EmployeeId::of(Uuid::from_u128(9));
        let command = |amount: i64, reason: &str| DraftPayEntry {
            employee_id: employee,
            month: Month::new(2025, 10).expect("a month"),
            kind: EntryKind::Bonus,
            amount: Money::of(Fen::new(amount)),
            reason: reason.to_owned(),
        };
        let (id, branch) = (PayEntryId::of(Uuid::from_u128(1)), BranchId::of(Uuid::from_u128(2)));
        let author = |employee| Person { user: UserId::of(Uuid::from_u128(3)), employee };
        let decided = |author, command| decide(id, branch, author, &command);
        let own = decided(author(Some(employee)), command(50_000, "国庆值班")).err();
        assert_eq!(own, Some(Refusal::OwnPay {}));
        assert_eq!(decided(author(None), command(0, "国庆值班")).err(), Some(Refusal::NoAmount {}));
        let mute = decided(author(None), command(50_000, " ")).err();
        assert_eq!(mute, Some(Refusal::ReasonLength { most: 500 }));
        let entered = decided(author(None), command(50_000, "国庆值班")).expect("it may be entered");
        assert_eq!(entered.facts()[0].event_type, "hr.pay_entry.drafted");
        assert!(!entered.facts()[0].data.to_string().contains('国'), "no free text in events");
    }
}
