//! What was said and kept of a complaint: written by the steps, read by those who work on the case.

use crate::complaint::Complaint;
use crate::complaint::evidence::AddEvidence;
use crate::complaint::said::{EvidenceId, EvidenceView, NoteId, NoteView};
use crate::words::{Text, Word};
use events::ComplaintId;
use house::list::PageRequest;
use journal::{Fault, Tx};
use kernel::{EmployeeId, Timestamp};
use sqlx::postgres::PgConnection;

/// Keeps words that go with a step.
pub(in crate::complaint) async fn note(
    tx: &mut Tx,
    complaint: &Complaint,
    kind: &'static str,
    text: &Text,
) -> Result<(), Fault> {
    let (id, said_by, now) = (tx.fresh::<NoteId>(), tx.actor().to_string(), tx.now());
    sqlx::query!(
        "INSERT INTO complaint_note (id, complaint_id, branch_id, kind, text, said_by, said_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id.uuid(),
        complaint.id.uuid(),
        complaint.branch.uuid(),
        kind,
        text.as_str(),
        said_by,
        now.utc(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The same, where there are any.
pub(in crate::complaint) async fn noted(
    tx: &mut Tx,
    complaint: &Complaint,
    kind: &'static str,
    text: Option<&Text>,
) -> Result<(), Fault> {
    match text {
        Some(text) => note(tx, complaint, kind, text).await,
        None => Ok(()),
    }
}

/// Keeps evidence.
pub(in crate::complaint) async fn add_evidence(
    tx: &mut Tx,
    complaint: &Complaint,
    ask: &AddEvidence,
) -> Result<(), Fault> {
    let (id, added_by, now) = (tx.fresh::<EvidenceId>(), tx.actor().to_string(), tx.now());
    sqlx::query!(
        "INSERT INTO complaint_evidence (id, complaint_id, branch_id, kind, sha256, employee_id, text, added_by, added_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.uuid(),
        complaint.id.uuid(),
        complaint.branch.uuid(),
        ask.kind.word(),
        ask.sha256.clone().map(String::from),
        ask.employee_id.map(EmployeeId::uuid),
        ask.text.as_ref().map(Text::as_str),
        added_by,
        now.utc(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// One page of a complaint's notes; whoever calls has asked the reach before.
pub(in crate::complaint) async fn notes(
    connection: &mut PgConnection,
    complaint: ComplaintId,
    page: PageRequest,
) -> Result<Vec<NoteView>, Fault> {
    let rows = sqlx::query!(
        "SELECT id, kind, text, said_by, said_at FROM complaint_note
         WHERE complaint_id = $1 AND id < $2 AND id > $3 ORDER BY CASE WHEN $4 THEN id END DESC, id LIMIT $5",
        complaint.uuid(),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(connection)
    .await?;
    let mut notes = Vec::new();
    for row in rows {
        notes.push(NoteView {
            id: NoteId::of(row.id),
            kind: row.kind,
            text: Text::of(&row.text),
            said_by: row.said_by,
            said_at: Timestamp::of(row.said_at),
        });
    }
    Ok(notes)
}

/// One page of a complaint's evidence; whoever calls has asked the reach before.
pub(in crate::complaint) async fn evidence(
    connection: &mut PgConnection,
    complaint: ComplaintId,
    page: PageRequest,
) -> Result<Vec<EvidenceView>, Fault> {
    let rows = sqlx::query!(
        "SELECT id, kind, sha256, employee_id, text, added_by, added_at FROM complaint_evidence
         WHERE complaint_id = $1 AND id < $2 AND id > $3 ORDER BY CASE WHEN $4 THEN id END DESC, id LIMIT $5",
        complaint.uuid(),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(connection)
    .await?;
    let mut evidence = Vec::new();
    for row in rows {
        evidence.push(EvidenceView {
            id: EvidenceId::of(row.id),
            kind: super::word("kind", &row.kind)?,
            sha256: row.sha256,
            employee_id: row.employee_id.map(EmployeeId::of),
            text: row.text.as_deref().map(Text::of),
            added_by: row.added_by,
            added_at: Timestamp::of(row.added_at),
        });
    }
    Ok(evidence)
}
