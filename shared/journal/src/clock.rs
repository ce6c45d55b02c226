//! The clock of a service: real time, or the settable demo clock (`architecture.md` §3).
//!
//! Business times, timers and token expiry follow it; leases, back-off, lag and ages on the bus use real time.

use kernel::Timestamp;
use std::sync::Arc;
use tokio::sync::watch;

/// Says what time it is. Cheap to clone; all clones agree.
#[derive(Debug, Clone)]
pub struct Clock {
    /// How far ahead of real time, in microseconds; negative for the past.
    offset: Arc<watch::Sender<i64>>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { offset: Arc::new(watch::Sender::new(0)) }
    }
}

impl Clock {
    /// The present instant.
    pub fn now(&self) -> Timestamp {
        Self::real().plus(chrono::TimeDelta::microseconds(*self.offset.borrow()))
    }

    /// Makes `instant` the present; from there it runs on as real time does. For tests and the demo.
    pub fn set(&self, instant: Timestamp) {
        let ahead = instant.since(Self::real()).num_microseconds().unwrap_or_default();
        self.offset.send_replace(ahead);
    }

    /// True where it was moved away from real time.
    pub fn is_moved(&self) -> bool {
        *self.offset.borrow() != 0
    }

    /// Wakes whoever waits for a time that a move may have brought.
    pub fn moves(&self) -> watch::Receiver<i64> {
        self.offset.subscribe()
    }

    /// The wall clock, wherever this clock was moved to: for ages, never for business.
    pub fn wall() -> Timestamp {
        Self::real()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn real() -> Timestamp {
        Timestamp::of(chrono::Utc::now())
    }
}
