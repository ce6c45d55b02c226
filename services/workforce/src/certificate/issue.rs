//! A certificate from a verified external paper (W1): one for each paper.

use super::{CertificateView, Issued, Level, Refusal, Stored, VerificationCode, boundary, store, validity};
use crate::compliance_paper::{self, Paper};
use crate::ids::PaperId;
use crate::person::Person;
use crate::policy::CertificateValidity;
use crate::requirement;
use crate::standing::{self, Check, PaperKind, Proof};
use crate::worker;
use chrono::NaiveDate;
use events::CertificateId;
use events::workforce::CertificateIssued;
use house::policy::in_force;
use house::{Addressed, Answer, Command, Commanded, House, New, known, permission};
use journal::{Failure, RefuseOn, Tx};
use kernel::{BranchId, Decision, Span, Timestamp, Version, Zone, clause};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Gives out a certificate that rests on a paper.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueCertificate {
    /// The verified licence.
    pub paper_id: PaperId,
    /// For which services.
    pub service_codes: BTreeSet<String>,
    /// At which level.
    pub level: Level,
}

impl Addressed for IssueCertificate {
    type To = New<CertificateId>;
}

/// What a certificate is made from besides the command.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// The paper it rests on.
    pub paper: Paper,
    /// Those of the named services that do not exist.
    pub unknown: BTreeSet<String>,
    /// The zone its days belong to.
    pub zone: Zone,
    /// Now, and today there.
    pub now: Timestamp,
    /// See `now`.
    pub today: NaiveDate,
    /// Whether the worker is still one.
    pub worker: worker::State,
    /// So many months where the paper does not say until when.
    pub months: u32,
    /// 64 random bits.
    pub random_bits: u64,
}

/// Issues: with the paper's own range, or, where it has no end, from today for the months of the policy.
pub fn decide(
    id: CertificateId,
    new: IssueCertificate,
    grounds: &Grounds,
    issuer: Person,
) -> Result<Decision<Issued>, Refusal> {
    let Grounds { paper, today, months, .. } = grounds;
    is_good(grounds, issuer)?;
    if new.service_codes.is_empty() || !grounds.unknown.is_empty() {
        return Err(Refusal::ServiceUnknown { service_codes: grounds.unknown.clone() });
    }
    let valid = match paper.document.valid {
        Span { from, to: Some(to) } => Span { from, to: Some(to) },
        Span { from, to: None } => validity::range(from.max(*today), *months),
    };
    let certificate = super::Certificate {
        id,
        worker_id: paper.worker,
        service_codes: new.service_codes,
        level: new.level,
        valid,
        issued_at: grounds.now,
        stored: Stored::Active,
    };
    let issued = Issued {
        certificate,
        branch: paper.branch,
        zone: grounds.zone,
        paper: paper.id,
        code: VerificationCode::of(grounds.random_bits),
        supersedes: None,
        told_days: None,
        version: Version::NONE,
    };
    let event = CertificateIssued(issued.told(None));
    Ok(Decision::of(issued).and(event).under(clause!("P1-1")).born_of(paper.id))
}

/// A verified licence of somebody else who is still here, which two others brought and checked.
pub(super) fn is_good(grounds: &Grounds, person: Person) -> Result<(), Refusal> {
    let paper = &grounds.paper;
    if person.is_worker(paper.worker) {
        return Err(Refusal::OwnCertificate {});
    }
    if person.is(&paper.registrant) || paper.checker.is_some_and(|checker| person.is(&checker)) {
        return Err(Refusal::OwnPaper {});
    }
    if grounds.worker == worker::State::Left {
        return Err(Refusal::WorkerLeft {});
    }
    if paper.document.proof != Proof::Paper(PaperKind::Licence) {
        return Err(Refusal::PaperWrongKind {});
    }
    match paper.document.check {
        Check::Verified { .. } => Ok(()),
        Check::Submitted | Check::Rejected { .. } | Check::Void => Err(Refusal::PaperNotVerified {}),
    }
}

/// What a certificate is made from.
pub(super) async fn grounds(
    tx: &mut Tx,
    paper: PaperId,
    services: &BTreeSet<String>,
) -> Result<Grounds, Failure> {
    let paper = compliance_paper::store::load(tx, paper).await?;
    let zone = zone(tx, paper.branch).await?;
    let today = tx.now().date_in(zone);
    let months =
        in_force::<CertificateValidity>(tx.connection(), Some(paper.branch), today).await?.terms.months;
    let unknown = requirement::unknown(tx, services).await?;
    let worker = worker::store::load(tx, paper.worker).await?.state();
    let (now, random_bits) = (tx.now(), tx.random_bits());
    Ok(Grounds { paper, unknown, zone, now, today, worker, months, random_bits })
}

async fn zone(tx: &mut Tx, branch: BranchId) -> Result<Zone, Failure> {
    Ok(known::branch(tx, branch).await?.map_or(Zone::SHANGHAI, |branch| branch.zone))
}

