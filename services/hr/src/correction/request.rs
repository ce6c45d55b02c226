//! Asking for a correction; everybody may ask about his own day.

use super::approve::corrected;
use super::{Correction, CorrectionRequested, CorrectionView, Happened, Refusal, State, What, store};
use crate::attendance::day::AttendanceDay;
use crate::attendance::evidence::Evidence;
use crate::attendance::{self, job};
use crate::ids::{AttendanceDayId, CorrectionId};
use crate::person::Person;
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, Version};
use serde::Deserialize;
use utoipa::ToSchema;

/// A day is not what was derived.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestCorrection {
    /// Which day.
    pub attendance_day_id: AttendanceDayId,
    /// What shall be corrected.
    pub what: What,
    /// Why.
    pub reason: String,
}

impl Addressed for RequestCorrection {
    type To = New<CorrectionId>;
}

/// Keeps a request that would change the day if it were approved now.
pub fn decide(
    id: CorrectionId,
    command: &RequestCorrection,
    (day, evidence): (&AttendanceDay, &Evidence),
    requester: Person,
    now: Timestamp,
) -> Result<Decision<Correction>, Refusal> {
    const MOST: usize = 2000;
    let reason = command.reason.trim();
    if reason.is_empty() || reason.chars().count() > MOST {
        return Err(Refusal::ReasonLength { most: MOST });
    }
    if let Some(at) = command.what.punch_at().filter(|at| *at > now) {
        return Err(Refusal::PunchInTheFuture { at });
    }
    corrected(day, (id, command.what), evidence)?;
    let correction = Correction {
        id,
        attendance_day: day.id,
        employee: day.employee,
        branch: day.branch,
        day: day.day,
        what: command.what,
        reason: reason.to_owned(),
        requester,
        state: State::Requested,
        version: Version::NONE,
    };
    let requested = CorrectionRequested(Happened::to(&correction));
    Ok(Decision::of(correction).and(requested).born_of(day.id))
}

/// Asks for a correction of a day (P6.2-4).
#[utoipa::path(post, path = "/v1/hr/corrections", request_body = RequestCorrection, responses(Commanded<CorrectionView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RequestCorrection, permission!("correction.request")>,
) -> Answer<CorrectionView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let day = attendance::store::load_day(tx, cmd.body.attendance_day_id).await?;
            let evidence = job::evidence(tx, &day).await?;
            let requester = Person::of(&cmd.principal);
            let decision = decide(cmd.id, &cmd.body, (&day, &evidence), requester, now)?;
            store::add(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, day, evidence, person};
    use super::*;
    use events::hr::AttendanceResult;
    use uuid::Uuid;

    #[test]
    fn a_request_says_why_and_would_change_something() {
        let late = day(AttendanceResult::Late, Some("2025-10-09T00:45:00Z"), Some("2025-10-09T09:30:00Z"));
        let now = at("2025-10-10T00:00:00Z");
        let decided = |what, reason: &str| {
            let command = RequestCorrection { attendance_day_id: late.id, what, reason: reason.to_owned() };
            let id = CorrectionId::of(Uuid::from_u128(7));
            decide(id, &command, (&late, &evidence(&[])), person(50, Some(9)), now)
        };
        let own = decided(What::ExcuseLateness, "地铁故障").expect("everybody may contest his own day");
        assert_eq!(own.facts()[0].event_type, "hr.correction.requested");
        assert!(!own.facts()[0].data.to_string().contains('地'), "no free text in events");
        let mute = decided(What::ExcuseLateness, " ").err();
        assert_eq!(mute, Some(Refusal::ReasonLength { most: 2000 }));
        let absent = decided(What::ExcuseAbsence, "病了").err();
        assert_eq!(absent, Some(Refusal::ChangesNothing { result: AttendanceResult::Late }));
        let ahead = at("2025-10-10T00:00:01Z");
        let future = decided(What::MissingPunch { at: ahead }, "忘打卡").err();
        assert_eq!(future, Some(Refusal::PunchInTheFuture { at: ahead }));
    }
}
