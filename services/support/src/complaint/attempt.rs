//! Trying to reach the customer in vain: what counts for a promise (P3) and for the follow-up (C5).

use super::facts::CustomerTried;
use super::{Complaint, ComplaintView, FollowUp, Refusal, State, store};
use crate::contact::{self, Channel, Direction, Kind, Said};
use crate::hours;
use crate::person::Person;
use chrono::NaiveDate;
use events::ComplaintId;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The customer was not reached.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordAttempt {
    /// How he was tried.
    pub channel: Channel,
}

impl Addressed for RecordAttempt {
    type To = ComplaintId;
}

/// The most attempts at the follow-ups of one cycle: all of them are read with the case, and three end it (C5).
const MOST: usize = 50;

/// Records an attempt; after the reply it is one at a follow-up, of which a cycle has so many. `on` is the date in the branch's zone.
pub fn decide(
    complaint: Complaint,
    channel: Channel,
    on: NaiveDate,
    now: Timestamp,
) -> Result<Decision<Complaint>, Refusal> {
    let tried = CustomerTried { complaint_id: complaint.id, channel: channel.word().to_owned() };
    let mut follow_ups = complaint.follow_ups.clone();
    let state = match complaint.state {
        State::Replied | State::FollowingUp => {
            if follow_ups.iter().filter(|follow_up| follow_up.score.is_none()).count() >= MOST {
                return Err(Refusal::TriedOften { most: MOST });
            }
            let no = FollowUp::next_no(&follow_ups);
            follow_ups.push(FollowUp {
                no,
                channel,
                score: None,
                is_last_wanted: false,
                comment: None,
                on,
                at: now,
            });
            State::FollowingUp
        }
        State::Closed(_) => return Err(Refusal::Closed {}),
        open => open,
    };
    Ok(Decision::of(Complaint { state, follow_ups, ..complaint }).and(tried).under(clause!("R11")))
}

/// Records an attempt (P3, C5).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/attempt", request_body = RecordAttempt, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<RecordAttempt, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let on = now.date_in(hours::zone(tx, complaint.branch).await?);
            let decision = decide(complaint, cmd.body.channel, on, now)?;
            store::save(tx, &decision).await?;
            let complaint = decision.state();
            if let (State::FollowingUp, Some(attempt)) = (complaint.state, complaint.follow_ups.last()) {
                store::add_follow_up(tx, complaint, complaint.cycle, attempt).await?;
            }
            let said = store::said(complaint, Direction::Out, cmd.body.channel, Kind::Courtesy);
            let said = Said { reached: false, ..said };
            contact::record(tx, store::parties(complaint, cmd.principal.employee), said).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::walk::{World, graded, replied};
    use super::*;
    use events::support::Severity;

    fn tried(complaint: Complaint) -> Result<Decision<Complaint>, Refusal> {
        let on = NaiveDate::from_ymd_opt(2025, 10, 9).expect("a day");
        decide(complaint, Channel::Phone, on, World::now())
    }

    #[test]
    fn r11_a_customer_is_tried_so_often_and_no_more_in_one_cycle() {
        let mut complaint = replied(Severity::S1);
        for _ in 0..50 {
            complaint = tried(complaint).expect("he may be tried").into_state();
        }
        assert_eq!(complaint.follow_ups.len(), 50);
        assert_eq!(tried(complaint).err(), Some(Refusal::TriedOften { most: 50 }));
        let early = tried(graded(Severity::S1)).expect("before the reply none is kept with the case");
        assert!(early.state().follow_ups.is_empty());
    }
}
