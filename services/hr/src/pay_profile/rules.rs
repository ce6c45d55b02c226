//! What a pay profile may say: the minimum wage, and probation (L.labour-contract-19, L.labour-contract-20).

use crate::payroll::PayPolicy;
use crate::payroll::input::{Pay, Probation};
use chrono::{Months, NaiveDate};
use kernel::{BasisPoints, Fen, clause, refusals};
use serde::{Deserialize, Serialize};

refusals! {
    /// The base, or its part on probation, is less than the minimum wage of the branch's city.
    BelowMinimumWage { pay: Fen, minimum_wage: Fen } = "pay.below_minimum_wage", clause!("L.labour-contract-20");
    /// Probation would pay too small a share of the base.
    ProbationRateTooLow { probation_bp: BasisPoints, minimum_bp: BasisPoints } = "pay.probation_rate_too_low", clause!("L.labour-contract-20");
    /// Probation would pay more than the base.
    ProbationRateTooHigh { probation_bp: BasisPoints } = "pay.probation_rate_too_high", clause!("L.labour-contract-20");
    /// Longer than the contract's term allows.
    ProbationTooLong { ends_on: NaiveDate, most_months: u32, latest: NaiveDate } = "pay.probation_too_long", clause!("L.labour-contract-19");
}

/// How long somebody is employed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ContractTerm {
    /// Until the day before this one.
    Until(NaiveDate),
    /// Without an end.
    OpenEnded,
}

/// What the checks need to know about the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Employment {
    /// His first day: probation runs from it, whatever day the profile starts on.
    pub hired_on: NaiveDate,
    /// The contract.
    pub term: ContractTerm,
    /// The minimum wage of his branch's city on the profile's first day, a month, fen.
    pub minimum_wage: Fen,
    /// The highest one while on probation.
    pub minimum_wage_on_probation: Fen,
}

/// Refuses a profile that pays too little, or whose probation is too long.
pub fn check(pay: Pay, employment: Employment, policy: &PayPolicy) -> Result<(), Refusal> {
    match pay {
        // A base is agreed for a whole month of full time.
        Pay::Salaried { base, probation: _ } if base < employment.minimum_wage => {
            Err(Refusal::BelowMinimumWage { pay: base, minimum_wage: employment.minimum_wage })
        }
        Pay::Salaried { base, probation: Some(probation) } => {
            check_pay(base, probation, employment.minimum_wage_on_probation, policy)?;
            check_length(probation, employment, policy)
        }
        Pay::Salaried { base: _, probation: None } | Pay::ByVisit => Ok(()),
    }
}

/// The first day of full pay unless the profile says otherwise: the policy's probation, as far as the contract's
/// term allows. `None` where the term allows none.
pub fn default_end(employment: Employment, policy: &PayPolicy) -> Option<NaiveDate> {
    let months = most_months(employment, policy).min(policy.probation_months);
    (months > 0).then(|| after(employment.hired_on, months))
}

fn check_pay(base: Fen, probation: Probation, minimum_wage: Fen, policy: &PayPolicy) -> Result<(), Refusal> {
    let probation_bp = probation.bp;
    if probation_bp < policy.probation_minimum_bp {
        return Err(Refusal::ProbationRateTooLow { probation_bp, minimum_bp: policy.probation_minimum_bp });
    }
    if probation_bp > BasisPoints::WHOLE {
        return Err(Refusal::ProbationRateTooHigh { probation_bp });
    }
    let pay = probation_bp.of(base);
    if pay < minimum_wage {
        return Err(Refusal::BelowMinimumWage { pay, minimum_wage });
    }
    Ok(())
}

fn check_length(probation: Probation, employment: Employment, policy: &PayPolicy) -> Result<(), Refusal> {
    let most_months = most_months(employment, policy);
    let latest = after(employment.hired_on, most_months);
    if probation.ends_on > latest {
        return Err(Refusal::ProbationTooLong { ends_on: probation.ends_on, most_months, latest });
    }
    Ok(())
}

fn most_months(employment: Employment, policy: &PayPolicy) -> u32 {
    let ContractTerm::Until(end) = employment.term else { return policy.probation_longest_months };
    let is_under = |months: u32| end < after(employment.hired_on, months);
    let mut limits: Vec<_> = policy.probation_limits.iter().collect();
    limits.sort_by_key(|limit| limit.term_under_months);
    let limit = limits.into_iter().find(|limit| is_under(limit.term_under_months));
    limit.map_or(policy.probation_longest_months, |limit| limit.most_months)
}

