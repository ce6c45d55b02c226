//! Complaints for the tests of the verbs, and walks over random commands (C1, C2, C10, C14).

use super::close::{self, Tally};
use super::escalation::escalate;
use super::escalation::ladder::Ladder;
use super::finding::find::{self, FindLiability, Finder};
use super::finding::needs_two;
use super::finding::{ShareAsk, found_by, second};
use super::followup::follow_up::{self, RecordFollowUp, SecondWanted};
use super::handover::hand_over::Employed;
use super::handover::{accept, hand_over};
use super::kind::{
    AboutKind, ApologyKind, ComplainantKind, EscalationCause, Factor, FindingKind, Outcome, Party, RemedyKind,
};
use super::policy::ComplaintTerms;
use super::progress::{self, ReplyBy, Told};
use super::proposal::decide::{self as customer, CustomerDecides};
use super::proposal::prepare::{self, ProposalAsk};
use super::proposal::present;
use super::register::{self, Reception, RegisterComplaint};
use super::remedy::{complete, start};
use super::reopen::{self, ReopenComplaint, Why};
use super::reply::{self, ReplyToCustomer};
use super::severity::Grounds;
use super::triage::{self, Reachable, TriageComplaint, Validity};
use super::{Apology, Assurance, Class, Closing, Complaint, Finding, Refusal, Share, State, Triage};
use super::{apologise, investigate, lower, raise, recap};
use crate::by_severity::BySeverity;
use crate::contact::Channel;
use crate::person::{Person, Standing};
use crate::promise::Agreed;
use crate::words::{Code, Text};
use chrono::TimeDelta;
use events::ComplaintId;
use events::support::Severity;
use house::policy::{InForce, Terms};
use kernel::{BranchId, Decision, EmployeeId, Fen, Money, PolicyVersionId, Timestamp, UserId, Version};
use proptest::prelude::*;
use uuid::Uuid;

pub(super) fn employee(id: u128) -> EmployeeId {
    EmployeeId::of(Uuid::from_u128(id))
}

pub(super) fn accused() -> EmployeeId {
    employee(4)
}

pub(super) fn receiver() -> EmployeeId {
    employee(11)
}

pub(super) fn team_lead() -> EmployeeId {
    employee(20)
}

pub(super) fn head() -> EmployeeId {
    employee(30)
}

pub(super) fn person_of(employee: EmployeeId) -> Person {
    Person { user: UserId::of(employee.uuid()), employee: Some(employee) }
}

pub(super) fn manager() -> Person {
    person_of(head())
}

pub(super) fn headquarters() -> Person {
    person_of(employee(40))
}

/// What the verbs are decided with.
pub(super) struct World {
    pub(super) terms: InForce<ComplaintTerms>,
    pub(super) ladder: Ladder,
    pub(super) ack_due: BySeverity<Timestamp>,
}

impl World {
    pub(super) fn new() -> Self {
        let minutes = |minutes| Self::now().plus(TimeDelta::minutes(minutes));
        Self {
            terms: InForce { id: PolicyVersionId::of(Uuid::from_u128(5)), terms: ComplaintTerms::defaults() },
            ladder: Ladder {
                team_lead: Some(team_lead()),
                branch_head: Some(head()),
                headquarters: Some(employee(40)),
            },
            ack_due: BySeverity { s1: minutes(240), s2: minutes(240), s3: minutes(60), s4: minutes(15) },
        }
    }

    pub(super) fn now() -> Timestamp {
        Timestamp::of("2025-09-28T02:00:00Z".parse().expect("a literal"))
    }

    pub(super) fn grounds(&self) -> Grounds<'_> {
        Grounds { terms: &self.terms, ladder: &self.ladder, ack_due: &self.ack_due }
    }
}

/// A complaint about [`accused`], with a promise.
pub(super) fn ask() -> RegisterComplaint {
    RegisterComplaint {
        branch_id: BranchId::of(Uuid::from_u128(2)),
        channel: Channel::Phone,
        complainant: ComplainantKind::Customer,
        about: AboutKind::Worker,
        about_employee_id: Some(accused()),
        category: Code::of("late_arrival"),
        verbatim: Text::of("阿姨迟到了两个小时"),
        remedy_sought: Text::of("换人"),
        customer_id: None,
        call_id: None,
        contract_id: None,
        visit_id: None,
        service_code: None,
        promise: Some(ReplyBy { due_at: World::now(), agreed: Agreed::Agreed, on_call: None }),
        answered: None,
    }
}

