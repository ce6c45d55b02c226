//! The SQL of complaints: one small row, what grows in tables of its own; the row's version guards all of it.

use super::Refusal;
use super::case::{Apology, Assurance, Closing, Complaint, Matter, Remedy, Rung, State, Triage};
use super::close::Tally;
use super::escalation::ladder;
use super::handover::hand_over::Employed;
use super::kind::{AboutKind, Class, ComplainantKind, EscalationCause, Outcome, RemedyKind};
use super::policy::ComplaintTerms;
use super::progress::ReplyBy;
use super::register::RegisterComplaint;
use crate::agent;
use crate::case_clock::{self, Wait};
use crate::contact::{Channel, Direction, Kind, Parties, Reference, Said};
use crate::customer;
use crate::hours;
use crate::person::Person;
use crate::promise::make::NewPromise;
use crate::promise::{self, Case};
use crate::words::{Code, Text, Word};
use chrono::{DateTime, TimeDelta, Utc};
use events::support::Severity;
use events::{CallId, ComplaintId, ContractId, CustomerId, VisitId};
use house::known::KnownBranch;
use house::list::PageRequest;
use house::policy::InForce;
use house::{known, not_found};
use journal::{Failure, Fault, Reach, Tx};
use kernel::{BranchId, Decision, EmployeeId, Fen, PolicyVersionId, Timestamp, Version};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

mod child;
mod said;

pub(super) use child::{add_follow_up, save_findings, save_proposals};
pub(super) use said::{add_evidence, evidence, note, noted, notes};

/// A row of `complaint` with its texts.
struct Row {
    id: Uuid,
    branch_id: Uuid,
    no: String,
    channel: String,
    complainant: String,
    about: String,
    about_employee_id: Option<Uuid>,
    category: String,
    customer_id: Option<Uuid>,
    call_id: Option<Uuid>,
    contract_id: Option<Uuid>,
    visit_id: Option<Uuid>,
    service_code: Option<String>,
    receiver_id: Uuid,
    owner_id: Uuid,
    offered_to: Option<Uuid>,
    recap_at: Option<DateTime<Utc>>,
    severity: Option<String>,
    class: Option<String>,
    policy_version: Option<Uuid>,
    apologised_at: Option<DateTime<Utc>>,
    level: Option<i16>,
    level_cause: Option<String>,
    level_asked: Option<Uuid>,
    due_ack_at: Option<DateTime<Utc>>,
    acknowledged_at: Option<DateTime<Utc>>,
    remedy: Option<String>,
    remedy_fen: Option<i64>,
    remedy_done_at: Option<DateTime<Utc>>,
    assurance: String,
    broken_promises: i32,
    cycle_no: i32,
    cycle_from: DateTime<Utc>,
    registered_at: DateTime<Utc>,
    state: String,
    outcome: Option<String>,
    closed_at: Option<DateTime<Utc>>,
    version: i32,
    verbatim: String,
    remedy_sought: String,
}

fn corrupt(column: &'static str, value: &str) -> Fault {
    Fault::Corrupt { table: "complaint", column, value: value.to_owned() }
}

/// What a word of a column means; a word that means nothing is a corrupt row.
fn word<T: Word>(column: &'static str, value: &str) -> Result<T, Fault> {
    T::of_word(value).ok_or_else(|| corrupt(column, value))
}

/// A number that is never negative.
fn count(column: &'static str, value: i32) -> Result<u32, Fault> {
    u32::try_from(value).map_err(|_| corrupt(column, &value.to_string()))
}

impl Row {
    fn state(&self) -> Result<State, Fault> {
        let closing = || {
            let (outcome, at) =
                self.outcome.as_deref().zip(self.closed_at).ok_or_else(|| corrupt("outcome", ""))?;
            Ok::<_, Fault>(Closing { outcome: word::<Outcome>("outcome", outcome)?, at: Timestamp::of(at) })
        };
        Ok(match self.state.as_str() {
            "registered" => State::Registered,
            "triaged" => State::Triaged,
            "investigating" => State::Investigating,
            "proposing" => State::Proposing,
            "awaiting_decision" => State::AwaitingDecision,
            "implementing" => State::Implementing,
            "replied" => State::Replied,
            "following_up" => State::FollowingUp,
            "closed" => State::Closed(closing()?),
            other => return Err(corrupt("state", other)),
        })
    }

