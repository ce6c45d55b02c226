//! The streams of a service: how one is made, set aside for a new epoch, and looked into (`events.md` §3, §4).
//!
//! One stream at a time takes a service's subjects, that of its newest epoch; it tells in its metadata where each epoch
//! began, because readers know nothing else of the source.

use crate::Fault;
use crate::bus::{Bus, Replicas, StreamState, is_missing, stream_name, to_seq};
use crate::epoch::{Epoch, Epochs, Stretch};
use crate::failpoint::failpoint;
use crate::numbering::numbered;
use crate::received::{Received, receive};
use async_nats::jetstream::context::GetStreamByNameErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RawMessageErrorKind, StorageType};
use futures::StreamExt;
use kernel::EventId;
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// Thirteen months: as long as the journal keeps its partitions.
const MAX_AGE: Duration = Duration::from_secs(396 * 24 * 60 * 60);

/// The member of a stream's metadata that tells where each epoch began.
pub(crate) const EPOCHS: &str = "steward-epochs";

/// The stream that takes a service's subjects.
#[derive(Debug, Clone)]
pub struct Newest {
    /// Its epoch.
    pub epoch: i32,
    /// All epochs, as it tells them.
    pub epochs: Epochs,
    /// Where it stands.
    pub state: StreamState,
    /// On how many nodes it is kept.
    pub replicas: usize,
}

/// What a service's events are published under.
pub(crate) fn subjects(service: &str) -> String {
    format!("steward.v1.{service}.>")
}

/// What a stream takes once another one has its subjects: nothing that anybody publishes.
fn subjects_of_old(service: &str, epoch: i32) -> String {
    format!("steward.old.{service}.e{epoch}.>")
}

/// How the stream of the latest of these epochs is made, beginning with `first_seq`.
pub(crate) fn config(
    service: &str,
    epochs: &Epochs,
    first_seq: i64,
    replicas: Option<Replicas>,
) -> Result<Config, Fault> {
    let told = serde_json::to_string(epochs).map_err(|error| Fault::Bus(error.to_string()))?;
    Ok(Config {
        name: stream_name(service, epochs.latest().epoch),
        subjects: vec![subjects(service)],
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_age: MAX_AGE,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        num_replicas: replicas.map_or(1, Replicas::count),
        first_sequence: Some(u64::try_from(first_seq).map_err(|error| Fault::Bus(error.to_string()))?),
        metadata: [(EPOCHS.to_owned(), told)].into(),
        ..Config::default()
    })
}

/// The epochs that a stream tells of; one that says nothing was never restored.
fn told_by(info: &Info, epoch: i32) -> Result<Epochs, Fault> {
    let wrong = |why: String| Fault::Bus(format!("{} tells wrong epochs: {why}", info.config.name));
    let epochs = match info.config.metadata.get(EPOCHS) {
        Some(told) => serde_json::from_str(told).map_err(|error| wrong(error.to_string()))?,
        None => Epochs::default(),
    };
    if epochs.latest().epoch == epoch { Ok(epochs) } else { Err(wrong(format!("{epochs:?}"))) }
}

impl Bus {
    /// The stream that takes a service's subjects; `None` where none does.
    pub async fn newest(&self, service: &str) -> Result<Option<Newest>, Fault> {
        let name = match self.jetstream.stream_by_subject(subjects(service)).await {
            Ok(name) => name,
            Err(error) if matches!(error.kind(), GetStreamByNameErrorKind::NotFound) => return Ok(None),
            Err(error) => return Err(Fault::Bus(error.to_string())),
        };
        let epoch = epoch_of(&name, service)
            .ok_or_else(|| Fault::Bus(format!("{name} takes the subjects of {service}")))?;
        let Some((info, state)) = self.info(&name).await? else { return Ok(None) };
        let replicas = info.config.num_replicas;
        Ok(Some(Newest { epoch, epochs: told_by(&info, epoch)?, state, replicas }))
    }

