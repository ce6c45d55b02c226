//! What a pay policy can say: the numbers of `hr.md` §3, none of which stands in code.
//!
//! Defaults: `rulebook/policies/hr.toml`, `pay`. A rule bound to a day (absence, lateness) uses the
//! policy of that day; a rule of the whole month (base, cap, carrying over) the one in force on its last day.

use chrono::NaiveDate;
use kernel::{BasisPoints, Month, PolicyVersionId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// All parameters of the pay calculation; one version of them is in force on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayPolicy {
    /// How the base of a month not employed throughout is reckoned (P6.6-1).
    pub base_method: BaseMethod,
    /// Paid days of an average month, 21.75 (L.wage-conversion-2).
    pub average_workdays: Decimal,
    /// What a day is worth when one is missed (L.wage-conversion-2).
    pub day_rate_method: DayRateMethod,
    /// How much of a day's pay a sick day keeps (L.labour-law-opinion-59).
    pub sick_bp: BasisPoints,
    /// Length of the probation unless the profile says otherwise, months (P6.6-1).
    pub probation_months: u32,
    /// The least share of the base that probation may pay (L.labour-contract-20).
    pub probation_minimum_bp: BasisPoints,
    /// Longest probation by contract term, shortest terms first (L.labour-contract-19).
    pub probation_limits: Vec<ProbationLimit>,
    /// Longest probation for every longer term, months (L.labour-contract-19).
    pub probation_longest_months: u32,
    /// Commission on collected fees; copied into each collection on its day (P6.6-2).
    pub commission_bp: BasisPoints,
    /// Which late days cost the higher rate (P6.7-1).
    pub late_mode: LateMode,
    /// From how many late days in a month the higher rate counts (P6.7-1).
    pub late_threshold: u32,
    /// A late day's share of the month's base (P6.7-1).
    pub late_bp: BasisPoints,
    /// The same from the threshold on (P6.7-1).
    pub late_repeated_bp: BasisPoints,
    /// Most that lateness and fines together take of the gross (L.wage-payment-16).
    pub cap_bp: BasisPoints,
    /// For how many months after its own a fine is tried again before it is written off (R6).
    pub carry_months: u32,
}

/// How the base of a month not employed throughout is reckoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BaseMethod {
    /// By scheduled workdays of the month.
    #[serde(rename = "scheduled")]
    Scheduled,
    /// By 21.75 days; a month employed throughout is paid whole all the same.
    #[serde(rename = "avg_21_75")]
    Average,
}

/// What a missed day costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DayRateMethod {
    /// Base / 21.75.
    #[serde(rename = "avg_21_75")]
    Average,
    /// Base / scheduled workdays of the month.
    #[serde(rename = "scheduled")]
    Scheduled,
}

/// Which late days of a month cost the higher rate once there are enough of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateMode {
    /// The one that reaches the threshold and those after it.
    FromThreshold,
    /// Every late day of the month.
    All,
}

/// The longest probation for contracts under a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbationLimit {
    /// Contracts shorter than this, months.
    pub term_under_months: u32,
    /// Longest probation, months.
    pub most_months: u32,
}

impl PayPolicy {
    /// The longest probation of a contract of so many months.
    fn probation_of(&self, term: u32) -> u32 {
        let limits = self.probation_limits.iter().filter(|limit| term < limit.term_under_months);
        let limit = limits.min_by_key(|limit| limit.term_under_months);
        limit.map_or(self.probation_longest_months, |limit| limit.most_months)
    }

    /// The shortest term, in months, for which this policy allows more probation than another one. Both change only where
    /// one of their limits ends.
    pub fn probation_above(&self, other: &Self) -> Option<u32> {
        let ends =
            |policy: &Self| policy.probation_limits.iter().map(|limit| limit.term_under_months).collect();
        let terms: Vec<u32> = [vec![0], ends(self), ends(other)].concat();
        terms.into_iter().filter(|term| self.probation_of(*term) > other.probation_of(*term)).min()
    }
}

/// A policy version and the first day it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyInForce {
    /// The first day, in the branch's zone.
    pub from: NaiveDate,
    /// Which version.
    pub version: PolicyVersionId,
    /// What it says.
    pub policy: PayPolicy,
}

/// The policy versions a month needs, oldest first and never none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policies {
    first: PolicyInForce,
    later: Vec<PolicyInForce>,
}

impl Policies {
    /// One policy for all days.
    pub fn one(policy: PolicyInForce) -> Self {
        Self { first: policy, later: Vec::new() }
    }

    /// Versions in any order; `None` if there are none.
    pub fn new(mut versions: Vec<PolicyInForce>) -> Option<Self> {
        versions.sort_by_key(|policy| (policy.from, policy.version));
        let mut versions = versions.into_iter();
        Some(Self { first: versions.next()?, later: versions.collect() })
    }

    /// The policy of a day; before the first one began, the first one.
    pub fn on(&self, day: NaiveDate) -> &PolicyInForce {
        self.later.iter().rev().find(|policy| policy.from <= day).unwrap_or(&self.first)
    }

