//! A certificate follows another one: before the end exactly there, after it on the day of renewal (W1, W11, E4).

use super::{CertificateView, Issued, Refusal, VerificationCode, issue, store, validity};
use crate::ids::PaperId;
use crate::person::Person;
use events::CertificateId;
use events::workforce::CertificateRenewed;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Span, Version, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// Renews a certificate by a new paper.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewCertificate {
    /// The verified licence it rests on.
    pub paper_id: PaperId,
}

impl Addressed for RenewCertificate {
    type To = CertificateId;
}

/// The certificate that follows. It holds for the months of the policy, and no longer than its paper.
pub fn decide(
    id: CertificateId,
    old: &Issued,
    grounds: &issue::Grounds,
    issuer: Person,
) -> Result<Decision<Issued>, Refusal> {
    let paper = &grounds.paper;
    if paper.worker != old.certificate.worker_id {
        return Err(Refusal::PaperOfAnother {});
    }
    issue::is_good(grounds, issuer)?;
    let mut certificate = validity::renew(&old.certificate, id, grounds.today, grounds.months)?;
    certificate.issued_at = grounds.now;
    let from = certificate.valid.from;
    if !paper.document.valid.contains(from) {
        return Err(Refusal::PaperNotInForce { on: from });
    }
    let ends = [certificate.valid.to, paper.document.valid.to];
    certificate.valid = Span { from, to: ends.into_iter().flatten().min() };
    let renewed = Issued {
        certificate,
        branch: paper.branch,
        zone: grounds.zone,
        paper: paper.id,
        code: VerificationCode::of(grounds.random_bits),
        supersedes: Some(old.certificate.id),
        told_days: None,
        version: Version::NONE,
    };
    let event = CertificateRenewed(renewed.told(None));
    Ok(Decision::of(renewed).and(event).under(clause!("P1-1")).born_of(old.certificate.id))
}

/// Renews a certificate; the answer is the one that follows (P1-1).
#[utoipa::path(post, path = "/v1/workforce/certificates/{id}/renew", request_body = RenewCertificate, responses(Commanded<CertificateView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RenewCertificate, permission!("certificate.issue")>,
) -> Answer<CertificateView> {
    house
        .commit(cmd, async |tx, cmd, _| {
            let old = cmd.current(store::load(tx, cmd.id).await?)?;
            let services = &old.certificate.service_codes;
            let grounds = issue::grounds(tx, cmd.body.paper_id, services).await?;
            let decision = decide(tx.fresh(), &old, &grounds, Person::of(&cmd.principal))?;
            issue::put(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::issue::tests::{date, grounds, issued, licence};
    use super::*;
    use crate::compliance_paper::register::tests::person;
    use uuid::Uuid;

    fn renewed(today: &str, to: Option<&str>) -> Result<Span<chrono::NaiveDate>, Refusal> {
        let grounds = grounds(licence("2027-01-01", to), today);
        let id = CertificateId::of(Uuid::from_u128(77));
        decide(id, &issued(), &grounds, person(20, 21)).map(|decision| decision.state().certificate.valid)
    }

    #[test]
    fn e4_renewed_in_time_it_begins_at_the_old_end_and_late_it_begins_that_day() {
        let span = |from, to| Ok(Span { from: date(from), to: Some(date(to)) });
        assert_eq!(renewed("2027-02-01", None), span("2027-03-01", "2028-03-01"));
        assert_eq!(renewed("2027-03-15", None), span("2027-03-15", "2028-03-15"));
        assert_eq!(
            renewed("2027-02-01", Some("2027-09-01")),
            span("2027-03-01", "2027-09-01"),
            "its paper ends"
        );
        let mut others = grounds(licence("2027-01-01", None), "2027-02-01");
        others.paper.worker = events::WorkerId::of(Uuid::from_u128(78));
        let id = CertificateId::of(Uuid::from_u128(77));
        let refused = decide(id, &issued(), &others, person(20, 21)).err();
        assert_eq!(refused, Some(Refusal::PaperOfAnother {}));
        let refused = renewed("2027-02-01", Some("2027-02-15"));
        assert_eq!(refused, Err(Refusal::PaperNotInForce { on: date("2027-03-01") }));
    }
}