pub(super) fn registered() -> Complaint {
    let world = World::new();
    let reception = Reception {
        id: ComplaintId::of(Uuid::from_u128(1)),
        no: "TS-B01-20250928-0007".to_owned(),
        receiver: receiver(),
        ladder: &world.ladder,
    };
    saved(register::decide(reception, &ask(), World::now()).expect("a good one"))
}

/// The state as the next verb loads it.
pub(super) fn saved(decision: Decision<Complaint>) -> Complaint {
    let version = decision.version();
    Complaint { version, ..decision.into_state() }
}

/// Graded, with the report where it is major.
pub(super) fn graded(severity: Severity) -> Complaint {
    let factor = match severity {
        Severity::S1 => Factor::Manner,
        Severity::S2 => Factor::Rework,
        Severity::S3 => Factor::NoShowDependentCare,
        Severity::S4 => Factor::Theft,
    };
    let heard = Complaint { recap_at: Some(World::now()), ..registered() };
    saved(triage::decide(heard, &graded_by(factor), 1, World::new().grounds()).expect("it is graded"))
}

fn graded_by(factor: Factor) -> TriageComplaint {
    TriageComplaint {
        factors: vec![factor],
        damage: None,
        validity: Validity::Valid,
        customer: Reachable::Reached,
    }
}

pub(super) fn investigated(severity: Severity) -> Complaint {
    saved(investigate::decide(graded(severity)).expect("it is graded"))
}

/// Investigated, with a finding in force.
pub(super) fn found(severity: Severity, kind: FindingKind) -> Complaint {
    let share = |party, employee, pct| Share { party, employee, pct };
    let shares = match kind {
        FindingKind::Company => vec![share(Party::Company, None, 100)],
        FindingKind::Worker => vec![share(Party::Worker, Some(accused()), 100)],
        FindingKind::Shared => {
            vec![share(Party::Worker, Some(accused()), 60), share(Party::Customer, None, 40)]
        }
        FindingKind::Customer => vec![share(Party::Customer, None, 100)],
        FindingKind::ThirdParty => vec![share(Party::ThirdParty, None, 100)],
        FindingKind::Unfounded => vec![],
    };
    let decided_by = if needs_two(severity) { vec![manager(), headquarters()] } else { vec![manager()] };
    let finding = Finding { kind, shares, basis: Code::of("statement"), decided_by };
    Complaint { finding: Some(finding), ..investigated(severity) }
}

/// So many proposals, each at this cost.
pub(super) fn offers(count: usize, fen: i64) -> Vec<ProposalAsk> {
    let offer =
        ProposalAsk {
            remedy: RemedyKind::Redo, text: Text::of("重做一次"), cost: Money::of(Fen::new(fen))
        };
    vec![offer; count]
}

/// Found ours, apologised, the best of three proposals on the table.
pub(super) fn presented(severity: Severity) -> Complaint {
    let world = World::new();
    let apology = Some(Apology { at: World::now() });
    let ours = Complaint { apology, ..found(severity, FindingKind::Worker) };
    let prepared = prepare::decide(ours, &offers(3, 0), Standing::Manager, &world.terms).expect("prepared");
    saved(present::decide(saved(prepared), 1, &world.terms).expect("the best"))
}

/// The customer takes what is on the table.
pub(super) const fn yes() -> CustomerDecides {
    CustomerDecides::Accept { channel: Channel::Phone }
}

/// The remedy is done.
pub(super) fn implementing(severity: Severity) -> Complaint {
    let accepted = customer::decide(presented(severity), &yes()).expect("accepted");
    let started = start::decide(saved(accepted)).expect("accepted");
    saved(complete::decide(saved(started), World::now()).expect("started"))
}

fn told() -> ReplyToCustomer {
    ReplyToCustomer {
        channel: Channel::Phone,
        reached: true,
        process: Text::of("核查"),
        result: Text::of("重做"),
        knowledge_ref: Some(Code::of("manual")),
    }
}

pub(super) fn replied(severity: Severity) -> Complaint {
    saved(reply::decide(implementing(severity), &told(), 0).expect("done"))
}

/// Replied after a finding that is not ours.
pub(super) fn replied_as(severity: Severity, kind: FindingKind) -> Complaint {
    saved(reply::decide(found(severity, kind), &told(), 0).expect("not ours"))
}

fn scored(score: u8) -> RecordFollowUp {
    RecordFollowUp {
        channel: Channel::Phone,
        score,
        comment: None,
        second: SecondWanted::AsUsual,
        promise: ask().promise,
        answered: None,
    }
}

