//! The SQL of punches.

use super::batch::{PunchBatch, Taken};
use super::list::{InState, PunchFilter};
use super::{Dispute, Punch, State, word};
use crate::attendance::derive::Direction;
use crate::ids::{PunchBatchId, PunchId};
use crate::person::Person;
use chrono::{DateTime, SubsecRound, Utc};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Timestamp, UserId, Version};
use sqlx::PgPool;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A row of `punch`.
struct Row {
    id: Uuid,
    employee_id: Uuid,
    branch_id: Uuid,
    device: String,
    at: DateTime<Utc>,
    received_at: DateTime<Utc>,
    skew_seconds: i32,
    direction: Option<String>,
    recorder_user: Option<Uuid>,
    recorder_employee: Option<Uuid>,
    batch_id: Option<Uuid>,
    state: String,
    void_reason: Option<String>,
    disputer_user: Option<Uuid>,
    disputer_employee: Option<Uuid>,
    voider_user: Option<Uuid>,
    voided_at: Option<DateTime<Utc>>,
    version: i32,
}

impl Row {
    fn state(&self) -> Option<State> {
        let dispute = self
            .disputer_user
            .zip(self.void_reason.clone())
            .map(|(user, reason)| Dispute { by: Person::stored(user, self.disputer_employee), reason });
        match self.state.as_str() {
            "recorded" => Some(State::Recorded),
            "disputed" => dispute.map(State::Disputed),
            "voided" => {
                let by = Person { user: UserId::of(self.voider_user?), employee: None };
                Some(State::Voided(dispute?, by, Timestamp::of(self.voided_at?)))
            }
            _ => None,
        }
    }
}

/// The direction a row names.
pub(crate) fn direction(text: Option<&str>) -> Result<Option<Direction>, Fault> {
    let known = [Direction::In, Direction::Out];
    let find = |text: &str| known.into_iter().find(|direction| word(*direction) == text);
    text.map(|text| {
        find(text).ok_or_else(|| Fault::Corrupt {
            table: "punch",
            column: "direction",
            value: text.to_owned(),
        })
    })
    .transpose()
}

impl TryFrom<Row> for Punch {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "punch", column, value: value.to_owned() };
        Ok(Self {
            state: row.state().ok_or_else(|| corrupt("state", &row.state))?,
            direction: direction(row.direction.as_deref())?,
            id: PunchId::of(row.id),
            employee: EmployeeId::of(row.employee_id),
            branch: BranchId::of(row.branch_id),
            device: row.device,
            at: Timestamp::of(row.at),
            received_at: Timestamp::of(row.received_at),
            skew_seconds: row.skew_seconds,
            recorder: row.recorder_user.map(|user| Person::stored(user, row.recorder_employee)),
            batch: row.batch_id.map(PunchBatchId::of),
            version: Version::of(row.version),
        })
    }
}

/// The places of those that are employed on the day of their punch, by the zone of the device's branch. The day
/// after the last one counts too, because a night shift ends on it.
pub(super) async fn employed(
    tx: &mut Tx,
    wanted: &[(EmployeeId, Timestamp)],
    branch: BranchId,
) -> Result<BTreeSet<usize>, Failure> {
    let places: Vec<i32> = (0..).take(wanted.len()).collect();
    let employees: Vec<Uuid> = wanted.iter().map(|(employee, _)| employee.uuid()).collect();
    let instants: Vec<DateTime<Utc>> = wanted.iter().map(|(_, at)| at.utc()).collect();
    let found = sqlx::query_scalar!(
        "SELECT DISTINCT wanted.place AS \"place!\"
         FROM UNNEST($1::int[], $2::uuid[], $3::timestamptz[]) AS wanted (place, employee_id, at)
         JOIN branch ON branch.id = $4
         CROSS JOIN LATERAL (SELECT (wanted.at AT TIME ZONE branch.zone)::date AS day) AS local
         JOIN employment ON employment.employee_id = wanted.employee_id AND employment.valid && daterange(local.day - 1, local.day, '[]')",
        &places,
        &employees,
        &instants,
        branch.uuid(),
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(found.into_iter().filter_map(|place| usize::try_from(place).ok()).collect())
}

/// Inserts one punch with its event, or answers with the one that is there.
pub(super) async fn add_once(
    tx: &mut Tx,
    decision: &Decision<Punch>,
    word: fn(Direction) -> &'static str,
) -> Result<Option<Punch>, Failure> {
    let punch = decision.state();
    let inserted = sqlx::query!(
        "INSERT INTO punch (id, employee_id, branch_id, device, at, second, received_at, skew_seconds, direction, batch_id, state, version,
                            recorder_user, recorder_employee)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, 'recorded', $10, $11, $12)
         ON CONFLICT ON CONSTRAINT punch_once DO NOTHING",
        punch.id.uuid(),
        punch.employee.uuid(),
        punch.branch.uuid(),
        punch.device,
        punch.at.utc(),
        punch.at.utc().trunc_subsecs(0),
        punch.received_at.utc(),
        punch.skew_seconds,
        punch.direction.map(word),
        decision.version().get(),
        punch.recorder.map(|person| person.user.uuid()),
        punch.recorder.and_then(|person| person.employee).map(EmployeeId::uuid),
    )
    .execute(tx.connection())
    .await?
    .rows_affected();
    if inserted == 1 {
        tx.record(decision);
        return Ok(None);
    }
    let row = sqlx::query_as!(
        Row,
        "SELECT id, employee_id, branch_id, device, at, received_at, skew_seconds, direction, recorder_user, recorder_employee, batch_id, state,
                void_reason, disputer_user,
                disputer_employee, voider_user, voided_at, version
         FROM punch WHERE employee_id = $1 AND second = $2 AND device = $3",
        punch.employee.uuid(),
        punch.at.utc().trunc_subsecs(0),
        punch.device,
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(Some(row.try_into()?))
}

