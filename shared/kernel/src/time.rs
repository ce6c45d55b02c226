//! Instants, business periods and half-open ranges.
//!
//! Instants are UTC with microseconds at most, because that is what the database keeps and what hashes must
//! see again; business dates and wall-clock times belong to a branch's [`Zone`].

use chrono::{
    DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, SubsecRound, TimeDelta,
    TimeZone, Utc,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use utoipa::ToSchema;

/// An instant in UTC, whole microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2025-10-08T03:12:45.120394Z")]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Takes an instant and cuts what is below a microsecond.
    pub fn of(instant: DateTime<Utc>) -> Self {
        Self(instant.trunc_subsecs(6))
    }

    /// The instant, for SQL parameters and calendars.
    pub const fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Later by a span of wall-clock time.
    pub fn plus(self, delta: TimeDelta) -> Self {
        Self(self.0 + delta)
    }

    /// Earlier by a span of wall-clock time.
    pub fn minus(self, delta: TimeDelta) -> Self {
        Self(self.0 - delta)
    }

    /// How much wall-clock time has passed since `earlier`; negative if it lies ahead.
    pub fn since(self, earlier: Self) -> TimeDelta {
        self.0 - earlier.0
    }

    /// The business date in a zone.
    pub fn date_in(self, zone: Zone) -> NaiveDate {
        self.local_in(zone).date()
    }

    /// The month in a zone: the last second of a month belongs to it.
    pub fn month_in(self, zone: Zone) -> Month {
        Month::of(self.date_in(zone))
    }

    /// The wall-clock time in a zone.
    pub fn local_in(self, zone: Zone) -> NaiveDateTime {
        self.0.with_timezone(&zone.0).naive_local()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads an instant of a request: RFC 3339, and in every zone a day of our calendar, because rules are looked up by the
/// day and a mistyped year must not travel on in events. What was recorded once is read by [`recorded`].
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let instant = recorded(deserializer)?;
        let day = instant.0.date_naive();
        // No zone is a whole day away from UTC.
        if FIRST_DAY < day && day < LAST_DAY {
            Ok(instant)
        } else {
            Err(serde::de::Error::custom(TimeError::Instant))
        }
    }
}

/// Reads an instant that was recorded, in an envelope or its payload: what was reckoned from a day of our calendar may
/// lie beyond it, and an event that was published must be readable.
pub fn recorded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = <Cow<'de, str>>::deserialize(deserializer)?;
    let instant =
        DateTime::parse_from_rfc3339(&text).map_err(|_| serde::de::Error::custom(TimeError::Instant))?;
    let instant = instant.to_utc();
    // Years outside 0..=9999 are readable by chrono but by hardly any client; the database keeps no leap seconds.
    let is_leap_second = instant.timestamp_subsec_nanos() >= 1_000_000_000;
    if is_leap_second || !(0..=9999).contains(&instant.year()) {
        return Err(serde::de::Error::custom(TimeError::Instant));
    }
    Ok(Timestamp::of(instant))
}

/// The same for a member that may be absent; with `default` beside it.
pub fn optional_recorded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    #[derive(Deserialize)]
    struct Recorded(#[serde(deserialize_with = "recorded")] Timestamp);
    Ok(<Option<Recorded>>::deserialize(deserializer)?.map(|Recorded(instant)| instant))
}

/// Why a text is not a time; each text is the code of the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Not RFC 3339, or not within our calendar.
    #[error("time.instant_malformed")]
    Instant,
    /// Not `YYYY-MM-DD` within our calendar.
    #[error("time.date_malformed")]
    Date,
    /// Not `YYYY-MM` within our calendar.
    #[error("time.month_malformed")]
    Month,
    /// Not a zone of the IANA database.
    #[error("time.zone_unknown")]
    Zone,
}

/// A zone of the IANA database: `Asia/Shanghai`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ToSchema)]
#[schema(value_type = String, example = "Asia/Shanghai")]
pub struct Zone(chrono_tz::Tz);