fn followed(complaint: Complaint, score: u8) -> Result<Decision<Complaint>, Refusal> {
    let follow_up = follow_up::taken_down(
        &complaint,
        &scored(score),
        "2025-09-30".parse().expect("a date"),
        World::now(),
    );
    follow_up::decide(complaint, &scored(score), follow_up, World::new().grounds())
}

pub(super) fn followed_up(severity: Severity, scores: &[u8]) -> Complaint {
    scores
        .iter()
        .fold(replied(severity), |complaint, score| saved(followed(complaint, *score).expect("asked")))
}

pub(super) fn closed(severity: Severity) -> Complaint {
    let closing = Closing { outcome: Outcome::Resolved, at: World::now() };
    Complaint { state: State::Closed(closing), ..replied(severity) }
}

/// One command of a walk.
#[derive(Debug, Clone, Copy)]
enum Step {
    Recap,
    Triage(Factor),
    TriageInvalid(Factor),
    Raise(Factor),
    Lower(Severity),
    Investigate,
    Find(FindingKind, u128, u8),
    Second,
    Apologise(ApologyKind),
    Prepare(usize),
    Present(u8),
    Accept,
    Object,
    Start,
    Complete,
    Reply,
    Progress,
    Break,
    FollowUp(u8),
    Close(Outcome),
    Reopen(Why),
    Escalate,
    Offer(u128),
    TakeOver(u128),
}

const EMPLOYEES: [u128; 6] = [4, 11, 20, 30, 40, 60];

fn steps() -> impl Strategy<Value = Step> {
    let factor = prop::sample::select(vec![
        Factor::Manner,
        Factor::Rework,
        Factor::NoShowDependentCare,
        Factor::Theft,
    ]);
    let kind = prop::sample::select(vec![
        FindingKind::Company,
        FindingKind::Worker,
        FindingKind::Shared,
        FindingKind::Customer,
        FindingKind::ThirdParty,
        FindingKind::Unfounded,
    ]);
    let outcome = prop::sample::select(vec![
        Outcome::Resolved,
        Outcome::Goodwill,
        Outcome::Unfounded,
        Outcome::Withdrawn,
        Outcome::ExternalDispute,
    ]);
    let employee = prop::sample::select(EMPLOYEES.to_vec());
    let why = prop::sample::select(vec![Why::NotContent, Why::NewFacts, Why::LowScore]);
    let apology = prop::sample::select(vec![ApologyKind::Courtesy, ApologyKind::Liability]);
    // A quarter of the walk goes the way a case usually goes, else hardly one would come to its end.
    let usual = prop::sample::select(vec![
        Step::Recap,
        Step::Triage(Factor::Rework),
        Step::Investigate,
        Step::Find(FindingKind::Worker, 4, 100),
        Step::Apologise(ApologyKind::Liability),
        Step::Prepare(3),
        Step::Present(1),
        Step::Accept,
        Step::Start,
        Step::Complete,
        Step::Reply,
        Step::FollowUp(5),
        Step::Close(Outcome::Resolved),
    ]);
    prop_oneof![
        8 => usual,
        1 => factor.clone().prop_map(Step::Triage),
        1 => factor.clone().prop_map(Step::TriageInvalid),
        1 => factor.prop_map(Step::Raise),
        1 => prop::sample::select(vec![Severity::S1, Severity::S2, Severity::S3]).prop_map(Step::Lower),
        2 => (kind, employee.clone(), 0_u8..=110).prop_map(|(kind, employee, pct)| Step::Find(kind, employee, pct)),
        1 => Just(Step::Second),
        1 => apology.prop_map(Step::Apologise),
        1 => (0_usize..6).prop_map(Step::Prepare),
        1 => (0_u8..5).prop_map(Step::Present),
        1 => Just(Step::Object),
        1 => Just(Step::Progress),
        1 => Just(Step::Break),
        1 => (0_u8..7).prop_map(Step::FollowUp),
        1 => outcome.prop_map(Step::Close),
        1 => why.prop_map(Step::Reopen),
        1 => Just(Step::Escalate),
        1 => employee.clone().prop_map(Step::Offer),
        1 => employee.prop_map(Step::TakeOver),
    ]
}

fn shares(kind: FindingKind, blamed: u128, pct: u8) -> Vec<ShareAsk> {
    let of = |party, employee_id, pct| ShareAsk { party, employee_id, pct };
    match kind {
        FindingKind::Company => vec![of(Party::Company, None, pct)],
        FindingKind::Worker => vec![of(Party::Worker, Some(employee(blamed)), pct)],
        FindingKind::Shared => {
            vec![
                of(Party::Worker, Some(employee(blamed)), pct),
                of(Party::Customer, None, 100_u8.saturating_sub(pct)),
            ]
        }
        FindingKind::Customer => vec![of(Party::Customer, None, pct)],
        FindingKind::ThirdParty => vec![of(Party::ThirdParty, None, pct)],
        FindingKind::Unfounded => vec![],
    }
}

