//! Files and demands that the tests of standings are made of.

use super::{
    Check, Demand, Document, HealthClass, PaperKind, PaperPolicy, Proof, Requirement, RetrainingOrder,
    Suspension, WorkerFile,
};
use crate::certificate::{Certificate, Level, StopCause, Stored};
use chrono::{Days, NaiveDate, NaiveDateTime};
use events::{CertificateId, WorkerId};
use house::policy::Terms;
use kernel::{Span, Timestamp, Zone};
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

pub(crate) fn at(local: &str) -> Timestamp {
    Zone::SHANGHAI.instant(NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").expect("a literal"))
}

pub(crate) fn dates(from: &str, to: &str) -> Span<NaiveDate> {
    Span { from: from.parse().expect("a literal"), to: Some(to.parse().expect("a literal")) }
}

pub(crate) fn certificate(valid: Span<NaiveDate>) -> Certificate {
    Certificate {
        id: CertificateId::of(Uuid::from_u128(1)),
        worker_id: WorkerId::of(Uuid::from_u128(2)),
        service_codes: ["maternity".to_owned()].into(),
        level: Level::Middle,
        valid,
        issued_at: at("2026-01-02 10:00"),
        stored: Stored::Active,
    }
}

pub(crate) fn document(proof: Proof, valid: Span<NaiveDate>) -> Document {
    Document { proof, valid, check: Check::Verified { at: at("2026-01-02 09:00") } }
}

pub(crate) fn maternity() -> Demand {
    Demand::of(Requirement {
        service_code: "maternity".into(),
        level: Some(Level::Primary),
        health_class: HealthClass::MaternalInfant,
        papers: PaperPolicy::defaults().required,
    })
}

/// As it is, and from some hour on with a stricter level, class and a licence.
pub(crate) fn any_demand() -> impl Strategy<Value = Demand> {
    prop::option::of(0_i64..900).prop_map(|stricter| match stricter {
        None => maternity(),
        Some(hours) => {
            let before = maternity().at(hour(0)).clone();
            let papers = before.papers.iter().copied().chain([PaperKind::Licence]).collect();
            maternity().then(hour(hours), Requirement { level: Some(Level::Senior), papers, ..before })
        }
    })
}

/// The worker of E1: a certificate for a year, health class D until 2026-12-01, all else in order.
pub(crate) fn e1() -> WorkerFile {
    let long = dates("2026-01-01", "2030-01-01");
    WorkerFile {
        certificates: vec![certificate(dates("2026-03-01", "2027-03-01"))],
        documents: vec![
            document(Proof::Paper(PaperKind::Id), long),
            document(Proof::Paper(PaperKind::Background), long),
            document(Proof::Paper(PaperKind::Insurance), long),
            document(Proof::Health(HealthClass::MaternalInfant), dates("2025-12-01", "2026-12-01")),
        ],
        suspensions: Vec::new(),
        orders: Vec::new(),
    }
}

fn day(days: u64) -> NaiveDate {
    dates("2026-01-01", "2026-01-01").from + Days::new(days)
}

fn hour(hours: i64) -> Timestamp {
    at("2026-01-01 00:00").plus(chrono::TimeDelta::hours(hours))
}

fn any_document() -> impl Strategy<Value = Document> {
    (0_usize..6, 0_u64..40, prop::option::of(1_u64..40), 0_usize..5, 0_i64..900).prop_map(
        |(proof, from, length, check, when)| {
            let proofs = [
                Proof::Paper(PaperKind::Id),
                Proof::Paper(PaperKind::Background),
                Proof::Paper(PaperKind::Insurance),
                Proof::Health(HealthClass::General),
                Proof::Health(HealthClass::MaternalInfant),
                Proof::Paper(PaperKind::Licence),
            ];
            let verified = Check::Verified { at: hour(when) };
            let checks =
                [verified, verified, Check::Rejected { at: hour(when) }, Check::Submitted, Check::Void];
            let valid = Span { from: day(from), to: length.map(|length| day(from + length)) };
            Document { proof: proofs[proof], valid, check: checks[check] }
        },
    )
}

fn any_certificate() -> impl Strategy<Value = Certificate> {
    (0_u64..40, 1_u64..40, 0_usize..5, (0_i64..900, 0_i64..900), any::<bool>()).prop_map(
        |(from, length, stored, (when, issued), is_high)| {
            let at = hour(when);
            let states = [
                Stored::Active,
                Stored::Suspended { since: at, cause: StopCause::Conduct },
                Stored::Suspended { since: at, cause: StopCause::Administrative },
                Stored::Revoked { at },
                Stored::Superseded { at },
            ];
            Certificate {
                stored: states[stored],
                issued_at: hour(issued),
                level: if is_high { Level::Senior } else { Level::Primary },
                ..certificate(Span { from: day(from), to: Some(day(from + length)) })
            }
        },
    )
}

pub(crate) fn any_file() -> impl Strategy<Value = WorkerFile> {
    let times = (0_i64..900, prop::option::of(1_i64..400));
    let span = |(from, length): (i64, Option<i64>)| Span {
        from: hour(from),
        to: length.map(|length| hour(from + length)),
    };
    let suspension = (times.clone(), any::<bool>()).prop_map(move |(times, is_all)| Suspension {
        span: span(times),
        services: if is_all { BTreeSet::new() } else { ["cleaning".to_owned()].into() },
        cause: StopCause::Administrative,
    });
    let order = times.prop_map(move |times| RetrainingOrder {
        span: span(times),
        blocks_services: ["maternity".to_owned()].into(),
    });
    (
        prop::collection::vec(any_certificate(), 0..4),
        prop::collection::vec(any_document(), 0..9),
        prop::collection::vec(suspension, 0..2),
        prop::collection::vec(order, 0..2),
    )
        .prop_map(|(certificates, documents, suspensions, orders)| WorkerFile {
            certificates,
            documents,
            suspensions,
            orders,
        })
}

pub(crate) fn any_span() -> impl Strategy<Value = Span<Timestamp>> {
    (0_i64..900, 1_i64..400)
        .prop_map(|(from, length)| Span { from: hour(from), to: Some(hour(from + length)) })
}
