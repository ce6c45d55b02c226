//! The statements on the lease table, and the session whose advisory locks say that a leader lives.

use crate::Fault;
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, PgPool};

/// A lease as it stood when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `relay`.
    pub name: String,
    /// How often somebody has taken it.
    pub term: i64,
    /// Raised while its leader lives.
    pub beat: i64,
    /// The `application_name` of the leader's sessions.
    pub holder: Option<String>,
    /// True where no session holds the lock of this term: its leader is gone, or has given it back.
    pub is_free: bool,
}

/// A connection that leases live on: what it holds is free when it ends, however it ends.
pub struct Session {
    connection: PgConnection,
}

impl Session {
    /// Opens one, beside the pool: leases must be kept while every connection of the pool is at work.
    pub async fn open(pool: &PgPool) -> Result<Self, Fault> {
        let mut connection = pool.connect_options().connect().await?;
        sqlx::query!(
            "SELECT set_config(name, value, false) FROM (VALUES ('lock_timeout', '1s'), ('statement_timeout', '2s')) AS setting (name, value)"
        )
        .fetch_all(&mut connection)
        .await?;
        Ok(Self { connection })
    }

    /// Looks at leases; those that nobody has ever asked for are made.
    pub async fn look(&mut self, names: &[String]) -> Result<Vec<Seen>, Fault> {
        let seen = self.look_at_present(names).await?;
        if names.iter().all(|name| seen.iter().any(|seen| seen.name == *name)) {
            return Ok(seen);
        }
        sqlx::query!(
            "INSERT INTO lease (name) SELECT DISTINCT name FROM UNNEST($1::text[]) AS new (name) ORDER BY name ON CONFLICT DO NOTHING",
            names
        )
        .execute(&mut self.connection)
        .await?;
        self.look_at_present(names).await
    }

    /// The lock of the term is tried for as long as the statement runs.
    async fn look_at_present(&mut self, names: &[String]) -> Result<Vec<Seen>, Fault> {
        Ok(sqlx::query_as!(
            Seen,
            "SELECT name, term, beat, holder, pg_try_advisory_xact_lock(hashtextextended('lease ' || name, term)) AS \"is_free!\"
             FROM lease WHERE name = ANY ($1)",
            names
        )
        .fetch_all(&mut self.connection)
        .await?)
    }

    /// Takes a lease, if it is still as it was seen: the new term. Its lock is taken before anybody can see the new term.
    pub async fn take(&mut self, seen: &Seen) -> Result<Option<i64>, Fault> {
        let taken = sqlx::query!(
            "WITH taken AS (UPDATE lease SET term = term + 1, beat = beat + 1, holder = current_setting('application_name')
                            WHERE name = $1 AND term = $2 AND beat = $3 RETURNING name, term)
             SELECT term, pg_try_advisory_lock(hashtextextended('lease ' || name, term)) AS is_locked FROM taken",
            seen.name,
            seen.term,
            seen.beat,
        )
        .fetch_optional(&mut self.connection)
        .await?;
        Ok(taken.map(|taken| taken.term))
    }

    /// Raises the beats of leases held in these terms; the names of those that are still held.
    pub async fn beat(&mut self, held: &[(String, i64)]) -> Result<Vec<String>, Fault> {
        let (names, terms): (Vec<String>, Vec<i64>) = held.iter().cloned().unzip();
        Ok(sqlx::query_scalar!(
            "UPDATE lease SET beat = beat + 1 FROM UNNEST($1::text[], $2::bigint[]) AS held (name, term)
             WHERE lease.name = held.name AND lease.term = held.term RETURNING lease.name",
            &names,
            &terms,
        )
        .fetch_all(&mut self.connection)
        .await?)
    }

    /// Lets go of the lock of a term: whoever looks next may lead.
    pub async fn free(&mut self, name: &str, term: i64) -> Result<(), Fault> {
        sqlx::query!("SELECT pg_advisory_unlock(hashtextextended('lease ' || $1::text, $2))", name, term)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Ends the sessions of another process that wait for it inside a transaction, and have done so for a second: nobody
    /// awaits anything there but the database. How many. A process without a name of its own is left alone.
    pub async fn clear(&mut self, holder: &str) -> Result<i64, Fault> {
        Ok(sqlx::query_scalar!(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) AS \"ended!\" FROM pg_stat_activity
             WHERE application_name = $1 AND application_name NOT IN ('', current_setting('application_name'))
               AND usename = current_user AND datname = current_database() AND state <> 'idle' AND wait_event_type = 'Client'
               AND state_change < clock_timestamp() - interval '1 second'",
            holder
        )
        .fetch_one(&mut self.connection)
        .await?)
    }
}
