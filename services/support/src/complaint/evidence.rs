//! Keeping evidence: a hash, or what an employee says.

use super::facts::EvidenceAdded;
use super::kind::EvidenceKind;
use super::{Complaint, ComplaintView, Refusal, State, store};
use crate::person::Person;
use crate::words::{Text, Word};
use events::ComplaintId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is kept. A statement names the employee and carries his words; anything else carries its hash.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddEvidence {
    /// What it is.
    pub kind: EvidenceKind,
    /// The hash of the file.
    pub sha256: Option<Hash>,
    /// Who says it.
    pub employee_id: Option<EmployeeId>,
    /// What he says, or what the file shows.
    pub text: Option<Text>,
}

impl Addressed for AddEvidence {
    type To = ComplaintId;
}

/// A SHA-256, 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct Hash(String);

const DIGITS: usize = 64;

impl TryFrom<String> for Hash {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == DIGITS && text.bytes().all(is_hex) {
            Ok(Self(text))
        } else {
            Err("support.evidence.hash_malformed")
        }
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.0
    }
}

/// Adds evidence while the case is open.
pub fn decide(complaint: Complaint, ask: &AddEvidence) -> Result<Decision<Complaint>, Refusal> {
    if let State::Closed(_) = complaint.state {
        return Err(Refusal::Closed {});
    }
    let is_complete = match ask.kind {
        EvidenceKind::Statement => ask.employee_id.is_some() && ask.text.is_some(),
        EvidenceKind::Photo | EvidenceKind::Recording | EvidenceKind::Document | EvidenceKind::Other => {
            ask.sha256.is_some() && ask.employee_id.is_none()
        }
    };
    if !is_complete {
        return Err(Refusal::EvidenceIncomplete {});
    }
    let added = EvidenceAdded {
        complaint_id: complaint.id,
        kind: ask.kind.word(),
        sha256: ask.sha256.clone().map(String::from),
        employee_id: ask.employee_id,
    };
    Ok(Decision::of(complaint).and(added).under(clause!("P3.3.3-5")))
}

/// Adds evidence, or an employee's statement (P3.3.3-5).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/evidence", request_body = AddEvidence, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<AddEvidence, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let decision = decide(complaint, &cmd.body)?;
            store::save(tx, &decision).await?;
            store::add_evidence(tx, decision.state(), &cmd.body).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
