//! The standing of a worker for a service over a span: stretches of one light and one set of reasons (W7).

use super::facet::Case;
use super::{Demand, Light, Reason, WorkerFile, light_of};
use kernel::{Span, Timestamp, Zone};
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// One stretch of a standing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Interval {
    /// From when to when, half-open.
    pub span: Span<Timestamp>,
    /// The light.
    pub light: Light,
    /// Everything that is wrong, not only the first.
    pub reasons: BTreeSet<Reason>,
}

/// Computes the standing over a span: the stretches follow each other without gap or overlap, cover it exactly,
/// and no two neighbours are the same. An empty span has none.
pub fn compute(file: &WorkerFile, demand: &Demand, zone: Zone, span: Span<Timestamp>) -> Vec<Interval> {
    if span.is_empty() {
        return Vec::new();
    }
    let case = Case { file, demand, zone };
    let inside = case.boundaries().into_iter().filter(|at| *at > span.from && span.contains(*at));
    let starts: Vec<Timestamp> = [span.from].into_iter().chain(inside).collect();
    let mut intervals: Vec<Interval> = Vec::new();
    for (place, from) in starts.iter().enumerate() {
        let to = starts.get(place + 1).copied().or(span.to);
        let reasons = reasons_at(&case, *from);
        match intervals.last_mut() {
            Some(last) if last.reasons == reasons => last.span.to = to,
            Some(_) | None => {
                let light = light_of(&reasons);
                intervals.push(Interval { span: Span { from: *from, to }, light, reasons });
            }
        }
    }
    intervals
}

