//! A second person finds that a paper is not true: for identity and background that is red (W7).

use super::{Paper, PaperChecked, PaperView, Refusal, store};
use crate::ids::PaperId;
use crate::person::Person;
use crate::standing::{self, Check, Document};
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Rejects a paper.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectPaper {}

impl Addressed for RejectPaper {
    type To = PaperId;
}

/// Notes what came of the check; never by whoever registered it.
pub fn decide(paper: Paper, checker: Person, now: Timestamp) -> Result<Decision<Paper>, Refusal> {
    paper.may_be_checked(checker)?;
    let document = Document { check: Check::Rejected { at: now }, ..paper.document };
    let checked = PaperChecked(paper.changed());
    let paper = Paper { document, checker: Some(checker), ..paper };
    Ok(Decision::of(paper).and(checked).under(clause!("P1-1")))
}

/// Rejects a paper (P1-1).
#[utoipa::path(post, path = "/v1/workforce/compliance-papers/{id}/reject", request_body = RejectPaper, responses(Commanded<PaperView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RejectPaper, permission!("compliance.verify")>,
) -> Answer<PaperView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let paper = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(paper, Person::of(&cmd.principal), now)?;
            store::save(tx, &decision).await?;
            standing::recompute(tx, &[decision.state().worker]).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::register::tests::{person, registered};
    use super::*;
    use crate::worker::tests::at;

    #[test]
    fn a_paper_is_rejected_once_by_another_person() {
        let now = at("2026-02-01");
        for same in [person(10, 99), person(99, 11)] {
            assert_eq!(decide(registered(), same, now).err(), Some(Refusal::OwnRegistration {}));
        }
        assert_eq!(decide(registered(), person(20, 2), now).err(), Some(Refusal::OwnPaper {}));
        let checked = decide(registered(), person(20, 21), now).expect("another person").into_state();
        assert_eq!(checked.document.check, Check::Rejected { at: now });
        let again = decide(checked, person(20, 21), now).err();
        assert_eq!(again, Some(Refusal::AlreadyChecked { state: "rejected" }));
    }
}
