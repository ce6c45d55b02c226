//! Registering a paper: it proves nothing until somebody else has checked it.

use super::{Paper, PaperRegistered, PaperView, Refusal, store};
use crate::ids::PaperId;
use crate::person::Person;
use crate::standing::{Check, Document, Proof};
use crate::worker::{self, State, Worker};
use chrono::NaiveDate;
use events::WorkerId;
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::{Failure, RefuseOn};
use kernel::{Decision, Span, Version, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Hexadecimal digits of a SHA-256.
const HASH: usize = 64;

/// Registers a paper of a worker.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterPaper {
    /// Whose.
    pub worker_id: WorkerId,
    /// What it proves: `{"paper": "id"}` or `{"health": "maternal_infant"}`.
    pub proof: Proof,
    /// On which dates, half-open; open where the paper has no end.
    #[serde(deserialize_with = "kernel::time::span_of_dates")]
    pub valid: Span<NaiveDate>,
    /// SHA-256 of the scan, hexadecimal.
    pub file_sha256: String,
}

impl Addressed for RegisterPaper {
    type To = New<PaperId>;
}

/// Takes a paper up.
pub fn decide(
    id: PaperId,
    new: &RegisterPaper,
    worker: &Worker,
    registrant: Person,
) -> Result<Decision<Paper>, Refusal> {
    if registrant.is_worker(worker.id) {
        return Err(Refusal::OwnPaper {});
    }
    if worker.state() == State::Left {
        return Err(Refusal::WorkerLeft {});
    }
    if new.valid.is_empty() {
        return Err(Refusal::RangeEmpty {});
    }
    let is_hash = |text: &str| text.len() == HASH && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash(&new.file_sha256) {
        return Err(Refusal::FileHash {});
    }
    let paper = Paper {
        id,
        worker: worker.id,
        branch: worker.branch,
        document: Document { proof: new.proof, valid: new.valid, check: Check::Submitted },
        file_sha256: new.file_sha256.to_ascii_lowercase(),
        registrant,
        checker: None,
        version: Version::NONE,
    };
    let registered = PaperRegistered(paper.changed());
    Ok(Decision::of(paper).and(registered).under(clause!("P1-1")))
}

/// Registers a paper of a worker.
#[utoipa::path(post, path = "/v1/workforce/compliance-papers", request_body = RegisterPaper, responses(Commanded<PaperView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RegisterPaper, permission!("compliance.write")>,
) -> Answer<PaperView> {
    house
        .commit(cmd, async |tx, cmd, _| {
            let worker = worker::store::load(tx, cmd.body.worker_id).await?;
            let decision = decide(cmd.id, &cmd.body, &worker, Person::of(&cmd.principal))?;
            let added = store::add(tx, &decision).await;
            added.refuse_on("compliance_paper_scan", Refusal::RegisteredBefore {})?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::standing::PaperKind;
    use crate::worker::tests::{at, worker};
    use kernel::{EmployeeId, UserId};
    use uuid::Uuid;

    pub(crate) fn person(user: u128, employee: u128) -> Person {
        let employee = Some(EmployeeId::of(Uuid::from_u128(employee)));
        Person { user: UserId::of(Uuid::from_u128(user)), employee }
    }

    pub(crate) fn new() -> RegisterPaper {
        let date = |text: &str| text.parse().expect("a literal");
        RegisterPaper {
            worker_id: worker().id,
            proof: Proof::Paper(PaperKind::Id),
            valid: Span { from: date("2026-01-01"), to: Some(date("2027-01-01")) },
            file_sha256: "ab".repeat(32),
        }
    }

    pub(crate) fn registered() -> Paper {
        let id = PaperId::of(Uuid::from_u128(5));
        let decision = decide(id, &new(), &worker(), person(10, 11)).expect("a good paper");
        Paper { version: decision.version(), ..decision.into_state() }
    }

    #[test]
    fn what_is_no_paper_is_refused() {
        let refused = |new: &RegisterPaper, person| {
            decide(PaperId::of(Uuid::from_u128(5)), new, &worker(), person).err()
        };
        let empty = RegisterPaper { valid: Span { to: Some(new().valid.from), ..new().valid }, ..new() };
        assert_eq!(refused(&empty, person(10, 11)), Some(Refusal::RangeEmpty {}));
        for hash in ["", "abc", &"zz".repeat(32)] {
            let wrong = RegisterPaper { file_sha256: (*hash).to_owned(), ..new() };
            assert_eq!(refused(&wrong, person(10, 11)), Some(Refusal::FileHash {}), "{hash}");
        }
        assert_eq!(refused(&new(), person(10, 2)), Some(Refusal::OwnPaper {}), "nobody brings his own");
        let left =
            crate::worker::leave::decide(worker(), at("2026-05-01")).expect("he was here").into_state();
        let refused = decide(PaperId::of(Uuid::from_u128(5)), &new(), &left, person(10, 11)).err();
        assert_eq!(refused, Some(Refusal::WorkerLeft {}));
    }
}
