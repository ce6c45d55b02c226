//! A certificate begins, ends soon, or ends: the level its worker reaches for a service may be another one from then
//! on, and its end is announced once for each threshold of the policy (W9).

use super::{BOUNDARY, Issued, Stored, store};
use crate::policy::ExpiryNotice;
use crate::standing;
use chrono::{Days, NaiveDate};
use events::CertificateId;
use events::workforce::{CertificateExpired, CertificateExpiring};
use house::policy::in_force;
use journal::{Due, Failure, Tx};
use kernel::{Decision, Timestamp, clause};

/// Computes the worker's standings, announces the end, and waits for the next boundary.
pub(crate) async fn due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let issued = store::load(tx, CertificateId::of(due.reference)).await?;
    let worker = issued.certificate.worker_id;
    let notice = wait(tx, &issued).await?;
    if let Some(decision) = decide(issued, &notice, tx.now()) {
        store::save(tx, &decision).await?;
    }
    Ok(standing::recompute(tx, &[worker]).await?)
}

/// Waits for the next boundary; the thresholds in force are those of today.
pub(super) async fn wait(tx: &mut Tx, issued: &Issued) -> Result<ExpiryNotice, Failure> {
    let today = tx.now().date_in(issued.zone);
    let notice = in_force::<ExpiryNotice>(tx.connection(), Some(issued.branch), today).await?.terms;
    if let Some(at) = next(issued, &notice, tx.now()) {
        tx.schedule(BOUNDARY, issued.certificate.id, at).await?;
    }
    Ok(notice)
}

/// The first instant of a threshold; of the end itself for none.
fn begins(issued: &Issued, end: NaiveDate, days: u32) -> Option<Timestamp> {
    let day = end.checked_sub_days(Days::new(u64::from(days)));
    day.map(|day| issued.zone.midnight(day))
}

/// The next instant after `now` at which it begins, is announced, or ends.
fn next(issued: &Issued, notice: &ExpiryNotice, now: Timestamp) -> Option<Timestamp> {
    let valid = issued.certificate.valid;
    let thresholds = notice.thresholds_days.iter().copied().chain([0]);
    let ends = valid.to.into_iter().flat_map(|end| thresholds.clone().map(move |days| (end, days)));
    let ends = ends.filter_map(|(end, days)| begins(issued, end, days));
    ends.chain([issued.zone.midnight(valid.from)]).filter(|at| *at > now).min()
}

/// Announces the end, for the nearest threshold that is reached: once for each, never of one that has not begun or
/// holds no more for another reason. After a time without timers the nearest one speaks for those before it.
pub fn decide(issued: Issued, notice: &ExpiryNotice, now: Timestamp) -> Option<Decision<Issued>> {
    match issued.certificate.stored {
        Stored::Active | Stored::Suspended { .. } => {}
        Stored::Revoked { .. } | Stored::Superseded { .. } => return None,
    }
    let end = issued.certificate.valid.to?;
    let is_reached = |days: &u32| begins(&issued, end, *days).is_some_and(|at| at <= now);
    let reached = notice.thresholds_days.iter().copied().chain([0]).filter(is_reached).min()?;
    let is_told = issued.told_days.is_some_and(|told| told <= reached);
    if is_told || now < issued.zone.midnight(issued.certificate.valid.from) {
        return None;
    }
    let certificate = issued.told(None);
    let decision = Decision::of(Issued { told_days: Some(reached), ..issued });
    let decision = match reached {
        0 => decision.and(CertificateExpired(certificate)),
        threshold_days => decision.and(CertificateExpiring { certificate, threshold_days }),
    };
    Some(decision.under(clause!("P1-1")))
}

#[cfg(test)]
mod tests {
    use super::super::issue::tests::issued;
    use super::*;
    use crate::worker::tests::at;
    use house::policy::Terms;

    #[test]
    fn w9_each_threshold_is_told_once_and_the_end_too() {
        let notice = ExpiryNotice::defaults();
        let days = ["2026-03-01", "2026-12-31", "2027-01-30", "2027-02-22", "2027-03-01"];
        // 2027-03-01 less 60, 30 and 7 days.
        let (mut one, mut boundary, mut told) = (issued(), at("2026-02-02"), Vec::new());
        for day in days {
            boundary = next(&one, &notice, boundary).expect("one more");
            assert_eq!(boundary, at(day));
            let Some(decision) = decide(one.clone(), &notice, boundary) else { continue };
            let fact = decision.facts()[0].clone();
            told.push((fact.event_type, fact.data["threshold_days"].as_u64()));
            assert_eq!(fact.data["valid_to"], "2027-02-28T16:00:00Z");
            one = decision.into_state();
            assert_eq!(decide(one.clone(), &notice, boundary), None, "twice at {day}");
        }
        assert_eq!(next(&one, &notice, boundary), None);
        let expiring = "workforce.certificate.expiring";
        let soon = [60, 30, 7].map(|days| (expiring, Some(days)));
        assert_eq!(told[..3], soon);
        assert_eq!(told[3..], [("workforce.certificate.expired", None)]);
    }

    #[test]
    fn w9_after_a_standstill_the_nearest_speaks_and_nothing_is_said_of_what_is_revoked() {
        let notice = ExpiryNotice::defaults();
        let late = decide(issued(), &notice, at("2027-02-24")).expect("two thresholds were missed");
        assert_eq!((late.facts().len(), &late.facts()[0].data["threshold_days"]), (1, &7.into()));
        let mut gone = issued();
        gone.certificate.stored = Stored::Revoked { at: at("2026-05-01") };
        assert_eq!(decide(gone, &notice, at("2027-03-01")), None);
        let mut short = issued();
        short.certificate.valid.from = "2027-02-01".parse().expect("a literal");
        assert_eq!(decide(short.clone(), &notice, at("2027-01-31")), None, "it has not begun");
        assert!(decide(short, &notice, at("2027-02-01")).is_some());
    }
}
