//! A new epoch for a database that is older than the bus (`events.md` §3): how far journal and streams say the same, and the
//! one transaction that begins it.
//!
//! Nothing on the bus is changed here: the relay, whose `term` this raises, sets the old stream aside and makes the new one
//! as it makes any stream that is missing. So there is nothing to repair after a crash at any point: before the commit
//! nothing has happened, after it the relay goes on with it.

use crate::bus::{Bus, StreamState, stream_name};
use crate::epoch::{Epoch, Epochs};
use crate::failpoint::failpoint;
use crate::numbering::numbered;
use crate::stream::Newest;
use crate::{Fault, Tx};
use sqlx::PgPool;
use uuid::Uuid;

/// What a new epoch would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The epoch that this database publishes in.
    pub from: i32,
    /// The one that would be begun.
    pub next: Epoch,
    /// Whatever the streams hold above this number, the journal does not know.
    pub beyond: i64,
    /// Epochs that the bus tells of and this database may not know any more.
    told: Epochs,
    is_sound: bool,
}

/// What comparing journal and streams has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surveyed {
    /// There is a reason for a new epoch, or an operator has named its base.
    Renewal(Renewal),
    /// All that the stream holds is the journal's own: no epoch is needed.
    Sound {
        /// The last number that both know.
        last: i64,
    },
    /// There is no stream: the relay makes it again from the journal.
    NoStream,
    /// Too little is left to compare: an operator has to say which number was the last one in common.
    BaseUnknown {
        /// It is below this one.
        below: i64,
    },
    /// The base that was asked for lies beyond what journal and streams have in common.
    BaseBeyond {
        /// The last number in common.
        agreed: i64,
    },
}

/// Which journal is compared with which streams.
struct Sides<'a> {
    pool: &'a PgPool,
    bus: &'a Bus,
    service: &'a str,
    /// As the bus tells them: that is what readers have read.
    epochs: Epochs,
}

/// How far both say the same.
enum Agreed {
    Up(i64),
    Unknown { below: i64 },
}

/// Compares the journal with all that was published. `asked` is the base that an operator wants: for readers that have
/// applied what neither side knows any more, because database and bus were lost at once.
pub async fn survey(pool: &PgPool, bus: &Bus, service: &str, asked: Option<i64>) -> Result<Surveyed, Fault> {
    let relay = sqlx::query!("SELECT epoch, next_seq FROM relay").fetch_one(pool).await?;
    let last = relay.next_seq - 1;
    let (top, is_published) = match bus.newest(service).await? {
        // The epoch was begun, and the relay has not made its stream yet.
        Some(newest) if newest.epoch < relay.epoch => return Ok(Surveyed::Sound { last }),
        Some(newest) => (newest, true),
        None => match set_aside(bus, service, relay.epoch).await? {
            Some(newest) => (newest, false),
            None => return Ok(Surveyed::NoStream),
        },
    };
    let upper = last.min(top.state.last_seq);
    let sides = Sides { pool, bus, service, epochs: top.epochs.clone() };
    let agreed = match (sides.agreed(&top, upper).await?, asked) {
        (Agreed::Up(agreed), _) => agreed,
        (Agreed::Unknown { below }, Some(base)) if base < below => base,
        (Agreed::Unknown { below }, _) => return Ok(Surveyed::BaseUnknown { below }),
    };
    let is_sound = agreed == top.state.last_seq && top.epoch == relay.epoch && is_published;
    let base = match asked {
        None if is_sound => return Ok(Surveyed::Sound { last: agreed }),
        None => agreed,
        Some(base) if base > agreed => return Ok(Surveyed::BaseBeyond { agreed }),
        Some(base) => base,
    };
    let next = Epoch { epoch: top.epoch.max(relay.epoch) + 1, base, agreed };
    Ok(Surveyed::Renewal(Renewal { from: relay.epoch, next, beyond: agreed, told: sides.epochs, is_sound }))
}

