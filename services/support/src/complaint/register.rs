//! Receiving a complaint: every employee does, and owns it from then on (P3.3.3-0, R7).

use super::case::Matter;
use super::escalation::ladder::{self, Ladder};
use super::kind::{AboutKind, ComplainantKind};
use super::progress::ReplyBy;
use super::{Assurance, Complaint, ComplaintView, Refusal, State, store};
use crate::agent;
use crate::call::link;
use crate::contact::{self, Channel, Direction, Kind};
use crate::words::{Code, Text, Word};
use events::support::ComplaintRegistered;
use events::{CallId, ComplaintId, ContractId, CustomerId, VisitId};
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::{Failure, Tx};
use kernel::{BranchId, Decision, EmployeeId, Timestamp, Version, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// What somebody complains about.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterComplaint {
    /// Where it is received.
    pub branch_id: BranchId,
    /// How it came.
    pub channel: Channel,
    /// Who complains.
    pub complainant: ComplainantKind,
    /// What it is about.
    pub about: AboutKind,
    /// The employee it is about, where it is about one.
    pub about_employee_id: Option<EmployeeId>,
    /// What kind of thing.
    pub category: Code,
    /// The customer's words (P3.3.3-1).
    pub verbatim: Text,
    /// What the customer wants most (P4-6).
    pub remedy_sought: Text,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The call that brought it.
    pub call_id: Option<CallId>,
    /// The contract.
    pub contract_id: Option<ContractId>,
    /// The visit.
    pub visit_id: Option<VisitId>,
    /// The service.
    pub service_code: Option<Code>,
    /// When the customer will hear from us; this or `answered` (C1).
    pub promise: Option<ReplyBy>,
    /// What he was answered at once; this or `promise` (C1).
    pub answered: Option<Text>,
}

impl Addressed for RegisterComplaint {
    type To = New<ComplaintId>;
}

impl RegisterComplaint {
    /// What never changes of it.
    fn matter(&self) -> Matter {
        Matter {
            channel: self.channel,
            complainant: self.complainant,
            about: self.about,
            about_employee: self.about_employee_id,
            category: self.category.clone(),
            verbatim: self.verbatim.clone(),
            remedy_sought: self.remedy_sought.clone(),
            customer: self.customer_id,
            call: self.call_id,
            contract: self.contract_id,
            visit: self.visit_id,
            service: self.service_code.clone(),
        }
    }
}

/// The number, the receiver and the ladder of the branch.
#[derive(Debug, Clone)]
pub struct Reception<'a> {
    /// The fresh id.
    pub id: ComplaintId,
    /// The number of the branch's day.
    pub no: String,
    /// Who receives it.
    pub receiver: EmployeeId,
    /// Who stands above him.
    pub ladder: &'a Ladder,
}

/// Receives a complaint. Exactly one of promise and answer (C1); the receiver owns it, unless it is about him: then
/// the head of the branch, or headquarters (C2).
pub fn decide(
    reception: Reception<'_>,
    ask: &RegisterComplaint,
    now: Timestamp,
) -> Result<Decision<Complaint>, Refusal> {
    let assurance = assurance(ask.promise.as_ref(), ask.answered.as_ref())?;
    let Reception { id, no, receiver, ladder } = reception;
    let is_accused = |employee| ask.about_employee_id == Some(employee);
    let owner = if is_accused(receiver) {
        ladder.owner_instead(is_accused).ok_or(Refusal::NobodyToOwn {})?
    } else {
        receiver
    };
    let registered = ComplaintRegistered {
        complaint_id: id,
        no: no.clone(),
        channel: ask.channel.word().to_owned(),
        complainant_kind: ask.complainant.word(),
        about_kind: ask.about.word(),
        about_employee_id: ask.about_employee_id,
        call_id: ask.call_id,
        customer_id: ask.customer_id,
        contract_id: ask.contract_id,
        visit_id: ask.visit_id,
        category: ask.category.as_str().to_owned(),
    };
    let complaint = Complaint {
        id,
        no,
        branch: ask.branch_id,
        matter: ask.matter(),
        receiver,
        owner,
        offered_to: None,
        recap_at: None,
        triage: None,
        finding: None,
        proposed: None,
        apology: None,
        rung: None,
        proposals: Vec::new(),
        remedy: None,
        follow_ups: Vec::new(),
        assurance,
        broken_promises: 0,
        cycle: 1,
        cycle_from: now,
        registered_at: now,
        state: State::Registered,
        version: Version::NONE,
    };
    let decision = Decision::of(complaint).and(registered).under(clause!("P3.3.3-0"));
    Ok(match ask.call_id {
        Some(call) => decision.born_of(call),
        None => decision,
    })
}