/// Does one command as its route does: the guards of open and accused first.
fn walk(before: &Complaint, step: Step, who: Person) -> Result<Decision<Complaint>, Refusal> {
    let (world, now) = (World::new(), World::now());
    let complaint = match step {
        Step::Reopen(_) => before.clone().not_by_the_accused(who)?,
        Step::Break => before.clone(),
        _ => before.clone().worked_on_by(who)?,
    };
    let standing = match who.employee {
        Some(employee) if employee == head() => Standing::Manager,
        Some(employee) if employee == self::employee(40) => Standing::Headquarters,
        _ => Standing::Agent,
    };
    let care = [accused()];
    let staff = found_by(&care, &world.ladder);
    match step {
        Step::Recap => recap::decide(complaint, Channel::Phone, now),
        Step::Triage(factor) => triage::decide(complaint, &graded_by(factor), 1, world.grounds()),
        Step::TriageInvalid(factor) => {
            let invalid = TriageComplaint { validity: Validity::Invalid, ..graded_by(factor) };
            triage::decide(complaint, &invalid, 1, world.grounds())
        }
        Step::Raise(factor) => raise::decide(complaint, factor, world.grounds()),
        Step::Lower(_) if standing < Standing::Manager => Err(complaint.not_now()),
        Step::Lower(to) => lower::decide(complaint, to, who, world.terms.id),
        Step::Investigate => investigate::decide(complaint),
        Step::Find(finding, blamed, pct) => {
            let ask = FindLiability {
                finding,
                shares: shares(finding, blamed, pct),
                basis_code: Code::of("video"),
            };
            Ok(find::decide(complaint, &ask, Finder { person: who, standing }, staff)?.decision)
        }
        Step::Second => Ok(second::decide(complaint, Finder { person: who, standing }, staff)?.decision),
        Step::Apologise(kind) => apologise::decide(complaint, kind, Channel::Phone, now),
        Step::Prepare(count) => prepare::decide(complaint, &offers(count, 100), standing, &world.terms),
        Step::Present(rank) => present::decide(complaint, rank, &world.terms),
        Step::Accept => customer::decide(complaint, &yes()),
        Step::Object => {
            let no = CustomerDecides::Object { channel: Channel::Phone, reason_code: Code::of("no") };
            customer::decide(complaint, &no)
        }
        Step::Start => start::decide(complaint),
        Step::Complete => complete::decide(complaint, now),
        Step::Reply => reply::decide(complaint, &told(), 1),
        Step::Progress => {
            let next = ask().promise.expect("the example has one");
            progress::decide(complaint, Told::Progress, Channel::Phone, next)
        }
        Step::Break if !complaint.is_waiting() => Err(complaint.not_now()),
        Step::Break => super::escalation::broken::decide_lapse(
            complaint,
            super::escalation::broken::Lapse::Broken,
            world.grounds(),
        ),
        Step::FollowUp(score) => followed(complaint, score),
        Step::Close(outcome) => close::decide(complaint, (outcome, who), &world.terms, Tally::default(), now),
        Step::Reopen(reason) => {
            let ask =
                ReopenComplaint { reason, channel: Channel::Phone, promise: ask().promise, answered: None };
            reopen::decide(complaint, &ask, world.grounds(), now)
        }
        Step::Escalate => escalate::decide(complaint, EscalationCause::Urgent, world.grounds()),
        Step::Offer(to) => hand_over::decide(complaint, employee(to), (who, standing), Employed::Yes),
        Step::TakeOver(by) => accept::decide(complaint, person_of(employee(by)), now),
    }
}

