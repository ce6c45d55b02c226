//! The feed: what other systems read without the bus, straight from the journal (`events.md` §7).
//!
//! Numbers, epochs and envelopes are those of the bus. A page looks at a bounded stretch of numbers and says how far it
//! looked, so that a reader whose filter matches nothing moves on all the same. Nobody who waits for news holds a
//! connection: waiting is for a number in memory, which follows the relay where it leads and the table where it does not.
//! What is not here: HTTP, and who may read what.

use crate::Fault;
use crate::bus::envelope;
use crate::numbering::JournalRow;
use crate::relay::Relay;
use crate::supervise::{Tended, tend};
use events::Envelope;
use futures::TryStreamExt;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Numbers that one filtered page looks at, at the most; the statement below says it to the planner, too.
const LOOKED_AT: i64 = 5_000;
/// Pages of one service that are read at the same time: so many of its database connections at the most serve readers of
/// the feed, however many these are; commands have the others.
const AT_ONCE: usize = 4;
/// How often the table is asked for its last number while somebody waits: another process may number.
const POLL: Duration = Duration::from_millis(250);

/// Where a reader stands: behind this number of this epoch's stream. Written `epoch:seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The epoch, from 1.
    pub epoch: i32,
    /// The number of the last event read; 0 before the first.
    pub seq: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

/// It is not two numbers with a colon between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is epoch:seq")]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    /// Exactly as it is written: no sign, no blank, no leading zero.
    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (epoch, seq) = text.split_once(':').ok_or(NoCursor)?;
        let cursor =
            Self { epoch: epoch.parse().map_err(|_| NoCursor)?, seq: seq.parse().map_err(|_| NoCursor)? };
        let is_ours = cursor.epoch > 0 && cursor.seq >= 0 && cursor.to_string() == text;
        if is_ours { Ok(cursor) } else { Err(NoCursor) }
    }
}

/// Why nothing can be read from a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Astray {
    /// There is no such epoch, or its events begin behind this number.
    Unknown,
    /// No event has this number yet.
    Ahead {
        /// Where the journal ends.
        last: Cursor,
    },
    /// The epoch ended before this number: what the reader has of it behind `base` never happened.
    Ended {
        /// The last number that counts.
        base: i64,
        /// Where to go on once that was put right.
        go_on: Cursor,
    },
    /// The journal does not go back so far any more.
    Gone {
        /// The earliest cursor that there still is.
        earliest: Cursor,
    },
}

/// What a reader wants of a source, and what he may have.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Only these types: `support.penalty.confirmed`, in every version, or `support.penalty.confirmed.v1`.
    pub types: Option<Vec<String>>,
    /// Only events of these branches, and those of the whole network; `None` for all.
    pub branches: Option<Vec<Uuid>>,
    /// Nothing of these aggregates: the second word of a type.
    pub without: &'static [&'static str],
    /// At most so many events.
    pub limit: i64,
    /// No further event once the payloads of a page are so large, in bytes.
    pub bytes: usize,
}

impl Wanted {
    /// True where every event is wanted: numbers then follow each other without a gap.
    pub const fn is_all(&self) -> bool {
        self.types.is_none() && self.branches.is_none() && self.without.is_empty()
    }
}

/// One page.
#[derive(Debug)]
pub struct Page {
    /// In order; maybe none, though there is more to look at.
    pub events: Vec<Envelope>,
    /// Behind everything that was looked at: where to go on.
    pub next: Cursor,
    /// Where the journal ended at that moment.
    pub last: Cursor,
}

impl Page {
    /// True where there is more to look at already.
    pub const fn has_more(&self) -> bool {
        self.next.seq < self.last.seq
    }
}

/// The numbers of a journal at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Course {
    /// Each epoch with the last number before it, in order; the first is never missing.
    epochs: Vec<(i32, i64)>,
    /// The number of the oldest event that there is; the next number to be given where there is none.
    first: i64,
    /// The number of the newest one that may be told.
    last: i64,
}

impl Course {
    async fn read(connection: &mut PgConnection) -> Result<Self, Fault> {
        let rows = sqlx::query!(
            "SELECT e.epoch, e.base, r.next_seq, r.told_to, coalesce((SELECT min(seq) FROM journal_order), r.next_seq) AS \"first!\"
             FROM epoch AS e CROSS JOIN relay AS r ORDER BY e.epoch"
        )
        .fetch_all(connection)
        .await?;
        let Some(row) = rows.first() else {
            return Err(Fault::Corrupt { table: "epoch", column: "epoch", value: "none".to_owned() });
        };
        // What a restored database has numbered since is not told as if it were of the epoch that it knows.
        let last = row.told_to.map_or(row.next_seq - 1, |told_to| told_to.min(row.next_seq - 1));
        let first = row.first.min(last + 1);
        Ok(Self { epochs: rows.iter().map(|row| (row.epoch, row.base)).collect(), first, last })
    }

    /// The epoch that an event belongs to: the largest one whose base is below its number.
    fn epoch_of(&self, seq: i64) -> i32 {
        let own = self.epochs.iter().rev().find(|(_, base)| *base < seq);
        own.or(self.epochs.first()).map_or(1, |(epoch, _)| *epoch)
    }

