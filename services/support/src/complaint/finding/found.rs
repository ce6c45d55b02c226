//! What a finding changes: who is liable now, who no longer is, and what follows (`support.md` §5).

use super::shares::is_ours;
use crate::complaint::escalation::ladder::Ladder;
use crate::complaint::facts::{ApologySuperseded, OwnerReplaced};
use crate::complaint::{Complaint, Finding, Refusal, Share};
use crate::words::Word;
use events::WorkerId;
use events::support::{
    ComplaintFindingReversed, ComplaintLiabilityFound, ComplaintUpheld, LiabilityShare, Severity,
};
use kernel::{Decision, EmployeeId, clause};

/// Whom a finding may name, and who owns the case if its owner is among them.
#[derive(Debug, Clone, Copy)]
pub struct Staff<'a> {
    /// Those of the parties who are care workers: workforce listens for them.
    pub care_workers: &'a [EmployeeId],
    /// Who stands above the owner.
    pub ladder: &'a Ladder,
}

impl Staff<'_> {
    fn worker(&self, employee: Option<EmployeeId>) -> Option<WorkerId> {
        let employee = employee.filter(|employee| self.care_workers.contains(employee));
        employee.map(|employee| WorkerId::of(employee.uuid()))
    }
}

/// A finding that stands, and whom it frees.
#[derive(Debug, Clone)]
pub struct Found {
    /// The case from now on.
    pub decision: Decision<Complaint>,
    /// Whose fines are undone.
    pub freed: Vec<EmployeeId>,
}

/// The parts as events show them.
pub(super) fn shown(shares: &[Share]) -> Vec<LiabilityShare> {
    let part = |share: &Share| LiabilityShare {
        party: share.party.word(),
        employee_id: share.employee,
        pct: share.pct,
    };
    shares.iter().map(part).collect()
}

/// The parts of a finding that are ours.
fn liable(finding: Option<&Finding>) -> Vec<Share> {
    let ours = finding.filter(|finding| finding.kind.is_ours());
    ours.into_iter()
        .flat_map(|finding| &finding.shares)
        .filter(|share| is_ours(share.party))
        .copied()
        .collect()
}

/// Puts a finding into force: `upheld` for each party newly liable, `finding_reversed` for each one freed; an apology
/// for what is not ours any more stays on record as superseded (R2).
pub(super) fn into_force(
    complaint: Complaint,
    finding: Finding,
    severity: Severity,
    staff: Staff<'_>,
) -> Result<Found, Refusal> {
    let (before, after) = (liable(complaint.finding.as_ref()), liable(Some(&finding)));
    let is_in = |shares: &[Share], share: &Share| {
        shares.iter().any(|other| (other.party, other.employee) == (share.party, share.employee))
    };
    let found = ComplaintLiabilityFound {
        complaint_id: complaint.id,
        finding: finding.kind.word(),
        shares: shown(&finding.shares),
        basis_code: finding.basis.as_str().to_owned(),
        decided_by: finding.decided_by.iter().map(|person| person.user).collect(),
    };
    let id = complaint.id;
    let upheld = |share: &Share| ComplaintUpheld {
        complaint_id: id,
        worker_id: staff.worker(share.employee),
        employee_id: share.employee,
        contract_id: complaint.matter.contract,
        visit_id: complaint.matter.visit,
        severity,
        service_code: complaint.matter.service.as_ref().map(|code| code.as_str().to_owned()),
        share_pct: share.pct,
    };
    let newly: Vec<_> = after.iter().filter(|share| !is_in(&before, share)).map(upheld).collect();
    let freed: Vec<_> = before.iter().filter(|share| !is_in(&after, share)).copied().collect();
    let is_apology_superseded = complaint.apology.is_some() && !finding.kind.is_ours();
    let apology = complaint.apology.filter(|_| !is_apology_superseded);
    let (from, complaint) =
        (complaint.owner, Complaint { finding: Some(finding), proposed: None, apology, ..complaint });
    let complaint = owned_by_another(complaint, staff.ladder)?;
    let to = complaint.owner;
    let mut decision = Decision::of(complaint).and(found).under(clause!("P6.5-5"));
    for upheld in newly {
        decision = decision.and(upheld).under(clause!("P6.6-1"));
    }
    for share in &freed {
        let (worker_id, employee_id) = (staff.worker(share.employee), share.employee);
        decision = decision
            .and(ComplaintFindingReversed { complaint_id: id, worker_id, employee_id })
            .under(clause!("R5"));
    }
    if is_apology_superseded {
        decision = decision.and(ApologySuperseded { complaint_id: id }).under(clause!("R2"));
    }
    if from != to {
        decision = decision.and(OwnerReplaced { complaint_id: id, from, to }).under(clause!("R7"));
    }
    Ok(Found { decision, freed: freed.into_iter().filter_map(|share| share.employee).collect() })
}

/// Whoever is found liable neither owns the case nor is offered it (C2, C11).
fn owned_by_another(complaint: Complaint, ladder: &Ladder) -> Result<Complaint, Refusal> {
    let offered_to = complaint.offered_to.filter(|offered| !complaint.is_accused(*offered));
    let owner = if complaint.is_accused(complaint.owner) {
        ladder.owner_instead(|employee| complaint.is_accused(employee)).ok_or(Refusal::NobodyToOwn {})?
    } else {
        complaint.owner
    };
    Ok(Complaint { owner, offered_to, ..complaint })
}
