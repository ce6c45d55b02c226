//! Where a reader stands, and how far it lags behind (`events.md` §5).

use crate::clock::Clock;
use kernel::Timestamp;
use tokio::sync::watch;

/// Where a reader stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReaderStatus {
    /// The epoch of the stream it reads; 0 before it has looked.
    pub epoch: i32,
    /// The number of the last event applied.
    pub seq: i64,
    /// Seconds since the `time` of the oldest event that waits to be applied; 0 where none waits, and nothing where the
    /// reader stands still, or by, and cannot know whether any does.
    pub lag_seconds: Option<i64>,
    /// True where another process reads this source for this service, or will in a moment.
    pub stands_by: bool,
    /// Why it does not go on, if so.
    pub stopped: Option<String>,
}

/// What the reader itself says of where it stands; the lag is reckoned when somebody asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    pub(crate) epoch: i32,
    pub(crate) seq: i64,
    pub(crate) stands_by: bool,
    pub(crate) stopped: Option<String>,
    /// The time of the oldest event that waits, as far as is known: of the first one at hand, else of the last one
    /// applied while more were waiting behind it.
    pub(crate) behind_since: Option<Timestamp>,
}

impl Standing {
    /// As it is at `now`.
    fn at(&self, now: Timestamp) -> ReaderStatus {
        let lag_seconds = match (self.behind_since, &self.stopped) {
            (Some(since), _) => Some(now.since(since).num_seconds().max(0)),
            (None, None) if !self.stands_by => Some(0),
            (None, _) => None,
        };
        ReaderStatus {
            epoch: self.epoch,
            seq: self.seq,
            lag_seconds,
            stands_by: self.stands_by,
            stopped: self.stopped.clone(),
        }
    }
}

/// What a reader's handle asks.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) standing: watch::Receiver<Standing>,
    pub(crate) clock: Clock,
}

impl Watched {
    pub(crate) fn status(&self) -> ReaderStatus {
        self.standing.borrow().at(self.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_grows_while_an_event_waits_and_is_unknown_where_nobody_can_know() {
        let at = |second| Timestamp::of(chrono::DateTime::from_timestamp(second, 0).expect("an instant"));
        let lag = |behind: Option<i64>, stopped: Option<&str>, now| {
            let stopped = stopped.map(str::to_owned);
            let behind_since = behind.map(at);
            Standing { epoch: 1, seq: 1, stands_by: false, stopped, behind_since }.at(at(now)).lag_seconds
        };
        assert_eq!(lag(None, None, 1_000), Some(0));
        assert_eq!((lag(Some(900), None, 1_000), lag(Some(900), None, 1_060)), (Some(100), Some(160)));
        assert_eq!(
            lag(Some(900), Some("no bus"), 1_060),
            Some(160),
            "it waits while the reader stands still"
        );
        assert_eq!(lag(None, Some("no bus"), 1_000), None, "nobody knows what has been published since");
        let stands_by = Standing { seq: 1, stands_by: true, ..Standing::default() };
        assert_eq!(stands_by.at(at(1_000)).lag_seconds, None, "whoever leads knows it");
        assert_eq!(lag(Some(2_000), None, 1_000), Some(0), "the publisher's clock is ahead of ours");
    }
}
