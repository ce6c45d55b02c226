//! Deriving the days of a branch's month: a fixed number of statements, however many people there are.
//!
//! Load people and punches, call the pure rule ([`derive()`](super::derive::derive)) for each person, write all days at
//! once. Only office positions have shifts; days that are not over yet, and days of a suspension, have no result. A
//! correction asks for the evidence of its one day.

use super::close::{Calendars, Known};
use super::day::{AttendanceDay, result};
use super::derive::{Duty, Punch, Shift, derive as derive_days};
use super::evidence::Evidence;
use super::month::{AttendanceMonth, Counted};
use super::{AttendancePolicy, Day, Stage};
use crate::ids::AttendanceDayId;
use crate::work_calendar::{Schedule, schedule};
use crate::{branch, punch};
use chrono::{DateTime, Days, NaiveDate, Utc};
use events::hr::Position;
use house::policy::{Versions, in_force, in_force_during};
use journal::{Failure, Fault, Tx};
use kernel::time::FIRST_DAY;
use kernel::{EventId, PolicyVersionId, Span, Timestamp, Zone};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// The days of one person.
struct DayRow {
    employee: Uuid,
    day: Day,
    policy: PolicyVersionId,
    calendar: PolicyVersionId,
}

/// Days until the one before `end`, and the one before and after them: their windows may overlap. No calendar is in force
/// before ours begins.
fn around(from: NaiveDate, end: NaiveDate) -> Span<NaiveDate> {
    Span { from: FIRST_DAY.max(from - Days::new(1)), to: Some(end + Days::new(1)) }
}

/// What must be known of a month before it is closed.
pub(super) async fn known(tx: &mut Tx, month: &AttendanceMonth, zone: Zone) -> Result<Known, Failure> {
    let span = month.month.span();
    let schedule = schedule(tx.connection(), month.branch, zone, span).await?;
    let midnight = zone.midnight(month.month.end());
    Ok(Known {
        calendars: if schedule.provisional.is_empty() { Calendars::Official } else { Calendars::Provisional },
        ends_at: schedule.shifts.iter().map(|(shift, _)| shift.end).fold(midnight, Timestamp::max),
    })
}

/// Derives the days of a month that are over, and keeps them.
pub(super) async fn derive(
    tx: &mut Tx,
    month: &AttendanceMonth,
    zone: Zone,
    stage: Stage,
) -> Result<Counted, Failure> {
    let (from, end) = (month.month.first_day(), month.month.end());
    let schedule = schedule(tx.connection(), month.branch, zone, around(from, end)).await?;
    let policies: Versions<AttendancePolicy> =
        in_force_during(tx.connection(), Some(month.branch), around(from, end)).await?;
    let people = people(tx, month).await?;
    let mut punches = punches(tx, (from, end), people.keys().copied().collect(), None).await?;
    let now = tx.now();
    let mut rows = Vec::new();
    for (employee, spans) in people {
        let punches = punches.remove(&employee).unwrap_or_default();
        let is_his = |day: NaiveDate| spans.iter().any(|span| span.contains(day));
        let days = days_of(&schedule, &policies, &punches, stage)?;
        let kept = days.into_iter().filter(|(day, ..)| {
            is_his(day.day)
                && month.month.span().contains(day.day)
                && day.shift.to.is_some_and(|end| end <= now)
        });
        rows.extend(kept.map(|(day, policy, calendar)| DayRow { employee, day, policy, calendar }));
    }
    keep(tx, month, &rows).await?;
    count(tx, month).await
}

/// What a day came from, for its correction. A punch that arrived after its month was closed does not count by itself (H8):
/// one person may have typed it, and it is not what the second one is asked. It is given by a correction of its own.
pub(crate) async fn evidence(tx: &mut Tx, day: &AttendanceDay) -> Result<Evidence, Failure> {
    let (from, end) = (day.day, day.day + Days::new(1));
    let zone = branch::store::zone_of(tx, day.branch).await?;
    let schedule = schedule(tx.connection(), day.branch, zone, around(from, end)).await?;
    let kept = Shift { day: day.day, start: day.shift_start, end: day.shift_end, duty: Duty::Work };
    let others = shifts(&schedule).filter(|shift| shift.day != day.day);
    let shifts: Vec<Shift> = others.chain([kept]).collect();
    let employee = day.employee.uuid();
    let closed_at =
        sqlx::query_scalar!("SELECT closed_at FROM attendance_month WHERE id = $1", day.month.uuid())
            .fetch_one(tx.connection())
            .await?;
    let found = punches(tx, (from, end), vec![employee], closed_at).await?.remove(&employee);
    let mut punches = found.unwrap_or_default();
    punches.extend(given(tx, day).await?);
    let policy = in_force::<AttendancePolicy>(tx.connection(), Some(day.branch), day.day).await?.terms;
    Ok(Evidence { shifts, punches, policy })
}