    /// Has a stream kept on as many nodes as this bus was told: one node may become a cluster, and the other way round.
    pub(crate) async fn replicate(&self, service: &str, newest: &Newest) -> Result<(), Fault> {
        let Some(wanted) = self.replicas.map(Replicas::count).filter(|wanted| *wanted != newest.replicas)
        else {
            return Ok(());
        };
        let name = stream_name(service, newest.epoch);
        let Some((info, _)) = self.info(&name).await? else { return Ok(()) };
        let config = Config { num_replicas: wanted, ..info.config };
        self.jetstream.update_stream(config).await.map_err(|error| {
            Fault::Bus(format!("{name} cannot be kept on {wanted} nodes (bus.replicas): {error}"))
        })?;
        Ok(())
    }

    /// The epochs that a stream tells of; `None` where there is no such stream.
    pub(crate) async fn told(&self, service: &str, epoch: i32) -> Result<Option<Epochs>, Fault> {
        let found = self.info(&stream_name(service, epoch)).await?;
        found.map(|(info, _)| told_by(&info, epoch)).transpose()
    }

    /// How a stream is made and where it stands.
    pub(crate) async fn info(&self, stream: &str) -> Result<Option<(Info, StreamState)>, Fault> {
        let stream = match self.jetstream.get_stream(stream).await {
            Ok(stream) => stream,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(Fault::Bus(error.to_string())),
        };
        let info = stream.cached_info().clone();
        let last_event = match info.state.messages {
            0 => None,
            _ => self.event_at(&info.config.name, to_seq(info.state.last_sequence)?).await?,
        };
        let state = StreamState {
            last_seq: to_seq(info.state.last_sequence)?,
            first_seq: to_seq(info.state.first_sequence)?,
            messages: info.state.messages,
            last_event,
            created: i64::try_from(info.created.unix_timestamp_nanos() / 1_000).unwrap_or_default(),
        };
        Ok(Some((info, state)))
    }

    /// The id of the event that a stream holds at a number; `None` where it holds none there, or none of ours.
    pub async fn event_at(&self, stream: &str, seq: i64) -> Result<Option<Uuid>, Fault> {
        let handle =
            self.jetstream.get_stream_no_info(stream).await.map_err(|error| Fault::Bus(error.to_string()))?;
        let sequence = u64::try_from(seq).map_err(|error| Fault::Bus(error.to_string()))?;
        let message = match handle.get_raw_message(sequence).await {
            Ok(message) => message,
            Err(error) if is_absent(&error.kind()) => return Ok(None),
            Err(error) => return Err(Fault::Bus(error.to_string())),
        };
        let id = message.headers.get(async_nats::header::NATS_MESSAGE_ID);
        Ok(id.and_then(|id| id.as_str().parse::<EventId>().ok()).map(EventId::uuid))
    }

    /// What a stream holds from one number to another, in order, `most` at the most; nothing where it does not hold the
    /// first of them.
    pub(crate) async fn between(
        &self,
        service: &str,
        stretch: Stretch,
        most: usize,
    ) -> Result<Vec<Received>, Fault> {
        let name = stream_name(service, stretch.epoch);
        let Some((_, state)) = self.info(&name).await? else { return Ok(Vec::new()) };
        let to = stretch.to.min(state.last_seq);
        if state.messages == 0 || stretch.from < state.first_seq || to < stretch.from {
            return Ok(Vec::new());
        }
        let mut messages = self.read(&name, stretch.from).await?;
        let mut found = Vec::new();
        while found.len() < most {
            let message = tokio::time::timeout(crate::bus::PATIENCE, messages.next())
                .await
                .map_err(|_| Fault::Bus(format!("{name} does not deliver")))?
                .ok_or_else(|| Fault::Bus(format!("{name} ended")))?
                .map_err(|error| Fault::Bus(error.to_string()))?;
            let received = receive(&message, service)?;
            if received.seq > to {
                break;
            }
            let is_last = received.seq == to;
            found.push(received);
            if is_last {
                break;
            }
        }
        Ok(found)
    }

