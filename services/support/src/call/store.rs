//! The SQL of calls.

use super::transfer::Passed;
use super::{
    Apology, Call, Content, EndedBy, Ending, Links, Miss, ReasonCode, Return, Stage, State, Stated, Talk,
    Window,
};
use crate::customer::{self, Phone};
use crate::words::Code;
use chrono::{DateTime, Utc};
use events::{CallId, ComplaintId, CustomerId, VisitId};
use house::list::PageRequest;
use house::not_found;
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Timestamp, Version};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

struct Row {
    id: Uuid,
    branch_id: Uuid,
    caller_number: Option<String>,
    customer_id: Option<Uuid>,
    complaint_id: Option<Uuid>,
    visit_id: Option<Uuid>,
    offered_at: DateTime<Utc>,
    state: String,
    agent: Option<Uuid>,
    answered_at: Option<DateTime<Utc>>,
    rings: Option<i32>,
    wait_ms: Option<i64>,
    apology: Option<String>,
    ended_by: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    missed_in: Option<String>,
    missed_at: Option<DateTime<Utc>>,
    reason: Option<String>,
    caller_name: Option<Value>,
    place: Option<Value>,
    topic: Option<Value>,
    why: Option<Value>,
    reason_code: Option<String>,
    recap_at: Option<DateTime<Utc>>,
    version: i32,
}

impl Row {
    fn talk(&self) -> Option<Talk> {
        Some(Talk {
            agent: EmployeeId::of(self.agent?),
            at: Timestamp::of(self.answered_at?),
            rings: u16::try_from(self.rings?).ok()?,
            wait_ms: self.wait_ms?,
        })
    }

    fn ending(&self) -> Option<Ending> {
        let by = EndedBy::of(self.ended_by.as_deref()?)?;
        Some(Ending { by, at: Timestamp::of(self.ended_at?) })
    }

    fn state(&self) -> Option<State> {
        let closed_at = self.closed_at.map(Timestamp::of);
        let miss = self.missed_at.zip(self.missed_in.as_deref().and_then(Window::of));
        let miss = miss.map(|(at, window)| Miss { at: Timestamp::of(at), window });
        match self.state.as_str() {
            "ringing" => Some(State::Ringing),
            "answered" => self.talk().map(State::Answered),
            "wrapping" => Some(State::Wrapping(self.talk()?, self.ending()?)),
            "recorded" => Some(State::Recorded(self.talk()?, self.ending()?, closed_at?)),
            "abandoned" => closed_at.map(State::Abandoned),
            "missed" => miss.map(State::Missed),
            "returned" => {
                let by = EmployeeId::of(self.agent?);
                Some(State::Returned(miss?, Return { by, at: closed_at? }))
            }
            "not_needed" => Some(State::NotNeeded(miss?, closed_at?, Code::of(self.reason.as_deref()?))),
            _ => None,
        }
    }
}

impl TryFrom<Row> for Call {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        let corrupt = |column, value: &str| Fault::Corrupt { table: "call", column, value: value.to_owned() };
        let stated = |column, value: Option<Value>| {
            let read =
                |value: Value| serde_json::from_value::<Stated>(value).map_err(|_| corrupt(column, "…"));
            value.map(read).transpose()
        };
        let apology = row.apology.as_deref();
        let reason = row.reason_code.as_deref();
        Ok(Self {
            state: row.state().ok_or_else(|| corrupt("state", &row.state))?,
            apology: apology
                .map(|word| Apology::of(word).ok_or_else(|| corrupt("apology", word)))
                .transpose()?,
            content: Content {
                reason: reason
                    .map(|word| ReasonCode::of(word).ok_or_else(|| corrupt("reason_code", word)))
                    .transpose()?,
                caller_name: stated("caller_name", row.caller_name)?,
                place: stated("place", row.place)?,
                topic: stated("topic", row.topic)?,
                why: stated("why", row.why)?,
            },
            id: CallId::of(row.id),
            branch: BranchId::of(row.branch_id),
            caller: row.caller_number.map(Phone::known),
            links: Links {
                customer: row.customer_id.map(CustomerId::of),
                complaint: row.complaint_id.map(ComplaintId::of),
                visit: row.visit_id.map(VisitId::of),
            },
            offered_at: Timestamp::of(row.offered_at),
            recap_at: row.recap_at.map(Timestamp::of),
            version: Version::of(row.version),
        })
    }
}

