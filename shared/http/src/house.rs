//! The house: one way for every command, read and list (`architecture.md` §2).

use crate::access::{Permitted, Principal, Verifier};
use crate::command::{Addressed, Command, Read, Target, etag};
use crate::commit::{self, Begun, Made, Reply};
use crate::error_code;
use crate::hidden::all_without;
use crate::list::{Cursors, List, Page};
use crate::metrics::CommandsSeen;
use crate::problem::Problem;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use journal::{Actor, Clock, Failure, Reach, Relay, Tx};
use kernel::{Aggregate, Decision, Id, Timestamp, Version};
use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;
use std::marker::PhantomData;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// What every route of a service gets. Cheap to clone.
#[derive(Clone)]
pub struct House {
    inner: Arc<Inner>,
}

struct Inner {
    service: &'static str,
    pool: PgPool,
    clock: Clock,
    verifier: Verifier,
    cursors: Cursors,
    relay: Relay,
    seen: CommandsSeen,
}

/// Events of one page of a history.
const HISTORY: i64 = 1_000;

/// An aggregate that the API shows.
pub trait Shown: Aggregate {
    /// What the API shows of it.
    type View: Serialize + ToSchema + Send;
    /// The view of this state at this version.
    fn view(&self, version: Version) -> Self::View;
    /// Where it is found: `/v1/support/penalties/{id}`.
    fn path(&self) -> String;
    /// The members of its events' data that this reader may not read, in its history and in a dry run.
    fn hidden(&self, _reader: &Principal) -> &'static [&'static str] {
        &[]
    }
}

/// The answer to a command: the new state with its ETag, or a problem.
pub type Answer<V> = Result<Commanded<V>, Problem>;

/// What a committed command answers; `V` is the view in its body, for the API document.
#[derive(Debug)]
pub struct Commanded<V> {
    reply: Reply,
    view: PhantomData<V>,
}

impl<V> From<Reply> for Commanded<V> {
    fn from(reply: Reply) -> Self {
        Self { reply, view: PhantomData }
    }
}

impl<V> IntoResponse for Commanded<V> {
    fn into_response(self) -> Response {
        self.reply.into_response()
    }
}

impl House {
    /// The house of one service.
    pub fn new(service: &'static str, pool: PgPool, clock: Clock, relay: Relay, keys: Keys) -> Self {
        Self {
            inner: Arc::new(Inner {
                service,
                pool,
                clock,
                verifier: keys.verifier,
                cursors: keys.cursors,
                relay,
                seen: CommandsSeen::new(service),
            }),
        }
    }

