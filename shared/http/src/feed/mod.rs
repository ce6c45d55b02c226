//! `GET /v1/events`: the events of one service, for other systems (`events.md` §7; `api.md`, Three doors).
//!
//! In pages, at once or once there is something (`wait`), or as server-sent events. Whoever reads holds a cursor, and
//! nothing here remembers him: he may go away and come back as he likes. A reader who is slow, or hangs, costs a bounded
//! piece of memory and one of a bounded number of seats, never a connection of the database.
//! What is not here: the events themselves (`journal::feed`), the bus, webhooks.

mod asked;
mod seats;
mod stream;

use crate::error_code;
use crate::openapi::{answer, reference, schemas_of};
use crate::permission;
use crate::problem::{HANDLER, Problem};
use crate::service::Running;
use asked::{Asked, FeedQuery, How};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use events::Envelope;
use journal::feed::{Astray, Cursor, Page};
use kernel::{Refusal as _, refusals};
use seats::Seats;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

refusals! {
    /// A cursor belongs to one source.
    SourceRequired { here: String } = "feed.source_required";
    /// Another process serves it, or nobody.
    SourceElsewhere { source: String, here: String } = "feed.source_elsewhere";
    /// Not two numbers with a colon.
    CursorMalformed {} = "feed.cursor_malformed";
    /// No epoch has this number.
    CursorUnknown { after: String } = "feed.cursor_unknown";
    /// No event has this number yet.
    CursorAhead { after: String, last: String } = "feed.cursor_ahead";
    /// What the reader has of that epoch behind its base never happened.
    EpochEnded { after: String, base: i64, go_on: String } = "feed.epoch_ended";
    /// Older than what is kept.
    CursorGone { after: String, earliest: String } = "feed.cursor_gone";
    /// The source publishes nothing of this name.
    TypeUnknown { source: String, event_type: String } = "feed.type_unknown";
    /// It is about pay, and the token has not the scope for it.
    ScopeRequired { event_type: String, scope: String } = "feed.scope_required";
    /// As many as may wait or stream at once do so.
    TooManyReaders { of_one: usize, of_all: usize } = "feed.too_many_readers";
}

/// The services of a process, and who waits at their feeds.
#[derive(Clone)]
pub(crate) struct Desk {
    services: Arc<Vec<Running>>,
    seats: Seats,
}

impl Desk {
    pub(crate) fn new(services: Arc<Vec<Running>>) -> Self {
        Self { services, seats: Seats::default() }
    }

    /// The services that are read here.
    fn here(&self) -> String {
        self.services.iter().map(|service| service.name).collect::<Vec<_>>().join(", ")
    }
}

/// The route, over all services of a process; a request may take longer than elsewhere, because it may wait.
pub(crate) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(events))
}

/// One page of the feed.
#[derive(Debug, Serialize, ToSchema)]
struct FeedPage {
    /// Envelopes, as on the bus: CloudEvents 1.0.
    #[schema(value_type = Vec<Object>)]
    data: Vec<Envelope>,
    /// How to go on.
    page: FeedLinks,
}

/// How to go on from a page of the feed.
#[derive(Debug, Serialize, ToSchema)]
struct FeedLinks {
    /// Behind everything that was looked at, whether it matched or not: the next `after`. Always there.
    next: String,
    /// Where the source ended at that moment.
    last: String,
    /// True where there is more to look at already.
    has_more: bool,
    /// True where nothing is left out, neither by a filter nor by the reader's rights: each `seq` is then the one before
    /// plus one, and who counts them proves that he has all.
    is_gapless: bool,
}

