//! A certificate is stopped until it is reinstated (W5).

use super::{CertificateView, Issued, Refusal, StopCause, store, validity};
use crate::person::Person;
use crate::standing;
use events::CertificateId;
use events::workforce::CertificateSuspended;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Suspends a certificate.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspendCertificate {
    /// Why; misconduct turns the light red, anything else yellow (W7).
    pub cause: SuspendCause,
}

impl Addressed for SuspendCertificate {
    type To = CertificateId;
}

/// Why a certificate is suspended; leaving the house is hr's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuspendCause {
    /// Misconduct.
    Conduct,
    /// Anything else.
    Administrative,
}

/// Stops a certificate until it is reinstated (W5).
pub fn decide(
    issued: Issued,
    cause: SuspendCause,
    person: Person,
    now: Timestamp,
) -> Result<Decision<Issued>, Refusal> {
    issued.is_anothers(person)?;
    let cause = match cause {
        SuspendCause::Conduct => StopCause::Conduct,
        SuspendCause::Administrative => StopCause::Administrative,
    };
    let certificate = validity::suspend(issued.certificate.clone(), cause, now)?;
    let issued = Issued { certificate, ..issued };
    let suspended = CertificateSuspended(issued.told(Some(cause.word())));
    Ok(Decision::of(issued).and(suspended).under(clause!("P1-1")))
}

/// Suspends a certificate (P1-1).
#[utoipa::path(post, path = "/v1/workforce/certificates/{id}/suspend", request_body = SuspendCertificate, responses(Commanded<CertificateView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<SuspendCertificate, permission!("certificate.suspend")>,
) -> Answer<CertificateView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let issued = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(issued, cmd.body.cause, Person::of(&cmd.principal), now)?;
            store::save(tx, &decision).await?;
            standing::recompute(tx, &[decision.state().certificate.worker_id]).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::issue::tests::issued;
    use super::super::reinstate;
    use super::*;
    use crate::compliance_paper::register::tests::person;
    use crate::worker::tests::at;

    #[test]
    fn w5_a_suspended_certificate_comes_back_with_the_same_code() {
        let now = at("2026-05-01");
        let own = decide(issued(), SuspendCause::Conduct, person(1, 2), now);
        assert_eq!(own.err(), Some(Refusal::OwnCertificate {}));
        let held = decide(issued(), SuspendCause::Conduct, person(1, 3), now).expect("active");
        assert_eq!(held.facts()[0].event_type, "workforce.certificate.suspended");
        assert_eq!(held.facts()[0].data["reason_code"], "conduct");
        let held = held.into_state();
        let twice = decide(held.clone(), SuspendCause::Conduct, person(1, 3), now).err();
        assert_eq!(twice, Some(Refusal::Suspended { since: now }));
        let back = reinstate::decide(held, person(1, 3)).expect("suspended");
        assert_eq!(back.facts()[0].event_type, "workforce.certificate.reinstated");
        assert_eq!(back.state().code, issued().code);
        assert_eq!(reinstate::decide(issued(), person(1, 3)).err(), Some(Refusal::NotSuspended {}));
    }
}