/// Inserts the punches of a batch that are not there yet; by place, the id that stands for each now. In one order, so that two
/// batches at once wait for each other, but never in a circle; the slower one then finds what the faster one has kept.
#[expect(
    clippy::as_conversions,
    reason = "how sqlx is told that an array holds nulls; no number is converted"
)]
pub(super) async fn add_many(
    tx: &mut Tx,
    batch: PunchBatchId,
    punches: &[(usize, Punch)],
) -> Result<HashMap<usize, (PunchId, Taken)>, Failure> {
    let Some((_, first)) = punches.first() else { return Ok(HashMap::new()) };
    let employees: Vec<Uuid> = punches.iter().map(|(_, punch)| punch.employee.uuid()).collect();
    let instants: Vec<DateTime<Utc>> = punches.iter().map(|(_, punch)| punch.at.utc()).collect();
    sqlx::query!(
        "INSERT INTO punch (id, employee_id, branch_id, device, at, second, received_at, skew_seconds, direction, batch_id, state, version,
                            recorder_user, recorder_employee)
         SELECT id, employee_id, $5, $6, at, date_trunc('second', at), $7, $8, direction, $9, 'recorded', 0, $10, $11
         FROM UNNEST($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[]) WITH ORDINALITY AS item (id, employee_id, at, direction, place)
         ORDER BY employee_id, date_trunc('second', at), place
         ON CONFLICT ON CONSTRAINT punch_once DO NOTHING",
        &punches.iter().map(|(_, punch)| punch.id.uuid()).collect::<Vec<_>>(),
        &employees,
        &instants,
        &punches.iter().map(|(_, punch)| punch.direction.map(|way| word(way).to_owned())).collect::<Vec<_>>() as &[Option<String>],
        first.branch.uuid(),
        first.device,
        first.received_at.utc(),
        first.skew_seconds,
        batch.uuid(),
        first.recorder.map(|person| person.user.uuid()),
        first.recorder.and_then(|person| person.employee).map(EmployeeId::uuid),
    )
    .execute(tx.connection())
    .await?;
    let there = sqlx::query!(
        "SELECT punch.id, punch.employee_id, punch.second
         FROM (SELECT DISTINCT employee_id, date_trunc('second', at) AS second FROM UNNEST($1::uuid[], $2::timestamptz[]) AS item (employee_id, at)) wanted
         JOIN punch USING (employee_id, second) WHERE device = $3",
        &employees,
        &instants,
        first.device,
    )
    .fetch_all(tx.connection())
    .await?;
    let known: HashMap<(Uuid, DateTime<Utc>), PunchId> =
        there.into_iter().map(|row| ((row.employee_id, row.second), PunchId::of(row.id))).collect();
    let stands = |(place, punch): &(usize, Punch)| {
        let id = *known.get(&(punch.employee.uuid(), punch.at.utc().trunc_subsecs(0)))?;
        Some((*place, (id, if id == punch.id { Taken::Recorded } else { Taken::Repeated })))
    };
    Ok(punches.iter().filter_map(stands).collect())
}

/// Inserts a batch with its event; its punches are there already.
pub(super) async fn add_batch(tx: &mut Tx, decision: &Decision<PunchBatch>) -> Result<(), Failure> {
    let batch = decision.state();
    let view = house::Shown::view(batch, decision.version());
    let statement = sqlx::query!(
        "INSERT INTO punch_batch (id, branch_id, device, recorded, repeated, refused, version) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        batch.id.uuid(),
        batch.branch.uuid(),
        batch.device,
        view.recorded,
        view.repeated,
        view.refused,
        decision.version().get(),
    );
    Ok(tx.save(decision, statement).await?)
}

