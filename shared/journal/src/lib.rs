//! The event backbone: journal → relay → NATS JetStream → reader (`events.md`).
//!
//! A change and its events are committed in one transaction ([`Tx`]); one relay per service numbers and
//! publishes them ([`relay`]); a reader applies them in order, its position in the transaction of the effect
//! ([`reader`]). Other systems read the journal itself ([`feed`]). What is not here: several instances of one
//! service (leases), new epochs.

mod append;
pub mod bus;
pub mod clock;
pub mod failpoint;
pub mod failure;
pub mod feed;
pub mod history;
pub mod hole;
pub mod numbering;
pub mod parked;
mod publish;
pub mod reaction;
pub mod reader;
mod received;
pub mod relay;
pub mod snapshot;
pub mod standing;
pub mod supervise;
pub mod timer;
pub mod tx;

pub use bus::Bus;
pub use clock::Clock;
pub use failure::{Failure, Fault, RefuseOn};
pub use feed::Feed;
pub use reaction::{Reaction, Reactions};
pub use reader::{Reader, ReaderContext};
pub use relay::{Relay, RelayStatus};
pub use standing::ReaderStatus;
pub use timer::{Due, TimerLoop, TimerStatus, Timers};
pub use tx::{Actor, Cause, Reach, Tx};

/// The journal's tables, for every service's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
