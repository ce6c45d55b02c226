//! Whose fault it was: the finding that everything else waits for (R1, R2, R4, R5; C11, C13, C14).

pub mod find;
mod found;
pub mod second;
mod shares;

pub use find::FindLiability;
pub use shares::ShareAsk;

#[cfg(test)]
pub(super) const fn found_by<'a>(
    care_workers: &'a [kernel::EmployeeId],
    ladder: &'a super::escalation::ladder::Ladder,
) -> found::Staff<'a> {
    found::Staff { care_workers, ladder }
}
