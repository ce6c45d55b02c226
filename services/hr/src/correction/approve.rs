//! Approving a correction: the day is something else now; in a closed month payroll hears of it (H8).

use super::{
    AttendanceDayCorrected, Correction, CorrectionApproved, CorrectionView, Decided, Happened, Refusal,
    State, What, check_decider, store,
};
use crate::attendance::day::{AttendanceDay, result};
use crate::attendance::derive::Punch;
use crate::attendance::evidence::Evidence;
use crate::attendance::{self, job};
use crate::ids::CorrectionId;
use crate::person::Person;
use events::hr::AttendanceResult;
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
    (id, what): (CorrectionId, What),
    evidence: &Evidence,
) -> Result<AttendanceDay, Refusal> {
    let becomes = |result| Ok(AttendanceDay { result, ..day.clone() });
    match (what, day.result) {
        (What::ExcuseLateness, AttendanceResult::Late | AttendanceResult::LateUnconfirmed)
        | (What::ExcuseAbsence, AttendanceResult::Absent) => becomes(AttendanceResult::Excused),
        (What::ConfirmLateness, AttendanceResult::LateUnconfirmed) => becomes(AttendanceResult::Late),
        (
            What::MissingPunch { at },
            AttendanceResult::Late
            | AttendanceResult::LateUnconfirmed
            | AttendanceResult::Absent
            | AttendanceResult::Incomplete,
        ) => with_punch(day, (id, at), evidence),
        (What::ExcuseLateness | What::ExcuseAbsence | What::ConfirmLateness, _)
        | (
            What::MissingPunch { .. },
            AttendanceResult::Present | AttendanceResult::OnLeave | AttendanceResult::Excused,
        ) => Err(Refusal::ChangesNothing { result: day.result }),
    }
}

/// The day derived again from its punches and the one that was missing.
fn with_punch(
    day: &AttendanceDay,
    (id, at): (CorrectionId, Timestamp),
    evidence: &Evidence,
) -> Result<AttendanceDay, Refusal> {
    let unchanged = Refusal::ChangesNothing { result: day.result };
    let given = Punch { at, direction: None, skew_seconds: 0, event: EventId::of(id.uuid()) };
    let Some(again) = evidence.with(day.day, given) else { return Err(unchanged) };
    let is_confirmed = day.result == AttendanceResult::Late && again.first_in == day.first_in;
    let result = match result(again.result) {
        // Two persons have confirmed this coming: a punch of another time does not make it doubtful again.
        AttendanceResult::LateUnconfirmed if is_confirmed => AttendanceResult::Late,
        other => other,
    };
    if (result, again.first_in, again.last_out) == (day.result, day.first_in, day.last_out) {
        return Err(unchanged);
    }
    Ok(AttendanceDay {
        first_in: again.first_in,
        last_out: again.last_out,
        result,
        late_minutes: again.late_minutes,
        early_minutes: again.early_minutes,
        ..day.clone()
    })
}

