//! Policies of contracts, typed; their values with clause and source stand in `rulebook/policies/contracts.toml`.

use crate::price::bounds::Lock;
use crate::price::{OverridePolicy, ServiceCode};
use events::contracts::HealthClass;
use house::policy::{RuleBook, Terms};
use kernel::{Clause, Refused, clause};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The defaults: every number of a rule with clause and source.
const RULEBOOK: RuleBook = RuleBook::of(include_str!("../../../rulebook/policies/contracts.toml"));

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

/// How a visit may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitStart {
    /// So many minutes before its window at the earliest.
    pub early_minutes: u32,
}

/// Which yellow lights a branch manager may let pass (workforce W7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitOverride {
    /// The reasons, by workforce's codes; any other stops.
    pub reasons: BTreeSet<String>,
    /// For services of these health classes nothing about health passes.
    pub health_never_for: BTreeSet<HealthClass>,
}

impl Terms for PriceOverride {
    const KIND: &'static str = "price_override";
    const CLAUSE: Clause = clause!("P1-2");
    const BOOK: RuleBook = RULEBOOK;
    /// What is set for a single service keeps within the same bounds.
    fn agree(&self) -> Result<(), Refused> {
        self.services.values().try_for_each(|service| Self::BOOK.within_bounds(Self::KIND, service))
    }
}

impl Terms for MandatoryContent {
    const KIND: &'static str = "mandatory_content";
    const CLAUSE: Clause = clause!("L.mofcom-2012-11");
    const BOOK: RuleBook = RULEBOOK;
    /// More may be demanded than the law does, never less.
    fn agree(&self) -> Result<(), Refused> {
        let is_there = |lawful: &MandatoryField| self.fields.iter().any(|here| here.path == lawful.path);
        match Self::defaults().fields.iter().find(|lawful| !is_there(lawful)) {
            None => Ok(()),
            Some(lawful) => Err(Self::wrong(&format!("the law demands {}", lawful.path))),
        }
    }
}

impl Terms for VisitConfirmation {
    const KIND: &'static str = "visit_confirmation";
    const CLAUSE: Clause = clause!("P1-4");
    const BOOK: RuleBook = RULEBOOK;
}

impl Terms for VisitTravel {
    const KIND: &'static str = "visit_travel";
    const CLAUSE: Clause = clause!("P1-1");
    const BOOK: RuleBook = RULEBOOK;
}

impl Terms for VisitStart {
    const KIND: &'static str = "visit_start";
    const CLAUSE: Clause = clause!("P1-4");
    const BOOK: RuleBook = RULEBOOK;
}

impl Terms for VisitOverride {
    const KIND: &'static str = "visit_override";
    const CLAUSE: Clause = clause!("P1-1");
    const BOOK: RuleBook = RULEBOOK;
    /// More may be refused than the rule book does, health for mothers, infants and the old always.
    fn agree(&self) -> Result<(), Refused> {
        match Self::defaults().health_never_for.is_subset(&self.health_never_for) {
            true => Ok(()),
            false => Err(Self::wrong("health never passes for elderly care, mothers and infants")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mandatory_field_names_a_clause_that_exists() {
        for field in MandatoryContent::defaults().fields {
            assert!(Clause::find(&field.clause).is_some(), "{}: {}", field.path, field.clause);
        }
    }

    #[test]
    fn defaults_hold_and_the_law_cannot_be_policied_away() {
        assert_eq!(PriceOverride::defaults().check(), Ok(()));
        assert_eq!(MandatoryContent::defaults().check(), Ok(()));
        assert_eq!(VisitConfirmation::defaults().check(), Ok(()));
        assert_eq!(VisitTravel::defaults().check(), Ok(()));
        assert_eq!(VisitStart::defaults().check(), Ok(()));
        assert_eq!(VisitOverride::defaults().check(), Ok(()));
        let lax = VisitOverride { health_never_for: BTreeSet::new(), ..VisitOverride::defaults() };
        assert!(lax.check().is_err());
        let mut less = MandatoryContent::defaults();
        less.fields.pop();
        assert!(less.check().is_err());
    }
}
