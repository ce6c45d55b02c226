//! The clock of an acknowledgement: who does not answer in time is passed over (K11).

use super::escalate;
use super::ladder::{self, Ladder};
use crate::by_severity::BySeverity;
use crate::clock;
use crate::complaint::kind::EscalationCause;
use crate::complaint::policy::ComplaintTerms;
use crate::complaint::severity::Grounds;
use crate::complaint::{Complaint, store};
use chrono::TimeDelta;
use events::ComplaintId;
use house::policy::InForce;
use journal::{Due, Failure, Fault, Tx};
use kernel::{BranchId, Timestamp};

/// The timer that looks whether a level has acknowledged.
pub(crate) const ACK: &str = "complaint.ack";

/// What a severity, and whom it asks, is decided with today in a branch.
pub(crate) struct Basis {
    terms: InForce<ComplaintTerms>,
    ladder: Ladder,
    ack_due: BySeverity<Timestamp>,
}

impl Basis {
    /// That of a branch.
    pub(crate) async fn of(tx: &mut Tx, branch: BranchId) -> Result<Self, Fault> {
        let terms = store::terms(tx, branch).await?;
        let ladder = ladder::of(tx, branch).await?;
        let ack_due = due(tx, branch, &terms.terms).await?;
        Ok(Self { terms, ladder, ack_due })
    }

    /// The same for a decision.
    pub(crate) const fn grounds(&self) -> Grounds<'_> {
        Grounds { terms: &self.terms, ladder: &self.ladder, ack_due: &self.ack_due }
    }
}

/// By when a level that is asked now must acknowledge, for each severity: business time, but day and night from the
/// severity on that the terms name. So also in a branch that never opens again by its calendar: a level is asked when a
/// promise is broken, and no calendar keeps one from being broken (P1).
async fn due(tx: &mut Tx, branch: BranchId, terms: &ComplaintTerms) -> Result<BySeverity<Timestamp>, Fault> {
    let (calendar, now) = (clock::calendar(tx, branch).await?, tx.now());
    Ok(terms.ladder.ack_minutes.map(|severity, minutes| {
        let minutes = i64::from(*minutes);
        let by_business_time =
            (severity < terms.ladder.wall_from).then(|| calendar.add(now, minutes)).flatten();
        by_business_time.map_or_else(|| now.plus(TimeDelta::minutes(minutes)), |due| due.value)
    }))
}

/// Starts the clock of the level asked last, or stops it: acknowledged, closed, or nobody is higher.
pub(crate) async fn watch(tx: &mut Tx, complaint: &Complaint) -> Result<(), Fault> {
    match complaint.rung.filter(|rung| rung.acknowledged_at.is_none() && rung.level < ladder::TOP) {
        Some(rung) if complaint.is_waiting() => tx.schedule(ACK, complaint.id, rung.due_ack_at).await,
        Some(_) | None => tx.cancel(ACK, complaint.id).await,
    }
}

/// The timer [`ACK`]: nobody has acknowledged, the next level is asked.
pub(crate) async fn lapsed(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let complaint = store::load(tx, ComplaintId::of(due.reference)).await?;
    let is_open = complaint.rung.is_some_and(|rung| rung.acknowledged_at.is_none());
    if !is_open || !complaint.is_waiting() {
        return Ok(());
    }
    let basis = Basis::of(tx, complaint.branch).await?;
    let decision = escalate::decide(complaint, EscalationCause::Unacknowledged, basis.grounds())?;
    store::save(tx, &decision).await?;
    Ok(watch(tx, decision.state()).await?)
}