/// Corrects a day: what becomes of the request, and of the day.
pub fn decide(
    correction: Correction,
    (day, evidence): (&AttendanceDay, &Evidence),
    by: Person,
    now: Timestamp,
) -> Result<(Decision<Correction>, Decision<AttendanceDay>), Refusal> {
    check_decider(&correction, by)?;
    let day = AttendanceDay {
        correction: Some(correction.id),
        ..corrected(day, (correction.id, correction.what), evidence)?
    };
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
            let evidence = job::evidence(tx, &before).await?;
            let by = Person::of(&cmd.principal);
            let (decision, day) = decide(correction, (&before, &evidence), by, now)?;
            store::save(tx, &decision).await?;
            attendance::store::save_day(tx, &day).await?;
            store::adjust_if_closed(tx, &month, &before, day.state()).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, correction, day, evidence, person};
    use super::*;
    use crate::attendance::derive::Direction;
    use AttendanceResult::{Absent, Excused, Incomplete, Late, LateUnconfirmed, Present};

    const IN: &str = "2025-10-09T00:29:00Z";
    const LATE: &str = "2025-10-09T00:45:00Z";
    const OUT: &str = "2025-10-09T09:30:00Z";

    /// A punch without a direction, by a clock that is right.
    fn plain(text: &str) -> Punch {
        Punch {
            at: at(text),
            direction: None,
            skew_seconds: 0,
            event: EventId::of(uuid::Uuid::from_u128(100)),
        }
    }

    fn becomes(day: &AttendanceDay, what: What, punches: &[Punch]) -> Result<AttendanceResult, Refusal> {
        corrected(day, (correction(what).id, what), &evidence(punches)).map(|day| day.result)
    }

    fn given(text: &str) -> What {
        What::MissingPunch { at: at(text) }
    }

    #[test]
    fn a_lateness_or_an_absence_is_excused_and_nothing_else() {
        let late = day(Late, Some(LATE), Some(OUT));
        assert_eq!(becomes(&late, What::ExcuseLateness, &[]), Ok(Excused));
        assert_eq!(becomes(&late, What::ExcuseAbsence, &[]), Err(Refusal::ChangesNothing { result: Late }));
        let absent = day(Absent, None, None);
        assert_eq!(becomes(&absent, What::ExcuseAbsence, &[]), Ok(Excused));
        let refused = Err(Refusal::ChangesNothing { result: Absent });
        assert_eq!(becomes(&absent, What::ExcuseLateness, &[]), refused);
    }

    #[test]
    fn a_missing_punch_makes_the_day_what_it_was() {
        let out = Punch { direction: Some(Direction::Out), ..plain(OUT) };
        let only_out = day(Incomplete, None, Some(OUT));
        assert_eq!(becomes(&only_out, given(IN), &[out]), Ok(Present));
        assert_eq!(becomes(&only_out, given("2025-10-09T00:31:00Z"), &[out]), Ok(Late));
        let only_in = day(Incomplete, Some(IN), None);
        assert_eq!(becomes(&only_in, given(OUT), &[plain(IN)]), Ok(Present));
        let absent = day(Absent, None, None);
        assert_eq!(becomes(&absent, given(IN), &[]), Ok(Incomplete));
        // The window of the shift ends four hours after it; also where other punches came meanwhile.
        let late_facts = [plain(IN), Punch { event: EventId::of(uuid::Uuid::from_u128(101)), ..plain(OUT) }];
        for punches in [&[][..], &late_facts] {
            let outside = becomes(&absent, given("2025-10-09T13:30:00Z"), punches);
            assert_eq!(outside, Err(Refusal::ChangesNothing { result: Absent }));
        }
        let present = day(Present, Some(IN), Some(OUT));
        let again = becomes(&present, given("2025-10-09T00:20:00Z"), &[plain(IN)]);
        assert_eq!(again, Err(Refusal::ChangesNothing { result: Present }));
    }

    #[test]
    fn a_punch_without_a_direction_is_a_going_once_the_coming_is_given() {
        // A day with one undirected punch says that it is the coming.
        let evening = day(Incomplete, Some(OUT), None);
        let decided = |text: &str| {
            let what = given(text);
            corrected(&evening, (correction(what).id, what), &evidence(&[plain(OUT)])).expect("it changes")
        };
        let present = decided(IN);
        assert_eq!(
            (present.result, present.first_in, present.last_out),
            (Present, Some(at(IN)), Some(at(OUT)))
        );
        let late = decided(LATE);
        assert_eq!((late.result, late.late_minutes), (Late, 15));
    }

    #[test]
    fn a_clock_that_is_off_charges_nobody_until_two_persons_have_confirmed_the_lateness() {
        let skewed = Punch { skew_seconds: 600, ..plain(LATE) };
        let only_in = day(Incomplete, Some(LATE), None);
        assert_eq!(becomes(&only_in, given(OUT), &[skewed]), Ok(LateUnconfirmed));
        let doubtful = day(LateUnconfirmed, Some(LATE), Some(OUT));
        assert_eq!(becomes(&doubtful, What::ConfirmLateness, &[]), Ok(Late));
        for result in [Late, Present, Absent, Incomplete, Excused] {
            let other = day(result, Some(LATE), Some(OUT));
            let refused = Err(Refusal::ChangesNothing { result });
            assert_eq!(becomes(&other, What::ConfirmLateness, &[skewed]), refused);
        }
        // Once confirmed, a later going leaves it so; an earlier coming does away with it.
        let confirmed = day(Late, Some(LATE), Some(OUT));
        let punches = [skewed, Punch { event: EventId::of(uuid::Uuid::from_u128(101)), ..plain(OUT) }];
        assert_eq!(becomes(&confirmed, given("2025-10-09T10:00:00Z"), &punches), Ok(Late));
        assert_eq!(becomes(&confirmed, given(IN), &punches), Ok(Present));
    }

    #[test]
    fn h8_an_approved_correction_changes_the_day_and_says_so_twice() {
        let late = day(Late, Some(LATE), Some(OUT));
        let (evidence, now) = (evidence(&[]), at("2025-11-05T00:00:00Z"));
        let decided = |by| decide(correction(What::ExcuseLateness), (&late, &evidence), by, now);
        assert_eq!(decided(person(10, None)).err(), Some(Refusal::OwnRequest {}));
        let (asked, changed) = decided(person(20, Some(21))).expect("a second person may");
        assert_eq!(asked.facts()[0].event_type, "hr.correction.approved");
        assert_eq!(changed.facts()[0].event_type, "hr.attendance.day_corrected");
        assert_eq!((changed.state().result, changed.state().correction), (Excused, Some(asked.state().id)));
        let again = decide(asked.into_state(), (&late, &evidence), person(20, None), now).err();
        assert_eq!(again, Some(Refusal::AlreadyDecided { state: "approved" }));
    }
}
