//! Resuming a paused resolution: by whoever works on the case, or by itself at the cap (K4, K5).

use super::{CaseClock, ClockView, Pause, Refusal, State, store};
use crate::complaint;
use crate::hours;
use crate::person::Person;
use events::ClockId;
use events::support::ClockResumed;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::{Due, Failure, Tx};
use kernel::{Calendar, Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// What it waited for is there, or will not come.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeClock {}

impl Addressed for ResumeClock {
    type To = ClockId;
}

/// Counts again what was left.
pub fn decide(clock: CaseClock, calendar: &Calendar, now: Timestamp) -> Result<Decision<CaseClock>, Refusal> {
    let State::Paused(pause) = clock.state else {
        return Err(Refusal::NotPaused { state: clock.state.word() });
    };
    // Whoever comes later than the longest pause finds it counting since then (K4).
    Ok(again(clock, pause, calendar, now.min(pause.ends_at)))
}

/// Lets a paused clock count from an instant on.
pub(super) fn again(
    clock: CaseClock,
    pause: Pause,
    calendar: &Calendar,
    now: Timestamp,
) -> Decision<CaseClock> {
    let paused = clock.paused + clock.budget.elapsed(calendar, pause.at, now);
    let left = clock.left;
    let resumed = CaseClock { paused, state: State::Running, ..clock }.counting(calendar, now, left);
    let fact = ClockResumed { clock: resumed.fact(), paused_s: paused.num_seconds() };
    Decision::of(resumed).and(fact).under(clause!("P3.3.3-3"))
}

/// Resumes the resolution of a complaint (K4).
#[utoipa::path(post, path = "/v1/support/clocks/{id}/resume", request_body = ResumeClock, responses(Commanded<ClockView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ResumeClock, permission!("complaint.work")>,
) -> Answer<ClockView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = store::case_of(tx, cmd.id).await?;
            let complaint = complaint::worked_on(tx, complaint, Person::of(&cmd.principal)).await?;
            let clock = cmd.current(store::load(tx, cmd.id).await?)?;
            let decision = decide(clock, &hours::of(tx, complaint.branch).await?.calendar, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

/// The timer [`super::RESUME`]: it has paused for as long as it may and counts again from that instant. The clock of the
/// next reply, which never pauses, goes on reminding the owner of the customer.
pub(crate) async fn due(tx: &mut Tx, due: Due) -> Result<(), Failure> {
    let clock = store::load_due(tx, ClockId::of(due.reference)).await?;
    let State::Paused(_) = clock.state else { return Ok(()) };
    let opening = hours::of(tx, clock.branch).await?;
    let decision = decide(clock, &opening.calendar, due.at)?;
    Ok(store::save(tx, &decision).await?)
}