impl IntoResponses for FeedPage {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let mut carried = schemas_of::<Self>();
        carried.extend(schemas_of::<FeedLinks>());
        let mut responses = answer(
            "One page; or, with `Accept: text/event-stream`, server-sent events whose id is epoch:seq.",
            reference::<Self>(),
            carried,
        );
        let content = || {
            ContentBuilder::new()
                .schema(Some(RefOr::Ref::<utoipa::openapi::Schema>(Ref::from_schema_name("Problem"))))
                .build()
        };
        for status in ["410", "429"] {
            let problem = ResponseBuilder::new()
                .description("A problem.")
                .content("application/problem+json", content());
            responses.insert(status.to_owned(), problem.build().into());
        }
        responses
    }
}

#[utoipa::path(get, path = "/v1/events", params(FeedQuery), responses(FeedPage))]
async fn events(
    State(desk): State<Desk>,
    asked: Asked<permission!("feed.read")>,
) -> Result<Response, Problem> {
    match asked.how {
        How::Stream => {
            let seat = desk.seats.take(asked.signed.principal.user)?;
            Ok(stream::answer(asked.reading, asked.signed.expires_at, asked.after, seat).await?)
        }
        How::Page { wait } => {
            let _seat =
                if wait.is_zero() { None } else { Some(desk.seats.take(asked.signed.principal.user)?) };
            let page = asked.page(wait).await?;
            let link = format!("<{}after={}>; rel=\"next\"", asked.address, page.next);
            let shown = FeedPage {
                page: FeedLinks {
                    next: page.next.to_string(),
                    last: page.last.to_string(),
                    has_more: page.has_more(),
                    is_gapless: asked.reading.wanted.is_all(),
                },
                data: page.events,
            };
            let mut response = Json(shown).into_response();
            if let Ok(link) = HeaderValue::from_str(&link) {
                response.headers_mut().insert(header::LINK, link);
            }
            Ok(response)
        }
    }
}

impl<P> Asked<P> {
    /// A page: at once, or, where it would be empty, once something is there or the time is over.
    async fn page(&self, wait: Duration) -> Result<Page, Problem> {
        let until = Instant::now() + wait;
        let mut after = self.after;
        loop {
            let page = self.reading.page(after).await?;
            if !page.events.is_empty() || Instant::now() >= until {
                return Ok(page);
            }
            after = Some(page.next);
            if page.has_more() {
                continue;
            }
            tokio::select! {
                () = self.reading.feed.beyond(page.next.seq) => {}
                () = tokio::time::sleep_until(until) => return Ok(page),
                () = self.reading.ends(self.signed.expires_at) => return Ok(page),
            }
        }
    }
}

impl asked::Reading {
    /// One page, within the time that any request has.
    async fn page(&self, after: Option<Cursor>) -> Result<Page, Problem> {
        let read = tokio::time::timeout(HANDLER, self.feed.page(after, &self.wanted)).await;
        let read = read.map_err(|_| Problem::plain(error_code!("service.unavailable")).retry_after(1))??;
        read.map_err(|astray| refused(after, astray).refused().into())
    }

    /// Returns when the reader's token is not good any more, or the service shall stop.
    async fn ends(&self, expires_at: kernel::Timestamp) {
        let clock = self.house.clock();
        let mut moves = clock.moves();
        loop {
            let Ok(left) = expires_at.since(clock.now()).to_std() else { return };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(left) => return,
                moved = moves.changed() => if moved.is_err() { return },
            }
        }
    }

    fn has_ended(&self, expires_at: kernel::Timestamp) -> bool {
        self.stop.is_cancelled() || self.house.now() >= expires_at
    }
}

/// What a reader is told whose cursor leads nowhere.
fn refused(after: Option<Cursor>, astray: Astray) -> Refusal {
    let after = after.map_or_else(String::new, |after| after.to_string());
    match astray {
        Astray::Unknown => Refusal::CursorUnknown { after },
        Astray::Ahead { last } => Refusal::CursorAhead { after, last: last.to_string() },
        Astray::Ended { base, go_on } => Refusal::EpochEnded { after, base, go_on: go_on.to_string() },
        Astray::Gone { earliest } => Refusal::CursorGone { after, earliest: earliest.to_string() },
    }
}
