//! Writes a transaction's events into the journal, in one statement.

use crate::Fault;
use crate::tx::{Pending, Tx};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Appends everything pending. An aggregate keeps the correlation id of its first event; a new one takes its
/// parent's, else its cause's, else begins a chain with its own first event (`events.md` §4). [`Fault::TooLarge`] where
/// one of them says more than 64 KB.
#[expect(
    clippy::as_conversions,
    reason = "how sqlx is told the type of an array whose elements may be null; no number"
)]
pub(crate) async fn append(tx: &mut Tx) -> Result<(), Fault> {
    let rows = std::mem::take(&mut tx.pending);
    if rows.is_empty() {
        return Ok(());
    }
    let correlations = correlate(&rows, known_chains(tx, &rows).await?);
    let now = tx.now().utc();
    let column = |pick: fn(&Pending) -> String| rows.iter().map(pick).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, branch_id, actor_kind, actor_id,
                              correlation_id, causation_id, clause, data, occurred_at, traceparent)
         SELECT event_id, type, aggregate, subject, aggregate_id, aggversion, branch_id, actor_kind, actor_id,
                correlation_id, causation_id, clause, data, $14, traceparent
         FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::int[], $7::uuid[], $8::text[], $9::text[],
                     $10::uuid[], $11::uuid[], $12::text[], $13::jsonb[], $15::text[])
              WITH ORDINALITY AS row (event_id, type, aggregate, subject, aggregate_id, aggversion, branch_id, actor_kind, actor_id,
                     correlation_id, causation_id, clause, data, traceparent, place)
         ORDER BY place",
        &rows.iter().map(|row| row.event_id).collect::<Vec<_>>(),
        &column(|row| row.event_type.clone()),
        &column(|row| row.aggregate.to_owned()),
        &column(|row| row.subject.clone()),
        &rows.iter().map(|row| row.aggregate_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.aggversion).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.branch_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &column(|row| row.actor.kind().to_owned()),
        &column(|row| row.actor.id()),
        &correlations,
        &rows.iter().map(|row| row.cause.map(|cause| cause.event_id.uuid())).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.clause.map(|clause| clause.id().to_owned())).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.data.clone()).collect::<Vec<_>>(),
        now,
        &rows.iter().map(|row| row.traceparent.clone()).collect::<Vec<_>>() as &[Option<String>],
    )
    .execute(tx.connection())
    .await
    .map_err(|error| bounded(error.into()))?;
    Ok(())
}

/// The table itself bounds an event (`CHECK` of `journal.data`), by the text that PostgreSQL makes of it.
fn bounded(fault: Fault) -> Fault {
    if fault.constraint() == Some("journal_data_check") { Fault::TooLarge } else { fault }
}

/// The chains of the aggregates, and parents, that the journal knows already.
async fn known_chains(tx: &mut Tx, rows: &[Pending]) -> Result<HashMap<Uuid, Uuid>, Fault> {
    let wanted: HashSet<Uuid> =
        rows.iter().flat_map(|row| [Some(row.aggregate_id), row.parent]).flatten().collect();
    let wanted: Vec<Uuid> = wanted.into_iter().collect();
    let known = sqlx::query!(
        "SELECT wanted.id AS \"aggregate_id!\", first.correlation_id
         FROM UNNEST($1::uuid[]) AS wanted (id)
         CROSS JOIN LATERAL (SELECT correlation_id FROM journal WHERE aggregate_id = wanted.id ORDER BY aggversion LIMIT 1) AS first",
        &wanted,
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(known.into_iter().map(|row| (row.aggregate_id, row.correlation_id)).collect())
}

/// The correlation id of each row, in order.
fn correlate(rows: &[Pending], mut chains: HashMap<Uuid, Uuid>) -> Vec<Uuid> {
    rows.iter()
        .map(|row| {
            let inherited = row.parent.and_then(|parent| chains.get(&parent).copied());
            let caused = row.cause.map(|cause| cause.correlation_id.uuid());
            *chains.entry(row.aggregate_id).or_insert_with(|| inherited.or(caused).unwrap_or(row.event_id))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tx::{Actor, Cause};
    use kernel::EventId;

    fn row(event: u128, aggregate: u128, parent: Option<u128>, cause: Option<u128>) -> Pending {
        Pending {
            event_id: Uuid::from_u128(event),
            event_type: "support.penalty.confirmed.v1".to_owned(),
            aggregate: "penalty",
            subject: "pen".to_owned(),
            aggregate_id: Uuid::from_u128(aggregate),
            aggversion: 1,
            branch_id: None,
            actor: Actor::Operator("test"),
            cause: cause.map(|id| Cause {
                event_id: EventId::of(Uuid::from_u128(id)),
                correlation_id: EventId::of(Uuid::from_u128(id)),
            }),
            parent: parent.map(Uuid::from_u128),
            clause: None,
            data: serde_json::Value::Null,
            traceparent: None,
        }
    }

    #[test]
    fn one_call_is_one_chain() {
        let known = HashMap::from([(Uuid::from_u128(100), Uuid::from_u128(7))]);
        let rows = [
            row(1, 100, None, Some(50)), // an aggregate keeps its chain, whatever caused the change
            row(2, 200, Some(100), Some(50)), // what is created from it carries it on
            row(3, 300, Some(200), None), // also when the parent is born in the same transaction
            row(4, 400, None, Some(50)), // a reaction carries its cause's
            row(5, 500, None, None),     // a fresh one begins its own
            row(6, 500, None, None),
        ];
        let chains: Vec<u128> = correlate(&rows, known).into_iter().map(|id| id.as_u128()).collect();
        assert_eq!(chains, [7, 7, 7, 50, 5, 5]);
    }
}
