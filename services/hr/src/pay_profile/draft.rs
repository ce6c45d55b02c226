//! Writing a pay profile.

use super::rules::{self, Employment};
use super::{Happened, PayProfile, PayProfileDrafted, PayProfileView, Refusal, State, store};
use crate::employee;
use crate::ids::PayProfileId;
use crate::payroll::PayPolicy;
use crate::payroll::input::{Pay, Probation};
use crate::person::Person;
use chrono::{Days, NaiveDate};
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::Failure;
use kernel::{BasisPoints, BranchId, Decision, EmployeeId, Fen, Money, Span, Version};
use serde::Deserialize;
use utoipa::ToSchema;

/// What somebody shall be paid by from a day on; counts once another person approves it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftPayProfile {
    /// Whose.
    pub employee_id: EmployeeId,
    /// First day it pays by.
    #[serde(deserialize_with = "kernel::time::date")]
    pub from: NaiveDate,
    /// By the month or by the visit.
    pub pay: NewPay,
    /// His share of fees he collects, 1/10,000; absent for the policy's.
    pub commission_bp: Option<BasisPoints>,
}

/// By the month or by the visit.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NewPay {
    /// A monthly base.
    Salaried {
        /// The agreed base of a whole month.
        base: Money,
        /// Less than the base for the first time.
        probation: Option<NewProbation>,
        /// What an appraisal's coefficient is applied to.
        bonus_base: Option<Money>,
    },
    /// The worker's share of each confirmed visit, and no base.
    ByVisit {},
}

/// A probation as agreed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProbation {
    /// The first day of full pay; absent for the policy's length, as far as the contract's term allows.
    #[serde(default, deserialize_with = "kernel::time::optional_date")]
    pub ends_on: Option<NaiveDate>,
    /// The share of the base until then, 1/10,000.
    pub bp: BasisPoints,
}

impl Addressed for DraftPayProfile {
    type To = New<PayProfileId>;
}

/// Who writes a profile, for whom, under which policy.
pub struct Draft<'a> {
    /// Its id.
    pub id: PayProfileId,
    /// The branch the employee belongs to.
    pub branch: BranchId,
    /// Who writes it.
    pub author: Person,
    /// The employment on its first day.
    pub employment: Employment,
    /// The policy in force on its first day.
    pub policy: &'a PayPolicy,
}

/// Checks a profile and keeps it as a draft.
pub fn decide(draft: Draft<'_>, command: &DraftPayProfile) -> Result<Decision<PayProfile>, Failure> {
    if draft.author.is_employee(command.employee_id) {
        return Err(Refusal::OwnPay {}.into());
    }
    if let Some(commission_bp) = command.commission_bp.filter(|rate| *rate > BasisPoints::WHOLE) {
        return Err(Refusal::RateAboveWhole { commission_bp }.into());
    }
    let (pay, bonus_base) = pay(&draft, command)?;
    rules::check(pay, draft.employment, draft.policy)?;
    let profile = PayProfile {
        id: draft.id,
        employee: command.employee_id,
        branch: draft.branch,
        valid: Span { from: command.from, to: None },
        pay,
        commission: command.commission_bp,
        bonus_base,
        author: draft.author,
        state: State::Draft,
        version: Version::NONE,
    };
    let drafted = PayProfileDrafted(Happened::to(&profile));
    Ok(Decision::of(profile).and(drafted).born_of(command.employee_id))
}

fn pay(draft: &Draft<'_>, command: &DraftPayProfile) -> Result<(Pay, Option<Fen>), Refusal> {
    match &command.pay {
        NewPay::ByVisit {} => Ok((Pay::ByVisit, None)),
        NewPay::Salaried { base, .. } if base.fen() <= Fen::ZERO => Err(Refusal::NoBase {}),
        NewPay::Salaried { base, probation, bonus_base } => {
            // Where the term allows no probation at all, the shortest one there is gets the refusal it deserves.
            let shortest = command.from + Days::new(1);
            let default = || rules::default_end(draft.employment, draft.policy).unwrap_or(shortest);
            let probation = probation
                .as_ref()
                .map(|agreed| Probation { ends_on: agreed.ends_on.unwrap_or_else(default), bp: agreed.bp });
            if probation.is_some_and(|probation| probation.ends_on <= command.from) {
                return Err(Refusal::ProbationOver { from: command.from });
            }
            Ok((Pay::Salaried { base: base.fen(), probation }, bonus_base.map(Money::fen)))
        }
    }
}

