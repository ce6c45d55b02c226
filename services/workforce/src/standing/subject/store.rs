//! The SQL that gathers a worker's file.

use crate::certificate::validity::instants;
use crate::certificate::{self, Level, Stored};
use crate::requirement::KnownRequirement;
use crate::standing::{Check, Demand, Document, PaperPolicy, RetrainingOrder, WorkerFile, compute};
use crate::standing::{HealthClass, Interval, PaperKind, Proof, Requirement};
use crate::worker::Stop;
use chrono::{DateTime, Utc};
use events::WorkerId;
use house::policy::Versions;
use journal::{Fault, Reach};
use kernel::{BranchId, Span, Timestamp, Zone};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A worker and everything a standing of his is computed from.
#[derive(Debug)]
pub(in crate::standing) struct Subject {
    pub(in crate::standing) worker: WorkerId,
    pub(in crate::standing) branch: BranchId,
    zone: Zone,
    city: Option<String>,
    since: Timestamp,
    pub(in crate::standing) file: WorkerFile,
}

impl Subject {
    pub(in crate::standing) const fn zone(&self) -> Zone {
        self.zone
    }

    /// What one version of a service asks of this worker.
    fn requirement(
        &self,
        known: &KnownRequirement,
        papers: &BTreeSet<PaperKind>,
    ) -> Result<Requirement, Fault> {
        Ok(Requirement {
            service_code: known.service_code.clone(),
            level: known.level(self.city.as_deref())?,
            health_class: known.health_class,
            papers: papers.clone(),
        })
    }

    /// What a service asks of this worker over time: its requirements follow each other, each from its day on, and so
    /// do the papers of the policy. None where contracts has published no such service.
    pub(in crate::standing) fn demand(
        &self,
        known: &[KnownRequirement],
        papers: &Versions<PaperPolicy>,
    ) -> Result<Option<Demand>, Fault> {
        let Some(first) = known.first() else { return Ok(None) };
        let asked_at = |at: Timestamp| {
            let in_force = known.iter().rfind(|one| self.zone.midnight(one.effective_from) <= at);
            let papers = &papers.on(at.date_in(Zone::SHANGHAI))?.terms.required;
            self.requirement(in_force.unwrap_or(first), papers)
        };
        let published = known.iter().skip(1).map(|one| self.zone.midnight(one.effective_from));
        // Papers are asked for by law and by the network, not by a branch; a day begins in China.
        let approved = papers.first_days().map(|day| Zone::SHANGHAI.midnight(day));
        let changes: BTreeSet<Timestamp> = published.chain(approved).filter(|at| *at > self.since).collect();
        let mut demand = Demand::of(asked_at(self.since)?);
        for from in changes {
            demand = demand.then(from, asked_at(from)?);
        }
        Ok(Some(demand))
    }

    /// True where a standing for this service says something: a certificate names it, or it asks for none.
    pub(in crate::standing) fn is_concerned(&self, demand: &Demand) -> bool {
        let names = |one: &Requirement| {
            self.file.certificates.iter().any(|held| held.service_codes.contains(&one.service_code))
        };
        demand.all().any(|one| one.level.is_none() || names(one))
    }

    /// The standing for a service, from the day on on which he was registered.
    pub(in crate::standing) fn intervals(&self, demand: &Demand) -> Vec<Interval> {
        compute(&self.file, demand, self.zone, Span { from: self.since, to: None })
    }

    /// The highest level of a certificate for a service that holds at an instant.
    pub(in crate::standing) fn level(&self, service: &str, now: Timestamp) -> Option<Level> {
        let holds = |held: &&certificate::Certificate| {
            held.stored == Stored::Active
                && held.service_codes.contains(service)
                && instants(&held.valid, self.zone).contains(now)
        };
        self.file.certificates.iter().filter(holds).map(|held| held.level).max()
    }
}

/// The files of these workers, as far as they are within reach; sorted by worker.
pub(in crate::standing) async fn of(
    connection: &mut PgConnection,
    workers: &[Uuid],
    reach: &Reach,
) -> Result<Vec<Subject>, Fault> {
    let mut subjects = workers_of(connection, workers, reach).await?;
    documents_of(connection, workers, &mut subjects).await?;
    let mut certificates = certificate::store::of_workers(connection, workers).await?;
    orders_of(connection, workers, &mut subjects).await?;
    for (worker, subject) in &mut subjects {
        subject.file.certificates = certificates.remove(worker).unwrap_or_default();
    }
    Ok(subjects.into_values().collect())
}

