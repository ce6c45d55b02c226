//! Lists: allow-listed filters, bounded pages, signed keyset cursors (`api.md`, Reading).
//!
//! Every list is ordered by id: ids are UUIDv7, so that is the order of creation, newest first unless
//! `sort=id`. A cursor is the last id seen, signed together with the filters it belongs to.

use crate::access::{Permitted, Principal};
use crate::body::schema_problem;
use crate::command::asker;
use crate::error_code;
use crate::house::House;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use journal::Reach;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::marker::PhantomData;
use utoipa::ToSchema;
use uuid::Uuid;

/// Rows of a page unless the request says otherwise, and at the most.
pub(crate) const DEFAULT_LIMIT: i64 = 50;
pub(crate) const MAX_LIMIT: i64 = 200;
/// Bytes of a cursor's signature.
const TAG: usize = 16;

/// A list request: `List<PenaltyFilter, permission!("penalty.read")>`. Filters are text members of `F`, which
/// denies unknown ones; `limit`, `cursor` and `sort` belong to the house.
pub struct List<F, P> {
    /// What to list.
    pub filter: F,
    /// Who asks.
    pub principal: Principal,
    /// The rows within reach.
    pub reach: Reach,
    /// Which page.
    pub page: PageRequest,
    binding: Vec<u8>,
    /// The address of this list without a cursor, for the link to the next page.
    address: String,
    permit: PhantomData<P>,
}

/// Which page of a list, for SQL: `WHERE ($n::uuid IS NULL OR id < $n) ORDER BY id DESC LIMIT $m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Rows behind this id, in the direction of `order`.
    pub after: Option<Uuid>,
    /// One row more than the page holds, so that `has_more` is known.
    pub rows: i64,
    /// Newest or oldest first.
    pub order: Order,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `sort=-id`, the default.
    NewestFirst,
    /// `sort=id`.
    OldestFirst,
}

impl PageRequest {
    /// Rows must have an id below this one; used with [`PageRequest::above`], so that one statement serves both
    /// orders: `id < $below AND id > $above ORDER BY CASE WHEN $newest THEN id END DESC, id`.
    pub fn below(&self) -> Uuid {
        match self.order {
            Order::NewestFirst => self.after.unwrap_or(Uuid::max()),
            Order::OldestFirst => Uuid::max(),
        }
    }

    /// Rows must have an id above this one.
    pub fn above(&self) -> Uuid {
        match self.order {
            Order::NewestFirst => Uuid::nil(),
            Order::OldestFirst => self.after.unwrap_or(Uuid::nil()),
        }
    }

    /// True for newest first, as a parameter of SQL.
    pub fn is_newest_first(&self) -> bool {
        self.order == Order::NewestFirst
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<V> {
    /// The rows.
    pub data: Vec<V>,
    /// How to go on.
    pub page: PageLinks,
}

/// How to go on from a page.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageLinks {
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// True where there is a next page.
    pub has_more: bool,
}

/// What every list's request says, whatever it lists.
struct Asked {
    filter: Map<String, Value>,
    page: PageRequest,
    binding: Vec<u8>,
    address: String,
}

/// Reads the query of a list; what does not belong to the house is filter.
fn asked(house: &House, principal: &Principal, uri: &Uri) -> Result<Asked, Problem> {
    let (mut limit, mut cursor, mut order, mut filter) =
        (DEFAULT_LIMIT, None, Order::NewestFirst, Map::new());
    let (path, pairs) = (uri.path(), crate::query::pairs(uri.query())?);
    let address = address(path, &pairs, "cursor");
    for (name, value) in pairs {
        match name.as_str() {
            "limit" => {
                limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                    .ok_or_else(|| crate::query::bad_value("limit"))?
            }
            "cursor" => cursor = Some(value),
            "sort" if value == "id" => order = Order::OldestFirst,
            "sort" if value == "-id" => order = Order::NewestFirst,
            "sort" => return Err(crate::query::bad_value("sort")),
            _ => {
                filter.insert(name, Value::from(value));
            }
        }
    }
    let path_and_filter = format!("{path}?{}&{order:?}", Value::from(filter.clone()));
    let binding = Sha256::digest(format!("{path_and_filter}&{}", principal.user)).to_vec();
    let after = cursor.map(|cursor| house.cursors().open(&cursor, &binding)).transpose()?;
    Ok(Asked { filter, page: PageRequest { after, rows: limit + 1, order }, binding, address })
}

/// A filter that its list does not declare, or with a value it cannot have.
pub(crate) fn not_a_filter(error: serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let path = error.path().to_string();
    let text = error.into_inner().to_string();
    text.strip_prefix("unknown field `")
        .and_then(|rest| rest.split('`').next())
        .map_or_else(|| schema_problem(format!("?{path}"), &text), crate::query::unknown)
}

impl<F: DeserializeOwned + Send, P: Permitted> FromRequestParts<House> for List<F, P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Problem> {
        let (principal, reach) = asker::<P>(house, &parts.headers)?;
        let Asked { filter, page, binding, address } = asked(house, &principal, &parts.uri)?;
        let filter = serde_path_to_error::deserialize(Value::from(filter)).map_err(not_a_filter)?;
        Ok(Self { filter, principal, reach, page, binding, address, permit: PhantomData })
    }
}

