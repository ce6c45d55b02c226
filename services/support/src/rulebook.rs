//! Where the defaults of support's policies stand.

use house::policy::RuleBook;

/// So many days or business days, or fewer, a policy may grant: ten years. What is longer was mistyped, and no reckoning
/// with dates has to bear it.
pub(crate) const MOST_DAYS: u32 = 3_650;

/// The same in minutes.
pub(crate) const MOST_MINUTES: u32 = MOST_DAYS * 24 * 60;

/// The file: every number of a rule with clause and source.
pub(crate) const RULEBOOK: RuleBook = RuleBook::of(include_str!("../../../rulebook/policies/support.toml"));