/// So many months later; a policy may name more of them than there are days.
fn after(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_add_months(Months::new(months)).unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payroll::fixture::date;
    use crate::payroll::policy::ProbationLimit;
    use house::policy::Terms;
    use kernel::Refusal as _;

    fn profile(base: i64, bp: u32, ends_on: &str) -> Pay {
        let probation = Probation { ends_on: date(ends_on), bp: BasisPoints::new(bp) };
        Pay::Salaried { base: Fen::new(base), probation: Some(probation) }
    }

    fn employment(term: ContractTerm) -> Employment {
        let minimum_wage = Fen::new(269_000);
        let hired_on = date("2025-10-01");
        Employment { hired_on, term, minimum_wage, minimum_wage_on_probation: minimum_wage }
    }

    fn refused(pay: Pay, term: ContractTerm) -> Option<&'static str> {
        check(pay, employment(term), &PayPolicy::defaults()).err().map(|refusal| refusal.refused().error.code)
    }

    #[test]
    fn h_e11_probation_below_the_minimum_wage() {
        let refusal = check(
            profile(300_000, 8_000, "2026-01-01"),
            employment(ContractTerm::OpenEnded),
            &PayPolicy::defaults(),
        );
        assert_eq!(
            refusal,
            Err(Refusal::BelowMinimumWage { pay: Fen::new(240_000), minimum_wage: Fen::new(269_000) })
        );
        let refused = refusal.unwrap_err().refused();
        assert_eq!(refused.error.code, "pay.below_minimum_wage");
        assert_eq!(refused.clause, Some(clause!("L.labour-contract-20")));
    }

    #[test]
    fn a_probation_at_the_limits_is_accepted() {
        // 3,362.50 × 80 % is exactly 2,690.00.
        for (pay, expected) in [
            (profile(336_250, 8_000, "2026-01-01"), None),
            (profile(336_249, 8_000, "2026-01-01"), Some("pay.below_minimum_wage")),
            (profile(500_000, 7_999, "2026-01-01"), Some("pay.probation_rate_too_low")),
            (profile(500_000, 10_000, "2026-01-01"), None),
            (profile(500_000, 10_001, "2026-01-01"), Some("pay.probation_rate_too_high")),
            (Pay::Salaried { base: Fen::new(269_000), probation: None }, None),
            (Pay::Salaried { base: Fen::new(268_999), probation: None }, Some("pay.below_minimum_wage")),
            (Pay::ByVisit, None),
        ] {
            assert_eq!(refused(pay, ContractTerm::OpenEnded), expected, "{pay:?}");
        }
    }

    #[test]
    fn the_term_of_the_contract_bounds_the_probation() {
        let too_long = Some("pay.probation_too_long");
        let term = |end: &str| ContractTerm::Until(date(end));
        for (term, ends_on, expected) in [
            (term("2025-12-31"), "2025-10-02", too_long), // a day short of three months: none
            (term("2026-01-01"), "2025-11-01", None),     // three months: one month
            (term("2026-01-01"), "2025-11-02", too_long),
            (term("2026-09-30"), "2025-11-02", too_long), // a day short of a year: one month
            (term("2026-10-01"), "2025-12-01", None),     // a year: two months
            (term("2026-10-01"), "2025-12-02", too_long),
            (term("2028-09-30"), "2025-12-02", too_long), // a day short of three years: two months
            (term("2028-10-01"), "2026-04-01", None),     // three years: six months
            (term("2028-10-01"), "2026-04-02", too_long),
            (ContractTerm::OpenEnded, "2026-04-01", None),
            (ContractTerm::OpenEnded, "2026-04-02", too_long),
        ] {
            assert_eq!(refused(profile(500_000, 8_000, ends_on), term), expected, "{term:?} {ends_on}");
        }
    }

    #[test]
    fn a_policy_may_name_a_term_beyond_all_dates() {
        let limits = vec![ProbationLimit { term_under_months: u32::MAX, most_months: 0 }];
        let policy = PayPolicy { probation_limits: limits, ..PayPolicy::defaults() };
        let term = ContractTerm::Until(date("2028-10-01"));
        let refused = check(profile(500_000, 8_000, "2025-10-02"), employment(term), &policy);
        assert_eq!(refused.unwrap_err().refused().error.code, "pay.probation_too_long");
        assert_eq!(default_end(employment(term), &policy), None);
    }

    #[test]
    fn the_default_is_three_months_as_far_as_the_term_allows() {
        let default = |term| default_end(employment(term), &PayPolicy::defaults());
        assert_eq!(default(ContractTerm::OpenEnded), Some(date("2026-01-01")));
        assert_eq!(default(ContractTerm::Until(date("2026-10-01"))), Some(date("2025-12-01")));
        assert_eq!(default(ContractTerm::Until(date("2025-12-31"))), None);
    }
}