/// The punches that corrections of a day have given it.
async fn given(tx: &mut Tx, day: &AttendanceDay) -> Result<Vec<Punch>, Failure> {
    let rows = sqlx::query!(
        "SELECT id, punch_at AS \"punch_at!\" FROM correction WHERE day_id = $1 AND kind = 'missing_punch' AND state = 'approved'",
        day.id.uuid(),
    )
    .fetch_all(tx.connection())
    .await?;
    let punch =
        |id, at| Punch { at: Timestamp::of(at), direction: None, skew_seconds: 0, event: EventId::of(id) };
    Ok(rows.into_iter().map(|row| punch(row.id, row.punch_at)).collect())
}

/// The shifts of a schedule; leave is not known yet.
fn shifts(schedule: &Schedule) -> impl Iterator<Item = Shift> {
    schedule.shifts.iter().map(|(shift, _)| Shift {
        day: shift.day,
        start: shift.start,
        end: shift.end,
        duty: Duty::Work,
    })
}

/// What each day around a month came to for one person, with the versions it was derived under.
fn days_of(
    schedule: &Schedule,
    policies: &Versions<AttendancePolicy>,
    punches: &[Punch],
    stage: Stage,
) -> Result<Vec<(Day, PolicyVersionId, PolicyVersionId)>, Fault> {
    let shifts: Vec<Shift> = shifts(schedule).collect();
    let calendars: HashMap<NaiveDate, PolicyVersionId> =
        schedule.shifts.iter().map(|(shift, version)| (shift.day, *version)).collect();
    let mut days = Vec::new();
    // All shifts go through each version, because windows meet; a day is taken from the version of its date.
    for policy in policies.all() {
        for day in derive_days(&shifts, punches, &policy.terms, stage) {
            if policies.on(day.day)?.id == policy.id
                && let Some(calendar) = calendars.get(&day.day)
            {
                days.push((day, policy.id, *calendar));
            }
        }
    }
    Ok(days)
}

/// The people of office positions, with the days of the month on which they belong to the branch and may work.
async fn people(
    tx: &mut Tx,
    month: &AttendanceMonth,
) -> Result<BTreeMap<Uuid, Vec<Span<NaiveDate>>>, Failure> {
    let rows = sqlx::query!(
        "SELECT a.employee_id, lower(part.days) AS \"valid_from!\", upper(part.days) AS \"valid_to!\"
         FROM assignment a
         CROSS JOIN LATERAL unnest(datemultirange(a.valid * daterange($2, $3))
             - coalesce((SELECT range_agg(s.valid) FROM suspension s WHERE s.employee_id = a.employee_id), '{}'::datemultirange)) AS part (days)
         WHERE a.branch_id = $1 AND a.valid && daterange($2, $3) AND a.position <> $4",
        month.branch.uuid(),
        month.month.first_day(),
        month.month.end(),
        Position::CareWorker.word(),
    )
    .fetch_all(tx.connection())
    .await?;
    let mut people: BTreeMap<Uuid, Vec<Span<NaiveDate>>> = BTreeMap::new();
    for row in rows {
        let span = Span { from: row.valid_from, to: Some(row.valid_to) };
        people.entry(row.employee_id).or_default().push(span);
    }
    Ok(people)
}

/// The punches of these people around some days, on whatever device; those voided by two persons are left out. A day
/// more on either side than the shifts need: the middle of the year is the same in every zone but for a day. `until`: only what
/// had arrived by then.
async fn punches(
    tx: &mut Tx,
    (from, end): (NaiveDate, NaiveDate),
    people: Vec<Uuid>,
    until: Option<DateTime<Utc>>,
) -> Result<HashMap<Uuid, Vec<Punch>>, Failure> {
    let rows = sqlx::query!(
        "SELECT id, employee_id, at, direction, skew_seconds FROM punch
         WHERE employee_id = ANY ($1) AND at >= $2 AND at < $3 AND state <> 'voided' AND ($4::timestamptz IS NULL OR received_at <= $4)",
        &people,
        Zone::UTC.midnight(from - Days::new(2)).utc(),
        Zone::UTC.midnight(end + Days::new(3)).utc(),
        until,
    )
    .fetch_all(tx.connection())
    .await?;
    let mut punches: HashMap<Uuid, Vec<Punch>> = HashMap::new();
    for row in rows {
        let punch = Punch {
            at: Timestamp::of(row.at),
            direction: punch::store::direction(row.direction.as_deref())?,
            skew_seconds: i64::from(row.skew_seconds),
            // Punches of a batch share one event; the punch itself is what tells two of them apart.
            event: EventId::of(row.id),
        };
        punches.entry(row.employee_id).or_default().push(punch);
    }
    Ok(punches)
}