async fn workers_of(
    connection: &mut PgConnection,
    workers: &[Uuid],
    reach: &Reach,
) -> Result<BTreeMap<Uuid, Subject>, Fault> {
    let rows = sqlx::query!(
        "SELECT w.id, w.branch_id, w.since, w.stops AS \"stops: Json<Vec<Stop>>\", b.zone AS \"zone?\", b.city AS \"city?\"
         FROM worker w LEFT JOIN known_branch b ON b.id = w.branch_id
         WHERE w.id = ANY ($1) AND ($2::uuid[] IS NULL OR w.branch_id = ANY ($2) OR w.id = $3)",
        workers,
        reach.branches(),
        reach.own(),
    )
    .fetch_all(connection)
    .await?;
    let subject = |row: (Uuid, Uuid, DateTime<Utc>, Json<Vec<Stop>>)| Subject {
        worker: WorkerId::of(row.0),
        branch: BranchId::of(row.1),
        zone: Zone::SHANGHAI,
        city: None,
        since: Timestamp::of(row.2),
        file: WorkerFile {
            suspensions: row.3.0.into_iter().map(|stop| stop.suspension).collect(),
            ..WorkerFile::default()
        },
    };
    let one = |(id, subject, zone): (Uuid, Subject, Option<String>)| {
        let Some(zone) = zone else { return Ok((id, subject)) };
        match zone.parse() {
            Ok(zone) => Ok((id, Subject { zone, ..subject })),
            Err(_) => Err(Fault::Corrupt { table: "known_branch", column: "zone", value: zone }),
        }
    };
    rows.into_iter()
        .map(|row| {
            let plain = subject((row.id, row.branch_id, row.since, row.stops));
            one((row.id, Subject { city: row.city, ..plain }, row.zone))
        })
        .collect()
}

async fn documents_of(
    connection: &mut PgConnection,
    workers: &[Uuid],
    subjects: &mut BTreeMap<Uuid, Subject>,
) -> Result<(), Fault> {
    let rows = sqlx::query!(
        "SELECT worker_id, kind, health_class, valid_from, valid_to, state, checked_at FROM compliance_paper
         WHERE worker_id = ANY ($1) AND state IN ('verified', 'rejected') ORDER BY id",
        workers,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let proof = proof(&row.kind, row.health_class.as_deref())?;
        let check = match (row.state.as_str(), row.checked_at.map(Timestamp::of)) {
            ("verified", Some(at)) => Check::Verified { at },
            ("rejected", Some(at)) => Check::Rejected { at },
            _ => Check::Submitted,
        };
        let valid = Span { from: row.valid_from, to: row.valid_to };
        if let Some(subject) = subjects.get_mut(&row.worker_id) {
            subject.file.documents.push(Document { proof, valid, check });
        }
    }
    Ok(())
}

/// What a paper of this kind and class proves.
pub(crate) fn proof(kind: &str, class: Option<&str>) -> Result<Proof, Fault> {
    let health = || HealthClass::of(class.unwrap_or_default()).map(Proof::Health);
    let proof = PaperKind::of(kind).map(Proof::Paper).or_else(health);
    proof.ok_or(Fault::Corrupt { table: "compliance_paper", column: "kind", value: kind.to_owned() })
}

async fn orders_of(
    connection: &mut PgConnection,
    workers: &[Uuid],
    subjects: &mut BTreeMap<Uuid, Subject>,
) -> Result<(), Fault> {
    let rows = sqlx::query!(
        "SELECT worker_id, blocks_services, opened_at, closed_at FROM retraining_order
         WHERE worker_id = ANY ($1) AND cardinality(blocks_services) > 0 ORDER BY id",
        workers,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let span = Span { from: Timestamp::of(row.opened_at), to: row.closed_at.map(Timestamp::of) };
        let blocks_services = row.blocks_services.into_iter().collect();
        if let Some(subject) = subjects.get_mut(&row.worker_id) {
            subject.file.orders.push(RetrainingOrder { span, blocks_services });
        }
    }
    Ok(())
}
