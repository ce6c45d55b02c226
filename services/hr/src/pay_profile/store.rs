//! The SQL of pay profiles.

use super::list::{InState, PayProfileFilter};
use super::rules::{ContractTerm, Employment};
use super::{PayProfile, Refusal, State};
use crate::employee::Employee;
use crate::ids::PayProfileId;
use crate::payroll::PayPolicy;
use crate::payroll::input::{Pay, Probation};
use crate::person::Person;
use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use house::list::PageRequest;
use house::{not_found, policy};
use journal::{Failure, Fault, Reach, RefuseOn, Tx};
use kernel::{BasisPoints, BranchId, Decision, EmployeeId, Fen, Span, Timestamp, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// A row of `pay_profile`, with the branch the employee belongs to now.
struct Row {
    id: Uuid,
    employee_id: Uuid,
    branch_id: Uuid,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    kind: String,
    base_fen: Option<i64>,
    probation_ends_on: Option<NaiveDate>,
    probation_bp: Option<i32>,
    commission_bp: Option<i32>,
    bonus_base_fen: Option<i64>,
    state: String,
    author_user: Uuid,
    author_employee: Option<Uuid>,
    approver_user: Option<Uuid>,
    approver_employee: Option<Uuid>,
    approved_at: Option<DateTime<Utc>>,
    version: i32,
}

impl Row {
    fn state(&self) -> Option<State> {
        match (self.state.as_str(), self.approver_user, self.approved_at) {
            ("draft", None, None) => Some(State::Draft),
            ("approved", Some(user), Some(at)) => Some(State::Approved {
                by: Person::stored(user, self.approver_employee),
                at: Timestamp::of(at),
            }),
            _ => None,
        }
    }

    fn pay(&self) -> Option<Pay> {
        match (self.kind.as_str(), self.base_fen) {
            ("by_visit", None) => Some(Pay::ByVisit),
            ("salaried", Some(base)) => {
                let probation = self.probation_ends_on.zip(rate(self.probation_bp));
                let probation = probation.map(|(ends_on, bp)| Probation { ends_on, bp });
                Some(Pay::Salaried { base: Fen::new(base), probation })
            }
            _ => None,
        }
    }
}

fn rate(bp: Option<i32>) -> Option<BasisPoints> {
    bp.and_then(|bp| u32::try_from(bp).ok()).map(BasisPoints::new)
}

fn column(rate: Option<BasisPoints>) -> Option<i32> {
    rate.map(|rate| i32::try_from(rate.bp()).expect("a rate was checked to be at most the whole"))
}

impl TryFrom<Row> for PayProfile {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "pay_profile", column, value: value.to_owned() };
        Ok(Self {
            state: row.state().ok_or_else(|| corrupt("state", &row.state))?,
            pay: row.pay().ok_or_else(|| corrupt("kind", &row.kind))?,
            id: PayProfileId::of(row.id),
            employee: EmployeeId::of(row.employee_id),
            branch: BranchId::of(row.branch_id),
            valid: Span { from: row.valid_from, to: row.valid_to },
            commission: rate(row.commission_bp),
            bonus_base: row.bonus_base_fen.map(Fen::new),
            author: Person::stored(row.author_user, row.author_employee),
            version: Version::of(row.version),
        })
    }
}

/// The policy and the employment on the first day of a profile, with the minimum wage of that day and the highest that
/// any probation from it on could meet.
pub(super) async fn terms(
    tx: &mut Tx,
    employee: &Employee,
    from: NaiveDate,
) -> Result<(PayPolicy, Employment), Failure> {
    let employment = sqlx::query!(
        "SELECT lower(valid) AS \"hired_on!\", contract_ends_on FROM employment WHERE employee_id = $1 AND valid @> $2::date",
        employee.id.uuid(),
        from,
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Refusal::NotEmployed { from })?;
    let policy = policy::in_force::<PayPolicy>(tx.connection(), Some(employee.branch), from).await?.terms;
    let longest = from.checked_add_months(Months::new(policy.probation_longest_months)).unwrap_or(from);
    let wages = sqlx::query!(
        "SELECT max(minimum_wage_fen) AS highest,
                max(minimum_wage_fen) FILTER (WHERE assignment.valid @> $2::date AND branch_minimum_wage.valid @> $2::date) AS first
         FROM assignment JOIN branch_minimum_wage USING (branch_id)
         WHERE assignment.employee_id = $1 AND assignment.valid * branch_minimum_wage.valid && daterange($2::date, $3::date, '[]')",
        employee.id.uuid(),
        from,
        longest,
    )
    .fetch_one(tx.connection())
    .await?;
    let (highest, first) = wages.highest.zip(wages.first).ok_or_else(|| Fault::Corrupt {
        table: "branch_minimum_wage",
        column: "valid",
        value: format!("none from {from}"),
    })?;
    let last = employment.contract_ends_on;
    let term = last.map_or(ContractTerm::OpenEnded, |last| ContractTerm::Until(last + Days::new(1)));
    let employment = Employment {
        hired_on: employment.hired_on,
        term,
        minimum_wage: Fen::new(first),
        minimum_wage_on_probation: Fen::new(highest),
    };
    Ok((policy, employment))
}

