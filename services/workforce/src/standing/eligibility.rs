//! May a worker be sent for a whole interval: every failing reason, and until when all holds (W6, E1).

use super::facet::Case;
use super::{Demand, Facet, Flaw, Light, Reason, Refusal, WorkerFile, light_of};
use kernel::{Span, Timestamp, Zone};
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// The answer for one worker, service and interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Eligibility {
    /// The worst light inside the interval; only green is eligible.
    pub light: Light,
    /// Everything that is wrong anywhere inside.
    pub reasons: BTreeSet<Reason>,
    /// The earliest end of what is asked for: the first instant at which something that holds at the beginning
    /// ceases to, or, if it has ended before, when that was. None where nothing ends.
    pub valid_until: Option<Timestamp>,
}

impl Eligibility {
    /// Whether all holds for the whole interval.
    pub fn is_eligible(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// Judges the whole interval, half-open: what ends exactly where the interval ends still holds.
pub fn eligibility(
    file: &WorkerFile,
    demand: &Demand,
    zone: Zone,
    interval: Span<Timestamp>,
) -> Result<Eligibility, Refusal> {
    if interval.is_empty() {
        return Err(Refusal::IntervalEmpty {});
    }
    let case = Case { file, demand, zone };
    let boundaries = case.boundaries();
    let mut reasons = BTreeSet::new();
    let mut ends = Vec::new();
    for facet in case.facets() {
        let first = case.flaws(facet, interval.from);
        for at in boundaries.iter().copied().filter(|at| *at > interval.from && interval.contains(*at)) {
            // What is asked for then: did that hold at the beginning?
            let has_held = case.flaws_for(demand.at(at), facet, interval.from).is_empty();
            reasons.extend(case.flaws(facet, at).into_iter().map(|flaw| {
                let is_ending = has_held && flaw == Flaw::Expired;
                Reason { facet, flaw: if is_ending { Flaw::ExpiresDuringVisit } else { flaw } }
            }));
        }
        ends.extend(end(&case, facet, &boundaries, interval.from));
        reasons.extend(first.into_iter().map(|flaw| Reason { facet, flaw }));
    }
    Ok(Eligibility { light: light_of(&reasons), reasons, valid_until: ends.into_iter().min() })
}

fn end(case: &Case<'_>, facet: Facet, boundaries: &[Timestamp], from: Timestamp) -> Option<Timestamp> {
    let holds = |at: Timestamp| case.flaws(facet, at).is_empty();
    if holds(from) {
        return boundaries.iter().copied().find(|at| *at > from && !holds(*at));
    }
    if !case.flaws(facet, from).contains(&Flaw::Expired) {
        return None;
    }
    let before: Vec<_> = boundaries.iter().copied().filter(|at| *at <= from).collect();
    before.windows(2).rev().find(|pair| holds(pair[0]) && !holds(pair[1])).map(|pair| pair[1])
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{PaperKind, Proof, compute};
    use super::*;
    use crate::certificate::Level;
    use proptest::prelude::*;

    fn judge(file: &WorkerFile, from: &str, to: &str) -> (bool, Vec<String>, Option<String>) {
        let interval = Span { from: at(from), to: Some(at(to)) };
        let answer = eligibility(file, &maternity(), Zone::SHANGHAI, interval).expect("not empty");
        let local = |at: Timestamp| at.local_in(Zone::SHANGHAI).to_string();
        let codes = answer.reasons.iter().map(|reason| reason.code()).collect();
        (answer.is_eligible(), codes, answer.valid_until.map(local))
    }

    #[test]
    fn e1_health_expires_during_the_visit() {
        let until = Some("2026-12-01 00:00:00".to_owned());
        assert_eq!(
            judge(&e1(), "2026-11-30 20:00", "2026-12-01 08:00"),
            (false, vec!["health_expires_during_visit".to_owned()], until.clone())
        );
        assert_eq!(judge(&e1(), "2026-11-30 08:00", "2026-11-30 20:00"), (true, vec![], until.clone()));
        assert_eq!(
            judge(&e1(), "2026-11-30 20:00", "2026-12-01 00:00"),
            (true, vec![], until.clone()),
            "half-open"
        );
        assert_eq!(
            judge(&e1(), "2026-12-01 00:00", "2026-12-01 08:00"),
            (false, vec!["health_expired".to_owned()], until)
        );
    }

    #[test]
    fn w6_every_reason_and_the_earliest_end() {
        let mut file = e1();
        file.documents.retain(|document| document.proof != Proof::Paper(PaperKind::Insurance));
        file.certificates[0].valid = dates("2026-03-01", "2026-11-30");
        let (is_eligible, codes, until) = judge(&file, "2026-11-29 20:00", "2026-12-01 08:00");
        assert!(!is_eligible);
        assert_eq!(
            codes,
            ["insurance_missing", "health_expires_during_visit", "certificate_expires_during_visit"]
        );
        assert_eq!(until.as_deref(), Some("2026-11-30 00:00:00"));
    }

    #[test]
    fn papers_that_follow_each_other_are_one() {
        let mut file = e1();
        file.documents.push(document(file.documents[3].proof, dates("2026-12-01", "2027-12-01")));
        let until = Some("2027-03-01 00:00:00".to_owned());
        assert_eq!(judge(&file, "2026-11-30 20:00", "2026-12-01 08:00"), (true, vec![], until));
    }

    #[test]
    fn w6_what_is_asked_for_from_midnight_on_counts_from_midnight_on() {
        let before = maternity().at(at("2026-06-01 00:00")).clone();
        let stricter = before.at_least(Some(Level::Senior));
        let demand = maternity().then(at("2026-06-02 00:00"), stricter);
        let ask = |from: &str, to: &str| {
            let interval = Span { from: at(from), to: Some(at(to)) };
            eligibility(&e1(), &demand, Zone::SHANGHAI, interval).expect("not empty")
        };
        let over = ask("2026-06-01 20:00", "2026-06-02 08:00");
        assert_eq!(over.reasons.iter().map(|one| one.code()).collect::<Vec<_>>(), ["certificate_too_low"]);
        assert_eq!(over.valid_until, Some(at("2026-06-02 00:00")));
        assert!(ask("2026-06-01 20:00", "2026-06-02 00:00").is_eligible(), "half-open");
        assert!(!ask("2026-06-02 00:00", "2026-06-02 08:00").is_eligible());
    }

    proptest! {
        #[test]
        fn w6_eligible_is_who_stands_green_for_the_whole_interval(file in any_file(), demand in any_demand(), interval in any_span()) {
            let answer = eligibility(&file, &demand, Zone::SHANGHAI, interval).expect("not empty");
            let standing = compute(&file, &demand, Zone::SHANGHAI, interval);
            let worst = standing.iter().map(|one| one.light).max().expect("not empty");
            prop_assert_eq!(answer.light, worst);
            prop_assert_eq!(answer.is_eligible(), worst == Light::Green);
            // Only the word for what ends inside differs.
            let plain = |reason: &Reason| match reason.flaw {
                Flaw::ExpiresDuringVisit => Reason { flaw: Flaw::Expired, ..*reason },
                _ => *reason,
            };
            let told: BTreeSet<Reason> = standing.into_iter().flat_map(|one| one.reasons).collect();
            prop_assert_eq!(answer.reasons.iter().map(plain).collect::<BTreeSet<_>>(), told);
        }

        #[test]
        fn eligibility_is_the_check_of_every_instant(file in any_file(), demand in any_demand(), interval in any_span()) {
            let answer = eligibility(&file, &demand, Zone::SHANGHAI, interval).expect("not empty");
            let case = Case { file: &file, demand: &demand, zone: Zone::SHANGHAI };
            // Everything in these files turns on whole hours.
            let hours = (0..400).map(|hours| interval.from.plus(chrono::TimeDelta::hours(hours)));
            let instants = hours.filter(|at| interval.contains(*at));
            let (mut naive, mut worst) = (true, Light::Green);
            for at in instants {
                for facet in case.facets() {
                    for flaw in case.flaws(facet, at) {
                        naive = false;
                        worst = worst.max(Reason { facet, flaw }.light());
                    }
                }
            }
            prop_assert_eq!(answer.is_eligible(), naive);
            prop_assert_eq!(answer.light, worst);
            if let (Some(until), true) = (answer.valid_until, answer.is_eligible()) {
                prop_assert!(interval.to.is_some_and(|to| until >= to));
                prop_assert!(case.facets().into_iter().any(|facet| !case.flaws(facet, until).is_empty()));
            }
        }
    }
}
