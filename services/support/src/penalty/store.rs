//! The SQL of fines.

use super::{
    Appeal, Ground, Judgement, Penalty, Refusal, Reversal, State, StatementKind, StatementView, Verdict,
};
use crate::person::Person;
use crate::words::{Text, Word};
use chrono::{DateTime, Utc};
use events::support::{PenaltyKind, Severity};
use events::{CallId, ComplaintId, PenaltyId};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, RefuseOn, Tx};
use kernel::{BranchId, Decision, EmployeeId, Fen, PolicyVersionId, Timestamp, UserId, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// A row of `penalty`.
struct Row {
    id: Uuid,
    branch_id: Uuid,
    complaint_id: Uuid,
    call_id: Option<Uuid>,
    employee_id: Uuid,
    kind: String,
    amount_fen: i64,
    severity: String,
    policy_version: Uuid,
    proposer_user: Uuid,
    proposer_employee: Option<Uuid>,
    state: String,
    hearing_ends_at: DateTime<Utc>,
    provisional: bool,
    heard_at: Option<DateTime<Utc>>,
    decided_at: Option<DateTime<Utc>>,
    decider_user: Option<Uuid>,
    decider_employee: Option<Uuid>,
    appealed_at: Option<DateTime<Utc>>,
    judged_at: Option<DateTime<Utc>>,
    judge_user: Option<Uuid>,
    judge_employee: Option<Uuid>,
    ground: Option<String>,
    new_amount_fen: Option<i64>,
    version: i32,
}

impl Row {
    fn state(&self) -> Option<State> {
        let heard_at = self.heard_at.map(Timestamp::of);
        let verdict = self.decided_at.zip(self.decider_user).map(|(at, user)| Verdict {
            by: Person { user: UserId::of(user), employee: self.decider_employee.map(EmployeeId::of) },
            at: Timestamp::of(at),
            heard_at,
        });
        let appeal = self.appealed_at.map(|at| Appeal { at: Timestamp::of(at) });
        let judgement = self.judged_at.zip(self.judge_user).map(|(at, user)| Judgement {
            by: Person { user: UserId::of(user), employee: self.judge_employee.map(EmployeeId::of) },
            at: Timestamp::of(at),
        });
        match self.state.as_str() {
            "assessed" => Some(State::Assessed { heard_at }),
            "dismissed" => verdict.map(State::Dismissed),
            "confirmed" => verdict.map(State::Confirmed),
            "appealed" => Some(State::Appealed(verdict?, appeal?)),
            "upheld" => Some(State::Upheld(verdict?, appeal?, judgement?)),
            "reversed" => {
                let ground = Ground::of(self.ground.as_deref()?)?;
                let new_amount = Fen::new(self.new_amount_fen?);
                Some(State::Reversed(
                    verdict?,
                    Reversal { ground, appeal, judgement: judgement?, new_amount },
                ))
            }
            _ => None,
        }
    }
}

impl TryFrom<Row> for Penalty {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "penalty", column, value: value.to_owned() };
        Ok(Self {
            state: row.state().ok_or_else(|| corrupt("state", &row.state))?,
            kind: PenaltyKind::of(&row.kind).ok_or_else(|| corrupt("kind", &row.kind))?,
            severity: Severity::of(&row.severity).ok_or_else(|| corrupt("severity", &row.severity))?,
            id: PenaltyId::of(row.id),
            branch: BranchId::of(row.branch_id),
            complaint: ComplaintId::of(row.complaint_id),
            call: row.call_id.map(CallId::of),
            employee: EmployeeId::of(row.employee_id),
            amount: Fen::new(row.amount_fen),
            policy: PolicyVersionId::of(row.policy_version),
            proposer: Person {
                user: UserId::of(row.proposer_user),
                employee: row.proposer_employee.map(EmployeeId::of),
            },
            hearing_ends_at: Timestamp::of(row.hearing_ends_at),
            provisional: row.provisional,
            version: Version::of(row.version),
        })
    }
}

