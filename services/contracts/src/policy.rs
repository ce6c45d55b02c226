//! Policies of contracts, typed; their values with clause and source stand in `rulebook/policies/contracts.toml`.

use crate::price::bounds::Lock;
use crate::price::{OverridePolicy, ServiceCode};
use house::policy::Terms;
use kernel::{Clause, Refused, clause, refusals};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

refusals! {
    /// A number of a policy outside what it may be.
    OutOfBounds { parameter: &'static str, value: u32, min: u32, max: u32 } = "contracts.policy_out_of_bounds";
}

/// Where a value comes from, and the value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sourced<T> {
    /// The clause it belongs to.
    pub clause: String,
    /// Where it stands.
    pub source: String,
    /// The typed value.
    pub parameters: T,
}

/// The defaults of every policy kind of this service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractsPolicy {
    /// How far branches may go.
    pub price_override: Sourced<PriceOverride>,
    /// What a contract must contain.
    pub mandatory_content: Sourced<MandatoryContent>,
    /// When a visit confirms itself.
    pub visit_confirmation: Sourced<VisitConfirmation>,
    /// How much time lies between two visits of one worker.
    pub visit_travel: Sourced<VisitTravel>,
}

/// How far branches may go: for the services the network names, else for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceOverride {
    /// The least, of the base price, in basis points; inside.
    pub floor_bp: kernel::BasisPoints,
    /// The most, of the base price, in basis points; inside.
    pub ceiling_bp: kernel::BasisPoints,
    /// Whether branches may change prices.
    pub lock: Lock,
    /// What the network sets for single services.
    #[serde(default)]
    pub services: BTreeMap<ServiceCode, OverridePolicy>,
}

impl PriceOverride {
    /// What counts for a service.
    pub fn of(&self, service: &ServiceCode) -> OverridePolicy {
        let Self { floor_bp, ceiling_bp, lock, ref services } = *self;
        services.get(service).copied().unwrap_or(OverridePolicy { floor_bp, ceiling_bp, lock })
    }
}

/// What a contract must contain before it leaves draft (C2, L.mofcom-2012-11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MandatoryContent {
    /// Every field.
    pub fields: Vec<MandatoryField>,
}

/// One mandatory field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MandatoryField {
    /// Where it stands in the contract, `/workers/*/name`; `*` is every member of a list that has one at least.
    pub path: String,
    /// Its name, Chinese.
    pub zh: String,
    /// Its name, English.
    pub en: String,
    /// The clause that demands it.
    pub clause: String,
}

/// When a visit that nobody confirmed or disputed counts as confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitConfirmation {
    /// So many hours after it was done.
    pub after_hours: u32,
}

/// How much time a worker needs between two visits (C6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitTravel {
    /// In minutes, after every visit.
    pub buffer_minutes: u32,
}

impl ContractsPolicy {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// What the rule book says until somebody decides otherwise.
pub(crate) fn defaults() -> ContractsPolicy {
    ContractsPolicy::parse(include_str!("../../../rulebook/policies/contracts.toml"))
        .expect("the rule book is readable")
}

fn between(parameter: &'static str, value: u32, min: u32, max: u32) -> Result<(), Refused> {
    let refusal = Refusal::OutOfBounds { parameter, value, min, max };
    if (min..=max).contains(&value) { Ok(()) } else { Err(kernel::Refusal::refused(refusal)) }
}

impl Terms for PriceOverride {
    const KIND: &'static str = "price_override";
    const CLAUSE: Clause = clause!("P1-2");
    fn defaults() -> Self {
        defaults().price_override.parameters
    }
    fn check(&self) -> Result<(), Refused> {
        let whole = kernel::BasisPoints::WHOLE.bp();
        let named = self.services.keys().map(|service| self.of(service));
        let all = OverridePolicy { floor_bp: self.floor_bp, ceiling_bp: self.ceiling_bp, lock: self.lock };
        for bounds in named.chain([all]) {
            between("floor_bp", bounds.floor_bp.bp(), 0, whole)?;
            between("ceiling_bp", bounds.ceiling_bp.bp(), whole, u32::MAX)?;
        }
        Ok(())
    }
}

impl Terms for MandatoryContent {
    const KIND: &'static str = "mandatory_content";
    const CLAUSE: Clause = clause!("L.mofcom-2012-11");
    fn defaults() -> Self {
        defaults().mandatory_content.parameters
    }
    /// More may be demanded than the law does, never less.
    fn check(&self) -> Result<(), Refused> {
        let lawful = Self::defaults().fields.len();
        let kept = Self::defaults()
            .fields
            .iter()
            .filter(|field| self.fields.iter().any(|here| here.path == field.path))
            .count();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        between("fields", number(kept), number(lawful), number(lawful))
    }
}

impl Terms for VisitConfirmation {
    const KIND: &'static str = "visit_confirmation";
    const CLAUSE: Clause = clause!("P1-4");
    fn defaults() -> Self {
        defaults().visit_confirmation.parameters
    }
    fn check(&self) -> Result<(), Refused> {
        between("after_hours", self.after_hours, 1, 24 * 31)
    }
}

impl Terms for VisitTravel {
    const KIND: &'static str = "visit_travel";
    const CLAUSE: Clause = clause!("P1-1");
    fn defaults() -> Self {
        defaults().visit_travel.parameters
    }
    fn check(&self) -> Result<(), Refused> {
        between("buffer_minutes", self.buffer_minutes, 0, 24 * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_names_a_clause_that_exists() {
        let policy = defaults();
        let kinds = [
            &policy.price_override.clause,
            &policy.mandatory_content.clause,
            &policy.visit_confirmation.clause,
            &policy.visit_travel.clause,
        ];
        let fields = policy.mandatory_content.parameters.fields.iter().map(|field| &field.clause);
        for clause in kinds.into_iter().chain(fields) {
            assert!(Clause::find(clause).is_some(), "{clause}");
        }
    }

    #[test]
    fn defaults_hold_and_the_law_cannot_be_policied_away() {
        assert_eq!(PriceOverride::defaults().check(), Ok(()));
        assert_eq!(MandatoryContent::defaults().check(), Ok(()));
        assert_eq!(VisitConfirmation::defaults().check(), Ok(()));
        assert_eq!(VisitTravel::defaults().check(), Ok(()));
        let mut less = MandatoryContent::defaults();
        less.fields.pop();
        assert!(less.check().is_err());
    }
}
