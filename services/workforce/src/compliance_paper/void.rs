//! A paper was registered by mistake: it proves nothing, and says nothing against the worker either.

use super::{Paper, PaperView, PaperVoided, Refusal, store};
use crate::ids::PaperId;
use crate::person::Person;
use crate::standing::{self, Check, Document};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Failure, RefuseOn};
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Takes a paper back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidPaper {}

impl Addressed for VoidPaper {
    type To = PaperId;
}

/// Takes a paper back. One that was checked is taken back by another person than its registrant: else a rejection
/// could be made to vanish.
pub fn decide(paper: Paper, person: Person) -> Result<Decision<Paper>, Refusal> {
    match paper.document.check {
        Check::Submitted => {}
        Check::Verified { .. } | Check::Rejected { .. } => paper.is_anothers(person)?,
        Check::Void => return Err(Refusal::AlreadyChecked { state: paper.word() }),
    }
    let voided = PaperVoided(paper.changed());
    let document = Document { check: Check::Void, ..paper.document };
    Ok(Decision::of(Paper { document, ..paper }).and(voided).under(clause!("P1-1")))
}

/// Takes a paper back (P1-1).
#[utoipa::path(post, path = "/v1/workforce/compliance-papers/{id}/void", request_body = VoidPaper, responses(Commanded<PaperView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<VoidPaper, permission!("compliance.verify")>,
) -> Answer<PaperView> {
    house
        .commit(cmd, async |tx, cmd, _| {
            let paper = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(paper, Person::of(&cmd.principal))?;
            store::save(tx, &decision)
                .await
                .refuse_on("certificate_rests_on_verified", Refusal::HasCertificate {})?;
            standing::recompute(tx, &[decision.state().worker]).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::register::tests::{person, registered};
    use super::super::reject;
    use super::*;
    use crate::worker::tests::at;

    #[test]
    fn a_rejection_is_not_taken_back_by_whoever_registered() {
        assert!(decide(registered(), person(10, 11)).is_ok(), "a slip of the pen");
        let rejected = reject::decide(registered(), person(20, 21), at("2026-02-01")).expect("rejected");
        let rejected = rejected.into_state();
        assert_eq!(decide(rejected.clone(), person(10, 11)).err(), Some(Refusal::OwnRegistration {}));
        let void = decide(rejected, person(20, 21)).expect("another person").into_state();
        assert_eq!(decide(void, person(20, 21)).err(), Some(Refusal::AlreadyChecked { state: "void" }));
    }
}
