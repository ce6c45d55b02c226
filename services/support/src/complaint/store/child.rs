//! What grows below a complaint: findings, proposals, follow-ups. Read for many complaints at once.

use super::{corrupt, count, word};
use crate::complaint::case::{Complaint, Finding, FollowUp, Proposal, Share};
use crate::complaint::kind::{FindingKind, Offer, Party, RemedyKind};
use crate::contact::Channel;
use crate::person::{Person, Standing};
use crate::words::{Code, Text, Word};
use journal::{Fault, Tx};
use kernel::{EmployeeId, Fen, Timestamp, UserId};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

/// Puts the children of the present cycle into complaints that were read without them.
pub(super) async fn put_into(
    connection: &mut PgConnection,
    complaints: &mut [Complaint],
    ids: &[Uuid],
) -> Result<(), Fault> {
    findings(connection, complaints, ids).await?;
    proposals(connection, complaints, ids).await?;
    follow_ups(connection, complaints, ids).await
}

fn of(complaints: &mut [Complaint], id: Uuid) -> Option<&mut Complaint> {
    complaints.iter_mut().find(|complaint| complaint.id.uuid() == id)
}

async fn findings(
    connection: &mut PgConnection,
    complaints: &mut [Complaint],
    ids: &[Uuid],
) -> Result<(), Fault> {
    let rows = sqlx::query!(
        "SELECT complaint_id, role, finding, basis_code, parties, employees AS \"employees: Vec<Option<Uuid>>\", pcts, first_user,
                first_employee, second_user, second_employee
         FROM complaint_finding WHERE complaint_id = ANY ($1)",
        ids,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let mut shares = Vec::new();
        for ((party, employee), pct) in row.parties.iter().zip(&row.employees).zip(&row.pcts) {
            let pct = u8::try_from(*pct).map_err(|_| corrupt("pcts", &pct.to_string()))?;
            let party = word::<Party>("parties", party)?;
            shares.push(Share { party, employee: employee.map(EmployeeId::of), pct });
        }
        let first =
            Person { user: UserId::of(row.first_user), employee: row.first_employee.map(EmployeeId::of) };
        let second = row
            .second_user
            .map(|user| Person { user: UserId::of(user), employee: row.second_employee.map(EmployeeId::of) });
        let finding = Finding {
            kind: word::<FindingKind>("finding", &row.finding)?,
            shares,
            basis: Code::of(&row.basis_code),
            decided_by: [first].into_iter().chain(second).collect(),
        };
        let Some(complaint) = of(complaints, row.complaint_id) else { continue };
        match row.role.as_str() {
            "present" => complaint.finding = Some(finding),
            _ => complaint.proposed = Some(finding),
        }
    }
    Ok(())
}

async fn proposals(
    connection: &mut PgConnection,
    complaints: &mut [Complaint],
    ids: &[Uuid],
) -> Result<(), Fault> {
    let rows = sqlx::query!(
        "SELECT p.complaint_id, p.rank, p.remedy, p.text, p.cost_fen, p.authority, p.offer
         FROM complaint_proposal AS p JOIN complaint AS c ON c.id = p.complaint_id AND c.cycle_no = p.cycle_no
         WHERE p.complaint_id = ANY ($1) ORDER BY p.complaint_id, p.rank",
        ids,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let authority =
            Standing::parse(&row.authority).ok_or_else(|| corrupt("authority", &row.authority))?;
        let proposal = Proposal {
            rank: u8::try_from(row.rank).map_err(|_| corrupt("rank", &row.rank.to_string()))?,
            remedy: word::<RemedyKind>("remedy", &row.remedy)?,
            text: Text::of(&row.text),
            cost: Fen::new(row.cost_fen),
            authority,
            offer: word::<Offer>("offer", &row.offer)?,
        };
        if let Some(complaint) = of(complaints, row.complaint_id) {
            complaint.proposals.push(proposal);
        }
    }
    Ok(())
}

async fn follow_ups(
    connection: &mut PgConnection,
    complaints: &mut [Complaint],
    ids: &[Uuid],
) -> Result<(), Fault> {
    let rows = sqlx::query!(
        "SELECT f.complaint_id, f.no, f.channel, f.score, f.is_last_wanted, f.comment, f.on_date, f.at
         FROM complaint_follow_up AS f JOIN complaint AS c ON c.id = f.complaint_id AND c.cycle_no = f.cycle_no
         WHERE f.complaint_id = ANY ($1) ORDER BY f.complaint_id, f.no",
        ids,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let score =
            row.score.map(|score| u8::try_from(score).map_err(|_| corrupt("score", &score.to_string())));
        let follow_up = FollowUp {
            no: count("no", row.no)?,
            channel: Channel::of(&row.channel).ok_or_else(|| corrupt("channel", &row.channel))?,
            score: score.transpose()?,
            is_last_wanted: row.is_last_wanted,
            comment: row.comment.as_deref().map(Text::of),
            on: row.on_date,
            at: Timestamp::of(row.at),
        };
        if let Some(complaint) = of(complaints, row.complaint_id) {
            complaint.follow_ups.push(follow_up);
        }
    }
    Ok(())
}

