//! Closing the attendance of a month: from here on only an approved correction changes a day (H8).

use super::month::{AttendanceMonth, AttendanceMonthView, Counted, Refusal, State};
use super::{Stage, job, refresh, store};
use crate::branch;
use crate::ids::AttendanceMonthId;
use events::hr::AttendanceMonthClosed;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, UserId, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The end of a month's attendance.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseAttendanceMonth {}

impl Addressed for CloseAttendanceMonth {
    type To = AttendanceMonthId;
}

/// Whether a month's year has an official calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendars {
    /// It has.
    Official,
    /// It has not yet: what is a workday may still change (K13).
    Provisional,
}

/// What is known of a month when it shall be closed.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Whether its year has an official calendar.
    pub calendars: Calendars,
    /// When the month and its last shift are over.
    pub ends_at: Timestamp,
}

/// Refuses a month that may not be closed yet, before anything is derived.
pub fn check(month: &AttendanceMonth, known: Known, now: Timestamp) -> Result<(), Refusal> {
    refresh::check(month)?;
    if known.calendars == Calendars::Provisional {
        return Err(Refusal::ProvisionalYear { month: month.month });
    }
    if now < known.ends_at {
        return Err(Refusal::NotOver { ends_at: known.ends_at });
    }
    Ok(())
}

/// Closes a month whose days were derived for the last time.
pub fn decide(
    month: AttendanceMonth,
    counted: Counted,
    by: UserId,
    now: Timestamp,
) -> Decision<AttendanceMonth> {
    let closed = AttendanceMonthClosed { branch_id: month.branch, month: month.month };
    let state = State::Closed { by, at: now };
    let month = AttendanceMonth { state, counted, derived_at: now, ..month };
    Decision::of(month).and(closed).under(clause!("P6.2-4"))
}

/// Closes the attendance of a month (P6.2-4).
#[utoipa::path(post, path = "/v1/hr/attendance-months/{id}/close", request_body = CloseAttendanceMonth, responses(Commanded<AttendanceMonthView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<CloseAttendanceMonth, permission!("attendance.write")>,
) -> Answer<AttendanceMonthView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let month = cmd.current(store::load(tx, cmd.id).await?)?;
            let branch = branch::store::load(tx, month.branch).await?;
            check(&month, job::known(tx, &month, branch.zone).await?, now)?;
            let counted = job::derive(tx, &month, branch.zone, Stage::Closing).await?;
            store::close_days(tx, &month).await?;
            let decision = decide(month, counted, cmd.principal.user, now);
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::open::begin;
    use super::*;
    use kernel::{BranchId, Month};
    use uuid::Uuid;

    fn at(text: &str) -> Timestamp {
        Timestamp::of(text.parse().expect("a literal"))
    }

    #[test]
    fn k13_h8_a_month_is_closed_once_when_it_is_over_and_its_year_is_official() {
        let october = Month::new(2025, 10).expect("a month");
        let (id, branch) = (AttendanceMonthId::of(Uuid::from_u128(1)), BranchId::of(Uuid::from_u128(2)));
        let month = begin(id, branch, october, at("2025-10-31T00:00:00Z"));
        let ends_at = at("2025-10-31T16:00:00Z");
        let known = |calendars| Known { calendars, ends_at };
        let provisional = check(&month, known(Calendars::Provisional), ends_at);
        assert_eq!(provisional, Err(Refusal::ProvisionalYear { month: october }));
        let early = check(&month, known(Calendars::Official), at("2025-10-31T15:59:59Z"));
        assert_eq!(early, Err(Refusal::NotOver { ends_at }));
        assert_eq!(check(&month, known(Calendars::Official), ends_at), Ok(()));
        let closed = decide(month, Counted::default(), UserId::of(Uuid::from_u128(3)), ends_at);
        assert_eq!(closed.facts()[0].event_type, "hr.attendance.month_closed");
        let closed = closed.into_state();
        let again = check(&closed, known(Calendars::Official), ends_at);
        assert_eq!(again, Err(Refusal::Closed { month: october }));
        let refreshed = refresh::decide(closed, Counted::default(), ends_at).err();
        assert_eq!(refreshed, Some(Refusal::Closed { month: october }));
    }
}
