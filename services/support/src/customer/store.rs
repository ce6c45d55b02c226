//! The SQL of customers, their households and contact points.

use super::search::FindCustomers;
use super::{
    ContactPoint, ContactPointId, Customer, FirstTouch, Household, OptIn, Phone, PointValue, Rank, Refusal,
    Sight, Stage, State,
};
use crate::words::{AreaCode, Code, Email, Name, Place, Text};
use chrono::{DateTime, Utc};
use events::{CallId, CustomerId, HouseholdId};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, RefuseOn, Tx};
use kernel::{BranchId, Decision, EmployeeId, Timestamp, Version};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A search answers no more than this.
const FOUND: i64 = 20;

struct Row {
    id: Uuid,
    branch_id: Uuid,
    household_id: Uuid,
    name: String,
    source_code: String,
    came_for: String,
    first_touch: String,
    call_id: Option<Uuid>,
    registered_by: Option<Uuid>,
    registered_at: DateTime<Utc>,
    state: String,
    blocked_for: Option<String>,
    version: i32,
    place: String,
    area_code: Option<String>,
}

struct PointRow {
    id: Uuid,
    customer_id: Uuid,
    kind: String,
    normalised: String,
    rank: String,
    opt_in: String,
}

impl TryFrom<PointRow> for ContactPoint {
    type Error = Fault;
    fn try_from(row: PointRow) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "contact_point", column, value: value.to_owned() };
        let rank = Rank::of(&row.rank).ok_or_else(|| corrupt("rank", &row.rank))?;
        let opt_in = OptIn::of(&row.opt_in).ok_or_else(|| corrupt("opt_in", &row.opt_in))?;
        let value = match row.kind.as_str() {
            "phone" => PointValue::Phone(Phone::known(row.normalised)),
            "email" => PointValue::Email(Email::of(&row.normalised)),
            _ => return Err(corrupt("kind", &row.kind)),
        };
        Ok(Self { id: ContactPointId::of(row.id), value, rank, opt_in })
    }
}

impl Row {
    fn customer(self, points: Vec<ContactPoint>) -> Result<Customer, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "customer", column, value: value.to_owned() };
        let state = match (self.state.as_str(), self.blocked_for) {
            ("prospect", None) => State::Prospect,
            ("active", None) => State::Active,
            ("dormant", None) => State::Dormant,
            ("blocked", Some(reason)) => State::Blocked { reason: Code::of(&reason) },
            _ => return Err(corrupt("state", &self.state)),
        };
        Ok(Customer {
            id: CustomerId::of(self.id),
            branch: BranchId::of(self.branch_id),
            household: Household {
                id: HouseholdId::of(self.household_id),
                place: Place::of(&self.place),
                area: self.area_code.as_deref().map(AreaCode::of),
            },
            name: Name::of(&self.name),
            source: Code::of(&self.source_code),
            came_for: Text::of(&self.came_for),
            first_touch: FirstTouch::of(&self.first_touch)
                .ok_or_else(|| corrupt("first_touch", &self.first_touch))?,
            call: self.call_id.map(CallId::of),
            registered_by: self.registered_by.map(EmployeeId::of),
            registered_at: Timestamp::of(self.registered_at),
            points,
            state,
            version: Version::of(self.version),
        })
    }
}

/// The customers of rows, with their contact points in one query more.
async fn with_points(connection: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Customer>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let branches: Vec<Uuid> = rows.iter().map(|row| row.branch_id).collect();
    let points = sqlx::query_as!(
        PointRow,
        "SELECT id, customer_id, kind, normalised, rank, opt_in
         FROM contact_point WHERE branch_id = ANY ($2) AND customer_id = ANY ($1) ORDER BY rank DESC, kind DESC, id",
        &ids,
        &branches,
    )
    .fetch_all(connection)
    .await?;
    let mut of: HashMap<Uuid, Vec<ContactPoint>> = HashMap::new();
    for point in points {
        of.entry(point.customer_id).or_default().push(point.try_into()?);
    }
    rows.into_iter()
        .map(|row| {
            let points = of.remove(&row.id).unwrap_or_default();
            row.customer(points)
        })
        .collect()
}

/// A household of a branch that somebody joins.
pub(super) async fn household(tx: &mut Tx, branch: BranchId, id: HouseholdId) -> Result<Household, Failure> {
    let row = sqlx::query!(
        "SELECT place, area_code FROM household WHERE id = $1 AND branch_id = $2",
        id.uuid(),
        branch.uuid()
    )
    .fetch_optional(tx.connection())
    .await?;
    let row = row.ok_or(Refusal::NoSuchHousehold {})?;
    Ok(Household { id, place: Place::of(&row.place), area: row.area_code.as_deref().map(AreaCode::of) })
}

