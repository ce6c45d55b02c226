//! Recording one punch.

use super::{Device, Punch, PunchRecorded, PunchView, Refusal, State, store};
use super::{Happened, word};
use crate::attendance::derive::Direction;
use crate::ids::PunchId;
use crate::person::Person;
use house::{Addressed, Answer, Command, Commanded, House, New, not_found, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId, Timestamp, Version};
use serde::Deserialize;
use utoipa::ToSchema;

/// Somebody came or went.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordPunch {
    /// On which device.
    pub device: Device,
    /// Whose.
    pub employee_id: EmployeeId,
    /// The device's time.
    pub at: Timestamp,
    /// `in`, `out`, where the device knows.
    #[schema(value_type = Option<String>)]
    pub direction: Option<Direction>,
}

impl Addressed for RecordPunch {
    type To = New<PunchId>;
}

/// Records a punch of somebody who is employed on that day; `recorder` is kept with it where no device sent it.
pub fn decide(
    id: PunchId,
    command: &RecordPunch,
    (by, recorder): (Person, Option<Person>),
    now: Timestamp,
) -> Result<Decision<Punch>, Refusal> {
    command.device.check()?;
    if by.is_employee(command.employee_id) {
        return Err(Refusal::OwnRecord {});
    }
    command.device.has_seen(command.at, now)?;
    let punch = Punch {
        id,
        employee: command.employee_id,
        branch: command.device.branch_id,
        device: command.device.code.clone(),
        at: command.at,
        received_at: now,
        skew_seconds: command.device.skew_seconds(now),
        direction: command.direction,
        recorder,
        batch: None,
        state: State::Recorded,
        version: Version::NONE,
    };
    let recorded = PunchRecorded(Happened::to(&punch));
    Ok(Decision::of(punch).and(recorded))
}

/// Records one punch; the same device, second and employee again answers with the punch that is there (P6.2-4).
#[utoipa::path(post, path = "/v1/hr/punches", request_body = RecordPunch, responses(Commanded<PunchView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RecordPunch, permission!("punch.record")>,
) -> Answer<PunchView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let RecordPunch { device, employee_id, at, .. } = &cmd.body;
            if !tx.reach().covers(Some(device.branch_id)) {
                return Err(not_found().into());
            }
            if store::employed(tx, &[(*employee_id, *at)], device.branch_id).await?.is_empty() {
                return Err(Refusal::NotEmployed { employee_id: *employee_id }.into());
            }
            let by = (Person::of(&cmd.principal), Person::by_hand(&cmd.principal));
            let decision = decide(cmd.id, &cmd.body, by, now)?;
            if let Some(same) = store::add_once(tx, &decision, word).await? {
                return Ok(Decision::of(same));
            }
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, device, person};
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_punch_keeps_the_devices_time_and_ours() {
        let now = at("2025-10-09T00:31:05Z");
        let command = RecordPunch {
            device: device(Some(at("2025-10-09T00:28:00Z"))),
            employee_id: EmployeeId::of(Uuid::from_u128(9)),
            at: at("2025-10-09T00:27:59Z"),
            direction: Some(Direction::In),
        };
        let punch = decide(PunchId::of(Uuid::from_u128(1)), &command, (person(10, None), None), now)
            .expect("it is in order");
        assert_eq!(punch.facts()[0].event_type, "hr.punch.recorded");
        let punch = punch.into_state();
        assert_eq!((punch.at, punch.received_at, punch.skew_seconds), (command.at, now, 185));
        let own = decide(PunchId::of(Uuid::from_u128(1)), &command, (person(10, Some(9)), None), now).err();
        assert_eq!(own, Some(Refusal::OwnRecord {}));
        let ahead = RecordPunch { at: at("2025-10-09T00:28:01Z"), ..command };
        let refused = decide(PunchId::of(Uuid::from_u128(1)), &ahead, (person(10, None), None), now).err();
        assert_eq!(refused, Some(Refusal::InTheFuture { at: ahead.at }));
    }
}
