//! What a fine may rest on: an upheld complaint and the shares of those it was found against (R5).

use super::{Complaint, store};
use events::support::Severity;
use events::{CallId, ComplaintId};
use journal::{Failure, Tx};
use kernel::{BranchId, EmployeeId};

/// What a complaint says about employees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// The complaint.
    pub complaint: ComplaintId,
    /// Its branch.
    pub branch: BranchId,
    /// The call that brought it.
    pub call: Option<CallId>,
    /// True for no complaint against us (C13).
    pub is_invalid: bool,
    /// How grave it is.
    pub severity: Option<Severity>,
    /// True where more than one person made the finding, as S3 and above need it (R4).
    pub is_found_by_two: bool,
    /// The employees it was upheld against, with their percents; none where the finding is not ours.
    pub shares: Vec<(EmployeeId, u8)>,
}

impl Attribution {
    /// How grave it is, if this employee bears a share.
    pub fn severity_against(&self, employee: EmployeeId) -> Option<Severity> {
        let bears = self.shares.iter().any(|(bearer, pct)| *bearer == employee && *pct > 0);
        self.severity.filter(|_| bears)
    }
}

impl From<&Complaint> for Attribution {
    fn from(complaint: &Complaint) -> Self {
        // One that waits for its second person too: whoever asks says why no fine may rest on it.
        let ours = complaint.finding.iter().filter(|finding| finding.kind.is_ours());
        let shares = ours.flat_map(|finding| &finding.shares);
        let first = complaint.finding.as_ref().and_then(|finding| finding.decided_by.split_first());
        Self {
            is_found_by_two: first.is_some_and(|(first, others)| others.iter().any(|other| !other.is(first))),
            complaint: complaint.id,
            branch: complaint.branch,
            call: complaint.matter.call,
            is_invalid: complaint.is_invalid(),
            severity: complaint.severity(),
            shares: shares.filter_map(|share| Some((share.employee?, share.pct))).collect(),
        }
    }
}

/// What a complaint within reach says about employees; it is locked, so that no finding changes beside the fine.
pub(crate) async fn of(tx: &mut Tx, complaint: ComplaintId) -> Result<Attribution, Failure> {
    Ok(Attribution::from(&store::load(tx, complaint).await?))
}