/// The complaint of a fine within reach, which never becomes another one: whoever needs both locks it before the fine.
pub(super) async fn complaint_of(tx: &mut Tx, id: PenaltyId) -> Result<ComplaintId, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let complaint = sqlx::query_scalar!(
        "SELECT complaint_id FROM penalty WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR employee_id = $3)",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(complaint.map(ComplaintId::of).ok_or_else(not_found)?)
}

/// Locks a fine within reach.
pub(super) async fn load(tx: &mut Tx, id: PenaltyId) -> Result<Penalty, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, complaint_id, call_id, employee_id, kind, amount_fen, severity, policy_version, proposer_user, proposer_employee,
                state, hearing_ends_at, provisional, heard_at, decided_at, decider_user, decider_employee, appealed_at, judged_at, judge_user, judge_employee,
                ground, new_amount_fen, version
         FROM penalty WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR employee_id = $3) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Writes the new state if the version is still the one loaded, else [`Fault::Stale`].
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Penalty>) -> Result<(), Fault> {
    let penalty = decision.state();
    let columns = Columns::of(penalty.state);
    let statement = sqlx::query!(
        "UPDATE penalty SET state = $3, heard_at = $4, decided_at = $5, decider_user = $6, decider_employee = $7, appealed_at = $8,
                judged_at = $9, new_amount_fen = $10, version = $11, judge_user = $12, judge_employee = $13, ground = $14
         WHERE id = $1 AND version = $2",
        penalty.id.uuid(),
        decision.base().get(),
        penalty.state.word(),
        columns.heard_at.map(Timestamp::utc),
        columns.verdict.map(|verdict| verdict.at.utc()),
        columns.verdict.map(|verdict| verdict.by.user.uuid()),
        columns.verdict.and_then(|verdict| verdict.by.employee).map(EmployeeId::uuid),
        columns.appeal.map(|appeal| appeal.at.utc()),
        columns.judgement.map(|judgement| judgement.at.utc()),
        columns.new_amount.map(Fen::fen),
        decision.version().get(),
        columns.judgement.map(|judgement| judgement.by.user.uuid()),
        columns.judgement.and_then(|judgement| judgement.by.employee).map(EmployeeId::uuid),
        columns.ground.map(Ground::word),
    );
    tx.save(decision, statement).await
}

/// The columns that a state fills.
#[derive(Default)]
struct Columns {
    heard_at: Option<Timestamp>,
    verdict: Option<Verdict>,
    appeal: Option<Appeal>,
    judgement: Option<Judgement>,
    new_amount: Option<Fen>,
    ground: Option<Ground>,
}

impl Columns {
    fn of(state: State) -> Self {
        let decided =
            |verdict: Verdict| Self { heard_at: verdict.heard_at, verdict: Some(verdict), ..Self::default() };
        match state {
            State::Assessed { heard_at } => Self { heard_at, ..Self::default() },
            State::Dismissed(verdict) | State::Confirmed(verdict) => decided(verdict),
            State::Appealed(verdict, appeal) => Self { appeal: Some(appeal), ..decided(verdict) },
            State::Upheld(verdict, appeal, judgement) => {
                Self { appeal: Some(appeal), judgement: Some(judgement), ..decided(verdict) }
            }
            State::Reversed(verdict, reversal) => Self {
                appeal: reversal.appeal,
                judgement: Some(reversal.judgement),
                new_amount: Some(reversal.new_amount),
                ground: Some(reversal.ground),
                ..decided(verdict)
            },
        }
    }
}

/// Writes a new fine; a second one for the same complaint and employee is refused by the database (R5).
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Penalty>) -> Result<(), Failure> {
    let penalty = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO penalty (id, branch_id, complaint_id, call_id, employee_id, kind, amount_fen, severity, policy_version, proposer_user,
                              proposer_employee, state, hearing_ends_at, provisional, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        penalty.id.uuid(),
        penalty.branch.uuid(),
        penalty.complaint.uuid(),
        penalty.call.map(CallId::uuid),
        penalty.employee.uuid(),
        penalty.kind.word(),
        penalty.amount.fen(),
        penalty.severity.word(),
        penalty.policy.uuid(),
        penalty.proposer.user.uuid(),
        penalty.proposer.employee.map(EmployeeId::uuid),
        penalty.state.word(),
        penalty.hearing_ends_at.utc(),
        penalty.provisional,
        decision.version().get(),
    );
    tx.save(decision, statement).await.refuse_on("penalty_one_per_complaint", Refusal::OnePerComplaint {})
}