/// Writes a new customer with his household and telephone number. Where another one has the number as his primary one
/// the index decides, also between two that come at once; whoever comes second learns who has it.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Customer>) -> Result<(), Failure> {
    let customer = decision.state();
    sqlx::query!(
        "INSERT INTO household (id, branch_id, place, area_code) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
        customer.household.id.uuid(),
        customer.branch.uuid(),
        customer.household.place.as_str(),
        customer.household.area.as_ref().map(AreaCode::as_str),
    )
    .execute(tx.connection())
    .await?;
    let statement = sqlx::query!(
        "INSERT INTO customer (id, branch_id, household_id, name, source_code, came_for, first_touch, call_id, registered_by, registered_at,
                               state, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        customer.id.uuid(),
        customer.branch.uuid(),
        customer.household.id.uuid(),
        customer.name.as_str(),
        customer.source.as_str(),
        customer.came_for.as_str(),
        customer.first_touch.word(),
        customer.call.map(CallId::uuid),
        customer.registered_by.map(EmployeeId::uuid),
        customer.registered_at.utc(),
        customer.state.word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await?;
    add_point(tx, customer, customer.registered_by).await
}

/// Writes the newest contact point of a customer, and who added it.
pub(super) async fn add_point(
    tx: &mut Tx,
    customer: &Customer,
    by: Option<EmployeeId>,
) -> Result<(), Failure> {
    let Some(point) = customer.points.last() else { return Ok(()) };
    let added = sqlx::query!(
        "INSERT INTO contact_point (id, customer_id, branch_id, kind, normalised, rank, opt_in, added_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (branch_id, normalised) WHERE kind = 'phone' AND rank = 'primary' DO NOTHING",
        point.id.uuid(),
        customer.id.uuid(),
        customer.branch.uuid(),
        point.value.word(),
        point.value.normalised(),
        point.rank.word(),
        point.opt_in.word(),
        by.map(EmployeeId::uuid),
    )
    .execute(tx.connection())
    .await
    .refuse_on("contact_point_primary", Refusal::PointKnown {})
    .refuse_on("contact_point_once", Refusal::PointKnown {})?;
    if added.rows_affected() == 1 {
        return Ok(());
    }
    let known = sqlx::query_scalar!(
        "SELECT customer_id FROM contact_point WHERE branch_id = $1 AND normalised = $2 AND kind = 'phone' AND rank = 'primary'",
        customer.branch.uuid(),
        point.value.normalised(),
    )
    .fetch_optional(tx.connection())
    .await?;
    // Gone again between the two statements: whoever asks once more gets it.
    let known = known.ok_or(Fault::Stale)?;
    Err(Refusal::PhoneKnown { customer_id: CustomerId::of(known) }.into())
}

