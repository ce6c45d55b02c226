//! Where a reader stands, and in which stream it reads on (`events.md` §5).

use super::Worker;
use super::arriving::Arriving;
use crate::bus::{PATIENCE, StreamState, stream_name};
use crate::received::{Received, receive};
use crate::{Fault, Tx};
use futures::StreamExt;
use std::time::Duration;
use uuid::Uuid;

/// How often a reader looks for a stream that nobody has published to yet.
const LOOK_FOR_STREAM: Duration = Duration::from_millis(250);

/// The event applied last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// The epoch of the stream that was read.
    pub(super) epoch: i32,
    /// Its number; 0 where nothing was applied yet.
    pub(super) seq: i64,
    /// Its id, where it is known.
    pub(super) event_id: Option<Uuid>,
}

/// The stream a reader reads on in.
#[derive(Debug)]
pub(super) struct Place {
    /// The epoch that the source publishes in; the reader's own, or a later one.
    pub(super) newest: i32,
    /// The stream of the reader's epoch.
    pub(super) state: StreamState,
    /// The last number to be read in this stream, where a later one goes on after it.
    pub(super) base: Option<i64>,
}

impl Place {
    /// True where this stream has nothing more for a reader at this position.
    pub(super) fn is_read(&self, position: Position) -> bool {
        self.base.is_some_and(|base| position.seq >= base)
    }

    /// What of a batch may be applied.
    pub(super) fn within(&self, mut batch: Vec<Received>) -> Vec<Received> {
        if let Some(base) = self.base {
            batch.retain(|received| received.seq <= base);
        }
        batch
    }

    /// The number of the last event before the first one that the stream holds, as far as they are to be read.
    pub(super) fn before_first(&self) -> i64 {
        let before = if self.state.messages == 0 { self.state.last_seq } else { self.state.first_seq - 1 };
        self.base.map_or(before, |base| before.min(base))
    }
}

/// How many messages a subscription has delivered with this batch. The library makes a lost subscription anew behind the last
/// message it saw, without a word, and on whatever stream has the name by then: its count begins again, and so must we, with
/// a look at the event at the position.
pub(super) fn in_turn(batch: &[Received], delivered: u64) -> Result<u64, Fault> {
    batch.iter().try_fold(delivered, |before, received| {
        if received.delivered == before + 1 {
            Ok(received.delivered)
        } else {
            Err(Fault::Bus(format!("the subscription was made anew before the event {}", received.seq)))
        }
    })
}

impl Worker {
    /// The position as it is stored; a new reader begins before the first event.
    pub(super) async fn position(&self) -> Result<Position, Fault> {
        let (name, source) = self.key();
        sqlx::query!(
            "INSERT INTO reader (name, source, epoch, seq) VALUES ($1, $2, 1, 0) ON CONFLICT DO NOTHING",
            name,
            source
        )
        .execute(&self.context.pool)
        .await?;
        let position = sqlx::query_as!(
            Position,
            "SELECT epoch, seq, event_id FROM reader WHERE name = $1 AND source = $2",
            name,
            source
        )
        .fetch_one(&self.context.pool)
        .await?;
        self.stands_at(position);
        Ok(position)
    }

    pub(super) fn stands_at(&self, position: Position) {
        self.status.send_modify(|status| (status.epoch, status.seq) = (position.epoch, position.seq));
    }

    /// Moves the position in the transaction of the effect; moved by somebody else, nothing takes effect.
    pub(super) async fn move_to(&self, tx: &mut Tx, from: Position, to: Position) -> Result<(), Fault> {
        let (name, source) = self.key();
        let moved = sqlx::query!(
            "UPDATE reader SET epoch = $3, seq = $4, event_id = $5 WHERE name = $1 AND source = $2 AND epoch = $6 AND seq = $7",
            name,
            source,
            to.epoch,
            to.seq,
            to.event_id,
            from.epoch,
            from.seq,
        )
        .execute(tx.connection())
        .await?
        .rows_affected();
        if moved == 1 { Ok(()) } else { Err(Fault::Stale) }
    }

    /// The stream to read on in, after whatever new epochs of the source ask for. A source that has never published has
    /// none: there is nothing to read, and nothing to drain, until it appears. `None` when nobody holds a handle any more.
    pub(super) async fn place(&mut self, position: &mut Position) -> Result<Option<Place>, Fault> {
        loop {
            let Some(newest) = self.context.bus.newest(self.source).await? else {
                if position.seq > 0 {
                    return Err(Fault::Bus(format!(
                        "the stream of {} is gone, but {} was applied here",
                        self.source, position.seq
                    )));
                }
                if self.wait_for_stream().await { continue } else { return Ok(None) }
            };
            let Some(next) = newest.epochs.following(position.epoch) else {
                if newest.epoch < position.epoch {
                    return Err(Fault::Bus(format!(
                        "{} publishes in epoch {}, but events of epoch {} were applied here",
                        self.source, newest.epoch, position.epoch
                    )));
                }
                return Ok(Some(Place { newest: newest.epoch, state: newest.state, base: None }));
            };
            if position.seq >= next.base {
                self.rise(position, next, &newest).await?;
                continue;
            }
            let old = self.context.bus.state(&stream_name(self.source, position.epoch)).await?;
            match old.filter(|old| old.last_seq >= next.base) {
                Some(state) => {
                    return Ok(Some(Place { newest: newest.epoch, state, base: Some(next.base) }));
                }
                // Up to the base all epochs tell the same: what the old stream has lost comes from a later one, or from
                // the source's history.
                None => self.go_to(position, Position { epoch: next.epoch, ..*position }).await?,
            }
        }
    }

