//! The relay's second half: publishes what is numbered, in order (`events.md` §3).
//!
//! The stream's own sequence number is the journal's number: the server refuses a lost, repeated or overtaking
//! publish, and after any accident the publisher asks the stream where it stands and goes on from there.

use crate::Fault;
use crate::bus::{Bus, StreamState, WINDOW, stream_name, to_seq};
use crate::epoch::{self, Epochs, Stretch};
use crate::failpoint::failpoint;
use crate::lease::look_again;
use crate::metrics::PublishSeen;
use crate::numbering::{JournalRow, let_be_told, numbered, numbered_within};
use crate::relay::{BACK_OFF, BACK_OFF_MOST, Drain, Numbered, Progress};
use crate::stream::first_of;
use async_nats::jetstream::context::PublishAckFuture;
use sqlx::PgPool;
use std::collections::VecDeque;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// Rows read from the journal at once, where they are not fresh from a turn; fewer where they say much.
const READ_AHEAD: i64 = 4_096;
/// Bytes of the payloads that are read at once.
const READ_BYTES: usize = 8 * 1_024 * 1_024;

/// How often a relay with nothing to send looks whether the bus still holds what it was sent.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Publishes for one service.
pub(crate) struct Publisher {
    service: &'static str,
    pool: PgPool,
    bus: Bus,
    status: Arc<watch::Sender<Progress>>,
}

impl Publisher {
    pub(crate) fn new(
        service: &'static str,
        pool: PgPool,
        bus: Bus,
        status: Arc<watch::Sender<Progress>>,
    ) -> Self {
        Self { service, pool, bus, status }
    }

    /// What it works on: how far numbering is, the rows of the latest turns, who waits for what.
    pub(crate) fn fed_by(
        self,
        lead: watch::Receiver<Option<Numbered>>,
        fresh: mpsc::Receiver<Vec<JournalRow>>,
        asked: mpsc::UnboundedReceiver<Drain>,
    ) -> Publishing {
        Publishing {
            seen: PublishSeen::new(self.service),
            to: self,
            lead,
            fresh,
            asked,
            rows: VecDeque::new(),
            ahead: None,
            waiting: Vec::new(),
            epochs: Epochs::default(),
            agreed: None,
        }
    }
}

/// A publisher at work.
pub(crate) struct Publishing {
    to: Publisher,
    lead: watch::Receiver<Option<Numbered>>,
    fresh: mpsc::Receiver<Vec<JournalRow>>,
    asked: mpsc::UnboundedReceiver<Drain>,
    /// Rows at hand, ascending; they may begin below what is wanted, or above it.
    rows: VecDeque<JournalRow>,
    /// What follows rows that were read from the journal, under way while these are sent: the bus need not wait for it.
    ahead: Option<Ahead>,
    waiting: Vec<Drain>,
    seen: PublishSeen,
    /// The service's epochs, as of the last comparison with the stream.
    epochs: Epochs,
    /// Up to where the stream was seen to hold what the journal holds.
    agreed: Option<Agreed>,
}

/// The numbered rows from a number on, being read.
struct Ahead {
    from: i64,
    rows: AbortOnDropHandle<Result<Vec<JournalRow>, Fault>>,
}

/// Up to which number a stream tells what the journal tells: which stream, by its epoch and the time it was made.
#[derive(Debug, Clone, Copy)]
struct Agreed {
    stream: (i32, i64),
    up_to: i64,
}