impl Zone {
    /// Where the rule book comes from, and where a branch is unless it says otherwise.
    pub const SHANGHAI: Self = Self(chrono_tz::Asia::Shanghai);
    /// Coordinated universal time.
    pub const UTC: Self = Self(chrono_tz::UTC);

    /// The zone itself, for calendar arithmetic.
    pub const fn tz(self) -> chrono_tz::Tz {
        self.0
    }

    /// The name in the IANA database.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The instant of a wall-clock time. Where clocks go back and it comes twice, the first one; where they go
    /// forward and it does not exist, the first instant after the gap.
    pub fn instant(self, local: NaiveDateTime) -> Timestamp {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(found) | LocalResult::Ambiguous(found, _) => Timestamp::of(found.to_utc()),
            LocalResult::None => {
                // No zone has ever skipped more than a day, and gaps end on whole minutes in our calendars' era.
                let after = (1..=1_441).find_map(|minutes| {
                    let later = local + TimeDelta::minutes(minutes);
                    self.0.from_local_datetime(&later).earliest()
                });
                let after = after.expect("a gap in a zone is at most a day long").to_utc();
                let offset_into_minute = TimeDelta::seconds(i64::from(chrono::Timelike::second(&local)));
                Timestamp::of(after - offset_into_minute)
            }
        }
    }

    /// Local midnight at the start of a date.
    pub fn midnight(self, date: NaiveDate) -> Timestamp {
        self.instant(date.and_time(chrono::NaiveTime::MIN))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Zone {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        text.parse().map(Self).map_err(|_| TimeError::Zone)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The first day of our calendar: the rule book's defaults are in force from it on, and no request names an earlier one.
/// Instants of requests lie between it and [`LAST_DAY`], so that their day does in every zone.
pub const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date");

/// The last day of our calendar.
pub const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2199, 12, 31).expect("a date");

/// Reads a day that a request names: `YYYY-MM-DD`, within our calendar. Beyond it nothing can be reckoned, and a mistyped
/// year must not travel on in events. Every day of a command is read so: `#[serde(deserialize_with = "kernel::time::date")]`.
pub fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    within_calendar(&<Cow<'de, str>>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// The same for a member that may be absent; with `default` beside it.
pub fn optional_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = <Option<Cow<'de, str>>>::deserialize(deserializer)?;
    text.map(|text| within_calendar(&text)).transpose().map_err(serde::de::Error::custom)
}

/// The same for a range of days.
pub fn span_of_dates<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span<NaiveDate>, D::Error> {
    let span = <Span<NaiveDate>>::deserialize(deserializer)?;
    let is_good = |day: &NaiveDate| (FIRST_DAY..=LAST_DAY).contains(day);
    let is_good = is_good(&span.from) && span.to.as_ref().is_none_or(is_good);
    if is_good { Ok(span) } else { Err(serde::de::Error::custom(TimeError::Date)) }
}

fn within_calendar(text: &str) -> Result<NaiveDate, TimeError> {
    let strict = text.len() == 10 && text.as_bytes()[4] == b'-';
    let date = strict.then(|| text.parse::<NaiveDate>().ok()).flatten();
    date.filter(|date| (FIRST_DAY..=LAST_DAY).contains(date)).ok_or(TimeError::Date)
}

/// A calendar month, `2025-10`: the period of payroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", example = "2025-10")]
pub struct Month(NaiveDate);

impl Month {
    /// The month a date lies in.
    pub fn of(date: NaiveDate) -> Self {
        Self(date.with_day(1).expect("every month has a first day"))
    }

    /// A year and a month 1–12, where there is such a month.
    pub fn new(year: i32, month: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, 1).map(Self)
    }

    /// The first day; also how a table stores the month.
    pub const fn first_day(self) -> NaiveDate {
        self.0
    }

    /// The first day of the next month: the exclusive end.
    pub fn end(self) -> NaiveDate {
        self.plus(1).0
    }

    /// All its days.
    pub fn span(self) -> Span<NaiveDate> {
        Span { from: self.0, to: Some(self.end()) }
    }

    /// So many months later.
    pub fn plus(self, months: u32) -> Self {
        Self(self.0.checked_add_months(Months::new(months)).expect("months near our time exist"))
    }

    /// So many months earlier.
    pub fn minus(self, months: u32) -> Self {
        Self(self.0.checked_sub_months(Months::new(months)).expect("months near our time exist"))
    }

    /// How many months lie between `earlier` and this one; negative if it lies ahead.
    pub fn months_since(self, earlier: Self) -> i32 {
        let count = |month: Self| month.0.year() * 12 + i32::try_from(month.0.month()).expect("1 to 12");
        count(self) - count(earlier)
    }

    /// Every date of the month, in order.
    pub fn days(self) -> impl Iterator<Item = NaiveDate> {
        let end = self.end();
        self.0.iter_days().take_while(move |day| *day < end)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

impl FromStr for Month {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let strict = text.len() == 7 && text.as_bytes()[4] == b'-';
        let first = strict.then(|| within_calendar(&format!("{text}-01")).ok()).flatten();
        first.map(Self).ok_or(TimeError::Month)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A half-open range `[from, to)`; without an end it is open for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
// `default` would otherwise ask for `T: Default`, which an instant has not.
#[serde(deny_unknown_fields, bound(deserialize = "T: Deserialize<'de>"))]
pub struct Span<T> {
    /// The first instant or day inside.
    pub from: T,
    /// The first instant or day outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<T>,
}

impl<T: Copy + Ord> Span<T> {
    /// True where `at` lies inside.
    pub fn contains(&self, at: T) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }

    /// True where nothing lies inside.
    pub fn is_empty(&self) -> bool {
        self.to.is_some_and(|to| to <= self.from)
    }

    /// The part two ranges share, if any.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let from = self.from.max(other.from);
        let to = match (self.to, other.to) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        let both = Self { from, to };
        (!both.is_empty()).then_some(both)
    }
}

impl Span<NaiveDate> {
    /// Every day inside a bounded range; nothing for an open one.
    pub fn days(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let to = self.to.unwrap_or(self.from);
        self.from.iter_days().take_while(move |day| *day < to)
    }

    /// A range of whole days from its first and last day, both inside.
    pub fn through(first: NaiveDate, last: NaiveDate) -> Self {
        Self { from: first, to: Some(last + Days::new(1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a literal")
    }

    #[test]
    fn a_request_names_days_and_months_of_our_calendar_only() {
        #[derive(Deserialize)]
        struct Command {
            #[serde(deserialize_with = "super::date")]
            on: NaiveDate,
            #[serde(default, deserialize_with = "super::optional_date")]
            until: Option<NaiveDate>,
            #[serde(deserialize_with = "super::span_of_dates")]
            valid: Span<NaiveDate>,
        }
        let read = |on: &str, until: &str, from: &str| {
            let text = format!(r#"{{"on":"{on}","until":"{until}","valid":{{"from":"{from}"}}}}"#);
            serde_json::from_str::<Command>(&text).map_err(|error| error.to_string())
        };
        let good = read("2000-01-01", "2199-12-31", "2026-02-28").expect("all within");
        assert_eq!((good.on, good.until, good.valid.to), (FIRST_DAY, Some(LAST_DAY), None));
        for bad in ["1999-12-31", "2200-01-01", "+12026-01-01", "-0001-01-01", "0026-04-01", "2026-02-30", ""]
        {
            for text in [read(bad, "2026-01-01", "2026-01-01"), read("2026-01-01", bad, "2026-01-01")] {
                assert!(text.is_err_and(|error| error.contains("time.date_malformed")), "{bad}");
            }
            assert!(read("2026-01-01", "2026-01-01", bad).is_err(), "{bad}");
        }
        for bad in ["1999-12", "0001-01", "2200-01", "2026-13", "2026-1"] {
            assert_eq!(bad.parse::<Month>(), Err(TimeError::Month), "{bad}");
        }
    }

    #[test]
    fn a_request_names_instants_of_our_calendar_only_and_what_was_recorded_is_read() {
        #[derive(Deserialize)]
        struct Told {
            #[serde(deserialize_with = "super::recorded")]
            at: Timestamp,
            #[serde(default, deserialize_with = "super::optional_recorded")]
            until: Option<Timestamp>,
        }
        let read =
            |text: &str| serde_json::from_value::<Timestamp>(text.into()).map_err(|error| error.to_string());
        let told = |text: &str| {
            let members = serde_json::json!({ "at": text, "until": text });
            serde_json::from_value::<Told>(members).map(|told| (told.at, told.until))
        };
        let good = [
            ("2000-01-02T00:00:00Z", "2000-01-02T00:00:00Z"),
            ("2199-12-30T23:59:59.999999Z", "2199-12-30T23:59:59.999999Z"),
            ("2025-10-08T11:12:45.1203949+08:00", "2025-10-08T03:12:45.120394Z"),
        ];
        for (text, meant) in good {
            assert_eq!(read(text).map(|at| at.to_string()), Ok(meant.to_owned()), "{text}");
        }
        // Just outside, in UTC or in some zone; and only recorded, never asked for.
        for text in [
            "1999-12-31T00:00:00Z",
            "2000-01-02T07:59:59+08:00",
            "2199-12-31T00:00:00Z",
            "1970-01-01T00:00:00Z",
        ] {
            assert!(read(text).is_err_and(|error| error.contains("time.instant_malformed")), "{text}");
            assert!(told(text).is_ok_and(|(at, until)| until == Some(at)), "{text}");
        }
        // Never: the year of the offset is not the year of the instant, and a leap second is not kept.
        for text in [
            "9999-12-31T23:00:00-14:00",
            "0000-01-01T00:00:00+14:00",
            "2025-06-30T23:59:60Z",
            "2025-10-08",
            "",
        ] {
            assert!(read(text).is_err() && told(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_last_second_of_a_month_belongs_to_it_in_the_branchs_zone() {
        let at = |text: &str| Timestamp::of(text.parse::<DateTime<Utc>>().expect("a literal"));
        assert_eq!(at("2025-10-31T15:59:59Z").month_in(Zone::SHANGHAI).to_string(), "2025-10");
        assert_eq!(at("2025-10-31T16:00:00Z").month_in(Zone::SHANGHAI).to_string(), "2025-11");
    }

    #[test]
    fn a_month_is_read_strictly() {
        assert_eq!("2025-10".parse::<Month>().map(Month::end), Ok(date("2025-11-01")));
        for text in ["2025-13", "2025-1", "25-10", "2025/10", "2025-10-01", "", "二〇二五-十"] {
            assert_eq!(text.parse::<Month>(), Err(TimeError::Month), "{text}");
        }
    }

    #[test]
    fn wall_clock_times_that_do_not_exist_or_come_twice_are_decided() {
        let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
        let local = |text: &str| text.parse::<NaiveDateTime>().expect("a literal");
        assert_eq!(berlin.instant(local("2025-03-30T02:30:00")).to_string(), "2025-03-30T01:00:00Z");
        assert_eq!(berlin.instant(local("2025-10-26T02:30:00")).to_string(), "2025-10-26T00:30:00Z");
    }

    #[test]
    fn ranges_are_half_open() {
        let october = Month::new(2025, 10).expect("a month").span();
        assert!(october.contains(date("2025-10-31")) && !october.contains(date("2025-11-01")));
        assert_eq!(october.intersect(&Span { from: date("2025-11-01"), to: None }), None);
        assert_eq!(october.days().count(), 31);
    }
}
