//! Writes a transaction's events into the journal, in one statement.

use crate::Fault;
use crate::tx::{Pending, Tx};
use std::collections::HashMap;
use uuid::Uuid;

/// Appends everything pending. An aggregate keeps the correlation id of its first event; a new one takes its
/// parent's, else its cause's, else begins a chain with its own first event (`events.md` §4). [`Fault::TooLarge`] where
/// one of them says more than 64 KB.
///
/// The chains that the journal knows are looked up in the statement that inserts (`journal_chains`): a statement of its own
/// would cost each command one more round trip.
#[expect(
    clippy::as_conversions,
    reason = "how sqlx is told the type of an array whose elements may be null; no number"
)]
pub(crate) async fn append(tx: &mut Tx) -> Result<(), Fault> {
    let rows = std::mem::take(&mut tx.pending);
    if rows.is_empty() {
        return Ok(());
    }
    tx.has_told = true;
    let Chains { of_row, begins, places, candidates } = Chains::of(&rows);
    let now = tx.now().utc();
    let column = |pick: fn(&Pending) -> String| rows.iter().map(pick).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, branch_id, actor_kind, actor_id,
                              correlation_id, causation_id, clause, data, occurred_at, traceparent)
         SELECT event_id, type, aggregate, subject, aggregate_id, aggversion, branch_id, actor_kind, actor_id,
                coalesce((SELECT journal_chains($16, $17))[chain], begins), causation_id, clause, data, $14, traceparent
         FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::int[], $7::uuid[], $8::text[], $9::text[],
                     $10::uuid[], $11::uuid[], $12::text[], $13::jsonb[], $15::text[], $18::int[])
              WITH ORDINALITY AS row (event_id, type, aggregate, subject, aggregate_id, aggversion, branch_id, actor_kind, actor_id,
                     begins, causation_id, clause, data, traceparent, chain, place)
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
        &begins,
        &rows.iter().map(|row| row.cause.map(|cause| cause.event_id.uuid())).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.clause.map(|clause| clause.id().to_owned())).collect::<Vec<_>>() as &[Option<String>],
        &rows.iter().map(|row| row.data.clone()).collect::<Vec<_>>(),
        now,
        &rows.iter().map(|row| row.traceparent.clone()).collect::<Vec<_>>() as &[Option<String>],
        &places,
        &candidates,
        &of_row,
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

/// The chain of each row, as far as it can be said without the journal: the aggregates whose first event there says it,
/// in the order in which they are asked, and the id that begins it where none of them is known.
#[derive(Debug, PartialEq, Eq)]
struct Chains {
    /// The number of each row's chain, from 1 on.
    of_row: Vec<i32>,
    /// What each row's chain begins with where the journal knows none of its candidates.
    begins: Vec<Uuid>,
    /// The number of the chain that the candidate at the same place belongs to.
    places: Vec<i32>,
    /// Aggregates whose first event says the chain.
    candidates: Vec<Uuid>,
}

/// The chain of an aggregate that has a row here.
struct Chain {
    number: i32,
    candidates: Vec<Uuid>,
    begins: Uuid,
}

impl Chains {
    fn of(rows: &[Pending]) -> Self {
        let mut all = Self { of_row: vec![], begins: vec![], places: vec![], candidates: vec![] };
        let mut begun: HashMap<Uuid, Chain> = HashMap::new();
        let mut numbers = 1..;
        for row in rows {
            let chain = match begun.remove(&row.aggregate_id) {
                Some(chain) => chain,
                None => {
                    let number = numbers.next().expect("a transaction has far fewer events than 2^31");
                    let (candidates, begins) = Self::first(row, &begun);
                    all.places.extend(candidates.iter().map(|_| number));
                    all.candidates.extend(&candidates);
                    Chain { number, candidates, begins }
                }
            };
            all.of_row.push(chain.number);
            all.begins.push(chain.begins);
            begun.insert(row.aggregate_id, chain);
        }
        all
    }

    /// The candidates of an aggregate's first row here, and what begins its chain without them. A parent that has a row
    /// before it has its chain already; of any other one only the journal can know.
    fn first(row: &Pending, begun: &HashMap<Uuid, Chain>) -> (Vec<Uuid>, Uuid) {
        let mut candidates = vec![row.aggregate_id];
        if let Some(parent) = row.parent.and_then(|parent| begun.get(&parent)) {
            candidates.extend(&parent.candidates);
            return (candidates, parent.begins);
        }
        candidates.extend(row.parent);
        (candidates, row.cause.map_or(row.event_id, |cause| cause.correlation_id.uuid()))
    }
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

    /// What the statement makes of it: the first candidate that the journal knows, else what begins the chain.
    fn chains(rows: &[Pending], known: &[(u128, u128)]) -> Vec<u128> {
        let chains = Chains::of(rows);
        let known: HashMap<Uuid, u128> =
            known.iter().map(|(aggregate, chain)| (Uuid::from_u128(*aggregate), *chain)).collect();
        let of_chain = |number: i32| {
            let places = chains.places.iter().zip(&chains.candidates);
            places.filter(|(place, _)| **place == number).find_map(|(_, id)| known.get(id).copied())
        };
        let rows = chains.of_row.iter().zip(&chains.begins);
        rows.map(|(number, begins)| of_chain(*number).unwrap_or(begins.as_u128())).collect()
    }

    #[test]
    fn one_call_is_one_chain() {
        let rows = [
            row(1, 100, None, Some(50)), // an aggregate keeps its chain, whatever caused the change
            row(2, 200, Some(100), Some(50)), // what is created from it carries it on
            row(3, 300, Some(200), None), // also when the parent is born in the same transaction
            row(4, 400, None, Some(50)), // a reaction carries its cause's
            row(5, 500, None, None),     // a fresh one begins its own
            row(6, 500, None, None),
        ];
        assert_eq!(chains(&rows, &[(100, 7)]), [7, 7, 7, 50, 5, 5]);
        // Nothing known: what the first one began goes all the way down.
        assert_eq!(chains(&rows, &[]), [50, 50, 50, 50, 5, 5]);
        // What has a chain keeps it, whatever its parent's is.
        assert_eq!(chains(&rows, &[(100, 7), (300, 9), (500, 8)]), [7, 7, 9, 50, 8, 8]);
    }

    #[test]
    fn a_parent_is_asked_for_before_the_cause() {
        let rows = [row(1, 100, Some(90), Some(50)), row(2, 90, None, None)];
        assert_eq!(chains(&rows, &[(90, 6)]), [6, 6]);
        // A parent that comes later in the same transaction is no parent yet.
        assert_eq!(chains(&rows, &[]), [50, 2]);
    }

    #[test]
    fn each_aggregate_is_looked_up_once() {
        let rows: Vec<Pending> = (0..500).map(|event| row(event, 100, None, None)).collect();
        let chains = Chains::of(&rows);
        assert_eq!((chains.candidates.len(), chains.places), (1, vec![1]));
    }
}