    /// Makes the stream of the latest epoch; its first event will have the number `first_seq`. The stream before is set aside:
    /// what it holds can be read on, and nothing is published to it any more. An empty one of the same name is replaced: a
    /// stream's `first_sequence` is never changed by an update, which NATS accepts and then empties the stream for.
    pub async fn make(&self, service: &str, epochs: &Epochs, first_seq: i64) -> Result<(), Fault> {
        let Epoch { epoch, .. } = epochs.latest();
        let name = stream_name(service, epoch);
        if let Some(before) = self.newest(service).await?.filter(|before| before.epoch < epoch) {
            self.set_aside(service, before.epoch).await?;
            failpoint("stream.set_aside")?;
        }
        if self.state(&name).await?.is_some_and(|state| state.messages == 0) {
            self.jetstream.delete_stream(&name).await.map_err(|error| Fault::Bus(error.to_string()))?;
        }
        let config = config(service, epochs, first_seq, self.replicas)?;
        self.jetstream.create_stream(config).await.map_err(|error| Fault::Bus(error.to_string()))?;
        if epoch > 1 { failpoint("stream.renewed") } else { Ok(()) }
    }

    /// Takes its subjects from a stream, and changes nothing else: everything but the subjects is said to it as it says it.
    async fn set_aside(&self, service: &str, epoch: i32) -> Result<(), Fault> {
        let Some((info, _)) = self.info(&stream_name(service, epoch)).await? else { return Ok(()) };
        let config = Config { subjects: vec![subjects_of_old(service, epoch)], ..info.config };
        self.jetstream.update_stream(config).await.map_err(|error| Fault::Bus(error.to_string()))?;
        Ok(())
    }

    /// Deletes a stream with all that it holds: only where the journal can make it again.
    pub async fn delete(&self, service: &str, epoch: i32) -> Result<(), Fault> {
        let name = stream_name(service, epoch);
        self.jetstream.delete_stream(&name).await.map_err(|error| Fault::Bus(error.to_string()))?;
        Ok(())
    }
}

/// The first number of a stream that is made now, by a journal that has given the numbers up to `last`. Streams of earlier
/// epochs keep what stands in them; where they are gone, the new one tells all that the journal still has.
pub(crate) async fn first_of(
    (pool, bus, service): (&PgPool, &Bus, &str),
    epochs: &Epochs,
    last: i64,
) -> Result<i64, Fault> {
    let oldest = numbered(pool, 1, 1).await?.first().map_or(last + 1, |row| row.seq);
    let latest = epochs.latest();
    let before = epochs.of(latest.base);
    let is_kept = before < latest.epoch && bus.state(&stream_name(service, before)).await?.is_some();
    Ok(if is_kept { oldest.max(latest.base + 1) } else { oldest })
}

/// No message at that number, or no stream of that name.
fn is_absent(kind: &RawMessageErrorKind) -> bool {
    match kind {
        RawMessageErrorKind::NoMessageFound => true,
        RawMessageErrorKind::JetStream(error) => {
            let code = error.error_code();
            code == async_nats::jetstream::ErrorCode::STREAM_NOT_FOUND
                || code == async_nats::jetstream::ErrorCode::NO_MESSAGE_FOUND
        }
        RawMessageErrorKind::InvalidSubject | RawMessageErrorKind::Other => false,
    }
}

/// `STEWARD_SUPPORT_E2` is epoch 2 of support.
fn epoch_of(name: &str, service: &str) -> Option<i32> {
    let epoch =
        name.strip_prefix("STEWARD_")?.strip_prefix(&service.to_ascii_uppercase())?.strip_prefix("_E")?;
    epoch.parse().ok().filter(|epoch| *epoch > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_stands_in_the_name_of_the_stream() {
        assert_eq!(epoch_of(&stream_name("support", 12), "support"), Some(12));
        for name in ["STEWARD_SUPPORT_E0", "STEWARD_SUPPORT_E", "STEWARD_HR_E1", "SUPPORT_E1"] {
            assert_eq!(epoch_of(name, "support"), None, "{name}");
        }
    }
}
