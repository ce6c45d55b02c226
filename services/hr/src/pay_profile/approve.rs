//! Approving a pay profile: it counts from its first day, and ends the one that went on until then.

use super::rules::{self, Employment};
use super::{
    Happened, PayProfile, PayProfileApproved, PayProfileEnded, PayProfileView, Refusal, State, store,
};
use crate::employee;
use crate::ids::PayProfileId;
use crate::payroll::PayPolicy;
use crate::person::Person;
use chrono::NaiveDate;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Span, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

/// The second person's word on a profile.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovePayProfile {}

impl Addressed for ApprovePayProfile {
    type To = PayProfileId;
}

/// Lets a profile count; it is checked again, because wages and policies may have changed since it was written.
pub fn decide(
    profile: PayProfile,
    terms: (&PayPolicy, Employment),
    approver: Person,
    now: Timestamp,
) -> Result<Decision<PayProfile>, Failure> {
    if profile.state != State::Draft {
        return Err(Refusal::AlreadyApproved {}.into());
    }
    if approver.is(&profile.author) {
        return Err(Refusal::OwnDraft {}.into());
    }
    if approver.is_employee(profile.employee) {
        return Err(Refusal::OwnPay {}.into());
    }
    let (policy, employment) = terms;
    rules::check(profile.pay, employment, policy)?;
    let approved = PayProfileApproved(Happened::to(&profile));
    let state = State::Approved { by: approver, at: now };
    Ok(Decision::of(PayProfile { state, ..profile }).and(approved))
}

/// Ends the profile that went on for ever where the next one begins.
pub fn end(earlier: PayProfile, on: NaiveDate) -> Decision<PayProfile> {
    let earlier = PayProfile { valid: Span { to: Some(on), ..earlier.valid }, ..earlier };
    let ended = PayProfileEnded(Happened::to(&earlier));
    Decision::of(earlier).and(ended)
}

/// Approves a pay profile (P6.6-1).
#[utoipa::path(post, path = "/v1/hr/pay-profiles/{id}/approve", request_body = ApprovePayProfile, responses(Commanded<PayProfileView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ApprovePayProfile, permission!("pay_profile.approve")>,
) -> Answer<PayProfileView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let profile = cmd.current(store::load(tx, cmd.id).await?)?;
            let from = profile.valid.from;
            let employee = employee::store::load(tx, profile.employee).await?;
            let (policy, employment) = store::terms(tx, &employee, from).await?;
            let decision = decide(profile, (&policy, employment), Person::of(&cmd.principal), now)?;
            if let Some(earlier) = store::load_open_before(tx, employee.id, from).await? {
                store::save(tx, &end(earlier, from)).await?;
            }
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::rules::ContractTerm;
    use super::*;
    use crate::employee::tests::date;
    use crate::payroll::input::Pay;
    use house::policy::Terms;
    use kernel::{BranchId, EmployeeId, Fen, UserId, Version};
    use uuid::Uuid;

    fn person(user: u128, employee: Option<u128>) -> Person {
        Person {
            user: UserId::of(Uuid::from_u128(user)),
            employee: employee.map(|id| EmployeeId::of(Uuid::from_u128(id))),
        }
    }

    fn profile() -> PayProfile {
        PayProfile {
            id: PayProfileId::of(Uuid::from_u128(1)),
            employee: EmployeeId::of(Uuid::from_u128(9)),
            branch: BranchId::of(Uuid::from_u128(2)),
            valid: Span { from: date("2025-11-17"), to: None },
            pay: Pay::Salaried { base: Fen::new(560_000), probation: None },
            commission: None,
            bonus_base: None,
            author: person(10, Some(11)),
            state: State::Draft,
            version: Version::of(1),
        }
    }

    fn approved_by(approver: Person, profile: PayProfile) -> Result<PayProfile, &'static str> {
        let (policy, now) =
            (PayPolicy::defaults(), Timestamp::of("2025-11-01T00:00:00Z".parse().expect("a literal")));
        let employment = Employment {
            hired_on: date("2025-10-01"),
            term: ContractTerm::OpenEnded,
            minimum_wage: Fen::new(269_000),
            minimum_wage_on_probation: Fen::new(269_000),
        };
        match decide(profile, (&policy, employment), approver, now) {
            Ok(decision) => {
                assert_eq!(decision.facts()[0].event_type, "hr.pay_profile.approved");
                Ok(decision.into_state())
            }
            Err(Failure::Refused(refused)) => Err(refused.error.code),
            Err(Failure::Fault(fault)) => panic!("{fault}"),
        }
    }

    #[test]
    fn h4_neither_the_author_nor_who_is_paid_approves_also_not_by_a_second_account() {
        for author in [person(10, None), person(99, Some(11))] {
            assert_eq!(approved_by(author, profile()), Err("sod.pay_profile.author"));
        }
        assert_eq!(approved_by(person(50, Some(9)), profile()), Err("sod.pay_profile.own_pay"));
        let approved = approved_by(person(20, Some(21)), profile()).expect("a second person may");
        assert_eq!(approved.state.word(), "approved");
        assert_eq!(approved_by(person(20, None), approved), Err("hr.pay_profile.already_approved"));
    }

    #[test]
    fn h_e12_a_later_profile_ends_the_earlier_one_where_it_begins() {
        let earlier = PayProfile { valid: Span { from: date("2025-10-01"), to: None }, ..profile() };
        let ended = end(earlier, date("2025-11-17"));
        assert_eq!(ended.state().valid.to, Some(date("2025-11-17")));
        assert_eq!(ended.facts()[0].event_type, "hr.pay_profile.ended");
    }
}
