//! What a service asks of a worker over time: from each of some instants on something else.

use super::Requirement;
use crate::certificate::Level;
use kernel::Timestamp;

/// The requirements of a service for one worker, each from its instant on; the first one holds before, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    first: Requirement,
    later: Vec<(Timestamp, Requirement)>,
}

impl Demand {
    /// The same at all times.
    pub const fn of(requirement: Requirement) -> Self {
        Self { first: requirement, later: Vec::new() }
    }

    /// Something else from an instant on, which lies after those before.
    #[must_use]
    pub fn then(mut self, from: Timestamp, requirement: Requirement) -> Self {
        self.later.push((from, requirement));
        self
    }

    /// What is asked for at an instant.
    pub fn at(&self, at: Timestamp) -> &Requirement {
        let later = self.later.iter().rfind(|(from, _)| *from <= at);
        later.map_or(&self.first, |(_, requirement)| requirement)
    }

    /// All of them, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Requirement> {
        [&self.first].into_iter().chain(self.later.iter().map(|(_, requirement)| requirement))
    }

    /// When something else is asked for.
    pub fn changes(&self) -> impl Iterator<Item = Timestamp> {
        self.later.iter().map(|(from, _)| *from)
    }

    /// The same, with a level the customer was promised wherever that is higher.
    #[must_use]
    pub fn at_least(self, level: Option<Level>) -> Self {
        let later = self.later.into_iter().map(|(from, one)| (from, one.at_least(level)));
        Self { later: later.collect(), first: self.first.at_least(level) }
    }
}