/// What holds of every complaint, whatever was done to it.
fn holds(complaint: &Complaint) -> Result<(), TestCaseError> {
    let is_settled = complaint.assurance == Assurance::Settled;
    prop_assert!(!(complaint.is_waiting() && is_settled), "C1: {:?}", complaint.state);
    prop_assert!(
        complaint.assurance != Assurance::Lapsed || complaint.broken_promises > 0,
        "C1: only a broken one leaves a gap"
    );
    prop_assert!(
        !complaint.is_accused(complaint.owner) || complaint.proposed.is_some(),
        "C2: the accused owns it"
    );
    prop_assert_ne!(Some(complaint.owner), complaint.matter.about_employee, "C2");
    prop_assert_eq!(complaint.receiver, receiver(), "C2: the receiver stays on record");
    for finding in complaint.finding.iter().chain(&complaint.proposed) {
        let sum: u32 = finding.shares.iter().map(|share| u32::from(share.pct)).sum();
        prop_assert_eq!(sum, if finding.kind == FindingKind::Unfounded { 0 } else { 100 }, "C14");
        let is_self_found = finding.shares.iter().any(|share| {
            share.employee.is_some_and(|blamed| finding.decided_by.iter().any(|by| by.is_employee(blamed)))
        });
        prop_assert!(!is_self_found, "C11");
    }
    let is_major = complaint.severity() >= Some(Severity::S3);
    let is_alone = complaint.finding.as_ref().is_some_and(|finding| !finding.is_seconded());
    let waits = complaint.finding_that_stands().is_err() && complaint.proposed.is_some();
    prop_assert_eq!(is_major && is_alone, complaint.finding_that_stands().is_err(), "R4");
    prop_assert!(!(is_major && is_alone) || waits, "R4: nobody can second it");
    prop_assert!(!is_major || complaint.rung.is_some(), "C9: nobody was told");
    prop_assert!(!complaint.is_invalid() || !complaint.is_ours() && complaint.apology.is_none(), "C13");
    let is_done = matches!(complaint.state, State::Implementing);
    prop_assert!(!is_done || complaint.on_the_table(super::Offer::Accepted).is_some(), "C4");
    Ok(())
}

proptest! {
    #[test]
    fn c1_c2_c4_c9_c10_c11_c13_c14_hold_whatever_is_done(
        walks in prop::collection::vec((steps(), prop::sample::select(EMPLOYEES.to_vec())), 1..60)
    ) {
        let mut complaint = registered();
        for (step, who) in walks {
            let before = complaint.clone();
            match walk(&before, step, person_of(employee(who))) {
                Ok(decision) => {
                    prop_assert!(!decision.facts().is_empty(), "a change without an event does not exist");
                    let reports = decision.facts().iter().any(|fact| fact.event_type == "support.complaint.major_reported");
                    let was_major = before.severity() >= Some(Severity::S3);
                    complaint = saved(decision);
                    let is_major = complaint.severity() >= Some(Severity::S3);
                    let is_again = complaint.cycle > before.cycle;
                    prop_assert_eq!(reports, is_major && (!was_major || is_again), "C9: in the same decision, once a cycle");
                    let by_owner = before.owner == employee(who);
                    let was_ever_major = before.triage.is_some_and(|triage| triage.class == Class::Major);
                    let closes_alone = matches!(step, Step::Close(_)) && by_owner;
                    prop_assert!(!(closes_alone && was_ever_major), "C7");
                    prop_assert!(!(matches!(step, Step::Lower(_)) && by_owner), "C8");
                    if let State::Closed(_) = before.state {
                        prop_assert!(matches!(step, Step::Reopen(_)), "C10: {:?}", step);
                        prop_assert_eq!(complaint.cycle, before.cycle + 1);
                    }
                    let is_about_accused = before.is_accused(employee(who));
                    prop_assert!(!is_about_accused || matches!(step, Step::Break), "C11: {:?}", step);
                }
                Err(_) => prop_assert_eq!(&complaint, &before, "a refusal changes nothing"),
            }
            holds(&complaint)?;
        }
    }
}

#[test]
fn the_whole_life_of_a_complaint_of_ours() {
    let way = [
        (Step::Recap, receiver()),
        (Step::Triage(Factor::Rework), receiver()),
        (Step::Investigate, receiver()),
        (Step::Find(FindingKind::Worker, 4, 100), head()),
        (Step::Apologise(ApologyKind::Liability), receiver()),
        (Step::Prepare(2), receiver()),
        (Step::Present(1), receiver()),
        (Step::Object, receiver()),
        (Step::Present(2), receiver()),
        (Step::Accept, receiver()),
        (Step::Start, receiver()),
        (Step::Complete, receiver()),
        (Step::Reply, receiver()),
        (Step::FollowUp(4), receiver()),
        (Step::FollowUp(5), receiver()),
        (Step::Close(Outcome::Resolved), receiver()),
    ];
    let mut complaint = registered();
    for (step, who) in way {
        let decision = walk(&complaint, step, person_of(who));
        complaint = saved(decision.unwrap_or_else(|refusal| panic!("{step:?}: {refusal:?}")));
    }
    assert_eq!(complaint.state.word(), "closed");
    assert_eq!(complaint.triage.map(|triage: Triage| triage.class), Some(Class::Ordinary));
    assert!(complaint.version > Version::of(16));
}