/// Writes all days at once, and only those that changed. Corrected days stay as they are; days that are no longer anybody's go, unless somebody
/// has asked to correct them.
#[expect(
    clippy::as_conversions,
    reason = "how sqlx is told that an array holds nulls; no number is converted"
)]
async fn keep(tx: &mut Tx, month: &AttendanceMonth, rows: &[DayRow]) -> Result<(), Failure> {
    let employees: Vec<Uuid> = rows.iter().map(|row| row.employee).collect();
    let days: Vec<NaiveDate> = rows.iter().map(|row| row.day.day).collect();
    sqlx::query!(
        "DELETE FROM attendance_day d
         WHERE month_id = $1 AND correction_id IS NULL AND NOT EXISTS (SELECT FROM correction WHERE day_id = d.id)
           AND NOT EXISTS (SELECT FROM UNNEST($2::uuid[], $3::date[]) AS kept (employee_id, day)
                           WHERE kept.employee_id = d.employee_id AND kept.day = d.day)",
        month.id.uuid(),
        &employees,
        &days,
    )
    .execute(tx.connection())
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|_| tx.fresh::<AttendanceDayId>().uuid()).collect();
    sqlx::query!(
        "INSERT INTO attendance_day (id, month_id, employee_id, branch_id, day, shift_start, shift_end, first_in, last_out, result, late_minutes,
                                     early_minutes, policy_version, calendar_version, version)
         SELECT id, $1, employee_id, $2, day, shift_start, shift_end, first_in, last_out, result, late_minutes, early_minutes,
                policy_version, calendar_version, 0
         FROM UNNEST($3::uuid[], $4::uuid[], $5::date[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::text[],
                     $11::bigint[], $12::bigint[], $13::uuid[], $14::uuid[])
              AS row (id, employee_id, day, shift_start, shift_end, first_in, last_out, result, late_minutes, early_minutes,
                      policy_version, calendar_version)
         ON CONFLICT ON CONSTRAINT attendance_day_once DO UPDATE
         SET month_id = excluded.month_id, branch_id = excluded.branch_id, shift_start = excluded.shift_start, shift_end = excluded.shift_end,
             first_in = excluded.first_in, last_out = excluded.last_out, result = excluded.result, late_minutes = excluded.late_minutes,
             early_minutes = excluded.early_minutes, policy_version = excluded.policy_version, calendar_version = excluded.calendar_version
         WHERE attendance_day.correction_id IS NULL
           AND (attendance_day.month_id, attendance_day.shift_start, attendance_day.shift_end, attendance_day.first_in, attendance_day.last_out,
                attendance_day.result, attendance_day.late_minutes, attendance_day.early_minutes, attendance_day.policy_version,
                attendance_day.calendar_version)
               IS DISTINCT FROM
               (excluded.month_id, excluded.shift_start, excluded.shift_end, excluded.first_in, excluded.last_out,
                excluded.result, excluded.late_minutes, excluded.early_minutes, excluded.policy_version, excluded.calendar_version)",
        month.id.uuid(),
        month.branch.uuid(),
        &ids,
        &employees,
        &days,
        &rows.iter().map(|row| row.day.shift.from.utc()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.day.shift.to.unwrap_or(row.day.shift.from).utc()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.day.first_in.map(Timestamp::utc)).collect::<Vec<_>>() as &[Option<_>],
        &rows.iter().map(|row| row.day.last_out.map(Timestamp::utc)).collect::<Vec<_>>() as &[Option<_>],
        &rows.iter().map(|row| result(row.day.result).word().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.day.late_minutes).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.day.early_minutes).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.policy.uuid()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.calendar.uuid()).collect::<Vec<_>>(),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn count(tx: &mut Tx, month: &AttendanceMonth) -> Result<Counted, Failure> {
    let row = sqlx::query!(
        "SELECT count(*) AS \"days!\", count(*) FILTER (WHERE result = 'incomplete') AS \"incomplete!\"
         FROM attendance_day WHERE month_id = $1",
        month.id.uuid(),
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(Counted { days: row.days, incomplete: row.incomplete })
}
