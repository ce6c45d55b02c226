//! A run over many people: totals that add up (H2) and a hash that any chunking reproduces (H3).
//!
//! Both are folded chunk by chunk: nothing here needs more than one slip and 32 bytes per person in memory.

use crate::payroll::line::{Line, LineKind, Rate, Source};
use crate::payroll::slip::{Exception, FineOutcome, RefundOutcome, Slip};
use kernel::{BranchId, Clause, EmployeeId, Fen, Month, PolicyVersionId};
use rust_decimal::Decimal;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// The sums of a run. A blocked slip is counted and left out of every sum: it is neither posted nor paid.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Slips that can be paid.
    pub slips: u64,
    /// Slips that an exception keeps out.
    pub blocked: u64,
    /// Fen.
    pub gross: Fen,
    /// Lateness taken, fen.
    pub lateness: Fen,
    /// Lateness waived, fen.
    pub lateness_waived: Fen,
    /// Fines taken, fen.
    pub penalties: Fen,
    /// Fines given back, fen.
    pub refunds: Fen,
    /// Corrections, signed, fen.
    pub adjustments: Fen,
    /// Fen.
    pub net: Fen,
    /// The net by branch; together the net (H2), fen.
    pub branches: BTreeMap<BranchId, Fen>,
}

impl Totals {
    /// With one slip more.
    #[must_use]
    pub fn with(self, slip: &Slip) -> Self {
        if slip.is_blocked() {
            return self.merge(&Self { blocked: 1, ..Self::default() });
        }
        let mut branches: BTreeMap<BranchId, Fen> = BTreeMap::new();
        for cost in &slip.costs {
            let sum = branches.entry(cost.branch).or_default();
            *sum = *sum + cost.amount;
        }
        self.merge(&Self {
            slips: 1,
            blocked: 0,
            gross: slip.gross,
            lateness: slip.lateness,
            lateness_waived: slip.lateness_waived,
            penalties: slip.penalties,
            refunds: slip.refunds,
            adjustments: slip.adjustments,
            net: slip.net,
            branches,
        })
    }

    /// Together with those of another chunk.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        for (branch, amount) in &other.branches {
            let sum = self.branches.entry(*branch).or_default();
            *sum = *sum + *amount;
        }
        Self {
            slips: self.slips + other.slips,
            blocked: self.blocked + other.blocked,
            gross: self.gross + other.gross,
            lateness: self.lateness + other.lateness,
            lateness_waived: self.lateness_waived + other.lateness_waived,
            penalties: self.penalties + other.penalties,
            refunds: self.refunds + other.refunds,
            adjustments: self.adjustments + other.adjustments,
            net: self.net + other.net,
            branches: self.branches,
        }
    }
}

/// A SHA-256; shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// From the bytes as stored.
    pub const fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for SQL parameters.
    pub const fn bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a slip says, without its wording: a better sentence in a formula must not change the hash of a month.
#[derive(Serialize)]
struct Canonical<'a> {
    employee_id: EmployeeId,
    month: Month,
    branch: Option<BranchId>,
    lines: Vec<CanonicalLine<'a>>,
    lateness_waived: Fen,
    commission_debt: Fen,
    fines: &'a [FineOutcome],
    refunded: &'a [RefundOutcome],
    exceptions: &'a [Exception],
    costs: Vec<(BranchId, Fen)>,
}

#[derive(Serialize)]
struct CanonicalLine<'a> {
    kind: LineKind,
    quantity: Decimal,
    rate: Rate,
    base: Fen,
    amount: Fen,
    clause: Clause,
    policy_version: PolicyVersionId,
    source: &'a Source,
    branch: Option<BranchId>,
}

impl<'a> CanonicalLine<'a> {
    fn of(line: &'a Line) -> Self {
        Self {
            kind: line.kind,
            quantity: line.quantity.normalize(),
            rate: line.rate,
            base: line.base,
            amount: line.amount,
            clause: line.clause,
            policy_version: line.policy_version,
            source: &line.source,
            branch: line.branch,
        }
    }
}

/// The hash of one slip.
pub fn digest(slip: &Slip) -> Digest {
    let canonical = Canonical {
        employee_id: slip.employee_id,
        month: slip.month,
        branch: slip.branch,
        lines: slip.lines.iter().map(CanonicalLine::of).collect(),
        lateness_waived: slip.lateness_waived,
        commission_debt: slip.commission_debt,
        fines: &slip.fines,
        refunded: &slip.refunded,
        exceptions: &slip.exceptions,
        costs: slip.costs.iter().map(|cost| (cost.branch, cost.amount)).collect(),
    };
    let text = serde_json::to_vec(&canonical).expect("slips are plain data");
    Digest(Sha256::digest(&text).into())
}

/// The hash of a run from its slips' hashes, in whatever order and chunks they come (H3).
pub fn hash(month: Month, digests: impl IntoIterator<Item = (EmployeeId, Digest)>) -> Digest {
    let sorted: BTreeMap<EmployeeId, Digest> = digests.into_iter().collect();
    let mut hasher = Sha256::new();
    hasher.update(month.to_string());
    for (employee, digest) in sorted {
        hasher.update(employee.uuid().as_bytes());
        hasher.update(digest.0);
    }
    Digest(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payroll::fixture::*;
    use crate::payroll::{PayPolicy, calculate};
    use house::policy::Terms;

    #[test]
    fn a_hash_knows_every_fen_but_not_the_wording() {
        let input = salaried("2025-11", 500_000, from("2025-01-01"));
        let slip = calculate(&input, &always(PayPolicy::defaults()));
        let changed = |change: fn(&mut Slip)| {
            let mut other = slip.clone();
            change(&mut other);
            digest(&other) != digest(&slip)
        };
        assert!(changed(|slip| slip.lines[0].amount = Fen::new(500_001)));
        assert!(changed(|slip| slip.lateness_waived = Fen::new(1)));
        assert!(changed(|slip| slip.costs[0].amount = Fen::new(1)));
        assert!(changed(|slip| slip.employee_id = EmployeeId::of(uuid::Uuid::from_u128(8))));
        assert!(!changed(|slip| slip.lines[0].formula.en.push('!')));
        assert_eq!(digest(&slip).to_string().len(), 64);
    }

    #[test]
    fn the_hash_of_a_run_knows_its_month_and_its_people() {
        let person = |id| EmployeeId::of(uuid::Uuid::from_u128(id));
        let (one, two) = (Digest::of([1; 32]), Digest::of([2; 32]));
        let month = |text: &str| text.parse::<Month>().unwrap();
        let run = hash(month("2025-11"), [(person(1), one), (person(2), two)]);
        assert_eq!(hash(month("2025-11"), [(person(2), two), (person(1), one)]), run);
        assert_ne!(hash(month("2025-11"), [(person(1), two), (person(2), one)]), run);
        assert_ne!(hash(month("2025-10"), [(person(1), one), (person(2), two)]), run);
        assert_ne!(hash(month("2025-11"), [(person(1), one)]), run);
    }
}