/// What the customer has in hand: exactly one of promise and answer (C1).
pub(super) fn assurance(promise: Option<&ReplyBy>, answered: Option<&Text>) -> Result<Assurance, Refusal> {
    match (promise, answered) {
        (Some(_), None) => Ok(Assurance::Promised),
        (None, Some(_)) => Ok(Assurance::Answered),
        (None, None) | (Some(_), Some(_)) => Err(Refusal::PromiseOrAnswer {}),
    }
}

/// Who receives a complaint: an employee who works here now, for he will own it (C2).
async fn received_by(tx: &mut Tx, employee: Option<EmployeeId>) -> Result<EmployeeId, Failure> {
    match employee {
        Some(employee) if agent::is_employed(tx, employee).await? => Ok(employee),
        Some(_) | None => Err(Refusal::NotAnEmployee {}.into()),
    }
}

/// Tells the call that brought a complaint of it: a call of its branch, which brings no other one (P3.3.1-9).
async fn brought_by(tx: &mut Tx, registered: &Decision<Complaint>) -> Result<(), Failure> {
    let complaint = registered.state();
    if let Some(call) = complaint.matter.call {
        link::to_complaint(tx, complaint.branch, call, complaint.id).await?;
    }
    Ok(())
}

/// Receives a complaint (P3.3.3-0).
#[utoipa::path(post, path = "/v1/support/complaints", request_body = RegisterComplaint, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RegisterComplaint, permission!("complaint.register")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let branch = store::named(tx, &cmd.body).await?;
            let receiver = received_by(tx, cmd.principal.employee).await?;
            let ladder = ladder::of(tx, branch.id).await?;
            let no = store::next_number(tx, &branch).await?;
            let reception = Reception { id: cmd.id, no, receiver, ladder: &ladder };
            let decision = decide(reception, &cmd.body, now)?;
            store::add(tx, &decision).await?;
            brought_by(tx, &decision).await?;
            let (complaint, channel) = (decision.state(), cmd.body.channel);
            let said = store::said(complaint, Direction::In, channel, Kind::Substantive);
            contact::record(tx, store::parties(complaint, Some(receiver)), said).await?;
            let assured = (cmd.body.promise.as_ref(), cmd.body.answered.as_ref());
            store::assure(tx, complaint, Some(receiver), channel, assured).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::walk::{World, accused, ask, head, receiver};
    use super::*;

    fn tried(ask: &RegisterComplaint, receiver: EmployeeId) -> Result<Decision<Complaint>, Refusal> {
        let world = World::new();
        let id = ComplaintId::of(uuid::Uuid::from_u128(1));
        let no = "TS-B01-20250928-0007".to_owned();
        decide(Reception { id, no, receiver, ladder: &world.ladder }, ask, World::now())
    }

    #[test]
    fn c1_registering_carries_a_promise_or_an_answer_and_not_both() {
        let answer = Some(Text::of("已当场答复"));
        let neither = RegisterComplaint { promise: None, ..ask() };
        let both = RegisterComplaint { answered: answer.clone(), ..ask() };
        for ask in [neither.clone(), both] {
            assert_eq!(tried(&ask, receiver()).err(), Some(Refusal::PromiseOrAnswer {}));
        }
        let promised = tried(&ask(), receiver()).expect("received");
        assert_eq!(promised.state().assurance, Assurance::Promised);
        let answered =
            tried(&RegisterComplaint { answered: answer, ..neither }, receiver()).expect("received");
        assert_eq!(answered.state().assurance, Assurance::Answered);
    }

    #[test]
    fn c2_the_one_complained_about_never_owns_it_and_stays_on_record() {
        let own = tried(&ask(), receiver()).expect("received").into_state();
        assert_eq!((own.owner, own.receiver), (receiver(), receiver()));
        let about_receiver = tried(&ask(), accused()).expect("received").into_state();
        assert_eq!((about_receiver.owner, about_receiver.receiver), (head(), accused()));
        let about_head = RegisterComplaint { about_employee_id: Some(head()), ..ask() };
        let about_head = tried(&about_head, head()).expect("received").into_state();
        assert_eq!(
            Some(about_head.owner),
            World::new().ladder.headquarters,
            "headquarters, if it is the manager"
        );
    }

    #[test]
    fn the_call_that_brought_it_begins_its_chain() {
        let call = CallId::of(uuid::Uuid::from_u128(77));
        let decision =
            tried(&RegisterComplaint { call_id: Some(call), ..ask() }, receiver()).expect("received");
        assert_eq!(decision.parent(), Some(call.uuid()));
    }
}
