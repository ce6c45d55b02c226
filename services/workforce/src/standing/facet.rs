//! What is wrong with one requirement at one instant. Everything else about standings is built on this.

use super::{Check, Demand, Document, Facet, Flaw, HealthClass, PaperKind, Proof, Requirement, WorkerFile};
use crate::certificate::validity::instants;
use crate::certificate::{Certificate, Level, StopCause, Stored};
use kernel::{Span, Timestamp, Zone};
use std::collections::BTreeSet;

/// A worker's file read for one service in one zone.
pub(super) struct Case<'a> {
    pub file: &'a WorkerFile,
    pub demand: &'a Demand,
    pub zone: Zone,
}

impl Case<'_> {
    /// What the service asks for at any time, in the order of reasons.
    pub(super) fn facets(&self) -> BTreeSet<Facet> {
        let papers = self.demand.all().flat_map(|asked| asked.papers.iter().map(|kind| Facet::Paper(*kind)));
        [Facet::Worker, Facet::Health, Facet::Certificate, Facet::Retraining]
            .into_iter()
            .chain(papers)
            .collect()
    }

    /// Every instant at which an answer can change, sorted, each once.
    pub(super) fn boundaries(&self) -> Vec<Timestamp> {
        let documents = self.file.documents.iter().flat_map(|document| {
            let checked = match document.check {
                Check::Verified { at } | Check::Rejected { at } => Some(at),
                Check::Submitted | Check::Void => None,
            };
            ends(instants(&document.valid, self.zone)).chain(checked)
        });
        let certificates = self.file.certificates.iter().flat_map(|certificate| {
            let stopped = stopped_at(&certificate.stored);
            ends(instants(&certificate.valid, self.zone)).chain(stopped).chain([certificate.issued_at])
        });
        let suspensions = self.file.suspensions.iter().flat_map(|suspension| ends(suspension.span));
        let orders = self.file.orders.iter().flat_map(|order| ends(order.span));
        let file = documents.chain(certificates).chain(suspensions).chain(orders);
        let all: BTreeSet<_> = file.chain(self.demand.changes()).collect();
        all.into_iter().collect()
    }

    /// Everything that is wrong at an instant with what is asked for then; nothing where it holds.
    pub(super) fn flaws(&self, facet: Facet, at: Timestamp) -> BTreeSet<Flaw> {
        self.flaws_for(self.demand.at(at), facet, at)
    }

    /// The same, for what is asked for at some time.
    pub(super) fn flaws_for(&self, asked: &Requirement, facet: Facet, at: Timestamp) -> BTreeSet<Flaw> {
        let service = &asked.service_code;
        match facet {
            Facet::Worker => self.worker(service, at),
            Facet::Paper(kind) if asked.papers.contains(&kind) => self.paper(kind, at).into_iter().collect(),
            Facet::Paper(_) => BTreeSet::new(),
            Facet::Health => self.health(asked.health_class, at).into_iter().collect(),
            Facet::Certificate => {
                asked.level.map(|level| self.certificate(service, level, at)).unwrap_or_default()
            }
            Facet::Retraining => self.retraining(service, at),
        }
    }

    fn worker(&self, service: &str, at: Timestamp) -> BTreeSet<Flaw> {
        let is_meant = |services: &BTreeSet<String>| services.is_empty() || services.contains(service);
        let now = self.file.suspensions.iter().filter(|one| one.span.contains(at) && is_meant(&one.services));
        now.map(|suspension| flaw_of(suspension.cause)).collect()
    }

    fn retraining(&self, service: &str, at: Timestamp) -> BTreeSet<Flaw> {
        let is_blocking = self
            .file
            .orders
            .iter()
            .any(|order| order.span.contains(at) && order.blocks_services.contains(service));
        is_blocking.then_some(Flaw::Open).into_iter().collect()
    }

    fn paper(&self, kind: PaperKind, at: Timestamp) -> Option<Flaw> {
        let of_kind = || self.file.documents.iter().filter(move |one| one.proof == Proof::Paper(kind));
        let failed_at = match kind {
            PaperKind::Id | PaperKind::Background => {
                of_kind().filter_map(rejected_at).filter(|found| *found <= at).max()
            }
            // A rejected policy or licence is just no policy: it says nothing against the worker.
            PaperKind::Insurance | PaperKind::Licence => None,
        };
        let is_cleared =
            |failed: Timestamp| of_kind().filter_map(verified_at).any(|found| failed < found && found <= at);
        match failed_at {
            Some(failed) if !is_cleared(failed) => Some(Flaw::Failed),
            Some(_) | None => {
                let counts = |document: &&Document| {
                    verified_at(document).is_some_and(|found| failed_at.is_none_or(|failed| failed < found))
                };
                lack(of_kind().filter(counts).map(|document| instants(&document.valid, self.zone)), at)
            }
        }
    }

    fn health(&self, wanted: HealthClass, at: Timestamp) -> Option<Flaw> {
        let verified = self.file.documents.iter().filter(|document| verified_at(document).is_some());
        let ranges = verified.filter_map(|document| match document.proof {
            Proof::Health(class) => Some((class, instants(&document.valid, self.zone))),
            Proof::Paper(_) => None,
        });
        let (enough, low): (Vec<_>, Vec<_>) = ranges.partition(|(class, _)| *class >= wanted);
        let flaw = lack(enough.into_iter().map(|(_, range)| range), at)?;
        let is_low = low.into_iter().any(|(_, range)| range.contains(at));
        Some(if is_low && flaw == Flaw::Missing { Flaw::TooLow } else { flaw })
    }

    fn certificate(&self, service: &str, wanted: Level, at: Timestamp) -> BTreeSet<Flaw> {
        let ours: Vec<&Certificate> =
            self.file.certificates.iter().filter(|one| one.service_codes.contains(service)).collect();
        let range = |one: &Certificate| instants(&one.valid, self.zone);
        let running = || ours.iter().filter(|one| stop(&one.stored, at).is_none());
        let enough = || running().filter(|one| one.level >= wanted).map(|one| range(one));
        let has_begun = |one: &&&Certificate| one.level >= wanted && one.issued_at.max(range(one).from) <= at;
        let issued = ours.iter().filter(has_begun).map(|one| one.issued_at).max();
        // What he did stands, whatever else he holds: a stop for conduct as long as the certificate would hold, a
        // revocation until he has earned another one since (W7).
        let conduct = ours.iter().filter_map(|one| match one.stored {
            Stored::Revoked { at: since } if since <= at && issued.is_none_or(|issued| issued <= since) => {
                Some(Flaw::Revoked)
            }
            Stored::Suspended { since, cause: StopCause::Conduct }
                if since <= at && range(one).contains(at) =>
            {
                Some(Flaw::SuspendedForConduct)
            }
            Stored::Active
            | Stored::Revoked { .. }
            | Stored::Suspended { .. }
            | Stored::Superseded { .. } => None,
        });
        let mut flaws: BTreeSet<Flaw> = conduct.collect();
        let Some(flaw) = lack(enough(), at) else { return flaws };
        // A suspended one that has ended meanwhile was there, and has expired like any other.
        let is_final = |one: &Certificate| stop(&one.stored, at) == Some(Some(Flaw::Revoked));
        let known = ours.iter().filter(|one| one.level >= wanted && !is_final(one)).map(|one| range(one));
        let flaw = if flaw == Flaw::Missing { lack(known, at).unwrap_or(flaw) } else { flaw };
        let stopped = ours.iter().filter(|one| range(one).contains(at));
        flaws.extend(
            stopped.filter_map(|one| stop(&one.stored, at).flatten()).filter(|flaw| *flaw != Flaw::Revoked),
        );
        if running().any(|one| one.level < wanted && range(one).contains(at)) {
            flaws.insert(Flaw::TooLow);
        }
        if flaws.is_empty() || flaw != Flaw::Missing {
            flaws.insert(flaw);
        }
        flaws
    }
}

