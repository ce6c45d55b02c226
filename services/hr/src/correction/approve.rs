//! Approving a correction: the day is something else now; in a closed month payroll hears of it (H8).

use super::{
    AttendanceDayCorrected, Correction, CorrectionApproved, CorrectionView, Decided, Happened, Refusal,
    State, What, check_decider, store,
};
use crate::attendance::day::{AttendanceDay, result};
use crate::attendance::derive::{Direction, Duty, Punch, Shift, derive};
use crate::attendance::{self, AttendancePolicy, Stage};
use crate::ids::CorrectionId;
use crate::person::Person;
use events::hr::AttendanceResult;
use house::policy;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, EventId, Month, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The second person's word on a request.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveCorrection {}

impl Addressed for ApproveCorrection {
    type To = CorrectionId;
}

/// What a day comes to with a correction; refused where it would be the same.
pub fn corrected(
    day: &AttendanceDay,
    what: What,
    policy: &AttendancePolicy,
) -> Result<AttendanceDay, Refusal> {
    let unchanged = Refusal::ChangesNothing { result: day.result };
    let excused = AttendanceDay { result: AttendanceResult::Excused, ..day.clone() };
    match (what, day.result) {
        (What::ExcuseLateness, AttendanceResult::Late | AttendanceResult::LateUnconfirmed)
        | (What::ExcuseAbsence, AttendanceResult::Absent) => Ok(excused),
        (What::ExcuseLateness | What::ExcuseAbsence, _)
        | (
            What::MissingPunch { .. },
            AttendanceResult::Present | AttendanceResult::OnLeave | AttendanceResult::Excused,
        ) => Err(unchanged),
        (
            What::MissingPunch { at },
            AttendanceResult::Late
            | AttendanceResult::LateUnconfirmed
            | AttendanceResult::Absent
            | AttendanceResult::Incomplete,
        ) => {
            let again = with_punch(day, at, policy);
            let is_same = again.result == day.result
                && (again.first_in, again.last_out) == (day.first_in, day.last_out);
            if is_same { Err(unchanged) } else { Ok(again) }
        }
    }
}

/// The day derived again with the punch that was missing. A punch counts as kept where the device knew its way.
fn with_punch(day: &AttendanceDay, at: Timestamp, policy: &AttendancePolicy) -> AttendanceDay {
    let punch = |at, direction| Punch { at, direction, skew_seconds: 0, event: EventId::of(day.id.uuid()) };
    let known = [
        day.first_in.map(|at| punch(at, Some(Direction::In))),
        day.last_out.map(|at| punch(at, Some(Direction::Out))),
        Some(punch(at, None)),
    ];
    let shift = Shift { day: day.day, start: day.shift_start, end: day.shift_end, duty: Duty::Work };
    let punches: Vec<Punch> = known.into_iter().flatten().collect();
    // An open stage: a day that still lacks a punch is called incomplete and not what a closing would make of it.
    derive(&[shift], &punches, policy, Stage::Open).into_iter().fold(day.clone(), |day, again| {
        AttendanceDay {
            first_in: again.first_in,
            last_out: again.last_out,
            result: result(again.result),
            late_minutes: again.late_minutes,
            early_minutes: again.early_minutes,
            ..day
        }
    })
}

/// Corrects a day: what becomes of the request, and of the day.
pub fn decide(
    correction: Correction,
    (day, policy): (&AttendanceDay, &AttendancePolicy),
    by: Person,
    now: Timestamp,
) -> Result<(Decision<Correction>, Decision<AttendanceDay>), Refusal> {
    check_decider(&correction, by)?;
    let day = AttendanceDay { correction: Some(correction.id), ..corrected(day, correction.what, policy)? };
    let approved = CorrectionApproved {
        happened: Happened::to(&correction),
        month: Month::of(day.day),
        result: day.result,
        late_minutes: day.late_minutes,
    };
    let changed = AttendanceDayCorrected {
        correction_id: correction.id,
        employee_id: day.employee,
        day: day.day,
        result: day.result,
        late_minutes: day.late_minutes,
    };
    let state = State::Approved(Decided { by, at: now });
    Ok((
        Decision::of(Correction { state, ..correction }).and(approved).under(clause!("P6.2-4")),
        Decision::of(day).and(changed).under(clause!("P6.2-4")),
    ))
}