/// Keeps what was said with a step of a fine.
pub(super) async fn said(
    tx: &mut Tx,
    penalty: &Penalty,
    kind: StatementKind,
    text: &Text,
) -> Result<(), Fault> {
    let (id, said_by, now) = (tx.fresh::<PenaltyId>(), tx.actor().to_string(), tx.now());
    sqlx::query!(
        "INSERT INTO penalty_statement (id, penalty_id, branch_id, kind, text, said_by, said_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id.uuid(),
        penalty.id.uuid(),
        penalty.branch.uuid(),
        kind.word(),
        text.as_str(),
        said_by,
        now.utc(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Statements of one fine at the most; every step adds one, so a fine that has had more is nobody's honest work.
const STATEMENTS: i64 = 200;

/// What was said with the steps of a fine, oldest first; whoever calls has asked the reach before.
pub(super) async fn statements(pool: &PgPool, penalty: &Penalty) -> Result<Vec<StatementView>, Failure> {
    let rows = sqlx::query!(
        "SELECT kind, text, said_by, said_at FROM penalty_statement WHERE penalty_id = $1 AND branch_id = $2 ORDER BY said_at, id LIMIT $3",
        penalty.id.uuid(),
        penalty.branch.uuid(),
        STATEMENTS,
    )
    .fetch_all(pool)
    .await?;
    let view = rows.into_iter().map(|row| StatementView {
        kind: row.kind,
        text: row.text,
        said_by: row.said_by,
        said_at: Timestamp::of(row.said_at),
    });
    Ok(view.collect())
}

/// Locks the fines of these employees for one complaint: a finding that frees them undoes what followed from it,
/// whoever may see it, so no reach is asked.
pub(super) async fn of_complaint(
    tx: &mut Tx,
    complaint: ComplaintId,
    employees: &[EmployeeId],
) -> Result<Vec<Penalty>, Failure> {
    let employees: Vec<Uuid> = employees.iter().map(|employee| employee.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, complaint_id, call_id, employee_id, kind, amount_fen, severity, policy_version, proposer_user, proposer_employee,
                state, hearing_ends_at, provisional, heard_at, decided_at, decider_user, decider_employee, appealed_at, judged_at, judge_user, judge_employee,
                ground, new_amount_fen, version
         FROM penalty WHERE complaint_id = $1 AND employee_id = ANY ($2) ORDER BY id FOR UPDATE",
        complaint.uuid(),
        &employees,
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(Penalty::try_from).collect::<Result<_, _>>()?)
}

/// A fine within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: PenaltyId) -> Result<Option<Penalty>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, complaint_id, call_id, employee_id, kind, amount_fen, severity, policy_version, proposer_user, proposer_employee,
                state, hearing_ends_at, provisional, heard_at, decided_at, decider_user, decider_employee, appealed_at, judged_at, judge_user, judge_employee,
                ground, new_amount_fen, version
         FROM penalty WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR employee_id = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Penalty::try_from).transpose()?)
}

/// One page of fines within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &super::list::PenaltyFilter,
    page: PageRequest,
) -> Result<Vec<Penalty>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, complaint_id, call_id, employee_id, kind, amount_fen, severity, policy_version, proposer_user, proposer_employee,
                state, hearing_ends_at, provisional, heard_at, decided_at, decider_user, decider_employee, appealed_at, judged_at, judge_user, judge_employee,
                ground, new_amount_fen, version
         FROM penalty
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR employee_id = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::uuid IS NULL OR complaint_id = $4) AND ($5::uuid IS NULL OR employee_id = $5) AND ($6::text IS NULL OR state = $6)
           AND id < $7 AND id > $8
         ORDER BY CASE WHEN $9 THEN id END DESC, id LIMIT $10",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.complaint_id.map(ComplaintId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.state.map(|state| state.word()),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Penalty::try_from).collect::<Result<_, _>>()?)
}
