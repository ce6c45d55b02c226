//! Commands over HTTP, all of the way: token, permission, precondition, idempotency, journal; against bare SQL
//! transactions with the same three writes.
//!
//! Service, relay, client and both servers share the machine, so with many writers its processors are the limit; with one
//! writer it is the wait for each answer and each sync.

use super::{Scale, wire::Wire};
use crate::figure::{Figure, Goal, Round, Unit, median};
use crate::load::{Measured, Worker};
use crate::stage::{Keys, Stage};
use crate::tiny;
use anyhow::Result;
use chrono::TimeDelta;
use house::access::Issuer;
use house::server::{Profile, router, serve};
use house::{Held, Principal, Role};
use journal::Clock;
use kernel::UserId;
use sqlx::PgPool;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Things of each client; it alone touches them, so it knows their versions.
const THINGS: u64 = 20;
/// Connections of a service, as the house has them.
const CONNECTIONS: u32 = 24;

struct Client {
    wire: Wire,
    token: Arc<str>,
    first: u64,
    versions: Vec<i32>,
    sent: usize,
    /// What makes its keys different from those of any other client.
    name: String,
}

impl Worker for Client {
    async fn step(&mut self) -> Result<()> {
        let place = self.sent % self.versions.len();
        self.sent += 1;
        let id = tiny::thing(self.first + u64::try_from(place)?);
        let request = format!(
            "POST /v1/alpha/things/{id}/touch HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {}-{}\r\n\
             If-Match: \"{}\"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}",
            self.token, self.name, self.sent, self.versions[place],
        );
        self.wire.ask(request.as_bytes()).await?;
        self.versions[place] += 1;
        Ok(())
    }
}

/// The same three writes, and nothing else.
struct Bare {
    pool: PgPool,
    clock: Clock,
    first: u64,
    versions: Vec<i32>,
    sent: usize,
    name: String,
}

impl Worker for Bare {
    #[expect(clippy::disallowed_methods, reason = "the ids of a bare statement are made by whoever sends it")]
    async fn step(&mut self) -> Result<()> {
        let place = self.sent % self.versions.len();
        self.sent += 1;
        let (thing, event) = (tiny::thing(self.first + u64::try_from(place)?), Uuid::now_v7());
        let version = self.versions[place];
        let mut tx = self.pool.begin().await?;
        sqlx::query("UPDATE thing SET version = $3 WHERE id = $1 AND version = $2")
            .bind(thing.uuid())
            .bind(version)
            .bind(version + 1)
            .execute(&mut *tx)
            .await?;
        let word = "x".repeat(tiny::WORD);
        sqlx::query(
            "INSERT INTO journal (event_id, type, aggregate, subject, aggregate_id, aggversion, actor_kind, actor_id, correlation_id, occurred_at, data)
             VALUES ($1, 'alpha.thing.touched.v1', 'thing', $2, $3, $4, 'principal', 'usr_00000000000000000000000001', $1, $5, $6)",
        )
        .bind(event)
        .bind(thing.to_string())
        .bind(thing.uuid())
        .bind(version + 1)
        .bind(self.clock.now().utc())
        .bind(serde_json::json!({ "thing_id": thing, "word": word }))
        .execute(&mut *tx)
        .await?;
        sqlx::query("INSERT INTO idempotency (principal, method, path, key, body_hash, status, etag, body) VALUES ($1, 'POST', $2, $3, $4, 200, $5, $6)")
            .bind(Uuid::from_u128(1))
            .bind(format!("/v1/alpha/things/{thing}/touch"))
            .bind(format!("{}-{}", self.name, self.sent))
            .bind(&[7_u8; 32][..])
            .bind(format!("\"{}\"", version + 1))
            .bind(serde_json::json!({ "id": thing, "version": version + 1 }))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.versions[place] += 1;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Http,
    Bare,
}

/// Where the commands go.
struct Target {
    address: SocketAddr,
    token: Arc<str>,
    pool: PgPool,
}

impl Target {
    /// One side with so many writers. Things are never touched twice by two workers: `next` is the first unused one.
    async fn run(&self, side: Side, writers: u64, next: &mut u64, scale: &Scale) -> Result<Measured> {
        let mut take = || {
            let first = *next;
            *next += THINGS;
            (first, vec![0; usize::try_from(THINGS).unwrap_or_default()], format!("key-{first}"))
        };
        match side {
            Side::Http => {
                let mut clients = Vec::new();
                for _ in 0..writers {
                    let (first, versions, name) = take();
                    let wire = Wire::connect(self.address).await?;
                    clients.push(Client { wire, token: self.token.clone(), first, versions, sent: 0, name });
                }
                crate::load::measure(clients, scale.span).await
            }
            Side::Bare => {
                let bare = (0..writers).map(|_| {
                    let (first, versions, name) = take();
                    Bare { pool: self.pool.clone(), clock: Clock::default(), first, versions, sent: 0, name }
                });
                crate::load::measure(bare.collect(), scale.span).await
            }
        }
    }
}

pub(super) async fn measure(stage: &Stage, scale: &Scale) -> Result<Vec<Figure>> {
    let (alpha, _) = stage.homes().await?;
    let rounds = u64::try_from(scale.rounds)?;
    alpha.make_things((2 * rounds * (1 + scale.writers) * THINGS).try_into()?).await?;
    let (stop, keys) = (CancellationToken::new(), Keys::fresh());
    let running = stage.run(tiny::alpha(), &alpha, &keys, &stop).await?;
    let (routes, services) = router(vec![running], Profile::Production);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(serve(listener, routes, stop.clone()));
    let roles = vec![Held { role: Role::HQ, branches: None }];
    let principal = Principal { user: UserId::of(Uuid::from_u128(1)), employee: None, roles };
    let token =
        Issuer::new(&keys.private)?.issue(&principal, Clock::default().now(), TimeDelta::hours(12))?;
    let target = Target { address, token: token.into(), pool: alpha.pool(CONNECTIONS).await? };

    let mut next = 1;
    let mut figures = Vec::new();
    for (writers, what, goal) in [
        (1, "one client", Goal::AtLeast(850)),
        (scale.writers, "many clients at once, on the service's own machine", Goal::Reported),
    ] {
        let (mut pairs, mut busy) = (Vec::new(), Vec::new());
        for round in 0..scale.rounds {
            let mut now = Round { candidate: 0, limit: None };
            for side in scale.turn(round, [Side::Http, Side::Bare]) {
                alpha.settle().await?;
                let measured = target.run(side, writers, &mut next, scale).await?;
                match side {
                    Side::Http => now.candidate = measured.rate,
                    Side::Bare => now.limit = Some(measured.rate),
                }
                busy.push((side, measured.busy));
            }
            pairs.push(now);
        }
        let busy_of = |wanted| median(busy.iter().filter(|(side, _)| *side == wanted).map(|(_, busy)| *busy));
        let note = format!(
            "{writers} at once; processors busy: {} ‰ over HTTP, {} ‰ bare.",
            busy_of(Side::Http),
            busy_of(Side::Bare)
        );
        figures.push(Figure {
            row: "http",
            what,
            against: "bare SQL transactions with the same three writes",
            unit: Unit::PerSecond,
            goal,
            rounds: pairs,
            notes: vec![note],
        });
    }
    target.pool.close().await;
    stop.cancel();
    serving.await??;
    for service in Arc::try_unwrap(services).unwrap_or_default() {
        service.stopped().await;
    }
    Ok(figures)
}