    fn triage(&self) -> Result<Option<Triage>, Fault> {
        let Some(((severity, class), policy)) =
            self.severity.as_deref().zip(self.class.as_deref()).zip(self.policy_version)
        else {
            return Ok(None);
        };
        Ok(Some(Triage {
            severity: Severity::of(severity).ok_or_else(|| corrupt("severity", severity))?,
            class: word::<Class>("class", class)?,
            policy: PolicyVersionId::of(policy),
        }))
    }

    fn rung(&self) -> Result<Option<Rung>, Fault> {
        let Some((level, due_ack_at)) = self.level.zip(self.due_ack_at) else { return Ok(None) };
        let cause = self.level_cause.as_deref();
        Ok(Some(Rung {
            level: u8::try_from(level).map_err(|_| corrupt("level", &level.to_string()))?,
            cause: cause.map(|cause| word::<EscalationCause>("level_cause", cause)).transpose()?,
            asked: self.level_asked.map(EmployeeId::of),
            due_ack_at: Timestamp::of(due_ack_at),
            acknowledged_at: self.acknowledged_at.map(Timestamp::of),
        }))
    }

    fn remedy(&self) -> Result<Option<Remedy>, Fault> {
        let Some((kind, cost)) = self.remedy.as_deref().zip(self.remedy_fen) else { return Ok(None) };
        let kind = word::<RemedyKind>("remedy", kind)?;
        Ok(Some(Remedy { kind, cost: Fen::new(cost), completed_at: self.remedy_done_at.map(Timestamp::of) }))
    }

    fn matter(&self) -> Result<Matter, Fault> {
        Ok(Matter {
            channel: Channel::of(&self.channel).ok_or_else(|| corrupt("channel", &self.channel))?,
            complainant: word::<ComplainantKind>("complainant", &self.complainant)?,
            about: word::<AboutKind>("about", &self.about)?,
            about_employee: self.about_employee_id.map(EmployeeId::of),
            category: Code::of(&self.category),
            verbatim: Text::of(&self.verbatim),
            remedy_sought: Text::of(&self.remedy_sought),
            customer: self.customer_id.map(CustomerId::of),
            call: self.call_id.map(CallId::of),
            contract: self.contract_id.map(ContractId::of),
            visit: self.visit_id.map(VisitId::of),
            service: self.service_code.as_deref().map(Code::of),
        })
    }
}

/// The row without its children; [`complaints`] adds them.
impl TryFrom<Row> for Complaint {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            matter: row.matter()?,
            triage: row.triage()?,
            rung: row.rung()?,
            remedy: row.remedy()?,
            state: row.state()?,
            assurance: word::<Assurance>("assurance", &row.assurance)?,
            broken_promises: count("broken_promises", row.broken_promises)?,
            cycle: count("cycle_no", row.cycle_no)?,
            id: ComplaintId::of(row.id),
            no: row.no,
            branch: BranchId::of(row.branch_id),
            receiver: EmployeeId::of(row.receiver_id),
            owner: EmployeeId::of(row.owner_id),
            offered_to: row.offered_to.map(EmployeeId::of),
            recap_at: row.recap_at.map(Timestamp::of),
            finding: None,
            proposed: None,
            apology: row.apologised_at.map(|at| Apology { at: Timestamp::of(at) }),
            proposals: Vec::new(),
            follow_ups: Vec::new(),
            cycle_from: Timestamp::of(row.cycle_from),
            registered_at: Timestamp::of(row.registered_at),
            version: Version::of(row.version),
        })
    }
}

/// Complaints of these ids, whole, in their order; whoever calls has asked the reach before.
pub(super) async fn complaints(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Complaint>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT c.id, c.branch_id, no, channel, complainant, about, about_employee_id, category, customer_id, call_id, contract_id, visit_id,
                service_code, receiver_id, owner_id, offered_to, recap_at, severity, class, policy_version, apologised_at, level, level_cause,
                level_asked, due_ack_at, acknowledged_at, remedy, remedy_fen, remedy_done_at, assurance, broken_promises, cycle_no, cycle_from,
                registered_at, state, outcome, closed_at, version, verbatim, remedy_sought
         FROM complaint AS c JOIN complaint_text AS t ON t.complaint_id = c.id AND t.branch_id = c.branch_id
         WHERE c.id = ANY ($1) ORDER BY array_position($1, c.id)",
        ids,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut complaints = rows.into_iter().map(Complaint::try_from).collect::<Result<Vec<_>, _>>()?;
    child::put_into(connection, &mut complaints, ids).await?;
    Ok(complaints)
}