/// A new call rings; everything else comes later.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Call>) -> Result<(), Fault> {
    let call = decision.state();
    let statement = sqlx::query!(
        "INSERT INTO call (id, branch_id, caller_number, customer_id, offered_at, state, version) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        call.id.uuid(),
        call.branch.uuid(),
        call.caller.as_ref().map(Phone::as_str),
        call.links.customer.map(CustomerId::uuid),
        call.offered_at.utc(),
        call.state.word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// The columns that a state fills.
#[derive(Default)]
struct Columns<'a> {
    agent: Option<EmployeeId>,
    talk: Option<Talk>,
    ending: Option<Ending>,
    miss: Option<Miss>,
    closed_at: Option<Timestamp>,
    reason: Option<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(state: &'a State) -> Self {
        let talked = |talk: &Talk| Self { agent: Some(talk.agent), talk: Some(*talk), ..Self::default() };
        match state {
            State::Ringing => Self::default(),
            State::Answered(talk) => talked(talk),
            State::Wrapping(talk, ending) => Self { ending: Some(*ending), ..talked(talk) },
            State::Recorded(talk, ending, at) => {
                Self { ending: Some(*ending), closed_at: Some(*at), ..talked(talk) }
            }
            State::Abandoned(at) => Self { closed_at: Some(*at), ..Self::default() },
            State::Missed(miss) => Self { miss: Some(*miss), ..Self::default() },
            State::Returned(miss, back) => {
                Self { agent: Some(back.by), miss: Some(*miss), closed_at: Some(back.at), ..Self::default() }
            }
            State::NotNeeded(miss, at, reason) => Self {
                miss: Some(*miss),
                closed_at: Some(*at),
                reason: Some(reason.as_str()),
                ..Self::default()
            },
        }
    }
}

/// Writes the new state if the version is still the one loaded, else [`Fault::Stale`].
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Call>) -> Result<(), Fault> {
    let call = decision.state();
    let columns = Columns::of(&call.state);
    let json = |stated: &Option<Stated>| {
        stated.as_ref().map(|stated| serde_json::to_value(stated).expect("what was stated is plain data"))
    };
    let statement = sqlx::query!(
        "UPDATE call SET customer_id = $3, complaint_id = $4, visit_id = $5, state = $6, agent = $7, answered_at = $8, rings = $9, wait_ms = $10,
                apology = $11, ended_by = $12, ended_at = $13, closed_at = $14, missed_in = $15, missed_at = $16, reason = $17,
                caller_name = $18, place = $19, topic = $20, why = $21, reason_code = $22, recap_at = $23, version = $24
         WHERE id = $1 AND version = $2",
        call.id.uuid(),
        decision.base().get(),
        call.links.customer.map(CustomerId::uuid),
        call.links.complaint.map(ComplaintId::uuid),
        call.links.visit.map(VisitId::uuid),
        call.state.word(),
        columns.agent.map(EmployeeId::uuid),
        columns.talk.map(|talk| talk.at.utc()),
        columns.talk.map(|talk| i32::from(talk.rings)),
        columns.talk.map(|talk| talk.wait_ms),
        call.apology.map(Apology::word),
        columns.ending.map(|ending| ending.by.word()),
        columns.ending.map(|ending| ending.at.utc()),
        columns.closed_at.map(Timestamp::utc),
        columns.miss.map(|miss| miss.window.word()),
        columns.miss.map(|miss| miss.at.utc()),
        columns.reason,
        json(&call.content.caller_name),
        json(&call.content.place),
        json(&call.content.topic),
        json(&call.content.why),
        call.content.reason.map(ReasonCode::word),
        call.recap_at.map(Timestamp::utc),
        decision.version().get(),
    );
    tx.save(decision, statement).await
}

