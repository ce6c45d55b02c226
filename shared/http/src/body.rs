//! Request bodies: JSON within limits, read strictly (`api.md`, JSON; `operations.md` §2).
//!
//! A body is walked once before it is read as a command, because a member of free shape (`parameters` of a policy)
//! would let through what serde refuses only of declared members: one that stands twice, for instance.

use crate::error_code;
use crate::problem::{Detail, Problem};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kernel::{ErrorEntry, Refused};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Objects and arrays inside each other.
const DEPTH: usize = 32;
/// Items of one array.
const ITEMS: usize = 500;
/// Characters of a parser's remark that are passed on: a remark quotes the request.
const NOTE: usize = 200;

/// Reads every request to its end before anybody answers it: an answer that overtakes the body makes the server close
/// the connection, beneath a client that means to use it again.
pub(crate) async fn receive(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut limited = Request::new(body);
    limited.extensions_mut().clone_from(&parts.extensions);
    match take(limited, &()).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        // What is left of it is not waited for.
        Err(problem) => {
            problem.with_header(header::CONNECTION, HeaderValue::from_static("close")).into_response()
        }
    }
}

/// The bytes of a body, within the limit.
pub(crate) async fn take<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let is_large = rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE;
        // Anything else is a body that broke off; nobody is left to read this answer.
        Problem::plain(if is_large {
            error_code!("request.too_large")
        } else {
            error_code!("request.cut_off")
        })
    })
}

/// Walks a body without keeping it.
#[derive(Clone, Copy)]
struct Walk {
    depth: usize,
}

/// Refuses what no command may contain, whatever its shape.
fn inspect(body: &[u8]) -> Result<(), Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let mut track = serde_path_to_error::Track::new();
    let walked =
        Walk { depth: 0 }.deserialize(serde_path_to_error::Deserializer::new(&mut reader, &mut track));
    walked.map_err(|error| {
        if error.is_data() {
            schema_problem(pointer(&track.path()), &error.to_string())
        } else {
            unreadable(&error)
        }
    })
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Walk {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth < DEPTH {
            Ok(Self { depth: self.depth + 1 })
        } else {
            Err(E::custom("request.too_deep"))
        }
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _value: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _value: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _value: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _value: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        // PostgreSQL keeps no NUL in a text.
        if value.contains('\0') { Err(E::custom("text.nul")) } else { Ok(()) }
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut count = 0;
        while items.next_element_seed(inner)?.is_some() {
            count += 1;
            if count > ITEMS {
                return Err(A::Error::custom("request.too_many_items"));
            }
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            inner.visit_str(&name)?;
            members.next_value_seed(inner)?;
            if !names.insert(name) {
                return Err(A::Error::custom("request.member_twice"));
            }
        }
        Ok(())
    }
}

/// Reads a body as the command it should be; an empty one is `{}`.
pub(crate) fn parse<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    if body.is_empty() {
        return read(b"{}");
    }
    if !is_json(headers) {
        return Err(Problem::plain(error_code!("request.media_type")));
    }
    read(body)
}

fn is_json(headers: &HeaderMap) -> bool {
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    named
        .split(';')
        .next()
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    inspect(body)?;
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(mismatch)?;
    reader.end().map_err(|error| unreadable(&error))?;
    Ok(value)
}

/// Why a body is not the command that its route takes.
fn mismatch(error: serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let pointer = pointer(error.path());
    let inner = error.into_inner();
    if inner.is_data() { schema_problem(pointer, &inner.to_string()) } else { unreadable(&inner) }
}

fn unreadable(error: &serde_json::Error) -> Problem {
    Refused::plain(error_code!("request.unreadable"))
        .with("line", error.line())
        .with("column", error.column())
        .into()
}

/// A parsing error whose text is a code of the catalogue (`money.negative`) is that refusal; any other one is a
/// plain mismatch with the schema.
pub(crate) fn schema_problem(pointer: String, text: &str) -> Problem {
    let text = text.split(" at line ").next().unwrap_or(text);
    let refused = Refused::plain(ErrorEntry::find(text).unwrap_or(error_code!("request.member")));
    let note = (refused.error.code == "request.member").then(|| text.chars().take(NOTE).collect());
    Problem::plain(error_code!("request.schema")).with_details(vec![Detail { pointer, refused, note }])
}

/// RFC 6901 from the path where reading stopped.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[expect(dead_code, reason = "only its reading is tested")]
        amount: kernel::Money,
    }

    fn refused(body: &str) -> Problem {
        read::<Body>(body.as_bytes()).expect_err("it is wrong")
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said_with_code_and_place() {
        for (body, code) in [
            (r#"{"amount":{"amount":"1.005","currency":"CNY"}}"#, "money.too_many_decimals"),
            (r#"{"amount":{"amount":"-1","currency":"CNY"}}"#, "money.negative"),
            (r#"{"amount":{"amount":"1","currency":"CNY"},"actor":"x"}"#, "request.member"),
            (
                r#"{"amount":{"amount":"1","currency":"CNY"},"amount":{"amount":"1","currency":"CNY"}}"#,
                "request.member_twice",
            ),
            (r#"{}"#, "request.member"),
        ] {
            let problem = format!("{:?}", refused(body));
            assert!(problem.contains("request.schema") && problem.contains(code), "{body}: {problem}");
        }
        for body in ["", "{", "{\"amount\":{", "{\"amount\":NaN}"] {
            let problem = format!("{:?}", refused(body));
            assert!(problem.contains("request.unreadable"), "{body}: {problem}");
        }
    }
}
