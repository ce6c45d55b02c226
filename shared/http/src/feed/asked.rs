//! What a request for events asks, checked: token, permission, source, cursor, filters.

use super::{Desk, Refusal};
use crate::access::{Permitted, Scope, Signed};
use crate::command::{id_of, once, permitted, signed};
use crate::error_code;
use crate::house::House;
use crate::list::{DEFAULT_LIMIT, MAX_LIMIT, address, not_a_filter};
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use journal::Reach;
use journal::feed::{Cursor, Feed, Wanted};
use kernel::{BranchId, Refusal as _};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::marker::PhantomData;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Longest that a page may be waited for, in seconds.
const MAX_WAIT: u64 = 30;
/// Types of one filter.
const MAX_TYPES: usize = 50;
/// No further event on a page once its payloads are so large, in bytes.
const PAGE_BYTES: usize = 1_048_576;
/// The same of a stream: so much a client that does not read may hold, besides what the connection buffers.
const STREAM_BYTES: usize = 128 * 1_024;
/// Events that a stream reads at once.
const STREAM_EVENTS: i64 = 100;

/// What may be asked of a feed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FeedQuery {
    /// Whose events: `support`, `hr`, `workforce` or `contracts`.
    #[param(required = true)]
    source: Option<String>,
    /// Behind which event: `epoch:seq`, as in `page.next` or an event's id on a stream. Without it, from the first one on.
    after: Option<String>,
    /// Only these types, with commas between: `support.penalty.confirmed` in every version, or
    /// `support.penalty.confirmed.v1`.
    types: Option<String>,
    /// Only this branch's events and those of the whole network; `net` for the latter alone.
    branch: Option<String>,
    /// Events of a page: 1 to 200, 50 unless said otherwise. Not of a stream.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Seconds to wait for a page that would be empty: up to 30, 0 unless said otherwise. Not of a stream.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 30)]
    wait: Option<String>,
}

/// A request for events that was checked.
pub(super) struct Asked<P> {
    pub(super) signed: Signed,
    pub(super) reading: Reading,
    pub(super) after: Option<Cursor>,
    pub(super) how: How,
    /// The address of this feed without a cursor, for the link to the next page.
    pub(super) address: String,
    permit: PhantomData<P>,
}

/// What is read, as long as it is read.
pub(super) struct Reading {
    pub(super) feed: Feed,
    pub(super) house: House,
    pub(super) wanted: Wanted,
    pub(super) stop: CancellationToken,
}

/// How it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// One page of JSON.
    Page {
        /// How long for something to be on it.
        wait: Duration,
    },
    /// Server-sent events.
    Stream,
}

impl<P: Permitted> FromRequestParts<Desk> for Asked<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Problem> {
        // Whose keys it is that sign tokens is the same for all services of a process.
        let any = desk.services.first().ok_or_else(|| Problem::plain(error_code!("resource.not_found")))?;
        let signed = signed(&any.house, &parts.headers)?;
        let reach = permitted(&any.house, &signed.principal, P::permission())?;
        let pairs = crate::query::pairs(parts.uri.query())?;
        let address = address(parts.uri.path(), &pairs, "after");
        let members: Map<String, Value> =
            pairs.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
        let query: FeedQuery =
            serde_path_to_error::deserialize(Value::from(members)).map_err(not_a_filter)?;
        let here = || desk.here();
        let source =
            query.source.as_deref().ok_or_else(|| Refusal::SourceRequired { here: here() }.refused())?;
        let service =
            desk.services.iter().find(|service| service.name == source).ok_or_else(|| {
                Refusal::SourceElsewhere { source: source.to_owned(), here: here() }.refused()
            })?;
        let (how, limit) = query.how(&parts.headers)?;
        let bytes = if how == How::Stream { STREAM_BYTES } else { PAGE_BYTES };
        let without: &[&str] = if signed.scopes.contains(&Scope::Pay) { &[] } else { &events::PAY };
        let wanted = Wanted {
            types: query.types.as_deref().map(|types| types_of(types, source, without)).transpose()?,
            branches: query.branches(&service.house, &reach).await?,
            without,
            limit,
            bytes,
        };
        let after = query.after(&parts.headers, how)?;
        let reading = Reading {
            feed: service.feed().clone(),
            house: service.house.clone(),
            wanted,
            stop: service.stop().clone(),
        };
        Ok(Self { signed, reading, after, how, address, permit: PhantomData })
    }
}

impl FeedQuery {
    fn how(&self, headers: &HeaderMap) -> Result<(How, i64), Problem> {
        if is_stream(headers) {
            for (name, value) in [("limit", &self.limit), ("wait", &self.wait)] {
                if value.is_some() {
                    return Err(crate::query::bad_value(name));
                }
            }
            return Ok((How::Stream, STREAM_EVENTS));
        }
        let limit = number(self.limit.as_deref(), 1, MAX_LIMIT, "limit")?.unwrap_or(DEFAULT_LIMIT);
        let wait = number(self.wait.as_deref(), 0, MAX_WAIT, "wait")?.unwrap_or_default();
        Ok((How::Page { wait: Duration::from_secs(wait) }, limit))
    }