impl Publishing {
    pub(crate) async fn run(&mut self) {
        let mut pause = BACK_OFF;
        let mut connected = self.to.bus.connected();
        loop {
            let Some(numbered) = *self.lead.borrow_and_update() else {
                // Whoever leads publishes. The numberer says why we do not.
                self.to.status.send_modify(|status| {
                    status.publishing_stopped = None;
                    status.is_restored = false;
                });
                if !self.stand_by().await {
                    return;
                }
                continue;
            };
            connected.mark_unchanged();
            let before = self.to.status.borrow().last_published;
            let Err(fault) = self.publish(numbered, &mut connected).await else { continue };
            if self.to.status.borrow().last_published != before {
                pause = BACK_OFF;
            }
            tracing::warn!(service = self.to.service, error = %fault, "publishing stopped; trying again");
            self.to.status.send_modify(|status| status.publishing_stopped = Some(fault.to_string()));
            let is_another = |now: &Option<Numbered>| now.is_some_and(|now| now.reign != numbered.reign);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = connected.changed() => {}
                () = async { let _ = self.lead.wait_for(is_another).await.map(drop); } => {}
            }
            pause = (pause * 2).min(BACK_OFF_MOST);
        }
    }

    /// Says how far the stream is while another process publishes; false where nobody will ever lead here again.
    async fn stand_by(&mut self) -> bool {
        let mut lead = self.lead.clone();
        loop {
            tokio::select! {
                changed = lead.changed() => return changed.is_ok(),
                Some(drain) = self.asked.recv() => self.waiting.push(drain),
                () = tokio::time::sleep(look_again(&self.waiting)) => {}
            }
            tokio::select! {
                changed = lead.changed() => return changed.is_ok(),
                () = self.look_from_afar() => {}
            }
        }
    }

    /// A bus that does not answer is told of elsewhere.
    async fn look_from_afar(&mut self) {
        let epoch = self.to.status.borrow().epoch;
        let Ok(stream) = self.to.bus.state(&stream_name(self.to.service, epoch)).await else { return };
        let published = stream.map_or(0, |stream| stream.last_seq);
        self.to.status.send_if_modified(|status| {
            let is_news = status.last_published != published;
            status.last_published = published;
            is_news
        });
        self.answer_drains(published);
    }

    /// Publishes until something fails, the connection changes, or another relay leads.
    async fn publish(
        &mut self,
        numbered: Numbered,
        connected: &mut watch::Receiver<u64>,
    ) -> Result<(), Fault> {
        // What another database, restored since, had under these numbers must not be sent.
        (self.rows, self.ahead) = (VecDeque::new(), None);
        while self.fresh.try_recv().is_ok() {}
        let mut published = self.agree(numbered).await?;
        self.let_be_told(numbered).await?;
        self.seen.began();
        self.to.status.send_modify(|status| {
            status.last_published = published;
            status.publishing_stopped = None;
            status.is_restored = false;
        });
        let mut next = published + 1;
        // Dropped on any error: go-back-N, from what the stream says then.
        let mut in_flight: VecDeque<(i64, PublishAckFuture)> = VecDeque::new();
        loop {
            self.answer_drains(published);
            let Some(now) = *self.lead.borrow_and_update() else { return Ok(()) };
            if now.reign != numbered.reign {
                return Ok(());
            }
            while in_flight.len() < WINDOW && next <= now.last {
                let row = self.row(next).await?;
                failpoint("relay.sending")?;
                in_flight.push_back((next, self.to.bus.send(self.to.service, &self.epochs, row).await?));
                self.seen.sent();
                next += 1;
            }
            if let Some((seq, acknowledgement)) = in_flight.pop_front() {
                failpoint("relay.sent")?;
                tokio::select! {
                    stored = acknowledgement.into_future() => {
                        let stored = stored.map_err(|error| Fault::Bus(error.to_string()))?.sequence;
                        if to_seq(stored)? != seq {
                            return Err(Fault::Bus(format!("event {seq} was stored as {stored}")));
                        }
                    }
                    _ = connected.changed() => return Err(Fault::Bus("the connection to the bus changed".to_owned())),
                }
                self.seen.acknowledged();
                published = seq;
                // It is the bus's word that this number is ours.
                self.agreed = self.agreed.map(|agreed| Agreed { up_to: seq, ..agreed });
                failpoint("relay.acknowledged")?;
                self.to.status.send_modify(|status| status.last_published = published);
                continue;
            }
            tokio::select! {
                changed = self.lead.changed() => changed.map_err(|error| Fault::Bus(error.to_string()))?,
                Some(drain) = self.asked.recv() => self.waiting.push(drain),
                () = tokio::time::sleep(LOOK_AGAIN) => return Ok(()),
                _ = connected.changed() => return Err(Fault::Bus("the connection to the bus changed".to_owned())),
            }
        }
    }

    /// Stream and journal agree: what is numbered may be told beside the bus, too.
    async fn let_be_told(&self, numbered: Numbered) -> Result<(), Fault> {
        if self.to.status.borrow().told_to.is_none() {
            return Ok(());
        }
        let_be_told(&self.to.pool, numbered.term).await?;
        // Whoever leads anew meanwhile says so of itself.
        let leads = self.lead.borrow().is_some_and(|now| now.reign == numbered.reign);
        if leads {
            self.to.status.send_modify(|status| status.told_to = None);
        }
        Ok(())
    }

    fn answer_drains(&mut self, published: i64) {
        while let Ok(drain) = self.asked.try_recv() {
            self.waiting.push(drain);
        }
        for place in (0..self.waiting.len()).rev() {
            if self.waiting[place].0 <= published {
                let _ = self.waiting.swap_remove(place).1.send(());
            }
        }
    }

    /// The row of a number that has been given: fresh from a turn, or read from the journal.
    async fn row(&mut self, seq: i64) -> Result<JournalRow, Fault> {
        loop {
            while self.rows.front().is_some_and(|row| row.seq < seq) {
                self.rows.pop_front();
            }
            match self.rows.pop_front() {
                Some(row) if row.seq == seq => return Ok(row),
                Some(_) => self.rows = self.read(seq).await?,
                None => match self.fresh.try_recv() {
                    Ok(rows) => self.rows = rows.into(),
                    Err(_) => self.rows = self.read(seq).await?,
                },
            }
        }
    }

    async fn read(&mut self, seq: i64) -> Result<VecDeque<JournalRow>, Fault> {
        let rows = match self.ahead.take().filter(|ahead| ahead.from == seq) {
            Some(ahead) => ahead.rows.await.map_err(|error| Fault::Bus(error.to_string()))??,
            None => numbered_within(&self.to.pool, seq, (READ_AHEAD, READ_BYTES)).await?,
        };
        let is_there = rows.first().is_some_and(|first| first.seq == seq);
        let Some(last) = rows.last().filter(|_| is_there) else {
            return Err(Fault::Bus(format!("the journal has no event {seq}")));
        };
        let (pool, from) = (self.to.pool.clone(), last.seq + 1);
        if self.lead.borrow().is_some_and(|now| from <= now.last) {
            let read = async move { numbered_within(&pool, from, (READ_AHEAD, READ_BYTES)).await };
            self.ahead = Some(Ahead { from, rows: AbortOnDropHandle::new(tokio::spawn(read)) });
        }
        Ok(rows.into())
    }

    /// Compares the stream with the journal; says from where to publish on, or refuses to.
    async fn agree(&mut self, numbered_so_far: Numbered) -> Result<i64, Fault> {
        let Numbered { epoch, last, .. } = numbered_so_far;
        self.epochs = epoch::load(&self.to.pool).await?;
        if self.epochs.latest().epoch != epoch {
            return Err(Fault::Stale);
        }
        let name = stream_name(self.to.service, epoch);
        let newest = self.to.bus.newest(self.to.service).await?;
        if let Some(newer) = newest.as_ref().filter(|newest| newest.epoch > epoch) {
            return Err(self.restored(&stream_name(self.to.service, newer.epoch)));
        }
        let state = match newest.filter(|newest| newest.epoch == epoch) {
            Some(newest) => {
                self.to.bus.replicate(self.to.service, &newest).await?;
                Some(newest.state)
            }
            None => {
                if self.to.bus.state(&name).await?.is_some() {
                    // Set aside for an epoch that this database does not know (any more).
                    return Err(self.restored(&name));
                }
                None
            }
        };
        let at = match &state {
            Some(stream) if stream.messages > 0 => {
                numbered(&self.to.pool, stream.last_seq, 1).await?.first().map(|row| (row.seq, row.event_id))
            }
            Some(_) | None => None,
        };
        // The stream may have grown by what this relay sent before it lost the connection, but never beyond what
        // the journal has numbered by now.
        match compare(state.as_ref(), last, at) {
            Agreement::Continue(last) => {
                self.compare_window(state.as_ref(), last).await?;
                Ok(last)
            }
            Agreement::Make => {
                let of = (&self.to.pool, &self.to.bus, self.to.service);
                let first = first_of(of, &self.epochs, last).await?;
                if state.is_none_or(|stream| stream.last_seq + 1 != first) {
                    self.to.bus.make(self.to.service, &self.epochs, first).await?;
                }
                Ok(first - 1)
            }
            Agreement::Behind { lacks_from, lacks_to } => Err(Fault::Bus(format!(
                "the stream {name} lacks the events {lacks_from} to {lacks_to}, and the journal keeps them no longer. \
                 Nothing is published until an operator has it made again (steward stream rebuild)"
            ))),
            Agreement::Refuse => Err(self.restored(&name)),
        }
    }

    /// Compares the ids of a whole window, not the last one only: behind it may stand what a process had on its way when its
    /// database was restored, taken by the bus in the place of ours (found by the model, `tests/model`).
    async fn compare_window(&mut self, stream: Option<&StreamState>, last: i64) -> Result<(), Fault> {
        let Some(stream) = stream else { return Ok(()) };
        let epoch = self.epochs.latest().epoch;
        let known = self.agreed.filter(|agreed| agreed.stream == (epoch, stream.created));
        let window = i64::try_from(WINDOW).unwrap_or(i64::MAX);
        let from = (last - window + 1).max(stream.first_seq).max(known.map_or(0, |agreed| agreed.up_to + 1));
        if from <= last {
            let stretch = Stretch { epoch, from, to: last };
            let held = self.to.bus.between(self.to.service, stretch, WINDOW).await?;
            let ours = numbered(&self.to.pool, from, last - from + 1).await?;
            let ours: Vec<(i64, Uuid)> = ours.iter().map(|row| (row.seq, row.event_id)).collect();
            // The stream may keep what the journal has dropped already.
            let oldest = ours.first().map_or(last, |(seq, _)| *seq);
            let held = held.iter().filter(|event| event.seq >= oldest);
            let held: Vec<(i64, Uuid)> = held.map(|event| (event.seq, event.event_id)).collect();
            if held != ours {
                return Err(self.restored(&stream_name(self.to.service, epoch)));
            }
        }
        self.agreed = Some(Agreed { stream: (epoch, stream.created), up_to: last });
        Ok(())
    }

    fn restored(&self, stream: &str) -> Fault {
        self.to.status.send_modify(|status| status.is_restored = true);
        Fault::Bus(format!(
            "the stream {stream} holds events that this journal does not know: the database is older than the bus. \
             Nothing is published until an operator begins a new epoch (steward epoch begin {})",
            self.to.service
        ))
    }
}

