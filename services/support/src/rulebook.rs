//! Where the defaults of support's policies stand.

use house::policy::RuleBook;

/// The file: every number of a rule with clause and source.
pub(crate) const RULEBOOK: RuleBook = RuleBook::of(include_str!("../../../rulebook/policies/support.toml"));
