//! Recording what a device has collected: up to 500 punches at once, each with a result of its own.
//!
//! One event per request: a device that comes back after a day off-line is one thing that happened.

use super::{Device, Punch, Refusal, State, store};
use crate::attendance::derive::Direction;
use crate::ids::{PunchBatchId, PunchId};
use crate::person::Person;
use events::event;
use house::problem::ItemProblem;
use house::{Addressed, Answer, Command, Commanded, House, New, Shown, not_found, permission};
use journal::Failure;
use kernel::{Aggregate, BranchId, Decision, EmployeeId, Refusal as _, Timestamp, Version};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use utoipa::ToSchema;

/// The most that one request may hold (`api.md`, Bulk).
const MOST: usize = 500;

/// What a device has collected.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordPunches {
    /// Which device.
    pub device: Device,
    /// True for all or nothing; false, the default, records what is in order.
    #[serde(default)]
    pub atomic: bool,
    /// The punches, at most 500.
    pub items: Vec<NewPunch>,
}

/// One punch of a batch.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPunch {
    /// The device's own name for it; comes back with the result.
    pub client_ref: Option<String>,
    /// Whose.
    pub employee_id: EmployeeId,
    /// The device's time.
    pub at: Timestamp,
    /// `in`, `out`, where the device knows.
    #[schema(value_type = Option<String>)]
    pub direction: Option<Direction>,
}

impl Addressed for RecordPunches {
    type To = New<PunchBatchId>;
}

/// A batch as it was taken.
#[derive(Debug, Clone)]
pub struct PunchBatch {
    /// Which.
    pub id: PunchBatchId,
    /// Where the device hangs.
    pub branch: BranchId,
    /// The device.
    pub device: String,
    /// What became of each item, in order.
    pub items: Vec<ItemResult>,
    /// Its version.
    pub version: Version,
}

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ItemResult {
    /// The device's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ref: Option<String>,
    /// The punch, the one that was there already included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub punch_id: Option<PunchId>,
    /// What became of it.
    pub result: Taken,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<ItemProblem>,
}

/// What became of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// New, and kept.
    Recorded,
    /// The same punch was there already.
    Repeated,
    /// Not in order.
    Refused,
}

impl PunchBatch {
    fn count(&self, taken: Taken) -> i32 {
        let count = self.items.iter().filter(|item| item.result == taken).count();
        i32::try_from(count).expect("a batch holds 500 at most")
    }
}

impl Aggregate for PunchBatch {
    type Id = PunchBatchId;
    const KIND: &'static str = "punch_batch";
    fn id(&self) -> PunchBatchId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

/// A device has handed over what it had collected.
#[derive(Debug, Clone, Serialize)]
struct PunchesRecorded {
    punch_batch_id: PunchBatchId,
    branch_id: BranchId,
    device: String,
    recorded: i32,
    repeated: i32,
    refused: i32,
}
event!(PunchesRecorded, "hr.punch.batch_recorded", internal);

/// A batch as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PunchBatchView {
    /// Which.
    pub id: PunchBatchId,
    /// How many were new.
    pub recorded: i32,
    /// How many were there already.
    pub repeated: i32,
    /// How many were refused.
    pub refused: i32,
    /// What became of each, in order.
    pub items: Vec<ItemResult>,
}

impl Shown for PunchBatch {
    type View = PunchBatchView;
    fn view(&self, _version: Version) -> PunchBatchView {
        PunchBatchView {
            id: self.id,
            recorded: self.count(Taken::Recorded),
            repeated: self.count(Taken::Repeated),
            refused: self.count(Taken::Refused),
            items: self.items.clone(),
        }
    }
    fn path(&self) -> String {
        "/v1/hr/punches".to_owned()
    }
}

/// Which items are in order, as punches with `ids`; and the refusal of each that is not. `employed` holds the places of
/// the items whose people are employed on that day.
pub fn check(
    command: &RecordPunches,
    employed: &BTreeSet<usize>,
    by: Person,
    now: Timestamp,
) -> Result<BTreeMap<usize, Refusal>, Refusal> {
    command.device.check()?;
    if command.items.is_empty() || command.items.len() > MOST {
        return Err(Refusal::BatchSize { most: MOST });
    }
    let mut refused = BTreeMap::new();
    for (place, item) in command.items.iter().enumerate() {
        if let Err(refusal) = command.device.has_seen(item.at, now) {
            refused.insert(place, refusal);
        } else if !employed.contains(&place) {
            refused.insert(place, Refusal::NotEmployed { employee_id: item.employee_id });
        } else if by.is_employee(item.employee_id) {
            refused.insert(place, Refusal::OwnRecord {});
        }
    }
    if command.atomic && !refused.is_empty() {
        let items = refused.keys().copied().collect();
        let codes = refused.into_values().map(|refusal| refusal.refused().error.code).collect();
        return Err(Refusal::BatchRefused { items, codes });
    }
    Ok(refused)
}

/// The punch of one item.
fn punch(
    command: &RecordPunches,
    item: &NewPunch,
    ids: (PunchBatchId, PunchId),
    (recorder, now): (Option<Person>, Timestamp),
) -> Punch {
    let (batch, id) = ids;
    Punch {
        id,
        employee: item.employee_id,
        branch: command.device.branch_id,
        device: command.device.code.clone(),
        at: item.at,
        received_at: now,
        skew_seconds: command.device.skew_seconds(now),
        direction: item.direction,
        recorder,
        batch: Some(batch),
        state: State::Recorded,
        version: Version::NONE,
    }
}

