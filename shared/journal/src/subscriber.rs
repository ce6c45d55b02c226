//! The consumers of outside subscribers: made for them, never by them (`events.md` §8, [`crate::rights`]).
//!
//! A consumer created by a stranger could deliver into anybody's stream, or be filtered by nothing. So every stream has one
//! durable pull consumer per subscriber, under his name, with the filters that his rights come to; he only asks it for
//! the next events. It is lost with its stream, and made again with the next one: then he hears everything once more, and
//! knows the numbers.

use crate::bus::stream_name;
use crate::rights::Subscriber;
use crate::{Bus, Fault};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::ConsumerErrorKind;
use futures::TryStreamExt;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many events a subscriber may have in hand without saying that he has them, and ask for at once.
const IN_HAND: i64 = 1_000;

/// How many of his questions wait at a time.
const WAITING: i64 = 16;

/// How long a question waits for events.
const PATIENCE: Duration = Duration::from_secs(60);

/// After this long without a word that it arrived, an event is delivered again.
const ACK_WAIT: Duration = Duration::from_secs(60);

fn consumer(subscriber: &Subscriber, service: &str) -> pull::Config {
    pull::Config {
        durable_name: Some(subscriber.name().to_owned()),
        filter_subjects: subscriber.filters(service),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_ack_pending: IN_HAND,
        max_batch: IN_HAND,
        max_waiting: WAITING,
        max_expires: PATIENCE,
        ..pull::Config::default()
    }
}

/// Makes a subscriber's consumers on the newest streams of all services, or brings them up to date; the streams that have
/// one now. With an operator's rights. What is as it should be already stays untouched, so it may be called again and again.
///
/// # Errors
/// When the bus does not do it.
pub async fn admit(bus: &Bus, subscriber: &Subscriber) -> Result<Vec<String>, Fault> {
    let mut streams = BTreeMap::new();
    for name in names(bus).await? {
        if let Some((service, epoch)) = service_of(&name) {
            let newest = streams.entry(service).or_insert((epoch, name.clone()));
            if newest.0 < epoch {
                *newest = (epoch, name);
            }
        }
    }
    let mut admitted = Vec::new();
    for (service, (_, stream)) in streams {
        let wanted = consumer(subscriber, &service);
        if wanted.filter_subjects.is_empty() {
            continue;
        }
        let made = bus.jetstream().create_consumer_on_stream(wanted, &stream).await;
        made.map_err(|error| Fault::Bus(format!("{stream}: {error}")))?;
        admitted.push(stream);
    }
    Ok(admitted)
}

/// Takes a subscriber's consumers off all streams; from then on he has missed nothing, because he is nobody.
///
/// # Errors
/// When the bus does not do it.
pub async fn dismiss(bus: &Bus, subscriber: &Subscriber) -> Result<(), Fault> {
    for stream in names(bus).await? {
        if service_of(&stream).is_none() {
            continue;
        }
        let gone = bus.jetstream().delete_consumer_from_stream(subscriber.name(), &stream).await;
        match gone.map_err(|error| error.kind()) {
            Ok(_) => {}
            Err(ConsumerErrorKind::JetStream(error))
                if error.error_code() == ErrorCode::CONSUMER_NOT_FOUND => {}
            Err(error) => return Err(Fault::Bus(format!("{stream}: {error}"))),
        }
    }
    Ok(())
}

async fn names(bus: &Bus) -> Result<Vec<String>, Fault> {
    bus.jetstream().stream_names().try_collect().await.map_err(|error| Fault::Bus(error.to_string()))
}

/// The service and the epoch of `STEWARD_SUPPORT_E1`.
fn service_of(stream: &str) -> Option<(String, i32)> {
    let (service, epoch) = stream.strip_prefix("STEWARD_")?.rsplit_once("_E")?;
    let service = service.to_ascii_lowercase();
    let epoch = epoch.parse().ok()?;
    (stream_name(&service, epoch) == stream).then_some((service, epoch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_says_whose_it_is() {
        assert_eq!(service_of("STEWARD_SUPPORT_E12"), Some(("support".to_owned(), 12)));
        for other in ["STEWARD_SUPPORT", "SUPPORT_E1", "STEWARD_SUPPORT_E01", "STEWARD_support_E1", "KEPT"] {
            assert_eq!(service_of(other), None, "{other}");
        }
    }
}
