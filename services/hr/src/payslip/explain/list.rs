//! Why a slip is what it is: for every line the formula with its numbers, the clause, the policy version and the
//! chain of events back to its cause (`hr.md` §3, money trail). A fixed number of queries, whatever the slip holds.

use super::super::lines::list::FormulaView;
use super::super::{PayLineId, PayslipView, store};
use axum::response::Response;
use events::{CallId, ComplaintId, ContractId, DeductionId, PayslipId, VisitId};
use house::{House, One, Problem, Read, Shown, permission};
use journal::Fault;
use kernel::{Aggregate, Clause, EventId, Fen, Money, Month, PolicyVersionId, Version};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A slip and the reason for every fen of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainView {
    /// The slip.
    pub payslip: PayslipView,
    /// Its lines in the order of the steps; together the net (H2).
    pub lines: Vec<ExplainedLine>,
    /// The lines of later slips that correct this one, which stays as it is (H1); at most 1,000, oldest first.
    pub adjusted_by: Vec<CorrectingLine>,
}

/// A line of a later slip that corrects an earlier one.
#[derive(Debug, Serialize, ToSchema)]
pub struct CorrectingLine {
    /// The later slip.
    pub payslip_id: PayslipId,
    /// Its month.
    #[schema(value_type = String, example = "2025-11")]
    pub month: Month,
    /// The line.
    pub line_id: PayLineId,
    /// The step of the calculation it corrects.
    pub step: String,
    /// What it adds to the later net, signed.
    pub amount: Money,
}

/// A line and its reason.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedLine {
    /// Its place on the slip.
    pub place: i32,
    /// `base`, `lateness`, `fine` …
    pub kind: String,
    /// The step of the calculation.
    pub step: String,
    /// How many.
    pub quantity: String,
    /// What each is worth of the base, as an exact fraction.
    pub rate: String,
    /// What the rate is taken of.
    pub base: Money,
    /// What it adds to the net, signed.
    pub amount: Money,
    /// The rule.
    pub rule: RuleView,
    /// The policy version it was reckoned under: `/v1/hr/policies/{id}`.
    pub policy_version: PolicyVersionId,
    /// The reckoning with its numbers.
    pub formula: FormulaView,
    /// What it came from.
    #[schema(value_type = Object)]
    pub source: Value,
    /// From the source back to the cause, each with the id to follow.
    #[schema(value_type = Vec<Object>)]
    pub chain: Vec<Value>,
}

/// A clause of the rule book.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleView {
    /// `P6.7-1`.
    pub clause: String,
    /// Chinese.
    #[serde(rename = "zh-CN")]
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl RuleView {
    fn of(clause: String) -> Self {
        let entry = Clause::find(&clause).map(Clause::entry);
        Self { zh: entry.map_or("", |entry| entry.zh), en: entry.map_or("", |entry| entry.en), clause }
    }
}

/// Explains one slip (H9).
#[utoipa::path(get, path = "/v1/hr/payslips/{id}/explain", responses(One<ExplainView>))]
pub(in crate::payslip) async fn read(
    house: House,
    read: Read<PayslipId, permission!("payslip.read")>,
) -> Result<Response, Problem> {
    house
        .read(read, async |pool, read| {
            let Some(slip) = store::find(pool, &read.reach, read.id).await? else { return Ok(None) };
            let mut chains = Chains::of(pool, read.id).await?;
            let lines = lines(pool, read.id, &mut chains).await?;
            let adjusted_by = correcting(pool, read.id).await?;
            // A correction changes what is shown here and not the slip: the tag of this answer counts both.
            let corrections = i32::try_from(adjusted_by.len()).expect("a thousand at most");
            let tag = Version::of(slip.version().get() + corrections);
            Ok(Some((tag, ExplainView { payslip: slip.view(slip.version()), lines, adjusted_by })))
        })
        .await
}

