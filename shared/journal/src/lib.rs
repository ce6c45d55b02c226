//! The event backbone: journal → relay → NATS JetStream → reader (`events.md`).
//!
//! A change and its events are committed in one transaction ([`Tx`]); one relay per service numbers and
//! publishes them ([`relay`]); a reader applies them in order, its position in the transaction of the effect
//! ([`reader`]). Where a service runs in several processes, leases say which one does what only one may do ([`lease`]).
//! A database that was restored begins a new epoch ([`renewal`]). Other systems read the journal itself ([`feed`]). What is not here: HTTP, and who may ask for what.

mod append;
pub mod bus;
pub mod check;
pub mod clock;
pub mod epoch;
pub mod failpoint;
pub mod failure;
pub mod feed;
pub mod history;
pub mod hole;
pub mod lease;
pub mod login;
pub mod metrics;
pub mod numbering;
pub mod parked;
pub mod phantom;
mod publish;
pub mod reaction;
pub mod reader;
mod received;
pub mod relay;
pub mod renewal;
pub mod rights;
pub mod snapshot;
pub mod standing;
pub mod stream;
pub mod subscriber;
pub mod supervise;
pub mod timer;
pub mod trace;
pub mod tx;

pub use bus::{Bus, Replicas};
pub use clock::Clock;
pub use failure::{Failure, Fault, RefuseOn};
pub use feed::Feed;
pub use login::Login;
pub use reaction::{Reaction, Reactions};
pub use reader::{Reader, ReaderContext};
pub use relay::{Relay, RelayStatus};
pub use standing::ReaderStatus;
pub use timer::{Due, TimerLoop, TimerStatus, Timers};
pub use trace::Trace;
pub use tx::{Actor, Cause, Reach, Tx};

/// The journal's tables, for every service's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