/// Writes a pay profile (P6.6-1).
#[utoipa::path(post, path = "/v1/hr/pay-profiles", request_body = DraftPayProfile, responses(Commanded<PayProfileView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<DraftPayProfile, permission!("pay_profile.write")>,
) -> Answer<PayProfileView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let employee = employee::store::load(tx, cmd.body.employee_id).await?;
            let (policy, employment) = store::terms(tx, &employee, cmd.body.from).await?;
            let author = Person::of(&cmd.principal);
            let draft = Draft { id: cmd.id, branch: employee.branch, author, employment, policy: &policy };
            let decision = decide(draft, &cmd.body)?;
            store::add(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::rules::ContractTerm;
    use super::*;
    use crate::employee::tests::date;
    use house::policy::Terms;
    use kernel::UserId;
    use uuid::Uuid;

    fn employee() -> EmployeeId {
        EmployeeId::of(Uuid::from_u128(9))
    }

    fn decided(author: Option<EmployeeId>, pay: serde_json::Value) -> Result<PayProfile, String> {
        let command: DraftPayProfile = serde_json::from_value(
            serde_json::json!({ "employee_id": employee(), "from": "2025-10-01", "pay": pay }),
        )
        .expect("a command");
        let policy = PayPolicy::defaults();
        let draft = Draft {
            id: PayProfileId::of(Uuid::from_u128(1)),
            branch: BranchId::of(Uuid::from_u128(2)),
            author: Person { user: UserId::of(Uuid::from_u128(3)), employee: author },
            employment: Employment {
                hired_on: date("2025-10-01"),
                term: ContractTerm::Until(date("2026-10-01")),
                minimum_wage: Fen::new(269_000),
                minimum_wage_on_probation: Fen::new(269_000),
            },
            policy: &policy,
        };
        match decide(draft, &command) {
            Ok(decision) => {
                assert_eq!(decision.facts()[0].event_type, "hr.pay_profile.drafted");
                Ok(decision.into_state())
            }
            Err(Failure::Refused(refused)) => Err(refused.error.code.to_owned()),
            Err(Failure::Fault(fault)) => panic!("{fault}"),
        }
    }

    fn base(yuan: &str, probation: serde_json::Value) -> serde_json::Value {
        serde_json::json!({ "salaried": { "base": { "amount": yuan, "currency": "CNY" }, "probation": probation } })
    }

    #[test]
    fn h_e11_a_profile_below_the_minimum_wage_is_refused_when_it_is_written() {
        let probation = serde_json::json!({ "bp": 8000 });
        assert_eq!(
            decided(None, base("3000.00", probation.clone())),
            Err("pay.below_minimum_wage".to_owned())
        );
        let written = decided(None, base("3362.50", probation)).expect("2,690.00 are the minimum wage");
        // A contract of a year: two months at most, though the policy says three.
        let ends_on = date("2025-12-01");
        let probation = Some(Probation { ends_on, bp: BasisPoints::new(8_000) });
        assert_eq!(written.pay, Pay::Salaried { base: Fen::new(336_250), probation });
    }

    #[test]
    fn a_probation_is_neither_over_before_it_begins_nor_too_long() {
        let until = |day: &str| serde_json::json!({ "bp": 9000, "ends_on": day });
        let code = |day: &str| decided(None, base("6000.00", until(day))).err().unwrap_or_default();
        assert_eq!(code("2025-10-01"), "hr.pay_profile.probation_over");
        assert_eq!(code("2025-12-01"), "");
        assert_eq!(code("2025-12-02"), "pay.probation_too_long");
    }

    #[test]
    fn h4_nobody_enters_what_he_is_paid_himself() {
        let by_visit = serde_json::json!({ "by_visit": {} });
        assert_eq!(decided(Some(employee()), by_visit.clone()), Err("sod.pay_profile.own_pay".to_owned()));
        assert_eq!(decided(None, by_visit).map(|profile| profile.pay), Ok(Pay::ByVisit));
        let nothing = base("0.00", serde_json::Value::Null);
        assert_eq!(decided(None, nothing), Err("hr.pay_profile.no_base".to_owned()));
    }
}