    /// The service's name: `support`.
    pub fn service(&self) -> &'static str {
        self.inner.service
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The database, for reading only.
    pub fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.inner.verifier
    }

    pub(crate) fn cursors(&self) -> &Cursors {
        &self.inner.cursors
    }

    /// What its commands count.
    pub(crate) fn seen(&self) -> &CommandsSeen {
        &self.inner.seen
    }

    pub(crate) fn relay(&self) -> &Relay {
        &self.inner.relay
    }

    /// Does a command: state, journal rows, idempotency record and answer in one transaction, or nothing at all.
    ///
    /// `work` loads, decides and saves. A refusal or fault rolls back and leaves no record, so the same key may be
    /// sent again; a repetition of what was committed is answered from its record.
    pub async fn commit<C, P, A, F>(&self, cmd: Command<C, P>, work: F) -> Answer<A::View>
    where
        C: Addressed,
        P: Permitted,
        A: Shown,
        F: AsyncFnOnce(&mut Tx, &Command<C, P>, Timestamp) -> Result<Decision<A>, Failure>,
    {
        let now = self.now();
        let mut tx = match commit::begin(self, &cmd.received, now).await? {
            Begun::Fresh(tx) => tx,
            Begun::Replayed(reply) => return Ok(reply.into()),
        };
        let decision = match work(&mut tx, &cmd, now).await {
            Ok(decision) => decision,
            Err(failure) => return Err(commit::give_up(self, tx, &cmd.received, failure).await),
        };
        assert!(
            !cmd.has_forgotten_to_compare(),
            "a verb on an existing aggregate must pass what it loads through Command::current"
        );
        let (version, state) = (decision.version(), decision.state());
        let made = Made {
            version,
            view: serde_json::to_value(state.view(version)).expect("views are plain data"),
            path: (!C::To::EXISTS).then(|| state.path()),
            hidden: state.hidden(&cmd.principal),
        };
        Ok(commit::settle(self, tx, &cmd.received, made).await?.into())
    }

    /// Reads one thing; absent and out of reach are the same 404.
    pub async fn read<I, P, V>(
        &self,
        read: Read<I, P>,
        work: impl AsyncFnOnce(&PgPool, &Read<I, P>) -> Result<Option<(Version, V)>, Failure>,
    ) -> Result<Response, Problem>
    where
        I: Id,
        V: Serialize,
    {
        let found = work(self.pool(), &read).await?;
        let (version, view) = found.ok_or_else(|| Problem::plain(error_code!("resource.not_found")))?;
        let etag = etag(version);
        let tag = HeaderValue::from_str(&etag).map_err(|_| Problem::plain(error_code!("service.fault")))?;
        if read
            .known
            .as_deref()
            .is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == etag))
        {
            return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
        }
        Ok(([(header::ETAG, tag)], Json(view)).into_response())
    }

    /// Reads what happened to one thing, oldest first, a page after a version: the journal is the history. `find` says whether the thing
    /// exists within reach; absent and out of reach are the same 404.
    pub async fn history<I, P, T>(
        &self,
        read: Read<I, P>,
        find: impl AsyncFnOnce(&PgPool, &Read<I, P>) -> Result<Option<T>, Failure>,
    ) -> Result<Response, Problem>
    where
        I: Id,
    {
        self.history_without(read, find, |_, _| &[]).await
    }

    /// The same, without the members of its events that `hidden` says this reader may not read ([`Shown::hidden`]).
    pub async fn history_without<I, P, T>(
        &self,
        read: Read<I, P>,
        find: impl AsyncFnOnce(&PgPool, &Read<I, P>) -> Result<Option<T>, Failure>,
        hidden: impl FnOnce(&T, &Principal) -> &'static [&'static str],
    ) -> Result<Response, Problem>
    where
        I: Id,
    {
        let found = find(self.pool(), &read).await?;
        let found = found.ok_or_else(|| Problem::plain(error_code!("resource.not_found")))?;
        // One more than the page holds, so that it is known whether there is a next one.
        let page = journal::history::Page { after: read.after.get(), limit: HISTORY + 1, branches: None };
        let mut data =
            journal::history::of_aggregate(self.pool(), self.service(), read.id.uuid(), page).await?;
        let has_more = i64::try_from(data.len()).is_ok_and(|events| events > HISTORY);
        if has_more {
            data.pop();
        }
        let next = data.last().filter(|_| has_more).map(|last| last.aggversion);
        let data = all_without(data, hidden(&found, &read.principal));
        Ok(Json(json!({ "data": data, "page": { "has_more": has_more, "after": next } })).into_response())
    }

    /// Reads one page of a list.
    pub async fn list<F, P, V>(
        &self,
        list: List<F, P>,
        work: impl AsyncFnOnce(&PgPool, &List<F, P>) -> Result<Vec<V>, Failure>,
        id: impl Fn(&V) -> Uuid,
    ) -> Result<Response, Problem>
    where
        Page<V>: Serialize,
    {
        let rows = work(self.pool(), &list).await?;
        let (page, link) = list.page_of(self, rows, id);
        let mut response = Json(page).into_response();
        if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    }

    /// Does work of the house's own, outside any request: a job, a seed. The actor names the verb.
    pub async fn begin(&self, actor: Actor) -> Result<Tx, Failure> {
        Ok(Tx::begin(self.pool(), self.now(), actor, Reach::network()).await?)
    }
}

/// What a house checks requests with.
#[derive(Clone)]
pub struct Keys {
    /// Checks tokens.
    pub verifier: Verifier,
    /// Signs cursors.
    pub cursors: Cursors,
}

impl FromRequestParts<Self> for House {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(_parts: &mut Parts, house: &Self) -> Result<Self, Self::Rejection> {
        Ok(house.clone())
    }
}