    /// The branches of both filter and rights; one that is out of reach, or that nobody has heard of, is the same 404.
    async fn branches(&self, house: &House, reach: &Reach) -> Result<Option<Vec<Uuid>>, Problem> {
        let within = reach.branches().map(<[Uuid]>::to_vec);
        let branch: BranchId = match self.branch.as_deref() {
            None => return Ok(within),
            Some("net") => return Ok(Some(Vec::new())),
            Some(branch) => id_of(Some(branch))?,
        };
        let is_there = match &within {
            Some(within) => within.contains(&branch.uuid()),
            None => crate::known::is_branch(house.pool(), branch).await?,
        };
        if is_there {
            Ok(Some(vec![branch.uuid()]))
        } else {
            Err(Problem::plain(error_code!("resource.not_found")))
        }
    }

    /// Where to begin: a client whose stream broke off names the last event it had, whatever its address says.
    fn after(&self, headers: &HeaderMap, how: How) -> Result<Option<Cursor>, Problem> {
        let name = HeaderName::from_static("last-event-id");
        let malformed = || Problem::from(Refusal::CursorMalformed {}.refused());
        let text = if how == How::Stream && headers.contains_key(&name) {
            Some(once(headers, &name).ok_or_else(malformed)?)
        } else {
            self.after.as_deref()
        };
        text.map(|text| text.parse().map_err(|_| malformed())).transpose()
    }
}

/// A whole number within bounds.
fn number<N: std::str::FromStr + PartialOrd>(
    text: Option<&str>,
    least: N,
    most: N,
    name: &str,
) -> Result<Option<N>, Problem> {
    let read = |text: &str| text.parse().ok().filter(|number| *number >= least && *number <= most);
    text.map(|text| read(text).ok_or_else(|| crate::query::bad_value(name))).transpose()
}

/// Whether the client accepts server-sent events: it names them, and does not say that it does not.
fn is_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/event-stream"));
        is_named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// The types of a filter, each one that this source may publish and this reader may have.
fn types_of(filter: &str, source: &str, without: &[&str]) -> Result<Vec<String>, Problem> {
    let types: Vec<&str> = filter.split(',').collect();
    if types.len() > MAX_TYPES {
        return Err(crate::query::bad_value("types"));
    }
    let one = |text: &&str| {
        // As the envelope writes it, too.
        let kind = text.strip_prefix("steward.").unwrap_or(text);
        let Some(thing) = thing_of(kind, source) else {
            return Err(Refusal::TypeUnknown { source: source.to_owned(), event_type: (*text).to_owned() });
        };
        if without.contains(&thing) {
            return Err(Refusal::ScopeRequired { event_type: kind.to_owned(), scope: "pay".to_owned() });
        }
        Ok(kind.to_owned())
    };
    types.iter().map(one).collect::<Result<_, _>>().map_err(|refusal| refusal.refused().into())
}

/// The second word of a type that a source may publish: `penalty` of `support.penalty.confirmed` and of
/// `support.penalty.confirmed.v1`.
fn thing_of<'a>(kind: &'a str, source: &str) -> Option<&'a str> {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_version = |word: &str| {
        let digits = word.strip_prefix('v').unwrap_or_default();
        !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let words: Vec<&str> = kind.split('.').collect();
    match words.as_slice() {
        [from, thing, event] if *from == source && is_word(thing) && is_word(event) => Some(thing),
        [from, thing, event, version]
            if *from == source && is_word(thing) && is_word(event) && is_version(version) =>
        {
            Some(thing)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_type_is_of_its_source_and_has_three_words_and_maybe_a_version() {
        for good in
            ["support.penalty.confirmed", "support.penalty.confirmed.v1", "support.penalty.confirmed.v0"]
        {
            assert_eq!(thing_of(good, "support"), Some("penalty"), "{good}");
        }
        for bad in [
            "",
            "support",
            "support.penalty",
            "support.penalty.",
            "support..confirmed",
            "hr.penalty.confirmed",
            "support.penalty.confirmed.1",
            "support.penalty.confirmed.v",
            "support.penalty.confirmed.v1.x",
            "support.penalty.confirmed.v123456",
            "support.Penalty.confirmed",
            "support.penalty.*",
            "support.penalty.>",
            " support.penalty.confirmed",
        ] {
            assert_eq!(thing_of(bad, "support"), None, "{bad}");
        }
    }

    #[test]
    fn a_stream_is_asked_for_by_name() {
        let of = |text: &'static str| {
            is_stream(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(text))]))
        };
        for yes in
            ["text/event-stream", "application/json, Text/Event-Stream;q=0.5", "text/event-stream ; q=1"]
        {
            assert!(of(yes), "{yes}");
        }
        for no in ["*/*", "text/*", "application/json", "text/event-stream;q=0", ""] {
            assert!(!of(no), "{no}");
        }
    }
}
