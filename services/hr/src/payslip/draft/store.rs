//! Writing slips: as drafts of a calculation, a chunk at once; and issuing those of an approved run.

use crate::payroll::{Line, Slip, run};
use chrono::NaiveDate;
use events::hr::PayslipIssued;
use events::{CollectionId, PayRunId, PayslipId, PenaltyId};
use journal::{Fault, Tx};
use kernel::{BranchId, Decision, EmployeeId, EventId, Fen, Month, Version, clause};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

/// Writes the drafts of a chunk, in five statements.
pub(crate) async fn write(tx: &mut Tx, run: (PayRunId, i32), slips: &[Slip]) -> Result<(), Fault> {
    let slips: Vec<(Uuid, &Slip)> = slips.iter().map(|slip| (tx.fresh::<PayslipId>().uuid(), slip)).collect();
    heads(tx, run, &slips).await?;
    lines(tx, &slips).await?;
    fines(tx, &slips).await?;
    costs(tx, &slips).await
}

type Numbered<'a> = (Uuid, &'a Slip);

/// Arrays of parameters hold no NULL; the statement turns the nil id into one.
fn or_nil(id: Option<Uuid>) -> Uuid {
    id.unwrap_or_default()
}

async fn heads(tx: &mut Tx, (run, attempt): (PayRunId, i32), slips: &[Numbered<'_>]) -> Result<(), Fault> {
    let fen =
        |pick: fn(&Slip) -> Fen| -> Vec<i64> { slips.iter().map(|(_, slip)| pick(slip).fen()).collect() };
    let exceptions: Vec<Value> = slips
        .iter()
        .map(|(_, slip)| serde_json::to_value(&slip.exceptions).expect("exceptions are plain data"))
        .collect();
    sqlx::query!(
        "INSERT INTO payslip (id, run_id, attempt, employee_id, branch_id, month, is_blocked, state, gross_fen, lateness_fen, lateness_waived_fen,
                              penalties_fen, refunds_fen, adjustments_fen, net_fen, cap_fen, floor_fen, commission_debt_fen, coverage, exceptions,
                              digest, version)
         SELECT id, $1, $2, employee_id, branch_id, month, is_blocked, 'draft', gross, late, waived,
                penalties, refunds, adjustments, net, cap, floor, debt, 'before_social_insurance_and_tax', exceptions, digest, 0
         FROM UNNEST($3::uuid[], $4::uuid[], $5::uuid[], $6::date[], $7::bool[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
                     $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::jsonb[], $19::bytea[])
              AS slip (id, employee_id, branch_id, month, is_blocked, gross, late, waived, penalties, refunds, adjustments, net, cap, floor, debt,
                       exceptions, digest)",
        run.uuid(),
        attempt,
        &slips.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        &slips.iter().map(|(_, slip)| slip.employee_id.uuid()).collect::<Vec<_>>(),
        &slips.iter().map(|(_, slip)| or_nil(slip.branch.map(BranchId::uuid))).collect::<Vec<_>>(),
        &slips.iter().map(|(_, slip)| slip.month.first_day()).collect::<Vec<NaiveDate>>(),
        &slips.iter().map(|(_, slip)| slip.is_blocked()).collect::<Vec<_>>(),
        &fen(|slip| slip.gross),
        &fen(|slip| slip.lateness),
        &fen(|slip| slip.lateness_waived),
        &fen(|slip| slip.penalties),
        &fen(|slip| slip.refunds),
        &fen(|slip| slip.adjustments),
        &fen(|slip| slip.net),
        &fen(|slip| slip.cap),
        &fen(|slip| slip.floor),
        &fen(|slip| slip.commission_debt),
        &exceptions,
        &slips.iter().map(|(_, slip)| run::digest(slip).bytes().to_vec()).collect::<Vec<_>>(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn lines(tx: &mut Tx, slips: &[Numbered<'_>]) -> Result<(), Fault> {
    let all: Vec<(Uuid, Uuid, i32, &Line)> = slips
        .iter()
        .flat_map(|(slip, of)| of.lines.iter().zip(1_i32..).map(move |(line, place)| (*slip, place, line)))
        .map(|(slip, place, line)| (tx.fresh::<super::super::PayLineId>().uuid(), slip, place, line))
        .collect();
    let text = |pick: fn(&Line) -> String| -> Vec<String> { all.iter().map(|row| pick(row.3)).collect() };
    let fen = |pick: fn(&Line) -> Fen| -> Vec<i64> { all.iter().map(|row| pick(row.3).fen()).collect() };
    let source: Vec<Value> =
        all.iter().map(|row| serde_json::to_value(row.3.source).expect("sources are plain data")).collect();
    sqlx::query!(
        "INSERT INTO pay_line (id, payslip_id, place, kind, step, quantity, rate, base_fen, amount_fen, clause, policy_version, source, source_event,
                               branch_id, formula_zh, formula_en)
         SELECT id, payslip_id, place, kind, step, quantity::numeric, rate, base, amount, clause, policy, source,
                nullif(event, '00000000-0000-0000-0000-000000000000'), nullif(branch, '00000000-0000-0000-0000-000000000000'), zh, en
         FROM UNNEST($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::text[],
                     $11::uuid[], $12::jsonb[], $13::uuid[], $14::uuid[], $15::text[], $16::text[])
              AS line (id, payslip_id, place, kind, step, quantity, rate, base, amount, clause, policy, source, event, branch, zh, en)",
        &all.iter().map(|row| row.0).collect::<Vec<_>>(),
        &all.iter().map(|row| row.1).collect::<Vec<_>>(),
        &all.iter().map(|row| row.2).collect::<Vec<_>>(),
        &text(|line| line.kind.word().to_owned()),
        &text(|line| line.kind.step().word().to_owned()),
        &text(|line| Decimal::normalize(&line.quantity).to_string()),
        &text(|line| line.rate.to_string()),
        &fen(|line| line.base),
        &fen(|line| line.amount),
        &text(|line| line.clause.id().to_owned()),
        &all.iter().map(|row| row.3.policy_version.uuid()).collect::<Vec<_>>(),
        &source,
        &all.iter().map(|row| or_nil(row.3.source.event().map(EventId::uuid))).collect::<Vec<_>>(),
        &all.iter().map(|row| or_nil(row.3.branch.map(BranchId::uuid))).collect::<Vec<_>>(),
        &text(|line| line.formula.zh.clone()),
        &text(|line| line.formula.en.clone()),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// One row for each fine that a slip tries to take or gives back.
async fn fines(tx: &mut Tx, slips: &[Numbered<'_>]) -> Result<(), Fault> {
    let tried = slips.iter().flat_map(|(slip, of)| {
        of.fines.iter().map(move |fine| {
            let amounts = [fine.tried, fine.posted, fine.carried, fine.written_off, Fen::ZERO];
            (*slip, fine.penalty_id, amounts)
        })
    });
    let refunded = slips.iter().flat_map(|(slip, of)| {
        of.refunded.iter().map(move |refund| {
            let amounts = [Fen::ZERO, Fen::ZERO, Fen::ZERO, Fen::ZERO, refund.refunded];
            (*slip, refund.penalty_id, amounts)
        })
    });
    let all: Vec<(Uuid, PenaltyId, [Fen; 5])> = tried.chain(refunded).collect();
    let fen = |place: usize| -> Vec<i64> { all.iter().map(|row| row.2[place].fen()).collect() };
    sqlx::query!(
        "INSERT INTO slip_fine (payslip_id, penalty_id, tried_fen, posted_fen, carried_fen, written_off_fen, refunded_fen)
         SELECT slip, penalty, sum(tried), sum(posted), sum(carried), sum(written_off), sum(refunded)
         FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
              AS fine (slip, penalty, tried, posted, carried, written_off, refunded)
         GROUP BY slip, penalty",
        &all.iter().map(|row| row.0).collect::<Vec<_>>(),
        &all.iter().map(|row| row.1.uuid()).collect::<Vec<_>>(),
        &fen(0),
        &fen(1),
        &fen(2),
        &fen(3),
        &fen(4),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn costs(tx: &mut Tx, slips: &[Numbered<'_>]) -> Result<(), Fault> {
    let all: Vec<(Uuid, BranchId, Fen)> = slips
        .iter()
        .flat_map(|(slip, of)| of.costs.iter().map(move |cost| (*slip, cost.branch, cost.amount)))
        .collect();
    sqlx::query!(
        "INSERT INTO slip_cost (payslip_id, branch_id, amount_fen)
         SELECT slip, branch, sum(amount) FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[]) AS cost (slip, branch, amount) GROUP BY slip, branch",
        &all.iter().map(|row| row.0).collect::<Vec<_>>(),
        &all.iter().map(|row| row.1.uuid()).collect::<Vec<_>>(),
        &all.iter().map(|row| row.2.fen()).collect::<Vec<_>>(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Issues the slips of an approved run that nothing blocks, and says so for each; before its facts are settled, because a
/// slip names the collections it is the first to pay.
pub(crate) async fn issue(tx: &mut Tx, (run, attempt): (PayRunId, i32)) -> Result<(), Fault> {
    let rows = sqlx::query!(
        "WITH issued AS (
             UPDATE payslip SET is_issued = true, state = 'issued', version = 1
             WHERE run_id = $1 AND attempt = $2 AND NOT is_blocked RETURNING id, employee_id, branch_id, month, net_fen)
         SELECT i.id, i.employee_id, i.branch_id, i.month, i.net_fen, named.penalties AS \"penalties!\", named.collections AS \"collections!\"
         FROM issued i CROSS JOIN LATERAL (
             SELECT coalesce(array_agg(DISTINCT l.source ->> 'penalty_id') FILTER (WHERE l.source ->> 'of' = 'penalty'), '{}') AS penalties,
                    coalesce(array_agg(DISTINCT l.source ->> 'collection_id') FILTER (
                        WHERE l.source ->> 'of' IN ('collection', 'collection_reversal') AND f.event_id IS NULL), '{}') AS collections
             FROM pay_line l LEFT JOIN settled_fact f ON f.event_id = l.source_event WHERE l.payslip_id = i.id) AS named
         ORDER BY i.employee_id",
        run.uuid(),
        attempt,
    )
    .fetch_all(tx.connection())
    .await?;
    for row in rows {
        let issued = PayslipIssued {
            payslip_id: PayslipId::of(row.id),
            run_id: run,
            employee_id: EmployeeId::of(row.employee_id),
            month: Month::of(row.month),
            net_fen: Fen::new(row.net_fen),
            penalties: parse::<PenaltyId>(&row.penalties)?,
            collections: parse::<CollectionId>(&row.collections)?,
        };
        let slip = super::super::Issued {
            id: issued.payslip_id,
            branch: BranchId::of(row.branch_id),
            version: Version::NONE,
        };
        tx.record(&Decision::of(slip).and(issued).under(clause!("P6.6-1")));
    }
    Ok(())
}

fn parse<I: kernel::Id>(texts: &[String]) -> Result<Vec<I>, Fault> {
    let corrupt = |text: &String| Fault::Corrupt { table: "pay_line", column: "source", value: text.clone() };
    texts.iter().map(|text| text.parse().map_err(|_| corrupt(text))).collect()
}
