//! How long a certificate holds, what it is now, and how it goes on (W5, W11, E4).

use super::{Certificate, Refusal, Seen, StopCause, Stored};
use crate::policy::ExpiryNotice;
use chrono::{Datelike, Days, NaiveDate};
use events::CertificateId;
use kernel::{Month, Span, Timestamp, Zone};

/// The same day so many months later; where there is none, the first day of the next month, so that a
/// certificate never loses a day (W11).
pub fn anniversary(date: NaiveDate, months: u32) -> NaiveDate {
    let month = Month::of(date).plus(months);
    let day = month.first_day().with_day(date.day());
    day.unwrap_or_else(|| month.end())
}

/// The range of a certificate that begins on a date and holds so many months.
pub fn range(from: NaiveDate, months: u32) -> Span<NaiveDate> {
    Span { from, to: Some(anniversary(from, months)) }
}

/// A range of local dates as instants: from midnight to midnight in the zone.
pub fn instants(dates: &Span<NaiveDate>, zone: Zone) -> Span<Timestamp> {
    Span { from: zone.midnight(dates.from), to: dates.to.map(|to| zone.midnight(to)) }
}

/// What a certificate is at an instant; a stop outranks the range, because it must never read as valid (W10).
pub fn seen(certificate: &Certificate, notice: &ExpiryNotice, zone: Zone, now: Timestamp) -> Seen {
    let today = now.date_in(zone);
    match certificate.stored {
        Stored::Revoked { at } if now >= at => return Seen::Revoked,
        Stored::Superseded { at } if now >= at => return Seen::Superseded,
        Stored::Suspended { since, .. } if now >= since => return Seen::Suspended,
        Stored::Active | Stored::Revoked { .. } | Stored::Superseded { .. } | Stored::Suspended { .. } => {}
    }
    let first_notice = notice.thresholds_days.iter().max().copied().unwrap_or_default();
    match certificate.valid.to {
        _ if today < certificate.valid.from => Seen::NotYetValid,
        Some(to) if today >= to => Seen::Expired,
        Some(to) if today + Days::new(u64::from(first_notice)) >= to => Seen::Expiring,
        Some(_) | None => Seen::Active,
    }
}

/// Renews a certificate: before its end the new one starts exactly there, after it on the day of renewal (W1, E4).
pub fn renew(
    old: &Certificate,
    id: CertificateId,
    renewed_on: NaiveDate,
    months: u32,
) -> Result<Certificate, Refusal> {
    match old.stored {
        Stored::Active => {}
        Stored::Suspended { since, .. } => return Err(Refusal::Suspended { since }),
        Stored::Revoked { at } => return Err(Refusal::Revoked { at }),
        Stored::Superseded { .. } => return Err(Refusal::Superseded {}),
    }
    let from = old.valid.to.map_or(renewed_on, |end| end.max(renewed_on));
    Ok(Certificate { id, valid: range(from, months), stored: Stored::Active, ..old.clone() })
}

/// Stops a certificate until it is reinstated.
pub fn suspend(certificate: Certificate, cause: StopCause, now: Timestamp) -> Result<Certificate, Refusal> {
    match certificate.stored {
        Stored::Active => Ok(Certificate { stored: Stored::Suspended { since: now, cause }, ..certificate }),
        Stored::Suspended { since, .. } => Err(Refusal::Suspended { since }),
        Stored::Revoked { at } => Err(Refusal::Revoked { at }),
        Stored::Superseded { .. } => Err(Refusal::Superseded {}),
    }
}

/// Lets a suspended certificate hold again, for the rest of its range.
pub fn reinstate(certificate: Certificate) -> Result<Certificate, Refusal> {
    match certificate.stored {
        Stored::Suspended { .. } => Ok(Certificate { stored: Stored::Active, ..certificate }),
        Stored::Active => Err(Refusal::NotSuspended {}),
        Stored::Revoked { at } => Err(Refusal::Revoked { at }),
        Stored::Superseded { .. } => Err(Refusal::Superseded {}),
    }
}

