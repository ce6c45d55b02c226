//! On what a fine rests, when it is proposed and again when it is confirmed: an upheld complaint, as grave as it is
//! then, and the numbers of its severity (R5).

use super::Refusal;
use super::policy::FineTerms;
use crate::complaint::attribution::Attribution;
use events::support::Severity;
use house::policy::InForce;
use kernel::{EmployeeId, Fen, Money};

/// The severity a fine against this employee is measured by; refused where the complaint does not bear one. From S3 on
/// two persons must have found it (R4), also where it was less grave when one of them found it alone.
pub(super) fn severity(case: &Attribution, employee: EmployeeId) -> Result<Severity, Refusal> {
    if case.is_invalid {
        return Err(Refusal::ComplaintInvalid {});
    }
    let severity = case.severity_against(employee).ok_or(Refusal::NotAttributed {})?;
    if severity >= Severity::S3 && !case.is_found_by_two {
        return Err(Refusal::FoundByOne {});
    }
    Ok(severity)
}

/// Refuses what is above the band of a severity; headquarters' fines at S4 have none.
pub(super) fn within_band(amount: Fen, severity: Severity, fine: &InForce<FineTerms>) -> Result<(), Refusal> {
    match fine.terms.band(severity).filter(|band| amount > *band) {
        Some(band) => Err(Refusal::AboveBand { band: Money::of(band), policy_version: fine.id }),
        None => Ok(()),
    }
}