/// Writes the finding in force and the one that waits, in place of those before.
pub(in crate::complaint) async fn save_findings(tx: &mut Tx, complaint: &Complaint) -> Result<(), Fault> {
    sqlx::query!("DELETE FROM complaint_finding WHERE complaint_id = $1", complaint.id.uuid())
        .execute(tx.connection())
        .await?;
    let both = [("present", complaint.finding.as_ref()), ("proposed", complaint.proposed.as_ref())];
    for (role, finding) in both.into_iter().filter_map(|(role, finding)| Some((role, finding?))) {
        let shares = &finding.shares;
        let (first, second) = (finding.decided_by.first(), finding.decided_by.get(1));
        sqlx::query!(
            "INSERT INTO complaint_finding (complaint_id, role, branch_id, finding, basis_code, parties, employees, pcts, first_user, first_employee,
                                            second_user, second_employee)
             VALUES ($1, $2, $3, $4, $5, $6, array_replace($7::uuid[], '00000000-0000-0000-0000-000000000000'::uuid, NULL), $8, $9, $10, $11, $12)",
            complaint.id.uuid(),
            role,
            complaint.branch.uuid(),
            finding.kind.word(),
            finding.basis.as_str(),
            &shares.iter().map(|share| share.party.word()).collect::<Vec<_>>(),
            &shares.iter().map(|share| share.employee.map_or(Uuid::nil(), EmployeeId::uuid)).collect::<Vec<_>>(),
            &shares.iter().map(|share| i16::from(share.pct)).collect::<Vec<_>>(),
            first.map(|person| person.user.uuid()),
            first.and_then(|person| person.employee).map(EmployeeId::uuid),
            second.map(|person| person.user.uuid()),
            second.and_then(|person| person.employee).map(EmployeeId::uuid),
        )
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

/// Writes the proposals of the present cycle: new ones, and how far the others have come.
pub(in crate::complaint) async fn save_proposals(tx: &mut Tx, complaint: &Complaint) -> Result<(), Fault> {
    let proposals = &complaint.proposals;
    sqlx::query!(
        "INSERT INTO complaint_proposal (complaint_id, cycle_no, rank, branch_id, remedy, text, cost_fen, authority, offer)
         SELECT $1, $2, rank, $3, remedy, text, cost_fen, authority, offer
         FROM UNNEST($4::smallint[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[])
              AS row (rank, remedy, text, cost_fen, authority, offer)
         ON CONFLICT (complaint_id, cycle_no, rank) DO UPDATE SET offer = excluded.offer",
        complaint.id.uuid(),
        i32::try_from(complaint.cycle).unwrap_or(i32::MAX),
        complaint.branch.uuid(),
        &proposals.iter().map(|proposal| i16::from(proposal.rank)).collect::<Vec<_>>(),
        &proposals.iter().map(|proposal| proposal.remedy.word()).collect::<Vec<_>>(),
        &proposals.iter().map(|proposal| proposal.text.as_str().to_owned()).collect::<Vec<_>>(),
        &proposals.iter().map(|proposal| proposal.cost.fen()).collect::<Vec<_>>(),
        &proposals.iter().map(|proposal| proposal.authority.word().to_owned()).collect::<Vec<_>>(),
        &proposals.iter().map(|proposal| proposal.offer.word()).collect::<Vec<_>>(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Keeps a follow-up, or an attempt at one, in the cycle it was made in.
pub(in crate::complaint) async fn add_follow_up(
    tx: &mut Tx,
    complaint: &Complaint,
    cycle: u32,
    follow_up: &FollowUp,
) -> Result<(), Fault> {
    sqlx::query!(
        "INSERT INTO complaint_follow_up (complaint_id, cycle_no, no, branch_id, channel, score, is_last_wanted, comment, on_date, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        complaint.id.uuid(),
        i32::try_from(cycle).unwrap_or(i32::MAX),
        i32::try_from(follow_up.no).unwrap_or(i32::MAX),
        complaint.branch.uuid(),
        follow_up.channel.word(),
        follow_up.score.map(i16::from),
        follow_up.is_last_wanted,
        follow_up.comment.as_ref().map(Text::as_str),
        follow_up.on,
        follow_up.at.utc(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