async fn lines(pool: &PgPool, id: PayslipId, chains: &mut Chains) -> Result<Vec<ExplainedLine>, Fault> {
    let rows = sqlx::query!(
        "SELECT place, kind, step, quantity::text AS \"quantity!\", rate, base_fen, amount_fen, clause, policy_version, source, formula_zh, formula_en
         FROM pay_line WHERE payslip_id = $1 ORDER BY place",
        id.uuid()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ExplainedLine {
            chain: chains.take(row.place),
            place: row.place,
            kind: row.kind,
            step: row.step,
            quantity: row.quantity,
            rate: row.rate,
            base: Money::of(Fen::new(row.base_fen)),
            amount: Money::of(Fen::new(row.amount_fen)),
            rule: RuleView::of(row.clause),
            policy_version: PolicyVersionId::of(row.policy_version),
            formula: FormulaView { zh: row.formula_zh, en: row.formula_en },
            source: row.source,
        })
        .collect())
}

async fn correcting(pool: &PgPool, id: PayslipId) -> Result<Vec<CorrectingLine>, Fault> {
    let rows = sqlx::query!(
        "SELECT l.id, l.payslip_id, s.month, l.source ->> 'step' AS \"step!\", l.amount_fen
         FROM pay_line l JOIN payslip s ON s.id = l.payslip_id
         WHERE l.source ->> 'of' = 'correction' AND l.source ->> 'slip' = $1 AND s.is_issued ORDER BY s.month, l.id LIMIT 1000",
        id.to_string(),
    )
    .fetch_all(pool)
    .await?;
    let line = |id, slip, month, step, fen| CorrectingLine {
        payslip_id: PayslipId::of(slip),
        month: Month::of(month),
        line_id: PayLineId::of(id),
        step,
        amount: Money::of(Fen::new(fen)),
    };
    Ok(rows
        .into_iter()
        .map(|row| line(row.id, row.payslip_id, row.month, row.step, row.amount_fen))
        .collect())
}

/// The causes of a slip's lines, by place.
#[derive(Default)]
struct Chains {
    by_place: BTreeMap<i32, Vec<Value>>,
}

impl Chains {
    async fn of(pool: &PgPool, id: PayslipId) -> Result<Self, Fault> {
        let mut chains = Self::default();
        chains.fines(pool, id.uuid()).await?;
        chains.contracts(pool, id.uuid()).await?;
        chains.days(pool, id.uuid()).await?;
        chains.carried(pool, id.uuid()).await?;
        chains.own_events(pool, id.uuid()).await?;
        Ok(chains)
    }

    fn take(&mut self, place: i32) -> Vec<Value> {
        self.by_place.remove(&place).unwrap_or_default()
    }

    fn add(&mut self, place: i32, links: impl IntoIterator<Item = Value>) {
        self.by_place.entry(place).or_default().extend(links);
    }

    /// Deduction → penalty (confirmed, reversed) → complaint → call.
    async fn fines(&mut self, pool: &PgPool, slip: Uuid) -> Result<(), Fault> {
        let rows = sqlx::query!(
            "SELECT l.place, l.source ->> 'penalty_id' AS \"penalty!\", d.id, d.complaint_id, d.call_id, d.source_event, d.reversal_event
             FROM pay_line l JOIN deduction d ON l.source_event IN (d.source_event, d.reversal_event) AND l.source ? 'penalty_id'
             WHERE l.payslip_id = $1",
            slip
        )
        .fetch_all(pool)
        .await?;
        for row in rows {
            let reversed = row
                .reversal_event
                .map(|event| link("support.penalty.reversed", row.penalty.clone(), Some(event)));
            let call = row.call_id.map(|call| link("call", CallId::of(call).to_string(), None));
            let links = [
                Some(link("deduction", DeductionId::of(row.id).to_string(), None)),
                reversed,
                Some(link("support.penalty.confirmed", row.penalty, Some(row.source_event))),
                Some(link("complaint", ComplaintId::of(row.complaint_id).to_string(), None)),
                call,
            ];
            self.add(row.place, links.into_iter().flatten());
        }
        Ok(())
    }