    /// The policy of a whole month: the one of its last day.
    pub fn of(&self, month: Month) -> &PolicyInForce {
        month.days().last().map_or(&self.first, |day| self.on(day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use house::policy::Terms;

    #[test]
    fn the_rulebook_states_the_defaults_of_the_page() {
        let policy = PayPolicy::defaults();
        assert_eq!(policy.check(), Ok(()));
        assert_eq!((policy.cap_bp, policy.carry_months), (BasisPoints::new(2_000), 12));
        assert_eq!((policy.late_bp, policy.late_repeated_bp), (BasisPoints::new(100), BasisPoints::new(500)));
        assert_eq!((policy.late_threshold, policy.late_mode), (3, LateMode::FromThreshold));
        assert_eq!(policy.average_workdays, Decimal::new(2_175, 2));
        assert_eq!(policy.sick_bp, BasisPoints::new(8_000));
        assert_eq!(
            (policy.base_method, policy.day_rate_method),
            (BaseMethod::Scheduled, DayRateMethod::Average)
        );
    }

    #[test]
    fn a_policy_survives_its_own_json_and_refuses_unknown_members() {
        let mut json = serde_json::to_value(PayPolicy::defaults()).unwrap();
        assert_eq!(serde_json::from_value::<PayPolicy>(json.clone()).unwrap(), PayPolicy::defaults());
        json["cap_percent"] = 20.into();
        assert!(serde_json::from_value::<PayPolicy>(json).is_err());
    }

    #[test]
    fn a_policy_outside_the_law_is_refused() {
        let rulebook = PayPolicy::defaults();
        let greedy = PayPolicy { cap_bp: BasisPoints::new(2_001), ..rulebook.clone() };
        let endless = PayPolicy { average_workdays: Decimal::ZERO, ..rulebook.clone() };
        let never = PayPolicy { late_threshold: 0, ..rulebook.clone() };
        let poor = PayPolicy { probation_minimum_bp: BasisPoints::new(7_999), ..rulebook };
        for (policy, parameter) in [
            (greedy, "cap_bp"),
            (endless, "average_workdays"),
            (never, "late_threshold"),
            (poor, "probation_minimum_bp"),
        ] {
            let refused = policy.check().unwrap_err();
            assert_eq!(refused.error.code, "policy.out_of_bounds");
            assert_eq!(refused.params["parameter"], parameter);
        }
    }

    #[test]
    fn no_term_has_a_longer_probation_than_the_law_allows() {
        let limit = |term_under_months, most_months| ProbationLimit { term_under_months, most_months };
        let law = [limit(3, 0), limit(12, 1), limit(36, 2)];
        let check = |limits: &[ProbationLimit], longest| {
            let probation_limits = limits.to_vec();
            let policy =
                PayPolicy { probation_limits, probation_longest_months: longest, ..PayPolicy::defaults() };
            policy.check().map_err(|refused| (refused.error.code, refused.clause))
        };
        let refused = Err(("policy.wrong_terms", Some(kernel::clause!("L.labour-contract-19"))));
        for (limits, longest, expected) in [
            (&law[..], 6, Ok(())),
            (&law[..], 0, Ok(())),
            (&[limit(36, 2), limit(3, 0), limit(12, 1)], 6, Ok(())), // in any order
            (&[limit(3, 0), limit(24, 1), limit(48, 2)], 6, Ok(())), // shorter than the law's
            (&[limit(600, 0)], 6, Ok(())),                           // none for any term
            (&[], 0, Ok(())),
            (&[], 6, refused),              // two months of term, six of probation
            (&[limit(600, 1)], 6, refused), // none under three months
            (&[limit(3, 1), limit(12, 1), limit(36, 2)], 6, refused),
            (&[limit(3, 0), limit(12, 2), limit(36, 2)], 6, refused),
            (&[limit(3, 0), limit(12, 1), limit(36, 6)], 6, refused),
            (&[limit(3, 0), limit(12, 1), limit(35, 2)], 6, refused), // 35 months: two, not six
        ] {
            assert_eq!(check(limits, longest), expected, "{limits:?} {longest}");
        }
    }

    #[test]
    fn a_day_has_the_policy_in_force_on_it() {
        let version = |day: &str, id: u128| PolicyInForce {
            from: day.parse().unwrap(),
            version: PolicyVersionId::of(uuid::Uuid::from_u128(id)),
            policy: PayPolicy::defaults(),
        };
        let policies = Policies::new(vec![version("2025-11-16", 2), version("2025-01-01", 1)]).unwrap();
        let on = |day: &str| policies.on(day.parse().unwrap()).version.uuid().as_u128();
        assert_eq!((on("2024-01-01"), on("2025-11-15"), on("2025-11-16")), (1, 1, 2));
        assert_eq!(policies.of("2025-11".parse().unwrap()).version.uuid().as_u128(), 2);
        assert_eq!(policies.of("2025-10".parse().unwrap()).version.uuid().as_u128(), 1);
        assert_eq!(Policies::new(vec![]), None);
    }
}
