//! Punches: who came or went when, by a device's own clock (P6.2-4).
//!
//! Append-only. The same device, second and employee is the same punch, however often it arrives; a wrong one is
//! voided by two persons and kept. What a day comes to is `attendance`.

pub mod batch;
pub mod confirm_void;
mod list;
pub mod record;
pub(crate) mod store;
pub mod void;

use crate::attendance::derive::Direction;
use crate::ids::{PunchBatchId, PunchId};
use crate::person::Person;
use chrono::TimeDelta;
use events::event;
use house::{House, OpenApiRouter, Shown, routes};
use kernel::{Aggregate, BranchId, EmployeeId, Timestamp, UserId, Version, clause, refusals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One punch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Punch {
    /// Which.
    pub id: PunchId,
    /// Whose.
    pub employee: EmployeeId,
    /// Where the device hangs.
    pub branch: BranchId,
    /// The device.
    pub device: String,
    /// The device's time.
    pub at: Timestamp,
    /// Ours when it arrived.
    pub received_at: Timestamp,
    /// How far the device's clock was off then, seconds; above zero where it was slow.
    pub skew_seconds: i32,
    /// Coming or going, where the device knows.
    pub direction: Option<Direction>,
    /// Who recorded it; none where a device did, through the integration client.
    pub recorder: Option<Person>,
    /// What it arrived in, where not alone.
    pub batch: Option<PunchBatchId>,
    /// Whether it counts.
    pub state: State,
    /// How many events it has had; none where it came in a batch.
    pub version: Version,
}

/// Whether a punch counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does.
    Recorded,
    /// Somebody says it is wrong; it counts until another one agrees.
    Disputed(Dispute),
    /// It does not.
    Voided(Dispute, Person, Timestamp),
}

/// Who says that a punch is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// Who.
    pub by: Person,
    /// Why.
    pub reason: String,
}

impl State {
    /// As tables and views write it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Disputed(_) => "disputed",
            Self::Voided(..) => "voided",
        }
    }

    /// Who says it is wrong, if somebody does.
    const fn dispute(&self) -> Option<&Dispute> {
        match self {
            Self::Recorded => None,
            Self::Disputed(dispute) | Self::Voided(dispute, ..) => Some(dispute),
        }
    }
}

impl Aggregate for Punch {
    type Id = PunchId;
    const KIND: &'static str = "punch";
    fn id(&self) -> PunchId {
        self.id
    }
    fn branch(&self) -> Option<BranchId> {
        Some(self.branch)
    }
    fn version(&self) -> Version {
        self.version
    }
}