/// Writes a certificate that was issued or renewed, and what follows from it.
pub(super) async fn put(tx: &mut Tx, decision: &Decision<Issued>) -> Result<(), Failure> {
    store::add(tx, decision)
        .await
        .refuse_on("certificate_one_per_paper", Refusal::PaperUsed {})
        .refuse_on("certificate_no_overlap", Refusal::Overlap {})?;
    let issued = decision.state();
    boundary::wait(tx, issued).await?;
    Ok(standing::recompute(tx, &[issued.certificate.worker_id]).await?)
}

/// Gives out a certificate that rests on a verified licence (P1-1).
#[utoipa::path(post, path = "/v1/workforce/certificates", request_body = IssueCertificate, responses(Commanded<CertificateView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<IssueCertificate, permission!("certificate.issue")>,
) -> Answer<CertificateView> {
    house
        .commit(cmd, async |tx, cmd, _| {
            let grounds = grounds(tx, cmd.body.paper_id, &cmd.body.service_codes).await?;
            let decision = decide(cmd.id, cmd.body.clone(), &grounds, Person::of(&cmd.principal))?;
            put(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::compliance_paper::register::tests::{person, registered};
    use crate::standing::Document;
    use crate::worker::tests::at;
    use uuid::Uuid;

    pub(crate) fn date(text: &str) -> NaiveDate {
        text.parse().expect("a literal")
    }

    pub(crate) fn licence(from: &str, to: Option<&str>) -> Paper {
        let document = Document {
            proof: Proof::Paper(PaperKind::Licence),
            valid: Span { from: date(from), to: to.map(date) },
            check: Check::Verified { at: at("2026-02-01") },
        };
        Paper { document, checker: Some(person(12, 13)), ..registered() }
    }

    pub(crate) fn grounds(paper: Paper, today: &str) -> Grounds {
        Grounds {
            paper,
            unknown: BTreeSet::new(),
            zone: Zone::SHANGHAI,
            now: at(today),
            today: date(today),
            worker: worker::State::Active,
            months: 12,
            random_bits: 42,
        }
    }

    fn new() -> IssueCertificate {
        IssueCertificate {
            paper_id: registered().id,
            service_codes: ["MATERNITY".to_owned()].into(),
            level: Level::Middle,
        }
    }

    fn try_with(grounds: &Grounds, person: Person) -> Result<Decision<Issued>, Refusal> {
        decide(CertificateId::of(Uuid::from_u128(1)), new(), grounds, person)
    }

    pub(crate) fn issued() -> Issued {
        let grounds = grounds(licence("2026-03-01", Some("2027-03-01")), "2026-02-02");
        let decision = try_with(&grounds, person(20, 21)).expect("a good paper");
        Issued { version: decision.version(), ..decision.into_state() }
    }

    #[test]
    fn a_certificate_holds_as_long_as_its_paper_or_for_the_months_of_the_policy() {
        let told = issued().told(None);
        assert_eq!(told.valid_from.to_string(), "2026-02-28T16:00:00Z");
        assert_eq!((told.valid_to.to_string().as_str(), told.level), ("2027-02-28T16:00:00Z", 4));
        let endless = grounds(licence("2019-05-01", None), "2026-02-28");
        let decision = try_with(&endless, person(20, 21)).expect("a good paper");
        let valid = decision.state().certificate.valid;
        assert_eq!(valid, Span { from: date("2026-02-28"), to: Some(date("2027-02-28")) });
    }

    #[test]
    fn only_a_verified_licence_of_somebody_else_makes_a_certificate() {
        let good = grounds(licence("2026-03-01", None), "2026-03-01");
        assert_eq!(try_with(&good, person(20, 2)).err(), Some(Refusal::OwnCertificate {}));
        let id = grounds(registered(), "2026-03-01");
        assert_eq!(try_with(&id, person(20, 21)).err(), Some(Refusal::PaperWrongKind {}));
        let mut fresh = licence("2026-03-01", None);
        fresh.document.check = Check::Submitted;
        let fresh = grounds(fresh, "2026-03-01");
        assert_eq!(try_with(&fresh, person(20, 21)).err(), Some(Refusal::PaperNotVerified {}));
        for brought_or_checked in [person(10, 99), person(99, 11), person(12, 99), person(99, 13)] {
            let refused = try_with(&good, brought_or_checked).err();
            assert_eq!(refused, Some(Refusal::OwnPaper {}), "{brought_or_checked:?}");
        }
        let gone = Grounds { worker: worker::State::Left, ..good.clone() };
        assert_eq!(try_with(&gone, person(20, 21)).err(), Some(Refusal::WorkerLeft {}));
        let unknown: BTreeSet<String> = ["NOBODY".to_owned()].into();
        let odd = Grounds { unknown: unknown.clone(), ..good };
        let refused = try_with(&odd, person(20, 21)).err();
        assert_eq!(refused, Some(Refusal::ServiceUnknown { service_codes: unknown }));
    }
}
