//! Events as they come: server-sent events, one block for each, its id the cursor to go on from.
//!
//! The body is made as far as the client reads: a client that does not read stops it, and is cut off by the connection
//! (`listener`). The stream ends, so that the client comes back with what it had, when the service stops, when the token
//! is not good any more, and when the source has begun another epoch: what is answered then says why.

use super::asked::Reading;
use super::seats::Seat;
use crate::problem::Problem;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use journal::feed::{Cursor, Page};
use kernel::Timestamp;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// How often something is sent, so that a connection that is gone is noticed on both sides.
const BEAT: Duration = Duration::from_secs(10);
/// A reader at the end reads at most so often, however many events arrive: they come together then.
const PACE: Duration = Duration::from_millis(50);
/// What a client is told to wait before it comes back, in milliseconds.
const RETRY_MS: u32 = 2_000;

/// A stream that is under way.
struct Stream {
    reading: Reading,
    expires_at: Timestamp,
    /// Behind everything that was looked at; nothing before the first page.
    at: Option<Cursor>,
    /// The last id that the client was told.
    told: Option<Cursor>,
    /// Read and not sent.
    page: Option<Page>,
    /// Whether the last page was one to wait behind.
    is_at_end: bool,
    /// When the last page was read.
    read_at: Instant,
    beat: tokio::time::Interval,
    _seat: Seat,
}

/// The answer; a problem where its first page is one.
pub(super) async fn answer(
    reading: Reading,
    expires_at: Timestamp,
    after: Option<Cursor>,
    seat: Seat,
) -> Result<Response, Problem> {
    let page = reading.page(after).await?;
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.reset();
    let stream = Stream {
        reading,
        expires_at,
        at: after,
        told: after,
        page: Some(page),
        is_at_end: false,
        read_at: Instant::now(),
        beat,
        _seat: seat,
    };
    let begin = (format!("retry: {RETRY_MS}\n\n"), stream);
    let blocks = futures::stream::unfold(begin, |(mut text, mut stream)| async move {
        if text.is_empty() {
            text = stream.next().await?;
        }
        Some((Ok::<_, Infallible>(Bytes::from(text)), (String::new(), stream)))
    });
    let kind = HeaderValue::from_static("text/event-stream");
    // A proxy that collects an answer before it passes it on would pass on nothing.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(([(header::CONTENT_TYPE, kind), unbuffered], Body::from_stream(blocks)).into_response())
}

impl Stream {
    /// What is sent next, once there is something; nothing where the stream ends.
    async fn next(&mut self) -> Option<String> {
        loop {
            if self.reading.has_ended(self.expires_at) {
                return None;
            }
            let page = match self.page.take() {
                Some(page) => page,
                None if self.is_at_end => match self.wait().await? {
                    Woken::Events => self.read().await?,
                    Woken::Beat(text) => return Some(text),
                },
                None => self.read().await?,
            };
            (self.at, self.is_at_end) = (Some(page.next), !page.has_more());
            // At the end, what did not match is told with the next beat: else every event would be a block to everybody.
            if !page.events.is_empty() || page.has_more() {
                return Some(self.blocks(&page));
            }
        }
    }

    /// Events, and how far was looked behind the last of them.
    fn blocks(&mut self, page: &Page) -> String {
        let mut text = String::new();
        for event in &page.events {
            let id = Cursor { epoch: event.epoch, seq: event.seq };
            self.told = Some(id);
            let event = serde_json::to_string(event).expect("an envelope is plain data");
            writeln!(text, "id: {id}\ndata: {event}\n").expect("a String takes all");
        }
        if self.told != Some(page.next) {
            self.told = Some(page.next);
            write!(text, "id: {}\n\n", page.next).expect("a String takes all");
        }
        text
    }

    /// The next page; nothing where the stream cannot go on: the client is told why when it comes back.
    async fn read(&mut self) -> Option<Page> {
        self.read_at = Instant::now();
        match self.reading.page(self.at).await {
            Ok(page) => Some(page),
            Err(problem) => {
                tracing::info!(code = problem.code(), "a reader of the feed must come back");
                None
            }
        }
    }

    /// Waits for events, or for the next beat; nothing where the stream ends.
    async fn wait(&mut self) -> Option<Woken> {
        let (paced, seq) = (self.read_at + PACE, self.at.map_or(0, |at| at.seq));
        tokio::select! {
            () = async {
                self.reading.feed.beyond(seq).await;
                tokio::time::sleep_until(paced).await;
            } => Some(Woken::Events),
            _ = self.beat.tick() => {
                let told = std::mem::replace(&mut self.told, self.at);
                let news = self.at.filter(|_| told != self.at).map(|at| format!("id: {at}\n\n"));
                Some(Woken::Beat(news.unwrap_or_else(|| ":\n\n".to_owned())))
            }
            () = self.reading.ends(self.expires_at) => None,
        }
    }
}

/// Why a reader at the end goes on.
enum Woken {
    /// There are events that it has not looked at.
    Events,
    /// It is time to send something: how far was looked, where the client does not know.
    Beat(String),
}
