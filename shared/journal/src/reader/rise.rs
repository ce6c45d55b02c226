//! The source begins a new epoch: what was applied of the old stream beyond its base is listed, and the reader goes on in
//! the new one (`events.md` §5).
//!
//! Not here: undoing effects. What a phantom caused is looked at by people, row by row of `to_reconcile`.

use super::position::Position;
use super::{BATCH, Worker};
use crate::bus::stream_name;
use crate::epoch::{Epoch, Stretch};
use crate::failpoint::failpoint;
use crate::parked;
use crate::received::Received;
use crate::stream::Newest;
use crate::{Fault, Tx};

/// What a reader keeps of what it has applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kept {
    /// Up to this number it is the journal's own.
    seq: i64,
    /// Whether the old streams still hold what it applied beyond.
    beyond: Beyond,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beyond {
    /// They do.
    Held,
    /// They are gone, or hold something else: only the numbers are known.
    Unknown,
}

impl Worker {
    /// Goes over to the next epoch, at or behind whose base this reader stands. May be repeated: rows are listed once, and
    /// the position moves last.
    pub(super) async fn rise(
        &mut self,
        position: &mut Position,
        next: Epoch,
        newest: &Newest,
    ) -> Result<(), Fault> {
        let kept = self.kept(*position, next, newest).await?;
        let stretches = newest.epochs.stretches(position.epoch, kept.seq, position.seq);
        for stretch in &stretches {
            if kept.beyond == Beyond::Held {
                self.list(*stretch).await?;
            }
            self.list_numbers(*stretch).await?;
        }
        failpoint("reader.listed")?;
        let event_id = match position.event_id {
            applied if kept.seq == position.seq => applied,
            _ => self.event_in(newest, position.epoch, kept.seq).await?,
        };
        let to = Position { epoch: next.epoch, seq: kept.seq, event_id };
        let mut tx = self.begin().await?;
        self.move_to(&mut tx, *position, to).await?;
        for stretch in &stretches {
            self.drop_parked(&mut tx, *stretch).await?;
        }
        failpoint("reader.before_rising")?;
        tx.commit().await?;
        tracing::warn!(
            reader = self.context.name,
            source = self.source,
            epoch = to.epoch,
            base = to.seq,
            applied_beyond = position.seq - to.seq,
            "the source has begun a new epoch"
        );
        self.parked = parked::aggregates(&self.context.pool, self.key()).await?.into_iter().collect();
        *position = to;
        self.stands_at(to);
        Ok(())
    }

    /// How much of what was applied is the journal's own. Up to the base it is, always; up to `agreed` where the new streams
    /// hold the same event at the position, and also beyond it where the old one does: histories part once.
    async fn kept(&self, position: Position, next: Epoch, newest: &Newest) -> Result<Kept, Fault> {
        let kept = |seq, beyond| Ok(Kept { seq, beyond });
        if position.seq == next.base {
            return kept(position.seq, Beyond::Held);
        }
        if position.seq > next.agreed {
            let at = self.event_in(newest, position.epoch, position.seq).await?;
            return if at.is_some() && at == position.event_id {
                kept(next.agreed, Beyond::Held)
            } else {
                kept(next.base, Beyond::Unknown)
            };
        }
        let name = stream_name(self.source, newest.epochs.of(position.seq));
        match self.context.bus.event_at(&name, position.seq).await? {
            Some(event) if Some(event) == position.event_id => kept(position.seq, Beyond::Held),
            Some(_) => kept(next.base, Beyond::Unknown),
            None => Err(Fault::Bus(format!(
                "{name} does not hold the event {} yet: whether it is the one applied here must be seen",
                position.seq
            ))),
        }
    }

    /// The id of the event at a number, for somebody who read the streams up to `epoch`.
    async fn event_in(&self, newest: &Newest, epoch: i32, seq: i64) -> Result<Option<uuid::Uuid>, Fault> {
        match newest.epochs.stretches(epoch, seq - 1, seq).first() {
            Some(at) => self.context.bus.event_at(&stream_name(self.source, at.epoch), seq).await,
            None => Ok(None),
        }
    }

    /// Lists what an old stream still holds.
    async fn list(&self, stretch: Stretch) -> Result<(), Fault> {
        let mut from = stretch.from;
        while from <= stretch.to {
            let events = self.context.bus.between(self.source, Stretch { from, ..stretch }, BATCH).await?;
            let Some(last) = events.last() else { return Ok(()) };
            from = last.seq + 1;
            self.insert(stretch.epoch, &events).await?;
        }
        Ok(())
    }

    async fn insert(&self, epoch: i32, events: &[Received]) -> Result<(), Fault> {
        let (name, source) = self.key();
        let listed = crate::phantom::Columns::of(source, events)?;
        sqlx::query!(
            "INSERT INTO to_reconcile (reader, source, epoch, seq, event_id, type, subject, envelope)
             SELECT $1, $2, $3, seq, event_id, type, subject, envelope::json
             FROM UNNEST($4::bigint[], $5::uuid[], $6::text[], $7::text[], $8::text[]) AS row (seq, event_id, type, subject, envelope)
             ON CONFLICT DO NOTHING",
            name,
            source,
            epoch,
            &listed.seqs,
            &listed.events,
            &listed.types,
            &listed.subjects,
            &listed.envelopes,
        )
        .execute(&self.context.pool)
        .await?;
        Ok(())
    }

    /// Lists the numbers of which nobody can say any more what stood there.
    async fn list_numbers(&self, stretch: Stretch) -> Result<(), Fault> {
        let (name, source) = self.key();
        sqlx::query!(
            "INSERT INTO to_reconcile (reader, source, epoch, seq)
             SELECT $1, $2, $3, seq FROM generate_series($4::bigint, $5::bigint) AS seq ON CONFLICT DO NOTHING",
            name,
            source,
            stretch.epoch,
            stretch.from,
            stretch.to,
        )
        .execute(&self.context.pool)
        .await?;
        Ok(())
    }

    /// What was only parked of it never took effect, and never will.
    async fn drop_parked(&self, tx: &mut Tx, stretch: Stretch) -> Result<(), Fault> {
        let (name, source) = self.key();
        sqlx::query!(
            "WITH dropped AS (DELETE FROM parked WHERE reader = $1 AND source = $2 AND seq BETWEEN $4 AND $5 RETURNING seq)
             UPDATE to_reconcile SET was_applied = false
             WHERE reader = $1 AND source = $2 AND epoch = $3 AND seq IN (SELECT seq FROM dropped)",
            name,
            source,
            stretch.epoch,
            stretch.from,
            stretch.to,
        )
        .execute(tx.connection())
        .await?;
        Ok(())
    }
}