fn reasons_at(case: &Case<'_>, at: Timestamp) -> BTreeSet<Reason> {
    let all = |facet| case.flaws(facet, at).into_iter().map(move |flaw| Reason { facet, flaw });
    case.facets().into_iter().flat_map(all).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Check, HealthClass, PaperKind, Proof, RetrainingOrder, Suspension};
    use super::*;
    use crate::certificate::{Certificate, Level, StopCause, Stored};
    use proptest::prelude::*;

    fn lights(file: &WorkerFile) -> Vec<(String, Light, Vec<String>)> {
        let span = Span { from: at("2026-06-01 00:00"), to: Some(at("2027-06-01 00:00")) };
        compute(file, &maternity(), Zone::SHANGHAI, span)
            .into_iter()
            .map(|one| {
                let day = one.span.from.date_in(Zone::SHANGHAI).to_string();
                (day, one.light, one.reasons.iter().map(|reason| reason.code()).collect())
            })
            .collect()
    }

    fn row(day: &str, light: Light, reasons: &[&str]) -> (String, Light, Vec<String>) {
        (day.to_owned(), light, reasons.iter().map(|&code| code.to_owned()).collect())
    }

    #[test]
    fn the_lights_of_e1_turn_where_papers_end() {
        assert_eq!(
            lights(&e1()),
            [
                row("2026-06-01", Light::Green, &[]),
                row("2026-12-01", Light::Yellow, &["health_expired"]),
                row("2027-03-01", Light::Yellow, &["health_expired", "certificate_expired"]),
            ]
        );
    }

    #[test]
    fn e4_a_late_renewal_leaves_fourteen_days_that_are_not_green() {
        let mut file = e1();
        file.documents[3].valid = dates("2025-12-01", "2029-12-01");
        let old = file.certificates[0].clone();
        let on = |text: &str| text.parse().expect("a literal");
        let renew = |on| crate::certificate::validity::renew(&old, old.id, on, 12).expect("active");
        file.certificates.push(renew(on("2027-03-15")));
        assert_eq!(
            lights(&file),
            [
                row("2026-06-01", Light::Green, &[]),
                row("2027-03-01", Light::Yellow, &["certificate_expired"]),
                row("2027-03-15", Light::Green, &[]),
            ]
        );
        file.certificates[1] = renew(on("2027-02-01"));
        assert_eq!(lights(&file), [row("2026-06-01", Light::Green, &[])]);
    }

    #[test]
    fn w7_what_is_red() {
        let red = |file: &WorkerFile, code: &str| {
            let first = lights(file).remove(0);
            assert_eq!(first, row("2026-06-01", Light::Red, &[code]));
        };
        let mut file = e1();
        file.documents.remove(0);
        red(&file, "id_missing");
        let mut file = e1();
        file.documents[1].check = Check::Rejected { at: at("2026-05-01 00:00") };
        red(&file, "background_failed");
        file.documents.push(document(Proof::Paper(PaperKind::Background), dates("2026-01-01", "2030-01-01")));
        red(&file, "background_failed");
        file.documents[4].check = Check::Verified { at: at("2026-05-02 00:00") };
        assert_eq!(lights(&file)[0].1, Light::Green, "a later check clears it");
        let span = Span { from: at("2026-04-30 00:00"), to: Some(at("2026-05-03 00:00")) };
        let turns = compute(&file, &maternity(), Zone::SHANGHAI, span);
        let turns: Vec<_> = turns.iter().map(|one| (one.span.from, one.light)).collect();
        let (failed, cleared) =
            ((at("2026-05-01 00:00"), Light::Red), (at("2026-05-02 00:00"), Light::Green));
        assert_eq!(turns, [(span.from, Light::Green), failed, cleared]);
        let mut file = e1();
        file.certificates[0].stored = Stored::Revoked { at: at("2026-05-01 00:00") };
        red(&file, "certificate_revoked");
        let mut file = e1();
        let span = Span { from: at("2026-05-01 00:00"), to: None };
        file.suspensions.push(Suspension { span, services: BTreeSet::new(), cause: StopCause::Conduct });
        red(&file, "worker_suspended_for_conduct");
        file.suspensions[0].services = ["cleaning".to_owned()].into();
        assert_eq!(lights(&file)[0].1, Light::Green, "stopped for another service");
    }

    #[test]
    fn w7_what_is_yellow() {
        let yellow = |file: &WorkerFile, code: &str| {
            assert_eq!(lights(file).remove(0), row("2026-06-01", Light::Yellow, &[code]));
        };
        let mut file = e1();
        file.documents[3].proof = Proof::Health(HealthClass::ElderlyCare);
        yellow(&file, "health_too_low");
        let mut file = e1();
        file.documents[2].check = Check::Submitted;
        yellow(&file, "insurance_missing");
        let mut file = e1();
        file.certificates[0].valid = dates("2026-07-01", "2027-07-01");
        yellow(&file, "certificate_not_yet_valid");
        let senior = maternity().at_least(Some(Level::Senior));
        let span = Span { from: at("2026-06-01 00:00"), to: Some(at("2026-06-02 00:00")) };
        let standing = compute(&e1(), &senior, Zone::SHANGHAI, span);
        assert_eq!(
            standing[0].reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>(),
            ["certificate_too_low"]
        );
    }

    #[test]
    fn w7_what_he_did_with_one_certificate_is_not_covered_by_another() {
        let since = at("2026-05-01 00:00");
        let mut file = e1();
        file.documents[3].valid = dates("2025-12-01", "2029-12-01");
        let senior = Certificate { level: Level::Senior, ..file.certificates[0].clone() };
        let with = |stored| {
            let senior = Certificate { stored, ..senior.clone() };
            WorkerFile { certificates: vec![file.certificates[0].clone(), senior], ..file.clone() }
        };
        let until_its_end = |code: &str| {
            let expired = row("2027-03-01", Light::Yellow, &["certificate_expired"]);
            [row("2026-06-01", Light::Red, &[code]), expired]
        };
        let conduct = Stored::Suspended { since, cause: StopCause::Conduct };
        assert_eq!(lights(&with(conduct)), until_its_end("certificate_suspended_for_conduct"));
        let administrative = Stored::Suspended { since, cause: StopCause::Administrative };
        assert_eq!(lights(&with(administrative))[0].1, Light::Green, "the other one covers it");
        let revoked = with(Stored::Revoked { at: since });
        let red = |day, codes: &[&str]| row(day, Light::Red, codes);
        let both = ["certificate_expired", "certificate_revoked"];
        assert_eq!(lights(&revoked), [red("2026-06-01", &["certificate_revoked"]), red("2027-03-01", &both)]);
    }

    #[test]
    fn w7_a_revocation_stands_until_a_certificate_is_issued_after_it() {
        let mut file = e1();
        file.documents[3].valid = dates("2025-12-01", "2029-12-01");
        let renewed = Certificate {
            valid: dates("2027-03-01", "2028-03-01"),
            issued_at: at("2026-04-01 09:00"),
            ..file.certificates[0].clone()
        };
        file.certificates[0].stored = Stored::Revoked { at: at("2026-05-01 00:00") };
        file.certificates.push(renewed);
        let red = |codes: &[&str]| row("2026-06-01", Light::Red, codes);
        let all = lights(&file);
        assert!(all.iter().all(|(_, light, _)| *light == Light::Red), "the renewal came before it: {all:?}");
        let earned = Certificate {
            valid: dates("2026-08-01", "2027-08-01"),
            issued_at: at("2026-07-15 09:00"),
            ..certificate(dates("2026-08-01", "2027-08-01"))
        };
        file.certificates[1] = earned;
        let waits = red(&["certificate_not_yet_valid", "certificate_revoked"]);
        assert_eq!(lights(&file), [waits, row("2026-08-01", Light::Green, &[])]);
        file.certificates[0].valid = dates("2026-03-01", "2028-03-01");
        let cause = StopCause::Administrative;
        file.certificates[1].stored = Stored::Suspended { since: at("2026-09-01 00:00"), cause };
        let later = row("2026-09-01", Light::Yellow, &["certificate_suspended"]);
        assert_eq!(lights(&file)[2], later, "what was made up for does not come back");
    }

    #[test]
    fn what_is_asked_for_changes_on_its_day() {
        let before = maternity().at(at("2026-06-01 00:00")).clone();
        let senior = before.clone().at_least(Some(Level::Senior));
        let papers = before.papers.iter().copied().chain([PaperKind::Licence]).collect();
        let licence = super::super::Requirement { papers, ..before };
        let demand = maternity().then(at("2026-07-01 00:00"), senior).then(at("2026-08-01 00:00"), licence);
        let span = Span { from: at("2026-06-01 00:00"), to: Some(at("2026-09-01 00:00")) };
        let standing = compute(&e1(), &demand, Zone::SHANGHAI, span);
        let codes: Vec<Vec<String>> =
            standing.iter().map(|one| one.reasons.iter().map(|reason| reason.code()).collect()).collect();
        assert_eq!(
            codes,
            [vec![], vec!["certificate_too_low".to_owned()], vec!["licence_missing".to_owned()]]
        );
        assert_eq!(standing[2].span.from, at("2026-08-01 00:00"));
    }

    #[test]
    fn what_stops_for_a_time_stops_for_that_time() {
        let july = Span { from: at("2026-07-01 00:00"), to: Some(at("2026-08-01 00:00")) };
        let stops = |code: &str| {
            let green = |day| row(day, Light::Green, &[]);
            let held = row("2026-07-01", Light::Yellow, &[code]);
            [green("2026-06-01"), held, green("2026-08-01")]
        };
        let mut file = e1();
        file.documents[3].valid = dates("2025-12-01", "2029-12-01");
        file.certificates[0].valid = dates("2026-03-01", "2029-03-01");
        let mut held = file.clone();
        let services = BTreeSet::new();
        held.suspensions.push(Suspension { span: july, services, cause: StopCause::Administrative });
        assert_eq!(lights(&held), stops("worker_suspended"));
        let mut held = file.clone();
        let blocks_services = ["maternity".to_owned()].into();
        held.orders.push(RetrainingOrder { span: july, blocks_services });
        assert_eq!(lights(&held), stops("retraining_open"));
        let since = at("2026-05-01 00:00");
        file.certificates[0] = certificate(dates("2026-03-01", "2026-07-01"));
        file.certificates[0].stored = Stored::Suspended { since, cause: StopCause::Conduct };
        let suspended = row("2026-06-01", Light::Red, &["certificate_suspended_for_conduct"]);
        let expired = row("2026-07-01", Light::Yellow, &["certificate_expired"]);
        assert_eq!(lights(&file), [suspended, expired]);
        file.certificates[0].stored = Stored::Revoked { at: since };
        assert_eq!(lights(&file), [row("2026-06-01", Light::Red, &["certificate_revoked"])]);
    }

    #[test]
    fn what_was_verified_before_a_failure_does_not_come_back_with_the_clearing() {
        let mut file = e1();
        let background = Proof::Paper(PaperKind::Background);
        let mut failed = document(background, dates("2026-01-01", "2030-01-01"));
        failed.check = Check::Rejected { at: at("2026-05-01 00:00") };
        let mut cleared = document(background, dates("2026-05-02", "2026-06-01"));
        cleared.check = Check::Verified { at: at("2026-05-02 00:00") };
        file.documents.extend([failed, cleared]);
        assert_eq!(lights(&file)[0], row("2026-06-01", Light::Yellow, &["background_expired"]));
    }

    proptest! {
        #[test]
        fn stretches_follow_each_other_and_cover_the_span(file in any_file(), demand in any_demand(), span in any_span(), is_open: bool) {
            let span = Span { to: if is_open { None } else { span.to }, ..span };
            let standing = compute(&file, &demand, Zone::SHANGHAI, span);
            prop_assert_eq!(standing.first().map(|one| one.span.from), Some(span.from));
            prop_assert_eq!(standing.last().map(|one| one.span.to), Some(span.to));
            for pair in standing.windows(2) {
                prop_assert_eq!(pair[0].span.to, Some(pair[1].span.from));
                prop_assert_ne!(&pair[0].reasons, &pair[1].reasons);
            }
            let case = Case { file: &file, demand: &demand, zone: Zone::SHANGHAI };
            for one in &standing {
                prop_assert!(!one.span.is_empty());
                prop_assert_eq!(one.light == Light::Green, one.reasons.is_empty());
                for hours in 0..60 {
                    let at = one.span.from.plus(chrono::TimeDelta::hours(hours));
                    if one.span.contains(at) {
                        prop_assert_eq!(&reasons_at(&case, at), &one.reasons);
                    }
                }
            }
        }
    }
}