/// What the stream's state means for the relay.
#[derive(Debug, PartialEq, Eq)]
enum Agreement {
    /// Publish on after this number.
    Continue(i64),
    /// There is no stream, or an empty one: make it.
    Make,
    /// The stream lacks what the journal keeps no longer: these numbers, both included.
    Behind { lacks_from: i64, lacks_to: i64 },
    /// The stream knows more, or other things, than the journal: a restored database.
    Refuse,
}

/// `at` is the journal's first event at the stream's last number or above: it drops its oldest partitions.
fn compare(stream: Option<&StreamState>, last_numbered: i64, at: Option<(i64, Uuid)>) -> Agreement {
    let Some(stream) = stream else { return Agreement::Make };
    let last = stream.last_seq;
    if last > last_numbered {
        // Also of an empty one: a number above ours says that somebody published what we do not know.
        return Agreement::Refuse;
    }
    if stream.messages == 0 {
        return Agreement::Make;
    }
    // The next number that the journal can give.
    let next = at.map_or(last_numbered + 1, |(seq, _)| seq);
    match at {
        Some((seq, event)) if seq == last && stream.last_event == Some(event) => Agreement::Continue(last),
        Some((seq, _)) if seq == last => Agreement::Refuse,
        Some(_) | None if next == last + 1 => Agreement::Continue(last),
        Some(_) | None => Agreement::Behind { lacks_from: last + 1, lacks_to: next - 1 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(last_seq: i64, messages: u64, event: u128) -> StreamState {
        StreamState { last_seq, first_seq: 1, messages, last_event: Some(Uuid::from_u128(event)), created: 0 }
    }

    #[test]
    fn the_relay_goes_on_from_where_the_stream_stands_and_refuses_a_newer_one() {
        let at = |seq, event| Some((seq, Uuid::from_u128(event)));
        assert_eq!(compare(None, 7, None), Agreement::Make);
        assert_eq!(compare(Some(&stream(0, 0, 0)), 7, None), Agreement::Make);
        assert_eq!(compare(Some(&stream(5, 5, 50)), 7, at(5, 50)), Agreement::Continue(5));
        assert_eq!(compare(Some(&stream(7, 7, 70)), 7, at(7, 70)), Agreement::Continue(7));
        // The database was restored: it is shorter than the bus …
        assert_eq!(compare(Some(&stream(9, 9, 90)), 7, None), Agreement::Refuse);
        assert_eq!(compare(Some(&stream(9, 0, 0)), 7, None), Agreement::Refuse);
        // … or has numbered on since, and other events stand at the same numbers.
        assert_eq!(compare(Some(&stream(5, 5, 51)), 7, at(5, 50)), Agreement::Refuse);
    }

    #[test]
    fn what_the_journal_has_dropped_leaves_no_gap_in_the_stream() {
        let at = |seq| Some((seq, Uuid::from_u128(70)));
        assert_eq!(compare(Some(&stream(5, 5, 50)), 9, at(6)), Agreement::Continue(5));
        assert_eq!(compare(Some(&stream(9, 9, 90)), 9, None), Agreement::Continue(9));
        let lacks = |lacks_from, lacks_to| Agreement::Behind { lacks_from, lacks_to };
        assert_eq!(compare(Some(&stream(5, 5, 50)), 9, at(8)), lacks(6, 7));
        assert_eq!(compare(Some(&stream(5, 5, 50)), 9, None), lacks(6, 9));
    }
}