/// Locks a profile within reach.
pub(super) async fn load(tx: &mut Tx, id: PayProfileId) -> Result<PayProfile, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT p.id, p.employee_id, e.branch_id, lower(p.valid) AS \"valid_from!\", upper(p.valid) AS valid_to, p.kind, p.base_fen,
                p.probation_ends_on, p.probation_bp, p.commission_bp, p.bonus_base_fen, p.state, p.author_user, p.author_employee,
                p.approver_user, p.approver_employee, p.approved_at, p.version
         FROM pay_profile p JOIN employee e ON e.id = p.employee_id
         WHERE p.id = $1 AND ($2::uuid[] IS NULL OR e.branch_id = ANY ($2) OR e.id = $3) FOR UPDATE OF p",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Locks the approved profile that goes on for ever and began before a day; the caller has loaded the employee.
pub(super) async fn load_open_before(
    tx: &mut Tx,
    employee: EmployeeId,
    from: NaiveDate,
) -> Result<Option<PayProfile>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT p.id, p.employee_id, e.branch_id, lower(p.valid) AS \"valid_from!\", upper(p.valid) AS valid_to, p.kind, p.base_fen,
                p.probation_ends_on, p.probation_bp, p.commission_bp, p.bonus_base_fen, p.state, p.author_user, p.author_employee,
                p.approver_user, p.approver_employee, p.approved_at, p.version
         FROM pay_profile p JOIN employee e ON e.id = p.employee_id
         WHERE p.employee_id = $1 AND p.state = 'approved' AND upper_inf(p.valid) AND lower(p.valid) < $2 FOR UPDATE OF p",
        employee.uuid(),
        from,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(PayProfile::try_from).transpose()?)
}

/// Inserts a draft.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<PayProfile>) -> Result<(), Fault> {
    let profile = decision.state();
    let (kind, base, probation) = match profile.pay {
        Pay::Salaried { base, probation } => ("salaried", Some(base.fen()), probation),
        Pay::ByVisit => ("by_visit", None, None),
    };
    let statement = sqlx::query!(
        "INSERT INTO pay_profile (id, employee_id, valid, kind, base_fen, probation_ends_on, probation_bp, commission_bp, bonus_base_fen,
                                  state, author_user, author_employee, version)
         VALUES ($1, $2, daterange($3, $4), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        profile.id.uuid(),
        profile.employee.uuid(),
        profile.valid.from,
        profile.valid.to,
        kind,
        base,
        probation.map(|probation| probation.ends_on),
        column(probation.map(|probation| probation.bp)),
        column(profile.commission),
        profile.bonus_base.map(Fen::fen),
        profile.state.word(),
        profile.author.user.uuid(),
        profile.author.employee.map(EmployeeId::uuid),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Writes the new state if the version is still the one loaded.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<PayProfile>) -> Result<(), Failure> {
    let profile = decision.state();
    let approval = profile.state.approval();
    let statement = sqlx::query!(
        "UPDATE pay_profile SET valid = daterange($3, $4), state = $5, approver_user = $6, approver_employee = $7, approved_at = $8, version = $9
         WHERE id = $1 AND version = $2",
        profile.id.uuid(),
        decision.base().get(),
        profile.valid.from,
        profile.valid.to,
        profile.state.word(),
        approval.map(|(by, _)| by.user.uuid()),
        approval.and_then(|(by, _)| by.employee).map(EmployeeId::uuid),
        approval.map(|(_, at)| at.utc()),
        decision.version().get(),
    );
    tx.save(decision, statement).await.refuse_on("pay_profile_approved_once", Refusal::Overlap {})
}

/// A profile within reach, unlocked: of one's people, and of those who belonged to one's branch while it counted, because
/// the closed months there were paid by it.
pub(super) async fn find(
    pool: &PgPool,
    reach: &Reach,
    id: PayProfileId,
) -> Result<Option<PayProfile>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT p.id, p.employee_id, e.branch_id, lower(p.valid) AS \"valid_from!\", upper(p.valid) AS valid_to, p.kind, p.base_fen,
                p.probation_ends_on, p.probation_bp, p.commission_bp, p.bonus_base_fen, p.state, p.author_user, p.author_employee,
                p.approver_user, p.approver_employee, p.approved_at, p.version
         FROM pay_profile p JOIN employee e ON e.id = p.employee_id
         WHERE p.id = $1 AND ($2::uuid[] IS NULL OR e.branch_id = ANY ($2) OR e.id = $3
               OR EXISTS (SELECT FROM assignment a WHERE a.employee_id = p.employee_id AND a.valid && p.valid AND a.branch_id = ANY ($2)))",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(PayProfile::try_from).transpose()?)
}

/// One page of profiles within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &PayProfileFilter,
    page: PageRequest,
) -> Result<Vec<PayProfile>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT p.id, p.employee_id, e.branch_id, lower(p.valid) AS \"valid_from!\", upper(p.valid) AS valid_to, p.kind, p.base_fen,
                p.probation_ends_on, p.probation_bp, p.commission_bp, p.bonus_base_fen, p.state, p.author_user, p.author_employee,
                p.approver_user, p.approver_employee, p.approved_at, p.version
         FROM pay_profile p JOIN employee e ON e.id = p.employee_id
         WHERE ($1::uuid[] IS NULL OR e.branch_id = ANY ($1) OR e.id = $2
               OR EXISTS (SELECT FROM assignment a WHERE a.employee_id = p.employee_id AND a.valid && p.valid AND a.branch_id = ANY ($1)))
           AND ($3::uuid IS NULL OR e.branch_id = $3)
           AND ($4::uuid IS NULL OR p.employee_id = $4) AND ($5::text IS NULL OR p.state = $5) AND p.id < $6 AND p.id > $7
         ORDER BY CASE WHEN $8 THEN p.id END DESC, p.id LIMIT $9",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.state.map(InState::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(PayProfile::try_from).collect::<Result<_, _>>()?)
}