/// Says what became of each item, given the punches tried and the ids that stand for them now.
pub fn decide(
    id: PunchBatchId,
    command: &RecordPunches,
    mut refused: BTreeMap<usize, Refusal>,
    kept: &HashMap<usize, (PunchId, Taken)>,
) -> Decision<PunchBatch> {
    let items = command.items.iter().enumerate().map(|(place, item)| {
        let problem = refused.remove(&place).map(|refusal| ItemProblem::from(refusal.refused()));
        let found = kept.get(&place);
        ItemResult {
            client_ref: item.client_ref.clone(),
            punch_id: found.map(|(id, _)| *id),
            result: found.map_or(Taken::Refused, |(_, taken)| *taken),
            problem,
        }
    });
    let batch = PunchBatch {
        id,
        branch: command.device.branch_id,
        device: command.device.code.clone(),
        items: items.collect(),
        version: Version::NONE,
    };
    let recorded = PunchesRecorded {
        punch_batch_id: id,
        branch_id: batch.branch,
        device: batch.device.clone(),
        recorded: batch.count(Taken::Recorded),
        repeated: batch.count(Taken::Repeated),
        refused: batch.count(Taken::Refused),
    };
    Decision::of(batch).and(recorded)
}

/// Records what a device has collected (P6.2-4).
#[utoipa::path(post, path = "/v1/hr/punches/batch", request_body = RecordPunches, responses(Commanded<PunchBatchView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RecordPunches, permission!("punch.record")>,
) -> Answer<PunchBatchView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let (branch, by_hand) = (cmd.body.device.branch_id, Person::by_hand(&cmd.principal));
            if !tx.reach().covers(Some(branch)) {
                return Err(not_found().into());
            }
            let wanted: Vec<_> =
                cmd.body.items.iter().take(MOST + 1).map(|item| (item.employee_id, item.at)).collect();
            let employed = store::employed(tx, &wanted, branch).await?;
            let refused = check(&cmd.body, &employed, Person::of(&cmd.principal), now)?;
            let good = cmd.body.items.iter().enumerate().filter(|(place, _)| !refused.contains_key(place));
            let punches: Vec<_> = good
                .map(|(place, item)| (place, punch(&cmd.body, item, (cmd.id, tx.fresh()), (by_hand, now))))
                .collect();
            let kept = store::add_many(tx, cmd.id, &punches).await?;
            let decision = decide(cmd.id, &cmd.body, refused, &kept);
            store::add_batch(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, device, person};
    use super::*;
    use uuid::Uuid;

    fn command(items: usize) -> RecordPunches {
        let item = |place: usize| NewPunch {
            client_ref: Some(place.to_string()),
            employee_id: EmployeeId::of(Uuid::from_u128(9)),
            at: at("2025-10-09T00:30:00Z"),
            direction: None,
        };
        RecordPunches { device: device(None), atomic: false, items: (0..items).map(item).collect() }
    }

    #[test]
    fn each_item_has_a_result_of_its_own_and_all_or_nothing_is_refused_whole() {
        let (now, employed) = (at("2025-10-09T01:00:00Z"), BTreeSet::from([0, 2]));
        let mixed = command(3);
        let refused = check(&mixed, &employed, person(10, None), now).expect("what is in order is taken");
        assert_eq!(refused.keys().collect::<Vec<_>>(), [&1]);
        let atomic =
            check(&RecordPunches { atomic: true, ..command(3) }, &employed, person(10, None), now).err();
        let whole = Refusal::BatchRefused { items: vec![1], codes: vec!["hr.punch.not_employed"] };
        assert_eq!(atomic, Some(whole));
        let own = check(&command(1), &employed, person(10, Some(9)), now).expect("the others are taken");
        assert_eq!(own, BTreeMap::from([(0, Refusal::OwnRecord {})]));
        let kept = HashMap::from([
            (0, (PunchId::of(Uuid::from_u128(1)), Taken::Recorded)),
            (2, (PunchId::of(Uuid::from_u128(1)), Taken::Repeated)),
        ]);
        let decision = decide(PunchBatchId::of(Uuid::from_u128(5)), &mixed, refused, &kept);
        let results: Vec<_> = decision.state().items.iter().map(|item| item.result).collect();
        assert_eq!(results, [Taken::Recorded, Taken::Refused, Taken::Repeated]);
        let [fact] = decision.facts() else { panic!("one event per request") };
        assert_eq!(fact.event_type, "hr.punch.batch_recorded");
        assert_eq!((fact.data["recorded"].as_i64(), fact.data["refused"].as_i64()), (Some(1), Some(1)));
    }

    #[test]
    fn a_batch_holds_one_to_five_hundred() {
        let now = at("2025-10-09T01:00:00Z");
        let employed = (0..=501).collect();
        for (items, is_good) in [(0, false), (1, true), (500, true), (501, false)] {
            assert_eq!(check(&command(items), &employed, person(10, None), now).is_ok(), is_good, "{items}");
        }
    }
}