    async fn go_to(&self, position: &mut Position, to: Position) -> Result<(), Fault> {
        let mut tx = self.begin().await?;
        self.move_to(&mut tx, *position, to).await?;
        tx.commit().await?;
        *position = to;
        self.stands_at(to);
        Ok(())
    }

    /// Waits a moment, answering whoever asks; false when nobody holds a handle any more.
    async fn wait_for_stream(&mut self) -> bool {
        self.status.send_modify(|status| (status.stands_by, status.stopped) = (false, None));
        self.waiting.drain(..).for_each(|(_, done)| {
            let _ = done.send(());
        });
        tokio::select! {
            () = tokio::time::sleep(LOOK_FOR_STREAM) => true,
            // Answered once the stream was asked again.
            asked = self.asked.recv() => asked.map(|done| self.waiting.push((None, done))).is_some(),
        }
    }

    /// Subscribes at the position. The first event must be the one applied last: another one there means that
    /// the stream's tail was replaced. With how many messages were delivered and read already.
    pub(super) async fn subscribe(
        &self,
        place: &Place,
        position: Position,
    ) -> Result<(Arriving, u64), Fault> {
        let (name, state) = (stream_name(self.source, position.epoch), &place.state);
        if state.last_seq < position.seq {
            return Err(Fault::Bus(format!(
                "{name} ends at {}, but {} was applied here",
                state.last_seq, position.seq
            )));
        }
        let is_there = state.messages > 0 && state.first_seq <= position.seq;
        let Some(applied) = position.event_id.filter(|_| is_there) else {
            // Nothing was applied yet, or what was is too old for the stream: the next one is there, or will be.
            let messages = self.context.bus.read(&name, position.seq + 1).await?;
            return Ok((Arriving::of(messages, self.source), 0));
        };
        let mut messages = self.context.bus.read(&name, position.seq).await?;
        let first = tokio::time::timeout(PATIENCE, messages.next())
            .await
            .map_err(|_| Fault::Bus(format!("{name} does not deliver")))?
            .ok_or_else(|| Fault::Bus(format!("{name} ended")))?;
        let first = receive(&first.map_err(|error| Fault::Bus(error.to_string()))?, self.source)?;
        if first.seq != position.seq || first.event_id != applied {
            return Err(Fault::Bus(format!(
                "{name} holds another event at {} than the one applied here",
                position.seq
            )));
        }
        Ok((Arriving::of(messages, self.source), first.delivered))
    }

    /// Another stream under the same name, or one that went backwards, is a fault; the library would say nothing. True
    /// where the source has begun a new epoch meanwhile.
    pub(super) async fn check(&self, place: &Place, position: Position) -> Result<bool, Fault> {
        let bus = &self.context.bus;
        let newest = bus.newest(self.source).await?;
        let newest = newest.ok_or_else(|| Fault::Bus(format!("the stream of {} is gone", self.source)))?;
        if newest.epoch != place.newest {
            return Ok(true);
        }
        let name = stream_name(self.source, position.epoch);
        match bus.state(&name).await? {
            Some(now) if now.created == place.state.created && now.last_seq >= position.seq => Ok(false),
            Some(_) => Err(Fault::Bus(format!("{name} was replaced or went backwards"))),
            None => Err(Fault::Bus(format!("{name} is gone"))),
        }
    }

    /// Says to those who wait that what they wait for has been reached, with everything parked that could be tried. True
    /// where it stands in another stream than that of the epoch that is read.
    pub(super) async fn answer_drains(
        &mut self,
        reads: Option<i32>,
        position: Position,
    ) -> Result<bool, Fault> {
        let mut is_elsewhere = false;
        if self.waiting.iter().any(|(target, _)| target.is_none()) {
            let newest = self.context.bus.newest(self.source).await?;
            is_elsewhere =
                newest.as_ref().is_some_and(|newest| reads.is_some_and(|epoch| newest.epoch != epoch));
            let last = newest.map_or((0, 0), |newest| (newest.epoch, newest.state.last_seq));
            for (target, _) in &mut self.waiting {
                target.get_or_insert(last);
            }
        }
        let at = (position.epoch, position.seq);
        let is_reached = |target: &Option<(i32, i64)>| target.is_some_and(|target| target <= at);
        if self.waiting.iter().any(|(target, _)| is_reached(target)) {
            self.retry_parked().await?;
        }
        for waiting in (0..self.waiting.len()).rev() {
            if is_reached(&self.waiting[waiting].0) {
                let _ = self.waiting.swap_remove(waiting).1.send(());
            }
        }
        Ok(is_elsewhere)
    }
}
