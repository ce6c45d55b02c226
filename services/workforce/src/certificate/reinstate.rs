//! A suspended certificate holds again (W5).

use super::{CertificateView, Issued, Refusal, store, validity};
use crate::person::Person;
use crate::standing;
use events::CertificateId;
use events::workforce::CertificateReinstated;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Reinstates a certificate.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReinstateCertificate {}

impl Addressed for ReinstateCertificate {
    type To = CertificateId;
}

/// Lets it hold again, for the rest of its range.
pub fn decide(issued: Issued, person: Person) -> Result<Decision<Issued>, Refusal> {
    issued.is_anothers(person)?;
    let certificate = validity::reinstate(issued.certificate.clone())?;
    let issued = Issued { certificate, ..issued };
    let reinstated = CertificateReinstated(issued.told(None));
    Ok(Decision::of(issued).and(reinstated).under(clause!("P1-1")))
}

/// Reinstates a certificate (P1-1).
#[utoipa::path(post, path = "/v1/workforce/certificates/{id}/reinstate", request_body = ReinstateCertificate, responses(Commanded<CertificateView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ReinstateCertificate, permission!("certificate.suspend")>,
) -> Answer<CertificateView> {
    house
        .commit(cmd, async |tx, cmd, _| {
            let issued = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(issued, Person::of(&cmd.principal))?;
            store::save(tx, &decision).await?;
            standing::recompute(tx, &[decision.state().certificate.worker_id]).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