    /// The cursor of whoever has read up to a number.
    fn behind(&self, seq: i64) -> Cursor {
        Cursor { epoch: self.epoch_of(seq), seq }
    }

    /// Where reading begins that begins as early as it can.
    fn earliest(&self) -> Cursor {
        self.behind(self.first - 1)
    }

    /// Whether a reader who stands there may go on.
    fn check(&self, at: Cursor) -> Result<(), Astray> {
        let Some((_, base)) = self.epochs.iter().find(|(epoch, _)| *epoch == at.epoch) else {
            return Err(Astray::Unknown);
        };
        // An epoch ends where any later one begins: one that goes further back ends those between, too.
        let later = self.epochs.iter().filter(|(epoch, _)| *epoch > at.epoch);
        if let Some((epoch, end)) = later.min_by_key(|(epoch, base)| (*base, std::cmp::Reverse(*epoch)))
            && at.seq > *end
        {
            return Err(Astray::Ended { base: *end, go_on: Cursor { epoch: *epoch, seq: *end } });
        }
        if at.seq > self.last {
            return Err(Astray::Ahead { last: self.behind(self.last) });
        }
        if at.seq < *base {
            return Err(Astray::Unknown);
        }
        if at.seq < self.first - 1 {
            return Err(Astray::Gone { earliest: self.earliest() });
        }
        Ok(())
    }
}

/// The feed of one service: reads its journal, and knows when there is news. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    service: &'static str,
    pool: PgPool,
    turns: Arc<Semaphore>,
    /// The last number known; whoever waits is subscribed.
    tip: Arc<watch::Sender<i64>>,
}

impl Feed {
    /// Starts following the numbers of a service.
    pub fn start(
        service: &'static str,
        pool: PgPool,
        relay: &Relay,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let tip = Arc::new(watch::Sender::new(0));
        let follower = Follower { service, pool: pool.clone(), relay: relay.clone(), tip: tip.clone() };
        let feed = Self { service, pool, turns: Arc::new(Semaphore::new(AT_ONCE)), tip };
        (feed, tend(follower, stop))
    }

    /// What follows a cursor, or everything from the earliest event on; refused where the cursor leads nowhere.
    ///
    /// Cursor, epochs and events are seen in one snapshot: an epoch that begins meanwhile is met by the next page.
    pub async fn page(&self, after: Option<Cursor>, wanted: &Wanted) -> Result<Result<Page, Astray>, Fault> {
        let _turn = self.turns.acquire().await.map_err(|_| crate::supervise::gone("the feed"))?;
        let mut tx = self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let course = Course::read(&mut tx).await?;
        let after = after.unwrap_or_else(|| course.earliest());
        if let Err(astray) = course.check(after) {
            return Ok(Err(astray));
        }
        let stretch = if wanted.is_all() { wanted.limit } else { LOOKED_AT };
        let upto = course.last.min(after.seq.saturating_add(stretch));
        let (rows, is_full) = rows(&mut tx, (after.seq, upto), wanted).await?;
        tx.commit().await?;
        let looked_at = rows.last().filter(|_| is_full).map_or(upto, |row| row.seq);
        let events: Result<Vec<_>, Fault> =
            rows.into_iter().map(|row| envelope(self.service, course.epoch_of(row.seq), row)).collect();
        let next = if looked_at == after.seq { after } else { course.behind(looked_at) };
        Ok(Ok(Page { events: events?, next, last: course.behind(course.last) }))
    }

    /// Returns once an event behind this number is known of; at once where one is already.
    pub async fn beyond(&self, seq: i64) {
        let mut tip = self.tip.subscribe();
        if tip.wait_for(|last| *last > seq).await.is_err() {
            // Nothing follows the numbers any more: the service is stopping, and so is whoever waits.
            std::future::pending::<()>().await;
        }
    }
}

/// The wanted events of a stretch of numbers, and whether the page was full before its end. Rows are taken one by one, so
/// that a page of large events is never in memory as a whole.
async fn rows(
    connection: &mut PgConnection,
    (after, upto): (i64, i64),
    wanted: &Wanted,
) -> Result<(Vec<JournalRow>, bool), Fault> {
    let without: Vec<String> = wanted.without.iter().map(|word| (*word).to_owned()).collect();
    let mut found = sqlx::query_as!(
        JournalRow,
        "WITH looked AS MATERIALIZED (
             SELECT seq, id FROM journal_order WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT 5000
         )
         SELECT o.seq AS \"seq!\", j.id, j.event_id, j.type AS event_type, j.aggregate, j.subject, j.aggregate_id, j.aggversion,
                j.branch_id, j.actor_kind, j.actor_id, j.correlation_id, j.causation_id, j.occurred_at, j.clause, j.data::text AS \"data!\",
                j.traceparent
         FROM looked AS o JOIN journal AS j ON j.id = o.id
         WHERE ($3::text[] IS NULL OR j.type = ANY ($3) OR regexp_replace(j.type, '\\.v[0-9]+$', '') = ANY ($3))
           AND ($4::uuid[] IS NULL OR j.branch_id IS NULL OR j.branch_id = ANY ($4))
           AND NOT split_part(j.type, '.', 2) = ANY ($5)
         ORDER BY o.seq LIMIT $6",
        after,
        upto,
        wanted.types.as_deref(),
        wanted.branches.as_deref(),
        &without,
        wanted.limit,
    )
    .fetch(connection);
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.try_next().await? {
        bytes += row.data.len();
        rows.push(row);
        if bytes >= wanted.bytes {
            return Ok((rows, true));
        }
    }
    let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= wanted.limit);
    Ok((rows, is_full))
}

