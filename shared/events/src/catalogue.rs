//! Every event that this crate declares: what the published contract is made of (`events.md` §6).
//!
//! What services declare for themselves is `internal` and stands with them; it is not here, and nobody may rely on it.
//! A test of this crate holds the list complete, and `cargo xtask contracts` refuses a promise made anywhere else.

use crate::policy::{PolicyApproved, PolicyDrafted, PolicyEnded};
use crate::schema::Extent;
use crate::{contracts, hr, schema, support, workforce};
use kernel::{Clause, EventPayload};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// One version of one event type.
#[derive(Clone, Copy)]
pub struct Declared {
    kind: &'static str,
    version: u16,
    schema: fn() -> Value,
    reread: fn(&str) -> Result<Value, serde_json::Error>,
}

const fn of<E: EventPayload + DeserializeOwned + JsonSchema>() -> Declared {
    declared::<E>(E::TYPE, E::VERSION)
}

/// What the house publishes for every service, under the service's own name.
const fn of_service<E: Serialize + DeserializeOwned + JsonSchema>(kind: &'static str) -> Declared {
    declared::<E>(kind, 1)
}

const fn declared<E: Serialize + DeserializeOwned + JsonSchema>(
    kind: &'static str,
    version: u16,
) -> Declared {
    Declared {
        kind,
        version,
        schema: schema::of::<E>,
        reread: |text| serde_json::from_str::<E>(text).and_then(serde_json::to_value),
    }
}

/// Every declared event, internal ones too, by publisher and in the order of their declaration; at the end those of the house.
pub const CATALOGUE: &[Declared] = &[
    of::<contracts::ServicePublished>(),
    of::<contracts::ServiceRetired>(),
    of::<contracts::PriceBookPublished>(),
    of::<contracts::QuoteOffered>(),
    of::<contracts::QuoteAccepted>(),
    of::<contracts::QuoteExpired>(),
    of::<contracts::ContractSigned>(),
    of::<contracts::ContractActivated>(),
    of::<contracts::ContractCompleted>(),
    of::<contracts::ContractTerminated>(),
    of::<contracts::VisitAssigned>(),
    of::<contracts::VisitStarted>(),
    of::<contracts::VisitDone>(),
    of::<contracts::VisitConfirmed>(),
    of::<contracts::VisitDisputed>(),
    of::<contracts::VisitNeedsReplacement>(),
    of::<contracts::CollectionRecorded>(),
    of::<contracts::CollectionReversed>(),
    of::<hr::BranchOpened>(),
    of::<hr::BranchChanged>(),
    of::<hr::BranchClosed>(),
    of::<hr::EmployeeHired>(),
    of::<hr::EmployeeTransferred>(),
    of::<hr::EmployeeSuspended>(),
    of::<hr::EmployeeReinstated>(),
    of::<hr::EmployeeLeft>(),
    of::<hr::AttendanceDayClosed>(),
    of::<hr::AttendanceMonthClosed>(),
    of::<hr::DeductionOpened>(),
    of::<hr::DeductionPosted>(),
    of::<hr::DeductionDeferred>(),
    of::<hr::DeductionRefunded>(),
    of::<hr::DeductionReversed>(),
    of::<hr::DeductionWrittenOff>(),
    of::<hr::PayRunCalculated>(),
    of::<hr::PayRunApproved>(),
    of::<hr::PayRunPaid>(),
    of::<hr::PayslipIssued>(),
    of::<hr::PayslipConfirmed>(),
    of::<hr::PayslipObjected>(),
    of::<support::CustomerRegistered>(),
    of::<support::CustomerUpdated>(),
    of::<support::CallAnswered>(),
    of::<support::CallLateApologyDue>(),
    of::<support::CallLateApologyRecorded>(),
    of::<support::CallRecorded>(),
    of::<support::CallTransferred>(),
    of::<support::CallMissed>(),
    of::<support::CallReturned>(),
    of::<support::ContactRecorded>(),
    of::<support::CallbackScheduled>(),
    of::<support::CallbackDone>(),
    of::<support::CallbackFailed>(),
    of::<support::CallbackAbandoned>(),
    of::<support::ComplaintRegistered>(),
    of::<support::ComplaintTriaged>(),
    of::<support::ComplaintMajorReported>(),
    of::<support::ComplaintEscalated>(),
    of::<support::ComplaintEscalationAcknowledged>(),
    of::<support::ComplaintHandedOver>(),
    of::<support::ComplaintLiabilityFound>(),
    of::<support::ComplaintUpheld>(),
    of::<support::ComplaintFindingReversed>(),
    of::<support::ComplaintProposalAccepted>(),
    of::<support::ComplaintRemedyStarted>(),
    of::<support::ComplaintRemedyCompleted>(),
    of::<support::ComplaintReplied>(),
    of::<support::ComplaintClosed>(),
    of::<support::ComplaintReopened>(),
    of::<support::PromiseMade>(),
    of::<support::PromiseKept>(),
    of::<support::PromiseKeptByAttempt>(),
    of::<support::PromiseBroken>(),
    of::<support::PromiseSuperseded>(),
    of::<support::PromiseReleased>(),
    of::<support::ClockStarted>(),
    of::<support::ClockGraded>(),
    of::<support::ClockPaused>(),
    of::<support::ClockResumed>(),
    of::<support::ClockRetimed>(),
    of::<support::ClockBreached>(),
    of::<support::ClockStopped>(),
    of::<support::PenaltyAssessed>(),
    of::<support::PenaltyConfirmed>(),
    of::<support::PenaltyDismissed>(),
    of::<support::PenaltyHeard>(),
    of::<support::PenaltyAppealed>(),
    of::<support::PenaltyAppealRejected>(),
    of::<support::PenaltyReversed>(),
    of::<workforce::WorkerRegistered>(),
    of::<workforce::CertificateIssued>(),
    of::<workforce::CertificateRenewed>(),
    of::<workforce::CertificateSuspended>(),
    of::<workforce::CertificateReinstated>(),
    of::<workforce::CertificateRevoked>(),
    of::<workforce::CertificateExpiring>(),
    of::<workforce::CertificateExpired>(),
    of::<workforce::StandingChanged>(),
    of::<workforce::RetrainingOpened>(),
    of::<workforce::RetrainingOverdue>(),
    of::<workforce::RetrainingClosed>(),
    of_service::<PolicyDrafted>("contracts.policy.drafted"),
    of_service::<PolicyApproved>("contracts.policy.approved"),
    of_service::<PolicyEnded>("contracts.policy.ended"),
    of_service::<PolicyDrafted>("hr.policy.drafted"),
    of_service::<PolicyApproved>("hr.policy.approved"),
    of_service::<PolicyEnded>("hr.policy.ended"),
    of_service::<PolicyDrafted>("support.policy.drafted"),
    of_service::<PolicyApproved>("support.policy.approved"),
    of_service::<PolicyEnded>("support.policy.ended"),
    of_service::<PolicyDrafted>("workforce.policy.drafted"),
    of_service::<PolicyApproved>("workforce.policy.approved"),
    of_service::<PolicyEnded>("workforce.policy.ended"),
];