/// Locks a complaint within reach: of the branch, or one's own to work on.
pub(crate) async fn load(tx: &mut Tx, id: ComplaintId) -> Result<Complaint, Failure> {
    let (branches, own) = (tx.branches(), tx.own());
    let locked = sqlx::query_scalar!(
        "SELECT id FROM complaint
         WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR owner_id = $3 OR offered_to = $3) FOR UPDATE",
        id.uuid(),
        branches.as_deref(),
        own,
    )
    .fetch_optional(tx.connection())
    .await?;
    let locked = locked.ok_or_else(not_found)?;
    Ok(complaints(tx.connection(), &[locked]).await?.pop().ok_or_else(not_found)?)
}

/// Locks a complaint for what its promise causes, whoever's command found it out: no reach is asked.
pub(super) async fn find_for_clock(tx: &mut Tx, id: ComplaintId) -> Result<Option<Complaint>, Fault> {
    let locked = sqlx::query_scalar!("SELECT id FROM complaint WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(tx.connection())
        .await?;
    let Some(locked) = locked else { return Ok(None) };
    Ok(complaints(tx.connection(), &[locked]).await?.pop())
}

/// A locked complaint that this person may work on, as it stands once its promise is broken, where that one's time has
/// passed and the command came before the timer.
pub(crate) async fn worked_on(tx: &mut Tx, complaint: Complaint, who: Person) -> Result<Complaint, Failure> {
    let complaint = complaint.worked_on_by(who)?;
    if promise::lapse::if_overdue(tx, case(&complaint)).await? {
        return Ok(find_for_clock(tx, complaint.id).await?.ok_or_else(not_found)?);
    }
    Ok(complaint)
}

/// A complaint within reach, unlocked; also one about the reader himself, or one found against him.
pub(super) async fn find(
    connection: &mut PgConnection,
    reach: &Reach,
    id: ComplaintId,
) -> Result<Option<Complaint>, Failure> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM complaint AS c
         WHERE id = $1 AND ($2::uuid[] IS NULL OR branch_id = ANY ($2) OR owner_id = $3 OR offered_to = $3 OR about_employee_id = $3
            OR EXISTS (SELECT FROM complaint_finding AS f WHERE f.complaint_id = c.id AND f.role = 'present' AND $3 = ANY (f.employees)))",
        id.uuid(),
        reach.branches(),
        reach.own(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(found) = found else { return Ok(None) };
    Ok(complaints(connection, &[found]).await?.pop())
}

/// Whose cases a reader sees whole: only these tell whether they are of a customer he names, for else he could try names
/// until he knows who complained.
pub(super) struct Whole {
    /// Of these branches; `None` for all.
    pub(super) branches: Option<Vec<Uuid>>,
    /// His own, and none that is about him.
    pub(super) reader: Option<EmployeeId>,
}

/// One page of complaints within reach.
pub(super) async fn page(
    connection: &mut PgConnection,
    reach: &Reach,
    filter: &super::list::ComplaintFilter,
    whole: &Whole,
    page: PageRequest,
) -> Result<Vec<Complaint>, Failure> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM complaint AS c
         WHERE ($1::uuid[] IS NULL OR branch_id = ANY ($1) OR owner_id = $2 OR offered_to = $2 OR about_employee_id = $2
            OR EXISTS (SELECT FROM complaint_finding AS f WHERE f.complaint_id = c.id AND f.role = 'present' AND $2 = ANY (f.employees)))
           AND ($3::uuid IS NULL OR branch_id = $3) AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR severity = $5)
           AND ($6::uuid IS NULL OR owner_id = $6) AND ($8::text IS NULL OR no = $8)
           AND ($7::uuid IS NULL OR customer_id = $7 AND about_employee_id IS DISTINCT FROM $14
                AND ($13::uuid[] IS NULL OR branch_id = ANY ($13) OR owner_id = $14 OR offered_to = $14)
                AND NOT EXISTS (SELECT FROM complaint_finding AS f WHERE f.complaint_id = c.id AND $14 = ANY (f.employees)))
           AND id < $9 AND id > $10
         ORDER BY CASE WHEN $11 THEN id END DESC, id LIMIT $12",
        reach.branches(),
        reach.own(),
        filter.branch.map(BranchId::uuid),
        filter.state.map(|state| state.word()),
        filter.severity.map(Severity::word),
        filter.owner.map(EmployeeId::uuid),
        filter.customer_id.map(CustomerId::uuid),
        filter.no,
        page.below(),
        page.above(),
        page.is_newest_first(),
        page.rows,
        whole.branches.as_deref(),
        whole.reader.map(EmployeeId::uuid),
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(complaints(connection, &ids).await?)
}