/// Follows the last number, for those who wait.
struct Follower {
    service: &'static str,
    pool: PgPool,
    relay: Relay,
    tip: Arc<watch::Sender<i64>>,
}

impl Tended for Follower {
    fn name(&self) -> String {
        format!("feed of {}", self.service)
    }

    async fn run(&mut self, stop: &CancellationToken) {
        let mut told = self.relay.told();
        let mut poll = tokio::time::interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                changed = told.changed() => match changed {
                    // A relay that does not lead knows of no number, or of an old one.
                    Ok(()) => self.tell(|known, last| last > known, told.last()),
                    Err(_) => return,
                },
                _ = poll.tick() => if self.tip.receiver_count() > 0 {
                    match self.ask().await {
                        Ok(last) => self.tell(|known, last| last != known, last),
                        Err(fault) => tracing::debug!(service = self.service, error = %fault, "no news for the feed"),
                    }
                },
            }
        }
    }

    fn stands_still(&mut self, _why: &str) {
        // Whoever waits goes on waiting until this runs again; what he has read is whole.
    }
}

impl Follower {
    /// Whoever waits is woken where it is news.
    fn tell(&self, is_news: impl FnOnce(i64, i64) -> bool, last: i64) {
        self.tip.send_if_modified(|known| {
            let is_news = is_news(*known, last);
            if is_news {
                *known = last;
            }
            is_news
        });
    }

    async fn ask(&self) -> Result<i64, Fault> {
        Ok(sqlx::query_scalar!("SELECT least(next_seq - 1, told_to) AS \"last!\" FROM relay")
            .fetch_one(&self.pool)
            .await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Cursor {
        text.parse().expect("a cursor")
    }

    #[test]
    fn a_cursor_is_read_exactly_as_it_is_written() {
        for good in ["1:0", "1:48213", "2147483647:9223372036854775807"] {
            assert_eq!(at(good).to_string(), good);
        }
        for bad in [
            "",
            ":",
            "1",
            "1:",
            ":1",
            "0:1",
            "-1:1",
            "1:-1",
            "+1:1",
            "1:+1",
            "01:1",
            "1:01",
            "1 :1",
            "1:1 ",
            "1:1:1",
            "2147483648:1",
            "1:9223372036854775808",
            "a:1",
            "1:1e3",
            "١:1",
        ] {
            assert_eq!(bad.parse::<Cursor>(), Err(NoCursor), "{bad}");
        }
    }

    #[test]
    fn a_cursor_counts_as_far_as_its_epoch_goes() {
        // The third epoch went further back than the second: nothing of the second is left.
        let course = Course { epochs: vec![(1, 0), (2, 300), (3, 250), (4, 600)], first: 101, last: 700 };
        let ended = |base, go_on| Err(Astray::Ended { base, go_on: at(go_on) });
        for (cursor, expected) in [
            ("1:99", Err(Astray::Gone { earliest: at("1:100") })),
            ("1:0", Err(Astray::Gone { earliest: at("1:100") })),
            ("1:100", Ok(())),
            ("1:250", Ok(())),
            ("1:251", ended(250, "3:250")),
            ("1:9000", ended(250, "3:250")),
            ("2:300", ended(250, "3:250")),
            ("2:310", ended(250, "3:250")),
            ("3:249", Err(Astray::Unknown)),
            ("3:250", Ok(())),
            ("3:600", Ok(())),
            ("3:601", ended(600, "4:600")),
            ("4:599", Err(Astray::Unknown)),
            ("4:700", Ok(())),
            ("4:701", Err(Astray::Ahead { last: at("4:700") })),
            ("5:1", Err(Astray::Unknown)),
        ] {
            assert_eq!(course.check(at(cursor)), expected, "{cursor}");
        }
        let epochs = [1, 250, 251, 600, 601].map(|seq| course.epoch_of(seq));
        assert_eq!(epochs, [1, 1, 3, 3, 4]);
        assert_eq!(
            (course.behind(0), course.behind(250), course.behind(700)),
            (at("1:0"), at("1:250"), at("4:700"))
        );
    }

    #[test]
    fn an_empty_journal_is_read_from_its_beginning() {
        let course = Course { epochs: vec![(1, 0)], first: 1, last: 0 };
        assert_eq!((course.earliest(), course.check(at("1:0"))), (at("1:0"), Ok(())));
        assert_eq!(course.check(at("1:1")), Err(Astray::Ahead { last: at("1:0") }));
    }
}
