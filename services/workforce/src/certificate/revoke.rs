//! A certificate is stopped for ever (W5).

use super::{CertificateView, Issued, Refusal, store, validity};
use crate::person::Person;
use crate::standing;
use events::CertificateId;
use events::workforce::CertificateRevoked;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Revokes a certificate.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeCertificate {}

impl Addressed for RevokeCertificate {
    type To = CertificateId;
}

/// Stops it for ever; its code goes on to say so.
pub fn decide(issued: Issued, person: Person, now: Timestamp) -> Result<Decision<Issued>, Refusal> {
    issued.is_anothers(person)?;
    let certificate = validity::revoke(issued.certificate.clone(), now)?;
    let issued = Issued { certificate, ..issued };
    let revoked = CertificateRevoked(issued.told(None));
    Ok(Decision::of(issued).and(revoked).under(clause!("P1-1")))
}

/// Revokes a certificate (P1-1).
#[utoipa::path(post, path = "/v1/workforce/certificates/{id}/revoke", request_body = RevokeCertificate, responses(Commanded<CertificateView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RevokeCertificate, permission!("certificate.revoke")>,
) -> Answer<CertificateView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let issued = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(issued, Person::of(&cmd.principal), now)?;
            store::save(tx, &decision).await?;
            standing::recompute(tx, &[decision.state().certificate.worker_id]).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::issue::tests::issued;
    use super::*;
    use crate::compliance_paper::register::tests::person;
    use crate::worker::tests::at;

    #[test]
    fn w5_revoked_is_final_and_nobody_revokes_his_own() {
        let now = at("2026-05-01");
        assert_eq!(decide(issued(), person(1, 2), now).err(), Some(Refusal::OwnCertificate {}));
        let gone = decide(issued(), person(1, 3), now).expect("active");
        assert_eq!(gone.facts()[0].event_type, "workforce.certificate.revoked");
        assert_eq!(decide(gone.into_state(), person(1, 3), now).err(), Some(Refusal::Revoked { at: now }));
    }
}