impl<F, P> List<F, P> {
    /// Cuts the one row too many off and says how to go on.
    pub(crate) fn page_of<V>(
        &self,
        house: &House,
        mut rows: Vec<V>,
        id: impl Fn(&V) -> Uuid,
    ) -> (Page<V>, Option<String>) {
        let limit = usize::try_from(self.page.rows - 1).unwrap_or_default();
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next =
            if has_more { rows.last().map(|row| house.cursors().seal(id(row), &self.binding)) } else { None };
        let link = next.as_ref().map(|next| format!("<{}cursor={next}>; rel=\"next\"", self.address));
        (Page { data: rows, page: PageLinks { next, has_more } }, link)
    }
}

/// Path and query of a list without its cursor, ready for another one to follow: a cursor opens only with the filter it
/// was made for.
pub(crate) fn address(path: &str, pairs: &[(String, String)], cursor: &str) -> String {
    let kept: Vec<_> = pairs.iter().filter(|(name, _)| name != cursor).collect();
    let query = serde_urlencoded::to_string(kept).unwrap_or_default();
    if query.is_empty() { format!("{path}?") } else { format!("{path}?{query}&") }
}

/// Signs and opens cursors.
#[derive(Clone)]
pub struct Cursors {
    key: Vec<u8>,
}

impl Cursors {
    /// With the service's secret.
    pub fn new(secret: &[u8]) -> Self {
        Self { key: secret.to_vec() }
    }

    fn seal(&self, last: Uuid, binding: &[u8]) -> String {
        let mut bytes = last.as_bytes().to_vec();
        bytes.extend(&self.mac(last, binding).finalize().into_bytes()[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn open(&self, cursor: &str, binding: &[u8]) -> Result<Uuid, Problem> {
        let refuse = || Problem::plain(error_code!("page.cursor_mismatch"));
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refuse())?;
        let (last, tag) = bytes.split_at_checked(16).ok_or_else(refuse)?;
        let last = Uuid::from_slice(last).map_err(|_| refuse())?;
        // Compared in constant time, and the whole tag: a shorter one is none.
        let is_ours = tag.len() == TAG && self.mac(last, binding).verify_truncated_left(tag).is_ok();
        if is_ours { Ok(last) } else { Err(refuse()) }
    }

    fn mac(&self, last: Uuid, binding: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(last.as_bytes());
        mac.update(binding);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_with_its_own_filter_and_key() {
        let cursors = Cursors::new(b"secret");
        let id = Uuid::from_u128(42);
        let sealed = cursors.seal(id, b"filter");
        assert_eq!(cursors.open(&sealed, b"filter").ok(), Some(id));
        assert!(cursors.open(&sealed, b"another filter").is_err());
        assert!(Cursors::new(b"another secret").open(&sealed, b"filter").is_err());
        for nonsense in ["", "x", "AAAA", "é", &"A".repeat(10_000)] {
            assert!(cursors.open(nonsense, b"filter").is_err(), "{nonsense}");
        }
    }
}