    /// Collection → contract; visit → contract.
    async fn contracts(&mut self, pool: &PgPool, slip: Uuid) -> Result<(), Fault> {
        let rows = sqlx::query!(
            "SELECT l.place AS \"place!\", c.event_id AS \"event_id!\", c.contract_id AS \"contract_id!\", c.collection_id AS \"thing!\", 'collection' AS \"what!\"
             FROM pay_line l JOIN collection_fact c ON c.event_id = l.source_event WHERE l.payslip_id = $1
             UNION ALL
             SELECT l.place, v.event_id, v.contract_id, v.visit_id, 'visit'
             FROM pay_line l JOIN visit_fact v ON v.event_id = l.source_event WHERE l.payslip_id = $1",
            slip
        )
        .fetch_all(pool)
        .await?;
        for row in rows {
            let thing = match row.what.as_str() {
                "visit" => VisitId::of(row.thing).to_string(),
                _ => events::CollectionId::of(row.thing).to_string(),
            };
            let contract = link("contract", ContractId::of(row.contract_id).to_string(), None);
            self.add(row.place, [link(&row.what, thing, Some(row.event_id)), contract]);
        }
        Ok(())
    }

    /// Attendance day → its first punch.
    async fn days(&mut self, pool: &PgPool, slip: Uuid) -> Result<(), Fault> {
        let rows = sqlx::query!(
            "SELECT l.place, d.id, d.day, d.result, d.shift_start, d.first_in, d.late_minutes, p.id AS \"punch?\"
             FROM pay_line l JOIN payslip s ON s.id = l.payslip_id
             JOIN attendance_day d ON d.employee_id = s.employee_id AND d.day = (l.source ->> 'day')::date
             LEFT JOIN LATERAL (SELECT id FROM punch WHERE employee_id = d.employee_id AND at = d.first_in AND state <> 'voided' ORDER BY id LIMIT 1) p ON true
             WHERE l.payslip_id = $1 AND l.source ->> 'of' = 'attendance_day'",
            slip
        )
        .fetch_all(pool)
        .await?;
        for row in rows {
            let day = json!({ "what": "attendance_day", "id": kernel::id::encode("att", row.id), "day": row.day, "result": row.result,
                              "shift_start": row.shift_start, "first_in": row.first_in, "late_minutes": row.late_minutes });
            let punch = row.punch.map(|punch| link("punch", kernel::id::encode("pch", punch), None));
            self.add(row.place, [Some(day), punch].into_iter().flatten());
        }
        Ok(())
    }

    /// Carried commission → the slip that left it: an earlier one, or this one.
    async fn carried(&mut self, pool: &PgPool, slip: Uuid) -> Result<(), Fault> {
        let rows = sqlx::query!(
            "SELECT place, coalesce(source ->> 'slip', $2) AS \"slip!\" FROM pay_line
             WHERE payslip_id = $1 AND (kind = 'commission_carried_out' OR kind = 'commission_carried_in' AND source ? 'slip')",
            slip,
            PayslipId::of(slip).to_string(),
        )
        .fetch_all(pool)
        .await?;
        for row in rows {
            self.add(row.place, [link("payslip", row.slip, None)]);
        }
        Ok(())
    }

    /// What hr's own journal says about the source: who approved a profile or an entry, who closed a month.
    async fn own_events(&mut self, pool: &PgPool, slip: Uuid) -> Result<(), Fault> {
        let rows = sqlx::query!(
            "SELECT l.place, j.type, j.subject, j.event_id, j.actor_id, j.occurred_at
             FROM pay_line l JOIN journal j ON j.event_id = l.source_event WHERE l.payslip_id = $1",
            slip
        )
        .fetch_all(pool)
        .await?;
        for row in rows {
            let event = EventId::of(row.event_id);
            let link = json!({ "what": row.r#type, "id": row.subject, "event": event, "by": row.actor_id, "at": row.occurred_at });
            self.add(row.place, [link]);
        }
        Ok(())
    }
}

fn link(what: &str, id: String, event: Option<Uuid>) -> Value {
    match event {
        Some(event) => json!({ "what": what, "id": id, "event": EventId::of(event) }),
        None => json!({ "what": what, "id": id }),
    }
}
