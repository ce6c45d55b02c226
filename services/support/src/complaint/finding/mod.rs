//! Whose fault it was: the finding that everything else waits for (R1, R2, R4, R5; C11, C13, C14).

pub mod find;
mod found;
pub mod second;
mod shares;

use events::support::Severity;

pub use find::FindLiability;
pub use shares::ShareAsk;

/// True from the severity on at which two persons find (R4).
pub(super) fn needs_two(severity: Severity) -> bool {
    severity >= Severity::S3
}

#[cfg(test)]
pub(super) const fn found_by<'a>(
    care_workers: &'a [kernel::EmployeeId],
    ladder: &'a super::escalation::ladder::Ladder,
) -> found::Staff<'a> {
    found::Staff { care_workers, ladder }
}