/// Writes the new state and the household, if the version is still the one loaded, else [`Fault::Stale`].
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Customer>) -> Result<(), Fault> {
    let customer = decision.state();
    sqlx::query!(
        "UPDATE household SET place = $3, area_code = $4 WHERE id = $1 AND branch_id = $2",
        customer.household.id.uuid(),
        customer.branch.uuid(),
        customer.household.place.as_str(),
        customer.household.area.as_ref().map(AreaCode::as_str),
    )
    .execute(tx.connection())
    .await?;
    let blocked_for = match &customer.state {
        State::Blocked { reason } => Some(reason.as_str()),
        State::Prospect | State::Active | State::Dormant => None,
    };
    let statement = sqlx::query!(
        "UPDATE customer SET name = $3, source_code = $4, came_for = $5, state = $6, blocked_for = $7, version = $8
         WHERE id = $1 AND version = $2",
        customer.id.uuid(),
        decision.base().get(),
        customer.name.as_str(),
        customer.source.as_str(),
        customer.came_for.as_str(),
        customer.state.word(),
        blocked_for,
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Locks a customer within reach.
pub(super) async fn load(tx: &mut Tx, id: CustomerId) -> Result<Customer, Failure> {
    let branches = tx.branches();
    let row = sqlx::query_as!(
        Row,
        "SELECT customer.id, customer.branch_id, household_id, name, source_code, came_for, first_touch, call_id, registered_by, registered_at,
                customer.state, blocked_for, version, place, area_code
         FROM customer JOIN household ON household.id = household_id AND household.branch_id = customer.branch_id
         WHERE customer.id = $1 AND ($2::uuid[] IS NULL OR customer.branch_id = ANY ($2)) FOR UPDATE OF customer, household",
        id.uuid(),
        branches.as_deref(),
    )
    .fetch_optional(tx.connection())
    .await?;
    let row = row.ok_or_else(not_found)?;
    with_points(tx.connection(), vec![row]).await?.pop().ok_or_else(|| not_found().into())
}

/// A customer within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: CustomerId) -> Result<Option<Customer>, Failure> {
    let mut connection = pool.acquire().await?;
    let row = sqlx::query_as!(
        Row,
        "SELECT customer.id, customer.branch_id, household_id, name, source_code, came_for, first_touch, call_id, registered_by, registered_at,
                customer.state, blocked_for, version, place, area_code
         FROM customer JOIN household ON household.id = household_id AND household.branch_id = customer.branch_id
         WHERE customer.id = $1 AND ($2::uuid[] IS NULL OR customer.branch_id = ANY ($2))",
        id.uuid(),
        reach.branches(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(with_points(&mut connection, row.into_iter().collect()).await?.pop())
}

/// How much of a customer an employee sees: all of it where he registered him or spoke with him. A call counts only
/// where it came from a number of the customer's that somebody else wrote on his card: whoever links a call to a
/// stranger's card, or writes its number on one, learns nothing by that.
pub(super) async fn sight(
    pool: &PgPool,
    id: CustomerId,
    employee: Option<EmployeeId>,
) -> Result<Sight, Failure> {
    let Some(employee) = employee else { return Ok(Sight::Masked) };
    let is_own = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT FROM customer WHERE id = $1 AND registered_by = $2)
             OR EXISTS (SELECT FROM call JOIN contact_point USING (customer_id, branch_id)
                        WHERE call.customer_id = $1 AND agent = $2 AND kind = 'phone' AND normalised = caller_number
                          AND added_by IS DISTINCT FROM $2) AS \"is_own!\"",
        id.uuid(),
        employee.uuid(),
    )
    .fetch_one(pool)
    .await?;
    Ok(if is_own { Sight::Plain } else { Sight::Masked })
}

/// Whether somebody is a customer of a branch, for what is to be linked to him.
pub(crate) async fn is_of(tx: &mut Tx, branch: BranchId, id: CustomerId) -> Result<bool, Fault> {
    Ok(sqlx::query_scalar!(
        "SELECT EXISTS (SELECT FROM customer WHERE id = $1 AND branch_id = $2) AS \"is_of!\"",
        id.uuid(),
        branch.uuid(),
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Customers within reach with this number, or whose name begins so.
pub(super) async fn search(
    pool: &PgPool,
    reach: &Reach,
    find: &FindCustomers,
) -> Result<Vec<Customer>, Failure> {
    let mut connection = pool.acquire().await?;
    let rows = sqlx::query_as!(
        Row,
        "SELECT customer.id, customer.branch_id, household_id, name, source_code, came_for, first_touch, call_id, registered_by, registered_at,
                customer.state, blocked_for, version, place, area_code
         FROM customer JOIN household ON household.id = household_id AND household.branch_id = customer.branch_id
         WHERE ($1::uuid[] IS NULL OR customer.branch_id = ANY ($1)) AND ($2::uuid IS NULL OR customer.branch_id = $2)
           AND ($3::text IS NULL OR customer.id IN (SELECT customer_id FROM contact_point
                                                    WHERE kind = 'phone' AND normalised = $3
                                                      AND ($1::uuid[] IS NULL OR branch_id = ANY ($1))))
           AND ($4::text IS NULL OR starts_with(name, $4))
         ORDER BY customer.id DESC LIMIT $5",
        reach.branches(),
        find.branch_id.map(BranchId::uuid),
        find.phone.as_ref().map(Phone::as_str),
        find.name.as_ref().map(Name::as_str),
        FOUND,
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(with_points(&mut connection, rows).await?)
}

/// One page of customers within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &super::list::CustomerFilter,
    page: PageRequest,
) -> Result<Vec<Customer>, Failure> {
    let mut connection = pool.acquire().await?;
    let rows = sqlx::query_as!(
        Row,
        "SELECT customer.id, customer.branch_id, household_id, name, source_code, came_for, first_touch, call_id, registered_by, registered_at,
                customer.state, blocked_for, version, place, area_code
         FROM customer JOIN household ON household.id = household_id AND household.branch_id = customer.branch_id
         WHERE ($1::uuid[] IS NULL OR customer.branch_id = ANY ($1)) AND ($2::uuid IS NULL OR customer.branch_id = $2)
           AND ($3::uuid IS NULL OR household_id = $3) AND ($4::text IS NULL OR customer.state = $4)
           AND customer.id < $5 AND customer.id > $6
         ORDER BY CASE WHEN $7 THEN customer.id END DESC, customer.id LIMIT $8",
        reach.branches(),
        filter.branch.map(BranchId::uuid),
        filter.household_id.map(HouseholdId::uuid),
        filter.state.map(Stage::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(with_points(&mut connection, rows).await?)
}