/// What is wrong where none of the ranges holds: the nearest thing to an answer there is.
fn lack(ranges: impl Iterator<Item = Span<Timestamp>>, at: Timestamp) -> Option<Flaw> {
    let ranges: Vec<_> = ranges.filter(|range| !range.is_empty()).collect();
    if ranges.iter().any(|range| range.contains(at)) {
        None
    } else if ranges.iter().any(|range| range.to.is_some_and(|to| to <= at)) {
        Some(Flaw::Expired)
    } else if ranges.is_empty() {
        Some(Flaw::Missing)
    } else {
        Some(Flaw::NotYetValid)
    }
}

fn ends(span: Span<Timestamp>) -> impl Iterator<Item = Timestamp> {
    [Some(span.from), span.to].into_iter().flatten()
}

const fn verified_at(document: &Document) -> Option<Timestamp> {
    match document.check {
        Check::Verified { at } => Some(at),
        Check::Submitted | Check::Rejected { .. } | Check::Void => None,
    }
}

const fn rejected_at(document: &Document) -> Option<Timestamp> {
    match document.check {
        Check::Rejected { at } => Some(at),
        Check::Submitted | Check::Verified { .. } | Check::Void => None,
    }
}

const fn flaw_of(cause: StopCause) -> Flaw {
    match cause {
        StopCause::Conduct => Flaw::SuspendedForConduct,
        StopCause::Administrative => Flaw::Suspended,
        StopCause::Left => Flaw::Left,
    }
}

const fn stopped_at(stored: &Stored) -> Option<Timestamp> {
    match stored {
        Stored::Active => None,
        Stored::Suspended { since, .. } => Some(*since),
        Stored::Revoked { at } | Stored::Superseded { at } => Some(*at),
    }
}

/// Whether a certificate is stopped at an instant, and what is to be said of it; superseded ones say nothing,
/// because another speaks for them.
fn stop(stored: &Stored, at: Timestamp) -> Option<Option<Flaw>> {
    stopped_at(stored).filter(|since| *since <= at)?;
    match stored {
        Stored::Active => None,
        Stored::Suspended { cause, .. } => Some(Some(flaw_of(*cause))),
        Stored::Revoked { .. } => Some(Some(Flaw::Revoked)),
        Stored::Superseded { .. } => Some(None),
    }
}