/// The promised events: those with a version.
pub fn promised() -> impl Iterator<Item = &'static Declared> {
    CATALOGUE.iter().filter(|event| !event.is_internal())
}

impl Declared {
    /// The type without `steward.` and version: `support.penalty.confirmed`.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The version of the shape; 0 for an internal one.
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// Published without a promise of compatibility.
    pub const fn is_internal(&self) -> bool {
        self.version == 0
    }

    /// `support.penalty.confirmed.v1`: its name in the contract, and of its file.
    pub fn name(&self) -> String {
        format!("{}.v{}", self.kind, self.version)
    }

    /// As the envelope writes it: `steward.support.penalty.confirmed.v1`.
    pub fn event_type(&self) -> String {
        format!("steward.{}", self.name())
    }

    /// Who publishes it: `support`.
    pub fn service(&self) -> &'static str {
        self.part(0)
    }

    /// What it happened to: `penalty`.
    pub fn aggregate(&self) -> &'static str {
        self.part(1)
    }

    /// What happened: `confirmed`.
    pub fn event(&self) -> &'static str {
        self.part(2)
    }

    fn part(&self, place: usize) -> &'static str {
        self.kind.split('.').nth(place).expect("a type has three parts: a test reads them all")
    }

    /// The subject it is published under, with the branch as a parameter (`events.md` §4).
    pub fn address(&self) -> String {
        format!("steward.v1.{}.{{branch}}.{}.{}", self.service(), self.aggregate(), self.event())
    }

    /// The JSON Schema of its payload (draft 2020-12), named and complete in itself.
    pub fn schema(&self) -> Value {
        let mut schema = (self.schema)();
        schema["$id"] = format!("urn:steward:event:{}", self.name()).into();
        schema["x-event-type"] = self.event_type().into();
        schema
    }

    /// What it tells, in the words of the type's own document.
    pub fn meaning(&self) -> String {
        (self.schema)()["description"].as_str().unwrap_or_default().to_owned()
    }

    /// The clauses that its meaning names.
    pub fn clauses(&self) -> Vec<Clause> {
        let meaning = self.meaning();
        let words = meaning.split(|one: char| !(one.is_ascii_alphanumeric() || one == '.' || one == '-'));
        words.filter_map(|word| Clause::find(word.trim_matches('.'))).collect()
    }

    /// A payload as it could be published, from the examples of its members.
    pub fn example(&self, extent: Extent) -> Value {
        schema::example(&(self.schema)(), extent)
    }

    /// An example in its envelope, as a subscriber gets it.
    pub fn enveloped(&self) -> Value {
        let data = self.example(Extent::Whole);
        let mut envelope = schema::example(&schema::of::<crate::Envelope>(), Extent::Whole);
        let members: &mut Map<String, Value> = envelope.as_object_mut().expect("an envelope is an object");
        members.insert("type".to_owned(), self.event_type().into());
        members.insert("source".to_owned(), format!("/steward/{}", self.service()).into());
        members.remove("beside");
        match self.clauses().first() {
            Some(clause) => members.insert("clause".to_owned(), clause.id().into()),
            None => members.remove("clause"),
        };
        if let Some(branch) = data.get("branch_id") {
            members.insert("branch".to_owned(), branch.clone());
        }
        if let Some(id) = self.subject(&data) {
            members.insert("subject".to_owned(), id);
        }
        members.insert("data".to_owned(), data);
        envelope
    }

    /// The id of what it happened to: the member that is called like it, else the first id.
    fn subject(&self, data: &Value) -> Option<Value> {
        let ids = || data.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("_id"));
        let own = ids().find(|(name, _)| name.trim_end_matches("_id").replace('_', "") == self.aggregate());
        own.or_else(|| ids().next()).map(|(_, id)| id.clone())
    }

    /// Reads a payload as the type does and writes it again.
    ///
    /// # Errors
    /// Where the type cannot be read from it.
    pub fn reread(&self, data: &Value) -> Result<Value, serde_json::Error> {
        (self.reread)(&data.to_string())
    }
}