/// Approves a correction (P6.2-4).
#[utoipa::path(post, path = "/v1/hr/corrections/{id}/approve", request_body = ApproveCorrection, responses(Commanded<CorrectionView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ApproveCorrection, permission!("correction.decide")>,
) -> Answer<CorrectionView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let correction = cmd.current(store::load(tx, cmd.id).await?)?;
            let before = attendance::store::load_day(tx, correction.attendance_day).await?;
            let month = attendance::store::month_of(tx, &before).await?;
            let policy =
                policy::in_force::<AttendancePolicy>(tx.connection(), Some(before.branch), before.day)
                    .await?;
            let by = Person::of(&cmd.principal);
            let (decision, day) = decide(correction, (&before, &policy.terms), by, now)?;
            store::save(tx, &decision).await?;
            attendance::store::save_day(tx, &day).await?;
            store::adjust_if_closed(tx, &month, &before, day.state()).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, correction, day, person};
    use super::*;
    use AttendanceResult::{Absent, Excused, Incomplete, Late, Present};
    use house::policy::Terms;

    fn becomes(day: &AttendanceDay, what: What) -> Result<AttendanceResult, Refusal> {
        corrected(day, what, &AttendancePolicy::defaults()).map(|day| day.result)
    }

    #[test]
    fn a_lateness_or_an_absence_is_excused_and_nothing_else() {
        let late = day(Late, Some("2025-10-09T00:45:00Z"), Some("2025-10-09T09:30:00Z"));
        assert_eq!(becomes(&late, What::ExcuseLateness), Ok(Excused));
        assert_eq!(becomes(&late, What::ExcuseAbsence), Err(Refusal::ChangesNothing { result: Late }));
        let absent = day(Absent, None, None);
        assert_eq!(becomes(&absent, What::ExcuseAbsence), Ok(Excused));
        assert_eq!(becomes(&absent, What::ExcuseLateness), Err(Refusal::ChangesNothing { result: Absent }));
    }

    #[test]
    fn a_missing_punch_makes_the_day_what_it_was() {
        let punch = |text: &str| What::MissingPunch { at: at(text) };
        let only_out = day(Incomplete, None, Some("2025-10-09T09:30:00Z"));
        assert_eq!(becomes(&only_out, punch("2025-10-09T00:29:00Z")), Ok(Present));
        assert_eq!(becomes(&only_out, punch("2025-10-09T00:31:00Z")), Ok(Late));
        let only_in = day(Incomplete, Some("2025-10-09T00:29:00Z"), None);
        assert_eq!(becomes(&only_in, punch("2025-10-09T09:30:00Z")), Ok(Present));
        let absent = day(Absent, None, None);
        assert_eq!(becomes(&absent, punch("2025-10-09T00:29:00Z")), Ok(Incomplete));
        // The window of the shift ends four hours after it.
        let outside = becomes(&absent, punch("2025-10-09T13:30:00Z"));
        assert_eq!(outside, Err(Refusal::ChangesNothing { result: Absent }));
        let present = day(Present, Some("2025-10-09T00:29:00Z"), Some("2025-10-09T09:30:00Z"));
        let again = becomes(&present, punch("2025-10-09T00:20:00Z"));
        assert_eq!(again, Err(Refusal::ChangesNothing { result: Present }));
    }

    #[test]
    fn h8_an_approved_correction_changes_the_day_and_says_so_twice() {
        let late = day(Late, Some("2025-10-09T00:45:00Z"), Some("2025-10-09T09:30:00Z"));
        let (policy, now) = (AttendancePolicy::defaults(), at("2025-11-05T00:00:00Z"));
        let decided = |by| decide(correction(What::ExcuseLateness), (&late, &policy), by, now);
        assert_eq!(decided(person(10, None)).err(), Some(Refusal::OwnRequest {}));
        let (asked, changed) = decided(person(20, Some(21))).expect("a second person may");
        assert_eq!(asked.facts()[0].event_type, "hr.correction.approved");
        assert_eq!(changed.facts()[0].event_type, "hr.attendance.day_corrected");
        assert_eq!((changed.state().result, changed.state().correction), (Excused, Some(asked.state().id)));
        let again = decide(asked.into_state(), (&late, &policy), person(20, None), now).err();
        assert_eq!(again, Some(Refusal::AlreadyDecided { state: "approved" }));
    }
}