refusals! {
    /// It lies ahead, even by the device's own clock.
    InTheFuture { at: Timestamp } = "hr.punch.in_the_future", clause!("P6.2-4");
    /// Nobody of that id is employed on that day.
    NotEmployed { employee_id: EmployeeId } = "hr.punch.not_employed", clause!("P6.2-4");
    /// A device has a short code of its own.
    DeviceMalformed {} = "hr.punch.device_malformed";
    /// A batch holds some punches, and not too many.
    BatchSize { most: usize } = "hr.punch.batch_size";
    /// All or nothing was asked for, and some are refused.
    BatchRefused { items: Vec<usize>, codes: Vec<&'static str> } = "hr.punch.batch_refused", clause!("P6.2-4");
    /// A void says why, in a sentence.
    ReasonLength { most: usize } = "hr.punch.reason_length", clause!("P6.2-4");
    /// Nobody voids a punch alone.
    OwnDispute {} = "sod.punch.own_dispute", clause!("P6.2-4");
    /// Nobody records his own punch by hand: a device does (H4).
    OwnRecord {} = "sod.punch.own_record", clause!("P6.2-4");
    /// Nobody voids his own punch.
    OwnPunch {} = "sod.punch.own_punch", clause!("P6.2-4");
    /// It is disputed already, or void.
    NotRecorded { state: &'static str } = "hr.punch.not_recorded", clause!("P6.2-4");
    /// Nobody has said that it is wrong.
    NotDisputed { state: &'static str } = "hr.punch.not_disputed", clause!("P6.2-4");
}

/// What happened to a punch.
#[derive(Debug, Clone, Serialize)]
struct Happened {
    punch_id: PunchId,
    employee_id: EmployeeId,
    at: Timestamp,
}

impl Happened {
    const fn to(punch: &Punch) -> Self {
        Self { punch_id: punch.id, employee_id: punch.employee, at: punch.at }
    }
}

/// A punch arrived alone.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PunchRecorded(Happened);
event!(PunchRecorded, "hr.punch.recorded", internal);

/// Somebody says that a punch is wrong.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PunchDisputed(Happened);
event!(PunchDisputed, "hr.punch.disputed", internal);

/// Another one agrees.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct PunchVoided(Happened);
event!(PunchVoided, "hr.punch.voided", internal);

/// A punch as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PunchView {
    /// Which.
    pub id: PunchId,
    /// Whose.
    pub employee_id: EmployeeId,
    /// Where the device hangs.
    pub branch_id: BranchId,
    /// The device.
    pub device: String,
    /// The device's time.
    pub at: Timestamp,
    /// Ours when it arrived.
    pub received_at: Timestamp,
    /// How far the device's clock was off then.
    pub skew_seconds: i32,
    /// `in`, `out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<&'static str>,
    /// `recorded`, `disputed`, `voided`.
    pub state: &'static str,
    /// Why it is said to be wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub void_reason: Option<String>,
    /// Who said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disputed_by: Option<UserId>,
    /// The ETag.
    pub version: Version,
}

impl Shown for Punch {
    type View = PunchView;
    fn view(&self, version: Version) -> PunchView {
        PunchView {
            id: self.id,
            employee_id: self.employee,
            branch_id: self.branch,
            device: self.device.clone(),
            at: self.at,
            received_at: self.received_at,
            skew_seconds: self.skew_seconds,
            direction: self.direction.map(word),
            state: self.state.word(),
            void_reason: self.state.dispute().map(|dispute| dispute.reason.clone()),
            disputed_by: self.state.dispute().map(|dispute| dispute.by.user),
            version,
        }
    }
    fn path(&self) -> String {
        format!("/v1/hr/punches/{}", self.id)
    }
}

/// As tables and views write a direction.
const fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

/// A device at a moment: who it is, where it hangs, and what its clock shows.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its code: letters, digits, `-`, `_`, `.`.
    pub code: String,
    /// The branch it hangs in.
    pub branch_id: BranchId,
    /// What its clock shows now; absent where it shows the right time.
    pub clock: Option<Timestamp>,
}

impl Device {
    /// Refuses a code that is none.
    fn check(&self) -> Result<(), Refusal> {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let has_size = (1..=100).contains(&self.code.len());
        if has_size && self.code.bytes().all(is_good) { Ok(()) } else { Err(Refusal::DeviceMalformed {}) }
    }

    /// How far its clock is off, seconds; above zero where it is slow.
    fn skew_seconds(&self, now: Timestamp) -> i32 {
        let skew = self.clock.map_or(TimeDelta::zero(), |clock| now.since(clock)).num_seconds();
        i32::try_from(skew).unwrap_or(if skew > 0 { i32::MAX } else { i32::MIN })
    }

    /// Refuses a punch that lies ahead, even by its own clock.
    fn has_seen(&self, at: Timestamp, now: Timestamp) -> Result<(), Refusal> {
        if at <= self.clock.unwrap_or(now) { Ok(()) } else { Err(Refusal::InTheFuture { at }) }
    }
}

/// The room's routes.
pub(crate) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(record::route, list::list))
        .routes(routes!(batch::route))
        .routes(routes!(list::read))
        .routes(routes!(list::history))
        .routes(routes!(void::route))
        .routes(routes!(confirm_void::route))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use uuid::Uuid;

    pub(crate) fn at(text: &str) -> Timestamp {
        Timestamp::of(text.parse().expect("a literal"))
    }

    pub(super) fn device(clock: Option<Timestamp>) -> Device {
        Device { code: "B01-door".to_owned(), branch_id: BranchId::of(Uuid::from_u128(2)), clock }
    }

    pub(super) fn person(user: u128, employee: Option<u128>) -> Person {
        Person {
            user: UserId::of(Uuid::from_u128(user)),
            employee: employee.map(|id| EmployeeId::of(Uuid::from_u128(id))),
        }
    }

    pub(super) fn punch(state: State) -> Punch {
        Punch {
            id: PunchId::of(Uuid::from_u128(1)),
            employee: EmployeeId::of(Uuid::from_u128(9)),
            branch: BranchId::of(Uuid::from_u128(2)),
            device: "B01-door".to_owned(),
            at: at("2025-10-09T00:31:00Z"),
            received_at: at("2025-10-09T00:31:01Z"),
            skew_seconds: 0,
            direction: None,
            recorder: None,
            batch: None,
            state,
            version: Version::of(1),
        }
    }

    #[test]
    fn a_device_says_who_it_is_and_how_far_off_its_clock_is() {
        let now = at("2025-10-09T00:31:00Z");
        assert_eq!(device(None).check(), Ok(()));
        for code in ["", "王伟", "a b", &"x".repeat(101)] {
            let wrong = Device { code: code.to_owned(), ..device(None) };
            assert_eq!(wrong.check(), Err(Refusal::DeviceMalformed {}), "{code}");
        }
        assert_eq!(device(None).skew_seconds(now), 0);
        let fast = device(Some(now.plus(TimeDelta::seconds(121))));
        assert_eq!(fast.skew_seconds(now), -121);
        let later = now.plus(TimeDelta::seconds(100));
        assert_eq!(fast.has_seen(later, now), Ok(()));
        assert_eq!(device(None).has_seen(later, now), Err(Refusal::InTheFuture { at: later }));
    }
}