/// Writes a new complaint.
pub(super) async fn add(tx: &mut Tx, decision: &Decision<Complaint>) -> Result<(), Fault> {
    let complaint = decision.state();
    let matter = &complaint.matter;
    let statement = sqlx::query!(
        "INSERT INTO complaint (id, branch_id, no, channel, complainant, about, about_employee_id, category, customer_id, call_id, contract_id,
                                visit_id, service_code, receiver_id, owner_id, assurance, broken_promises, cycle_no, cycle_from, registered_at,
                                state, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 1, $17, $17, $18, $19)",
        complaint.id.uuid(),
        complaint.branch.uuid(),
        complaint.no,
        matter.channel.word(),
        matter.complainant.word(),
        matter.about.word(),
        matter.about_employee.map(EmployeeId::uuid),
        matter.category.as_str(),
        matter.customer.map(CustomerId::uuid),
        matter.call.map(CallId::uuid),
        matter.contract.map(ContractId::uuid),
        matter.visit.map(VisitId::uuid),
        matter.service.as_ref().map(Code::as_str),
        complaint.receiver.uuid(),
        complaint.owner.uuid(),
        complaint.assurance.word(),
        complaint.registered_at.utc(),
        complaint.state.word(),
        decision.version().get(),
    );
    tx.save(decision, statement).await?;
    follow(tx, complaint).await?;
    sqlx::query!(
        "INSERT INTO complaint_text (complaint_id, branch_id, verbatim, remedy_sought) VALUES ($1, $2, $3, $4)",
        complaint.id.uuid(),
        complaint.branch.uuid(),
        matter.verbatim.as_str(),
        matter.remedy_sought.as_str(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes the row if the version is still the one loaded, else [`Fault::Stale`].
pub(super) async fn save(tx: &mut Tx, decision: &Decision<Complaint>) -> Result<(), Fault> {
    let complaint = decision.state();
    let (triage, rung, remedy) = (complaint.triage, complaint.rung, complaint.remedy);
    let closing = match complaint.state {
        State::Closed(closing) => Some(closing),
        State::Registered
        | State::Triaged
        | State::Investigating
        | State::Proposing
        | State::AwaitingDecision
        | State::Implementing
        | State::Replied
        | State::FollowingUp => None,
    };
    let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let statement = sqlx::query!(
        "UPDATE complaint SET owner_id = $3, offered_to = $4, recap_at = $5, severity = $6, class = $7, policy_version = $8, apologised_at = $9,
                level = $10, level_cause = $11, level_asked = $12, due_ack_at = $13, acknowledged_at = $14, remedy = $15, remedy_fen = $16,
                remedy_done_at = $17, assurance = $18, broken_promises = $19, cycle_no = $20, cycle_from = $21, state = $22, outcome = $23,
                closed_at = $24, version = $25
         WHERE id = $1 AND version = $2",
        complaint.id.uuid(),
        decision.base().get(),
        complaint.owner.uuid(),
        complaint.offered_to.map(EmployeeId::uuid),
        complaint.recap_at.map(Timestamp::utc),
        triage.map(|triage| triage.severity.word()),
        triage.map(|triage| triage.class.word()),
        triage.map(|triage| triage.policy.uuid()),
        complaint.apology.map(|apology| apology.at.utc()),
        rung.map(|rung| i16::from(rung.level)),
        rung.and_then(|rung| rung.cause).map(|cause| cause.word()),
        rung.and_then(|rung| rung.asked).map(EmployeeId::uuid),
        rung.map(|rung| rung.due_ack_at.utc()),
        rung.and_then(|rung| rung.acknowledged_at).map(Timestamp::utc),
        remedy.map(|remedy| remedy.kind.word()),
        remedy.map(|remedy| remedy.cost.fen()),
        remedy.and_then(|remedy| remedy.completed_at).map(Timestamp::utc),
        complaint.assurance.word(),
        number(complaint.broken_promises),
        number(complaint.cycle),
        complaint.cycle_from.utc(),
        complaint.state.word(),
        closing.map(|closing| closing.outcome.word()),
        closing.map(|closing| closing.at.utc()),
        decision.version().get(),
    );
    tx.save(decision, statement).await?;
    follow(tx, complaint).await
}

/// Lets the clocks of a case follow its change (K3): whatever verb made it, here it passes by.
async fn follow(tx: &mut Tx, complaint: &Complaint) -> Result<(), Fault> {
    let wait = if complaint.is_waiting() { Wait::Waits } else { Wait::Over };
    let told_at = match (wait, complaint.assurance) {
        // Every clock stops, whatever he was told: nobody need ask.
        (Wait::Over, _) => None,
        (Wait::Waits, assurance) => {
            // Answered in the contact that brought it.
            let heard = (assurance == Assurance::Answered).then_some(complaint.cycle_from);
            let told = case_clock::told_at(tx, complaint.branch, complaint.id, complaint.cycle_from).await?;
            told.max(heard)
        }
    };
    let case = case_clock::Case {
        complaint: complaint.id,
        branch: complaint.branch,
        // Before triage that of an ordinary case, as for promises (P6).
        severity: complaint.severity().unwrap_or(Severity::S2),
        cycle: complaint.cycle,
        cycle_from: complaint.cycle_from,
        told_at,
        wait,
    };
    case_clock::follow(tx, case).await
}

/// The next number of a branch's day: `TS-B01-20250928-0007`. The row is locked until the registration commits.
pub(super) async fn next_number(tx: &mut Tx, branch: &KnownBranch) -> Result<String, Fault> {
    let on = tx.now().date_in(branch.zone);
    let last = sqlx::query_scalar!(
        "INSERT INTO complaint_number (branch_id, on_date, last) VALUES ($1, $2, 1)
         ON CONFLICT (branch_id, on_date) DO UPDATE SET last = complaint_number.last + 1 RETURNING last",
        branch.id.uuid(),
        on,
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(format!("TS-{}-{}-{last:04}", branch.code, on.format("%Y%m%d")))
}

/// The terms of complaints in force for a branch.
pub(super) async fn terms(tx: &mut Tx, branch: BranchId) -> Result<InForce<ComplaintTerms>, Fault> {
    hours::today::<ComplaintTerms>(tx, branch).await
}

/// How many complaints of this customer's household there were in the last days, this one included.
pub(super) async fn repeats(tx: &mut Tx, complaint: &Complaint, days: u32) -> Result<u32, Fault> {
    let Some(customer) = complaint.matter.customer else { return Ok(1) };
    let since = tx.now().minus(TimeDelta::days(i64::from(days)));
    let repeats = sqlx::query_scalar!(
        "SELECT count(*) AS \"count!\" FROM complaint
         WHERE branch_id = $1 AND registered_at >= $3
           AND customer_id IN (SELECT member.id FROM customer AS member JOIN customer AS one ON one.household_id = member.household_id
                               WHERE one.id = $2 AND one.branch_id = $1 AND member.branch_id = $1
                               UNION ALL SELECT $2)",
        complaint.branch.uuid(),
        customer.uuid(),
        since.utc(),
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(u32::try_from(repeats).unwrap_or(u32::MAX))
}

/// Those of these employees who are care workers; refused where one of them is nobody's employee here.
pub(super) async fn care_workers(
    tx: &mut Tx,
    complaint: &Complaint,
    mut named: Vec<EmployeeId>,
) -> Result<Vec<EmployeeId>, Failure> {
    // The parties of the present finding too: whom a new one frees, workforce must hear of.
    let before = complaint.finding.iter().flat_map(|finding| &finding.shares);
    let asked = named.len();
    named.sort_unstable();
    named.dedup();
    let ids: Vec<Uuid> = named
        .iter()
        .copied()
        .chain(before.filter_map(|share| share.employee))
        .map(EmployeeId::uuid)
        .collect();
    let known = sqlx::query!("SELECT id, position FROM known_employee WHERE id = ANY ($1)", &ids)
        .fetch_all(tx.connection())
        .await?;
    let is_known = |employee: &EmployeeId| known.iter().any(|row| row.id == employee.uuid());
    if let Some(unknown) = named.iter().find(|employee| !is_known(employee)).filter(|_| asked > 0) {
        return Err(Refusal::UnknownEmployee { employee_id: *unknown }.into());
    }
    let care = known.iter().filter(|row| row.position == events::hr::Position::CareWorker.word());
    Ok(care.map(|row| EmployeeId::of(row.id)).collect())
}

/// Whether somebody works in this network now.
pub(super) async fn employed(tx: &mut Tx, branch: BranchId, employee: EmployeeId) -> Result<Employed, Fault> {
    // Headquarters owns what the head of a branch may not (C2), wherever it sits.
    let is_asked_of_all = ladder::of(tx, branch).await?.headquarters == Some(employee);
    let is_here = agent::is_employed_in(tx, branch, employee).await?;
    Ok(if is_here || is_asked_of_all { Employed::Yes } else { Employed::No })
}

/// The branch that a new complaint names, within reach. Refused where what else it names is not there: a customer of
/// another branch is one that does not exist, and so is an employee nobody has heard of; one who has left may be
/// complained about. What belongs to other services (contract, visit) is not looked up.
pub(super) async fn named(tx: &mut Tx, ask: &RegisterComplaint) -> Result<KnownBranch, Failure> {
    let branch = known::branch(tx, ask.branch_id).await?;
    let branch = branch.filter(|branch| tx.reach().covers(Some(branch.id))).ok_or_else(not_found)?;
    if let Some(customer) = ask.customer_id
        && !customer::is_of(tx, ask.branch_id, customer).await?
    {
        return Err(not_found().into());
    }
    match ask.about_employee_id {
        Some(employee_id) if known::employee(tx, employee_id).await?.is_none() => {
            Err(Refusal::UnknownEmployee { employee_id }.into())
        }
        Some(_) | None => Ok(branch),
    }
}

/// What a closed case is counted by.
pub(super) async fn tally(tx: &mut Tx, complaint: &Complaint, business_s: i64) -> Result<Tally, Fault> {
    let row = sqlx::query!(
        "SELECT count(*) AS \"made!\", count(*) FILTER (WHERE state IN ('kept', 'kept_by_attempt')) AS \"kept!\"
         FROM promise WHERE branch_id = $1 AND ref_id = $2",
        complaint.branch.uuid(),
        complaint.id.uuid(),
    )
    .fetch_one(tx.connection())
    .await?;
    let number = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Tally { promises_made: number(row.made), promises_kept: number(row.kept), business_s })
}

/// The case that a complaint's promises belong to.
pub(super) const fn case(complaint: &Complaint) -> Case {
    Case { branch: complaint.branch, complaint: complaint.id }
}

/// Whose contact it is.
pub(super) const fn parties(complaint: &Complaint, employee: Option<EmployeeId>) -> Parties {
    Parties { branch: complaint.branch, customer: complaint.matter.customer, employee }
}

/// A contact about a complaint that reached the customer.
pub(super) const fn said(complaint: &Complaint, direction: Direction, channel: Channel, kind: Kind) -> Said {
    Said { direction, channel, reached: true, kind, about: Reference::Complaint(complaint.id) }
}

/// The promise of the next reply; made by whoever spoke with the customer, else by the owner.
pub(super) fn promised(
    complaint: &Complaint,
    channel: Channel,
    reply: ReplyBy,
    made_by: Option<EmployeeId>,
) -> NewPromise {
    NewPromise {
        case: case(complaint),
        severity: complaint.severity(),
        due_at: reply.due_at,
        agreed: reply.agreed,
        channel,
        made_by: made_by.unwrap_or(complaint.owner),
        on_call: reply.on_call,
    }
}

/// Makes the promise that a command carries, in the name of whoever spoke with the customer, or keeps the answer that it carries instead (C1).
pub(super) async fn assure(
    tx: &mut Tx,
    complaint: &Complaint,
    made_by: Option<EmployeeId>,
    channel: Channel,
    (promise, answered): (Option<&ReplyBy>, Option<&Text>),
) -> Result<(), Failure> {
    if let Some(reply) = promise {
        promise::make::within(tx, promised(complaint, channel, *reply, made_by)).await?;
    }
    Ok(noted(tx, complaint, "answered", answered).await?)
}
