//! Messages as they arrive: each is read and examined while those before it take effect.

use super::BATCH;
use crate::Fault;
use crate::received::{Received, receive};
use async_nats::jetstream::consumer::pull;
use futures::StreamExt;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

/// Bytes of the messages that wait or are being applied.
const ROOM: usize = 8 * 1_024 * 1_024;

/// The messages of one subscription, examined.
pub(super) struct Arriving {
    queue: mpsc::Receiver<Result<Arrived, Fault>>,
    failed: Option<Fault>,
    _examiner: AbortOnDropHandle<()>,
}

/// A message that has arrived, and the room that it takes until it is done with.
struct Arrived {
    received: Received,
    room: OwnedSemaphorePermit,
}

/// What has arrived by now, up to a batch; its room is free again once it is dropped.
pub(super) struct Batch {
    pub(super) received: Vec<Received>,
    pub(super) room: Vec<OwnedSemaphorePermit>,
}

impl Arriving {
    /// Examines what a subscription to the stream of `source` delivers.
    pub(super) fn of(messages: pull::Ordered, source: &'static str) -> Self {
        let (queue, arrived) = mpsc::channel(BATCH);
        let examiner = AbortOnDropHandle::new(tokio::spawn(examine(messages, source, queue)));
        Self { queue: arrived, failed: None, _examiner: examiner }
    }

    /// The next messages, at least one; an error once the subscription is of no use any more. Whoever gives up waiting
    /// loses nothing.
    pub(super) async fn batch(&mut self) -> Result<Batch, Fault> {
        if let Some(fault) = self.failed.take() {
            return Err(fault);
        }
        let mut arrived = Vec::with_capacity(BATCH);
        self.queue.recv_many(&mut arrived, BATCH).await;
        let mut batch = Batch { received: Vec::with_capacity(arrived.len()), room: Vec::new() };
        for arrived in arrived {
            match arrived {
                Ok(Arrived { received, room }) => {
                    batch.received.push(received);
                    batch.room.push(room);
                }
                // What came before it counts.
                Err(fault) => self.failed = Some(fault),
            }
        }
        if batch.received.is_empty() {
            return Err(self.failed.take().unwrap_or_else(ended));
        }
        Ok(batch)
    }
}

fn ended() -> Fault {
    Fault::Bus("the subscription ended".to_owned())
}

async fn examine(
    mut messages: pull::Ordered,
    source: &'static str,
    queue: mpsc::Sender<Result<Arrived, Fault>>,
) {
    let room = Arc::new(Semaphore::new(ROOM));
    loop {
        let arrived = next(&mut messages, source, &room).await;
        let is_last = arrived.is_err();
        if queue.send(arrived).await.is_err() || is_last {
            return;
        }
    }
}

async fn next(messages: &mut pull::Ordered, source: &str, room: &Arc<Semaphore>) -> Result<Arrived, Fault> {
    let message = messages.next().await.ok_or_else(ended)?.map_err(|error| Fault::Bus(error.to_string()))?;
    let bytes = message.payload.len().clamp(1, ROOM);
    let bytes = u32::try_from(bytes).map_err(|error| Fault::Bus(error.to_string()))?;
    let room = room.clone().acquire_many_owned(bytes).await.map_err(|error| Fault::Bus(error.to_string()))?;
    Ok(Arrived { received: receive(&message, source)?, room })
}