/// Locks a punch within reach: on a device of the branch, or of somebody who belonged to it on that day, or on the day
/// before, because a night shift ends on the next.
pub(super) async fn load(tx: &mut Tx, id: PunchId) -> Result<Punch, Failure> {
    let branches = tx.branches();
    let row = sqlx::query_as!(
        Row,
        "SELECT p.id, p.employee_id, p.branch_id, p.device, p.at, p.received_at, p.skew_seconds, p.direction, p.recorder_user,
                p.recorder_employee, p.batch_id, p.state, p.void_reason,
                p.disputer_user, p.disputer_employee, p.voider_user, p.voided_at, p.version
         FROM punch p
         WHERE p.id = $1 AND ($2::uuid[] IS NULL OR p.branch_id = ANY ($2)
               OR EXISTS (SELECT FROM assignment a JOIN branch b ON b.id = a.branch_id
                   WHERE a.employee_id = p.employee_id AND a.branch_id = ANY ($2)
                     AND a.valid && daterange((p.at AT TIME ZONE b.zone)::date - 1, (p.at AT TIME ZONE b.zone)::date, '[]'))) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Writes the new state if the version is still the one loaded.
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Punch>) -> Result<(), Fault> {
    let punch = decision.state();
    let dispute = punch.state.dispute();
    let voided = match &punch.state {
        State::Voided(_, by, at) => Some((by.user.uuid(), at.utc())),
        State::Recorded | State::Disputed(_) => None,
    };
    let statement = sqlx::query!(
        "UPDATE punch SET state = $3, void_reason = $4, disputer_user = $5, disputer_employee = $6, voider_user = $7, voided_at = $8, version = $9
         WHERE id = $1 AND version = $2",
        punch.id.uuid(),
        decision.base().get(),
        punch.state.word(),
        dispute.map(|dispute| dispute.reason.as_str()),
        dispute.map(|dispute| dispute.by.user.uuid()),
        dispute.and_then(|dispute| dispute.by.employee).map(EmployeeId::uuid),
        voided.map(|(user, _)| user),
        voided.map(|(_, at)| at),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// A punch within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: PunchId) -> Result<Option<Punch>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT p.id, p.employee_id, p.branch_id, p.device, p.at, p.received_at, p.skew_seconds, p.direction, p.recorder_user,
                p.recorder_employee, p.batch_id, p.state, p.void_reason,
                p.disputer_user, p.disputer_employee, p.voider_user, p.voided_at, p.version
         FROM punch p
         WHERE p.id = $1 AND ($2::uuid[] IS NULL OR p.branch_id = ANY ($2) OR p.employee_id = $3
               OR EXISTS (SELECT FROM assignment a JOIN branch b ON b.id = a.branch_id
                   WHERE a.employee_id = p.employee_id AND a.branch_id = ANY ($2)
                     AND a.valid && daterange((p.at AT TIME ZONE b.zone)::date - 1, (p.at AT TIME ZONE b.zone)::date, '[]')))",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Punch::try_from).transpose()?)
}

/// One page of punches within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &PunchFilter,
    page: PageRequest,
) -> Result<Vec<Punch>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT p.id, p.employee_id, p.branch_id, p.device, p.at, p.received_at, p.skew_seconds, p.direction, p.recorder_user,
                p.recorder_employee, p.batch_id, p.state, p.void_reason,
                p.disputer_user, p.disputer_employee, p.voider_user, p.voided_at, p.version
         FROM punch p
         WHERE ($1::uuid[] IS NULL OR p.branch_id = ANY ($1) OR p.employee_id = $2
               OR EXISTS (SELECT FROM assignment a JOIN branch b ON b.id = a.branch_id
                   WHERE a.employee_id = p.employee_id AND a.branch_id = ANY ($1)
                     AND a.valid && daterange((p.at AT TIME ZONE b.zone)::date - 1, (p.at AT TIME ZONE b.zone)::date, '[]')))
           AND ($3::uuid IS NULL OR p.branch_id = $3) AND ($4::uuid IS NULL OR p.employee_id = $4) AND ($5::text IS NULL OR p.state = $5)
           AND ($6::timestamptz IS NULL OR p.at >= $6) AND ($7::timestamptz IS NULL OR p.at < $7) AND p.id < $8 AND p.id > $9
         ORDER BY CASE WHEN $10 THEN p.id END DESC, p.id LIMIT $11",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.state.map(InState::word),
        filter.at_gte.map(Timestamp::utc),
        filter.at_lt.map(Timestamp::utc),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Punch::try_from).collect::<Result<_, _>>()?)
}