/// The stream of an epoch that takes no subjects any more.
async fn set_aside(bus: &Bus, service: &str, epoch: i32) -> Result<Option<Newest>, Fault> {
    let (Some(epochs), Some((info, state))) =
        (bus.told(service, epoch).await?, bus.info(&stream_name(service, epoch)).await?)
    else {
        return Ok(None);
    };
    Ok(Some(Newest { epoch, epochs, state, replicas: info.config.num_replicas }))
}

impl Sides<'_> {
    /// The last number, `upper` at the most, at which both hold the same event. Histories part once, and never meet again: an
    /// event is made once. So the number is found by halving.
    async fn agreed(&self, top: &Newest, upper: i64) -> Result<Agreed, Fault> {
        if upper == 0 {
            return Ok(Agreed::Up(0));
        }
        let Some(lowest) = self.lowest(top, upper).await? else {
            return Ok(Agreed::Unknown { below: upper + 1 });
        };
        if !self.agree_at(lowest).await? {
            return Ok(if lowest == 1 { Agreed::Up(0) } else { Agreed::Unknown { below: lowest } });
        }
        let (mut same, mut other) = (lowest, upper + 1);
        while other - same > 1 {
            let middle = same + (other - same) / 2;
            if self.agree_at(middle).await? { same = middle } else { other = middle }
        }
        Ok(Agreed::Up(same))
    }

    /// The lowest number from which on, up to `upper`, both sides still hold every event.
    async fn lowest(&self, top: &Newest, upper: i64) -> Result<Option<i64>, Fault> {
        let Some(oldest) = numbered(self.pool, 1, 1).await?.first().map(|row| row.seq) else {
            return Ok(None);
        };
        let mut lowest = None;
        for stretch in self.epochs.stretches(top.epoch, 0, upper) {
            let holds = |state: &StreamState| {
                state.messages > 0 && (state.first_seq..=state.last_seq).contains(&stretch.to)
            };
            let state = self.bus.state(&stream_name(self.service, stretch.epoch)).await?;
            let Some(state) = state.filter(holds) else { break };
            lowest = Some(state.first_seq.max(stretch.from));
            if state.first_seq > stretch.from {
                break;
            }
        }
        Ok(lowest.map(|lowest| lowest.max(oldest)).filter(|lowest| *lowest <= upper))
    }

    async fn agree_at(&self, seq: i64) -> Result<bool, Fault> {
        let row = numbered(self.pool, seq, 1).await?;
        let Some(own) = row.first().filter(|row| row.seq == seq) else {
            return Err(Fault::Bus(format!("the journal of {} has no event {seq}", self.service)));
        };
        let stream = stream_name(self.service, self.epochs.of(seq));
        Ok(self.bus.event_at(&stream, seq).await? == Some(own.event_id))
    }
}

/// Begins the epoch that a survey has found; [`Fault::Stale`] where another one was begun meanwhile. Returns it as it is
/// written down.
pub async fn begin(tx: &mut Tx, renewal: &Renewal, id: Uuid) -> Result<Epoch, Fault> {
    let Epoch { epoch, base, agreed } = renewal.next;
    // Also the fence: no turn of a relay that led so far can be committed any more, so nothing above `last` can be
    // published in the old stream.
    let last = sqlx::query_scalar!(
        "UPDATE relay SET epoch = $2, base = $3, term = term + 1 WHERE epoch = $1 RETURNING next_seq - 1 AS \"last!\"",
        renewal.from,
        epoch,
        base,
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Fault::Stale)?;
    // Where the stream was sound its relay may have published on since the survey: all of that is the journal's own.
    let agreed = if renewal.is_sound { last.max(agreed) } else { agreed };
    for known in renewal.told.iter() {
        sqlx::query!(
            "INSERT INTO epoch (epoch, base, agreed) VALUES ($1, $2, $3) ON CONFLICT (epoch) DO NOTHING",
            known.epoch,
            known.base,
            known.agreed,
        )
        .execute(tx.connection())
        .await?;
    }
    sqlx::query!(
        "INSERT INTO epoch (epoch, base, agreed, id) VALUES ($1, $2, $3, $4)",
        epoch,
        base,
        agreed,
        id
    )
    .execute(tx.connection())
    .await?;
    failpoint("renewal.written")?;
    Ok(Epoch { epoch, base, agreed })
}