/// Keeps what a transfer passed on, under the version it led to.
pub(super) async fn add_transfer(
    tx: &mut Tx,
    decision: &Decision<Call>,
    passed: &Passed,
) -> Result<(), Fault> {
    let call = decision.state();
    let at = tx.now().utc();
    sqlx::query!(
        "INSERT INTO call_transfer (call_id, place, branch_id, giver, taker, caller_name, gist, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        call.id.uuid(),
        decision.version().get(),
        call.branch.uuid(),
        passed.from.uuid(),
        passed.to.uuid(),
        passed.caller_name.as_str(),
        passed.gist.as_str(),
        at,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Refuses a customer of another branch, or of none, as one that does not exist.
pub(super) async fn check_customer(
    tx: &mut Tx,
    branch: BranchId,
    customer: CustomerId,
) -> Result<(), Failure> {
    if customer::is_of(tx, branch, customer).await? { Ok(()) } else { Err(not_found().into()) }
}

/// Locks a call within reach: of one's branches, or taken by oneself.
pub(super) async fn load(tx: &mut Tx, id: CallId) -> Result<Call, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, caller_number, customer_id, complaint_id, visit_id, offered_at, state, agent, answered_at, rings, wait_ms, apology,
                ended_by, ended_at, closed_at, missed_in, missed_at, reason, caller_name, place, topic, why, reason_code, recap_at, version
         FROM call WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR agent = $3) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// Locks a call of a branch, inside the command of something else in that branch.
pub(super) async fn of_branch(tx: &mut Tx, branch: BranchId, id: CallId) -> Result<Call, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, caller_number, customer_id, complaint_id, visit_id, offered_at, state, agent, answered_at, rings, wait_ms, apology,
                ended_by, ended_at, closed_at, missed_in, missed_at, reason, caller_name, place, topic, why, reason_code, recap_at, version
         FROM call WHERE id = $1 AND branch_id = $2 FOR UPDATE",
        id.uuid(),
        branch.uuid(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.ok_or_else(not_found)?.try_into()?)
}

/// A call within reach, unlocked.
pub(super) async fn find(pool: &PgPool, reach: &Reach, id: CallId) -> Result<Option<Call>, Failure> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, caller_number, customer_id, complaint_id, visit_id, offered_at, state, agent, answered_at, rings, wait_ms, apology,
                ended_by, ended_at, closed_at, missed_in, missed_at, reason, caller_name, place, topic, why, reason_code, recap_at, version
         FROM call WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR agent = $3)",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Call::try_from).transpose()?)
}

/// One page of calls within reach.
pub(super) async fn page(
    pool: &PgPool,
    reach: &Reach,
    filter: &super::list::CallFilter,
    page: PageRequest,
) -> Result<Vec<Call>, Failure> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, branch_id, caller_number, customer_id, complaint_id, visit_id, offered_at, state, agent, answered_at, rings, wait_ms, apology,
                ended_by, ended_at, closed_at, missed_in, missed_at, reason, caller_name, place, topic, why, reason_code, recap_at, version
         FROM call
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR agent = $2) AND ($3::uuid IS NULL OR branch_id = $3)
           AND ($4::uuid IS NULL OR customer_id = $4) AND ($5::uuid IS NULL OR agent = $5) AND ($6::text IS NULL OR state = $6)
           AND id < $7 AND id > $8
         ORDER BY CASE WHEN $9 THEN id END DESC, id LIMIT $10",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.customer_id.map(CustomerId::uuid),
        filter.employee_id.map(EmployeeId::uuid),
        filter.state.map(Stage::word),
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Call::try_from).collect::<Result<_, _>>()?)
}
