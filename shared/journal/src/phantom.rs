//! Phantoms: events on a service's own streams that its journal does not know, because its database was restored to an
//! earlier state (`events.md` §3).

use crate::Fault;
use crate::bus::{Bus, stream_name};
use crate::epoch::Stretch;
use crate::received::Received;
use sqlx::PgPool;
use uuid::Uuid;

/// Phantoms listed in one statement.
const BATCH: usize = 500;

/// Events as the columns of a statement.
#[derive(Default)]
pub(crate) struct Columns {
    pub(crate) seqs: Vec<i64>,
    pub(crate) events: Vec<Uuid>,
    pub(crate) types: Vec<String>,
    pub(crate) subjects: Vec<String>,
    pub(crate) envelopes: Vec<String>,
}

impl Columns {
    /// What could not be read stands there as it arrived.
    pub(crate) fn of(source: &str, events: &[Received]) -> Result<Self, Fault> {
        let mut columns = Self::default();
        for received in events {
            let unread;
            let envelope = match &received.envelope {
                Ok(envelope) => envelope,
                Err(_) => {
                    unread = received.placeholder(source);
                    &unread
                }
            };
            columns.seqs.push(received.seq);
            columns.events.push(received.event_id);
            // PostgreSQL's text holds no NUL.
            columns.types.push(envelope.event_type.replace('\0', "\u{fffd}"));
            columns.subjects.push(envelope.subject.replace('\0', "\u{fffd}"));
            let text = serde_json::to_string(envelope).map_err(|error| Fault::Bus(error.to_string()))?;
            columns.envelopes.push(text);
        }
        Ok(columns)
    }
}

/// What listing has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// All phantoms are listed.
    All,
    /// There are more: go on with the same call.
    More,
}

/// Lists what a service's streams, up to that of epoch `through`, hold beyond `agreed`; at most `most` events, so that it
/// ends. May be repeated, and goes on where it ended.
pub async fn list(
    (pool, bus, service): (&PgPool, &Bus, &str),
    renewal: &crate::renewal::Renewal,
    most: usize,
) -> Result<Listed, Fault> {
    let mut left = most;
    for epoch in 1..renewal.next.epoch {
        let Some(state) = bus.state(&stream_name(service, epoch)).await? else { continue };
        let listed = sqlx::query_scalar!(
            "SELECT max(seq) FROM phantom WHERE epoch = $1 AND ended_by = $2",
            epoch,
            renewal.next.epoch
        )
        .fetch_one(pool)
        .await?;
        let mut from = listed.unwrap_or(0).max(renewal.beyond) + 1;
        from = if state.messages > 0 { from.max(state.first_seq) } else { from };
        while from <= state.last_seq {
            if left == 0 {
                return Ok(Listed::More);
            }
            let stretch = Stretch { epoch, from, to: state.last_seq };
            let events = bus.between(service, stretch, BATCH.min(left)).await?;
            let Some(last) = events.last() else { break };
            (from, left) = (last.seq + 1, left.saturating_sub(events.len()));
            insert((pool, service), (epoch, renewal.next.epoch), &events).await?;
        }
    }
    Ok(Listed::All)
}

async fn insert(
    (pool, service): (&PgPool, &str),
    (epoch, ended_by): (i32, i32),
    events: &[Received],
) -> Result<(), Fault> {
    let listed = Columns::of(service, events)?;
    sqlx::query!(
        "INSERT INTO phantom (epoch, ended_by, seq, event_id, type, subject, envelope)
         SELECT $1, $2, seq, event_id, type, subject, envelope::json
         FROM UNNEST($3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[]) AS row (seq, event_id, type, subject, envelope)
         ON CONFLICT DO NOTHING",
        epoch,
        ended_by,
        &listed.seqs,
        &listed.events,
        &listed.types,
        &listed.subjects,
        &listed.envelopes,
    )
    .execute(pool)
    .await?;
    Ok(())
}