/// Stops a certificate for ever; expired and suspended ones too, because the public must be told (W5).
pub fn revoke(certificate: Certificate, now: Timestamp) -> Result<Certificate, Refusal> {
    match certificate.stored {
        Stored::Active | Stored::Suspended { .. } => {
            Ok(Certificate { stored: Stored::Revoked { at: now }, ..certificate })
        }
        Stored::Revoked { at } => Err(Refusal::Revoked { at }),
        Stored::Superseded { .. } => Err(Refusal::Superseded {}),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use events::WorkerId;
    use house::policy::Terms;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a literal")
    }

    fn certificate() -> Certificate {
        Certificate {
            id: CertificateId::of(Uuid::from_u128(1)),
            worker_id: WorkerId::of(Uuid::from_u128(2)),
            service_codes: ["maternity".to_owned()].into(),
            level: Level::Middle,
            valid: Span { from: date("2026-03-01"), to: Some(date("2027-03-01")) },
            issued_at: Zone::SHANGHAI.midnight(date("2026-02-15")),
            stored: Stored::Active,
        }
    }

    fn renewed(on: &str) -> Span<NaiveDate> {
        renew(&certificate(), CertificateId::of(Uuid::from_u128(9)), date(on), 12).expect("active").valid
    }

    #[test]
    fn e4_renewed_before_and_after_the_end() {
        let span = |from, to| Span { from: date(from), to: Some(date(to)) };
        assert_eq!(renewed("2027-02-01"), span("2027-03-01", "2028-03-01"));
        assert_eq!(renewed("2027-03-15"), span("2027-03-15", "2028-03-15"));
        assert_eq!(renewed("2027-03-01"), span("2027-03-01", "2028-03-01"), "no day between");
        assert_eq!((date("2027-03-15") - date("2027-03-01")).num_days(), 14);
    }

    #[test]
    fn w11_a_missing_anniversary_rolls_forward() {
        for (from, months, to) in [
            ("2024-02-29", 12, "2025-03-01"),
            ("2024-02-29", 48, "2028-02-29"),
            ("2026-01-31", 1, "2026-03-01"),
            ("2026-08-31", 6, "2027-03-01"),
            ("2026-10-31", 1, "2026-12-01"),
            ("2026-12-31", 2, "2027-03-01"),
            ("2026-03-01", 12, "2027-03-01"),
        ] {
            assert_eq!(anniversary(date(from), months), date(to), "{from} + {months}");
        }
        let instants = instants(&range(date("2026-03-01"), 12), Zone::SHANGHAI);
        assert_eq!(instants.to.map(|to| to.to_string()).as_deref(), Some("2027-02-28T16:00:00Z"));
    }

    #[test]
    fn what_a_certificate_is_turns_at_local_midnights() {
        let notice = ExpiryNotice::defaults();
        let at =
            |text: &str, hour| Zone::SHANGHAI.instant(date(text).and_hms_opt(hour, 0, 0).expect("an hour"));
        for (day, hour, expected) in [
            ("2026-02-28", 23, Seen::NotYetValid),
            ("2026-03-01", 0, Seen::Active),
            ("2026-12-30", 23, Seen::Active),
            ("2026-12-31", 0, Seen::Expiring),
            ("2027-02-28", 23, Seen::Expiring),
            ("2027-03-01", 0, Seen::Expired),
        ] {
            assert_eq!(
                seen(&certificate(), &notice, Zone::SHANGHAI, at(day, hour)),
                expected,
                "{day} {hour}"
            );
        }
        let now = at("2026-05-01", 9);
        let gone = revoke(certificate(), now).expect("active");
        assert_eq!(seen(&gone, &notice, Zone::SHANGHAI, at("2030-01-01", 0)), Seen::Revoked);
        assert_eq!(seen(&gone, &notice, Zone::SHANGHAI, at("2026-04-01", 0)), Seen::Active);
    }

    #[test]
    fn w5_revoked_is_final_and_suspended_is_not() {
        let now = Zone::SHANGHAI.midnight(date("2026-05-01"));
        let held = suspend(certificate(), StopCause::Administrative, now).expect("active");
        assert_eq!(suspend(held.clone(), StopCause::Conduct, now), Err(Refusal::Suspended { since: now }));
        assert!(renew(&held, held.id, date("2026-06-01"), 12).is_err());
        assert_eq!(reinstate(held.clone()), Ok(certificate()));
        let gone = revoke(held, now).expect("suspended");
        for refused in [
            reinstate(gone.clone()),
            revoke(gone.clone(), now),
            suspend(gone.clone(), StopCause::Conduct, now),
            renew(&gone, gone.id, date("2026-06-01"), 12),
        ] {
            assert_eq!(refused, Err(Refusal::Revoked { at: now }));
        }
        assert_eq!(reinstate(certificate()), Err(Refusal::NotSuspended {}));
        let replaced = Certificate { stored: Stored::Superseded { at: now }, ..certificate() };
        for refused in [
            reinstate(replaced.clone()),
            revoke(replaced.clone(), now),
            suspend(replaced.clone(), StopCause::Conduct, now),
            renew(&replaced, replaced.id, date("2026-06-01"), 12),
        ] {
            assert_eq!(refused, Err(Refusal::Superseded {}));
        }
    }

    proptest! {
        #[test]
        fn w11_no_certificate_loses_a_day(days in 0_u64..4_000, months in 1_u32..121) {
            let from = date("2020-01-01") + Days::new(days);
            let to = anniversary(from, months);
            let clamped = from.checked_add_months(chrono::Months::new(months)).expect("near our time");
            prop_assert!(to >= clamped && to <= clamped + Days::new(1));
            prop_assert_eq!(to == clamped, clamped.day() == from.day());
        }
    }
}
