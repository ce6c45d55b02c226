//! Events that no stream has any more: they come from the source's own journal (`events.md` §5, §7).

use super::position::{Place, Position};
use super::{BATCH, Worker};
use crate::Fault;
use crate::received::Received;
use events::Envelope;
use std::pin::Pin;

/// What a [`History`] returns.
pub type Fetched<'a> = Pin<Box<dyn Future<Output = Result<Vec<Envelope>, Fault>> + Send + 'a>>;

/// How a reader fetches what its source's stream has no more: by the source's feed, whose journal goes further back.
pub trait History: Send + Sync {
    /// The events of `source` numbered after `after`, oldest first and without a gap, `most` at the most; none where there are
    /// none, or where the journal does not go back that far.
    fn after<'a>(&'a self, source: &'a str, after: i64, most: usize) -> Fetched<'a>;
}

impl Worker {
    /// Applies what lies between the position and the first event of the stream. Nothing is ever skipped: what nobody has
    /// any more stops the reader, and says so.
    pub(super) async fn catch_up(&mut self, place: &Place, position: &mut Position) -> Result<(), Fault> {
        let to = place.before_first();
        if position.seq >= to {
            return Ok(());
        }
        let Some(history) = self.context.history.clone() else {
            return Err(Fault::Bus(format!(
                "the stream of {} begins after {to}, and only {} was applied here: the events between must come from the \
                 history of {}, and no way to it is configured. Nothing is skipped",
                self.source, position.seq, self.source
            )));
        };
        self.compare(history.as_ref(), *position).await?;
        while position.seq < to {
            let missing = usize::try_from(to - position.seq).unwrap_or(BATCH);
            let events = history.after(self.source, position.seq, missing.min(BATCH)).await?;
            let batch: Vec<Received> = events
                .into_iter()
                .take_while(|event| event.seq <= to)
                .map(|event| Received::of_history(event, self.source))
                .collect();
            if batch.first().is_none_or(|first| first.seq != position.seq + 1) {
                return Err(Fault::Bus(format!(
                    "neither the stream nor the history of {} has the event {}. Nothing is skipped",
                    self.source,
                    position.seq + 1
                )));
            }
            *position = self.apply(&batch, *position).await?;
            self.status.send_modify(|status| status.stopped = None);
            self.retry_parked().await?;
        }
        Ok(())
    }

    /// The history must tell the same event where this reader stands; one that goes back no further cannot be asked.
    async fn compare(&self, history: &dyn History, position: Position) -> Result<(), Fault> {
        let Some(applied) = position.event_id else { return Ok(()) };
        let at = history.after(self.source, position.seq - 1, 1).await?;
        match at.first().filter(|event| event.seq == position.seq) {
            Some(event) if event.id.uuid() != applied => Err(Fault::Bus(format!(
                "the history of {} holds another event at {} than the one applied here",
                self.source, position.seq
            ))),
            Some(_) | None => Ok(()),
        }
    }
}
