//! The SQL of contacts.

use super::{Channel, Contact, ContactId, Direction, Kind, Reference, Said};
use chrono::{DateTime, Utc};
use events::CustomerId;
use journal::{Fault, Tx};
use kernel::{BranchId, Decision, EmployeeId, Timestamp};
use uuid::Uuid;

/// Contacts about one thing that are looked at; more of them would only repeat what the newest say.
const MOST: i64 = 500;

struct Row {
    id: Uuid,
    branch_id: Uuid,
    customer_id: Option<Uuid>,
    employee_id: Option<Uuid>,
    direction: String,
    channel: String,
    reached: bool,
    kind: String,
    ref_kind: String,
    ref_id: Uuid,
    at: DateTime<Utc>,
}

impl TryFrom<Row> for Contact {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt =
            |column, value: &str| Fault::Corrupt { table: "contact", column, value: value.to_owned() };
        let said = Said {
            direction: Direction::of(&row.direction).ok_or_else(|| corrupt("direction", &row.direction))?,
            channel: Channel::of(&row.channel).ok_or_else(|| corrupt("channel", &row.channel))?,
            reached: row.reached,
            kind: Kind::of(&row.kind).ok_or_else(|| corrupt("kind", &row.kind))?,
            about: Reference::of(&row.ref_kind, row.ref_id)
                .ok_or_else(|| corrupt("ref_kind", &row.ref_kind))?,
        };
        Ok(Self {
            id: ContactId::of(row.id),
            branch: BranchId::of(row.branch_id),
            customer: row.customer_id.map(CustomerId::of),
            employee: row.employee_id.map(EmployeeId::of),
            said,
            at: Timestamp::of(row.at),
        })
    }
}

/// Writes a new contact.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Contact>) -> Result<(), Fault> {
    let contact = decision.state();
    let said = contact.said;
    let statement = sqlx::query!(
        "INSERT INTO contact (id, branch_id, customer_id, employee_id, direction, channel, reached, kind, ref_kind, ref_id, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        contact.id.uuid(),
        contact.branch.uuid(),
        contact.customer.map(CustomerId::uuid),
        contact.employee.map(EmployeeId::uuid),
        said.direction.word(),
        said.channel.word(),
        said.reached,
        said.kind.word(),
        said.about.word(),
        said.about.uuid(),
        contact.at.utc(),
    );
    tx.save(decision, statement).await
}

/// The contacts about one thing of a branch since an instant, newest first.
pub async fn about(
    tx: &mut Tx,
    branch: BranchId,
    reference: Reference,
    since: Timestamp,
) -> Result<Vec<Contact>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, customer_id, employee_id, direction, channel, reached, kind, ref_kind, ref_id, at
         FROM contact WHERE branch_id = $1 AND ref_id = $2 AND at >= $3 ORDER BY at DESC LIMIT $4",
        branch.uuid(),
        reference.uuid(),
        since.utc(),
        MOST,
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter().map(Contact::try_from).collect()
}
