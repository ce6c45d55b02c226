//! How a request becomes a command: token, permission, path, preconditions, body; each checked once, here.
//!
//! A verb declares what it is addressed to ([`Addressed`]); its route names its permission in the type
//! `Command<ConfirmPenalty, permission!("penalty.decide")>`.

use crate::access::{Permission, Permitted, Principal, Signed};
use crate::commit::Boxed;
use crate::house::House;
use crate::problem::Problem;
use crate::{body, error_code};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri, header};
use journal::{Failure, Reach, Trace};
use kernel::{ErrorEntry, Id, Refused, UserId, Version};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

/// What a command is addressed to: an id for a change of that aggregate, [`New`] for a new one.
pub trait Addressed: DeserializeOwned + Send + 'static {
    /// `PenaltyId`, or `New<PenaltyId>`.
    type To: Target;
}

/// Where a command goes.
pub trait Target: Copy + Send + Sync + 'static {
    /// The id the command carries.
    type Id: Id;
    /// True where the thing exists and `If-Match` must say which version of it is meant.
    const EXISTS: bool;
    /// The id: from the path, or fresh.
    fn take(path: Option<&str>) -> Result<Self::Id, Problem>;
}

/// A new thing: the house makes its id.
#[derive(Debug, Clone, Copy)]
pub struct New<I>(PhantomData<I>);

impl<I: Id> Target for New<I> {
    type Id = I;
    const EXISTS: bool = false;
    fn take(_path: Option<&str>) -> Result<I, Problem> {
        Ok(I::of(crate::fresh_uuid()))
    }
}

impl<I: Id> Target for I {
    type Id = I;
    const EXISTS: bool = true;
    fn take(path: Option<&str>) -> Result<I, Problem> {
        id_of(path)
    }
}

/// Reads an id of the path: one of another kind is 404 `id.wrong_kind`, like one that does not exist.
pub(crate) fn id_of<I: Id>(path: Option<&str>) -> Result<I, Problem> {
    let text = path.unwrap_or_default();
    text.parse().map_err(|error: kernel::id::IdError| {
        let code = ErrorEntry::find(&error.to_string()).unwrap_or(error_code!("resource.not_found"));
        Problem::plain(code)
    })
}

/// A command that was received, checked and is ready to be decided.
pub struct Command<C: Addressed, P> {
    /// Which thing it is about; for a new one its fresh id.
    pub id: <C::To as Target>::Id,
    /// What the request says.
    pub body: C,
    /// Who sent it.
    pub principal: Principal,
    pub(crate) received: Received,
    is_compared: AtomicBool,
    permit: PhantomData<P>,
}

/// What every command's request says, whatever its verb.
pub(crate) struct Received {
    /// Which thing it is about; for a new one its fresh id.
    pub(crate) id: Uuid,
    pub(crate) mode: Mode,
    pub(crate) reach: Reach,
    pub(crate) expected: Option<Version>,
    pub(crate) record: Record,
    pub(crate) trace: Option<Trace>,
}

/// `?dry_run=true` takes the same path and rolls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Do it.
    Real,
    /// Say what would happen.
    Dry,
}

/// What makes a repeated request the same one.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) user: UserId,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) key: String,
    pub(crate) body_hash: Vec<u8>,
}

impl<C: Addressed, P> Command<C, P> {
    /// The aggregate as loaded, if it has the version that `If-Match` names; else 412 `request.stale`, before any
    /// rule is asked. Every verb on an existing aggregate passes what it loaded through here.
    pub fn current<A: kernel::Aggregate>(&self, aggregate: A) -> Result<A, Failure> {
        self.is_compared.store(true, Ordering::Relaxed);
        match self.received.expected {
            Some(expected) if expected != aggregate.version() => {
                let stale = Refused::plain(error_code!("request.stale"));
                Err(stale.with("current_version", aggregate.version().get()).into())
            }
            Some(_) | None => Ok(aggregate),
        }
    }

    /// True where nothing may be left behind (`?dry_run=true`). The house rolls back what was done in the command's
    /// transaction; only work that has transactions of its own needs to ask.
    pub fn is_rehearsal(&self) -> bool {
        self.received.mode == Mode::Dry
    }

    /// True where a verb on an existing aggregate forgot [`Command::current`].
    pub(crate) fn has_forgotten_to_compare(&self) -> bool {
        C::To::EXISTS && !self.is_compared.load(Ordering::Relaxed)
    }
}

/// The version an `If-Match` names: `"4"`. Weak tags never match a strong comparison.
fn expected_version(headers: &HeaderMap) -> Result<Version, Problem> {
    if !headers.contains_key(header::IF_MATCH) {
        return Err(Problem::plain(error_code!("request.if_match_required")));
    }
    let number = once(headers, &header::IF_MATCH).and_then(|text| {
        let digits = text.trim().strip_prefix('"')?.strip_suffix('"')?;
        // Exactly as the ETag was given: no sign, no leading zero.
        digits.parse::<i32>().ok().filter(|number| *number >= 0 && number.to_string() == digits)
    });
    number.map(Version::of).ok_or_else(|| Problem::plain(error_code!("request.if_match_malformed")))
}

/// The text of a header that stands exactly once: of two, a proxy and we might believe different ones.
pub(crate) fn once<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next()?, values.next());
    if second.is_none() { first.to_str().ok() } else { None }
}

/// The ETag of a version.
pub(crate) fn etag(version: Version) -> String {
    format!("\"{}\"", version.get())
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let refuse = || Problem::plain(error_code!("idempotency.key_required"));
    let key = once(headers, &header::HeaderName::from_static("idempotency-key")).ok_or_else(refuse)?;
    let is_good = (1..=255).contains(&key.len()) && key.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if is_good { Ok(key.to_owned()) } else { Err(refuse()) }
}

/// Who signed in, from the bearer token; 401 for every token that is not good, always with the same body.
pub(crate) fn principal(house: &House, headers: &HeaderMap) -> Result<Principal, Problem> {
    signed(house, headers).map(|signed| signed.principal)
}

/// The same, with all that the token says.
pub(crate) fn signed(house: &House, headers: &HeaderMap) -> Result<Signed, Problem> {
    let token = once(headers, &header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    token.and_then(|token| house.verifier().read(token)).ok_or_else(|| {
        Problem::plain(error_code!("access.unauthenticated"))
            .with_header(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"))
    })
}

/// How far a permission reaches; 403 where the principal's roles do not hold it.
pub(crate) fn permitted(
    house: &House,
    principal: &Principal,
    permission: &Permission,
) -> Result<Reach, Problem> {
    principal.reach(permission).ok_or_else(|| {
        crate::metrics::denied(house.service(), permission.name);
        Refused::plain(error_code!("access.forbidden")).with("permission", permission.name).into()
    })
}

/// Who asks on a route of this permission, and how far he may look.
pub(crate) fn asker<P: Permitted>(house: &House, headers: &HeaderMap) -> Result<(Principal, Reach), Problem> {
    let principal = principal(house, headers)?;
    let reach = permitted(house, &principal, P::permission())?;
    Ok((principal, reach))
}

/// The path parameters of a route.
pub(crate) async fn path_id(parts: &mut Parts, house: &House) -> Option<String> {
    let Path(mut parameters) =
        Path::<HashMap<String, String>>::from_request_parts(parts, house).await.ok()?;
    parameters.remove("id")
}

/// The query of a command: nothing but `dry_run`.
fn mode(query: Option<&str>) -> Result<Mode, Problem> {
    let mut mode = Mode::Real;
    for (name, value) in crate::query::pairs(query)? {
        mode = match (name.as_str(), value.as_str()) {
            ("dry_run", "true") => Mode::Dry,
            ("dry_run", "false") => Mode::Real,
            ("dry_run", _) => return Err(crate::query::bad_value("dry_run")),
            _ => return Err(crate::query::unknown(&name)),
        };
    }
    Ok(mode)
}

/// What a request must be to be a command of a route.
#[derive(Clone, Copy)]
struct Asked {
    permission: &'static Permission,
    take: fn(Option<&str>) -> Result<Uuid, Problem>,
    exists: bool,
}

/// A request that was checked in all but its body.
struct Checked {
    principal: Principal,
    received: Received,
    headers: HeaderMap,
    body: Bytes,
}

/// Checks a request, in the order in which a client is told what is wrong. In a box, like all that is the same for
/// every verb (`commit.rs`).
fn check(request: Request, house: &House, asked: Asked) -> Boxed<'_, Result<Checked, Problem>> {
    Box::pin(async move {
        let (mut parts, content) = request.into_parts();
        let principal = principal(house, &parts.headers)?;
        let reach = permitted(house, &principal, asked.permission)?;
        let id = (asked.take)(path_id(&mut parts, house).await.as_deref())?;
        let mode = mode(parts.uri.query())?;
        let key = idempotency_key(&parts.headers)?;
        let expected = if asked.exists { Some(expected_version(&parts.headers)?) } else { None };
        let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
        let headers = parts.headers.clone();
        let trace = parts.extensions.get::<Trace>().copied();
        let body = body::take(Request::from_parts(parts, content), house).await?;
        let body_hash = Sha256::digest(&body).to_vec();
        let record = Record { user: principal.user, method, path, key, body_hash };
        let received = Received { id, mode, reach, expected, record, trace };
        Ok(Checked { principal, received, headers, body })
    })
}

impl<C: Addressed, P: Permitted> FromRequest<House> for Command<C, P> {
    type Rejection = Problem;

    async fn from_request(request: Request, house: &House) -> Result<Self, Problem> {
        let asked = Asked {
            permission: P::permission(),
            take: |path| C::To::take(path).map(Id::uuid),
            exists: C::To::EXISTS,
        };
        let Checked { principal, received, headers, body } = check(request, house, asked).await?;
        Ok(Self {
            id: Id::of(received.id),
            body: body::parse(&headers, &body)?,
            principal,
            received,
            is_compared: AtomicBool::new(false),
            permit: PhantomData,
        })
    }
}

/// A read of one thing: `Read<PenaltyId, permission!("penalty.read")>`.
pub struct Read<I, P> {
    /// Which one.
    pub id: I,
    /// Who reads it.
    pub principal: Principal,
    /// The rows within reach.
    pub reach: Reach,
    pub(crate) known: Option<String>,
    /// Of a history: what came after this version.
    pub(crate) after: Version,
    permit: PhantomData<P>,
}

/// The parameters of a read: none, but that a history is read on after a version.
fn after(uri: &Uri) -> Result<Version, Problem> {
    let is_history = uri.path().ends_with("/history");
    let mut after = Version::NONE;
    for (name, value) in crate::query::pairs(uri.query())? {
        if !is_history || name != "after" {
            return Err(crate::query::unknown(&name));
        }
        let number = value.parse::<i32>().ok().filter(|number| *number >= 0);
        after = Version::of(number.ok_or_else(|| crate::query::bad_value(&name))?);
    }
    Ok(after)
}

impl<I: Id, P: Permitted> FromRequestParts<House> for Read<I, P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Problem> {
        let (principal, reach) = asker::<P>(house, &parts.headers)?;
        let id = id_of(path_id(parts, house).await.as_deref())?;
        let after = after(&parts.uri)?;
        let known =
            parts.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self { id, principal, reach, known, after, permit: PhantomData })
    }
}

/// A read of what a service has only one of, `/v1/support/lag`: no id, no parameters.
pub struct Sole<P> {
    /// Who reads it.
    pub principal: Principal,
    /// The rows within reach.
    pub reach: Reach,
    permit: PhantomData<P>,
}

impl<P: Permitted> FromRequestParts<House> for Sole<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Problem> {
        let (principal, reach) = asker::<P>(house, &parts.headers)?;
        match crate::query::pairs(parts.uri.query())?.first() {
            Some((name, _)) => Err(crate::query::unknown(name)),
            None => Ok(Self { principal, reach, permit: PhantomData }),
        }
    }
}

/// The thing in the path of a list of its parts, `/v1/hr/pay-runs/{id}/exceptions`; beside the [`crate::List`], and after
/// it, so that a token is asked for first.
pub struct Whole<I>(pub I);

impl<I: Id> FromRequestParts<House> for Whole<I> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Problem> {
        Ok(Self(id_of(path_id(parts, house).await.as_deref())?))
    }
}

/// A read that needs no token, on a route that says so by this type: the whole world may see what it answers. Its
/// route declares `security(())`, so that the API document says it too.
pub struct Public {
    parameters: HashMap<String, String>,
}

impl Public {
    /// A parameter of the path, as it was typed.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }
}

impl FromRequestParts<House> for Public {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Problem> {
        if let Some((name, _)) = crate::query::pairs(parts.uri.query())?.first() {
            return Err(crate::query::unknown(name));
        }
        // A path that is not UTF-8 names nothing here.
        let Path(parameters) = Path::<HashMap<String, String>>::from_request_parts(parts, house)
            .await
            .map_err(|_| Problem::plain(error_code!("resource.not_found")))?;
        Ok(Self { parameters })
    }
}

/// A search or calculation by `POST` that changes nothing: no idempotency key (`api.md`, Reading).
pub struct Ask<Q, P> {
    /// What is asked.
    pub body: Q,
    /// Who asks.
    pub principal: Principal,
    /// The rows within reach.
    pub reach: Reach,
    permit: PhantomData<P>,
}

impl<Q: DeserializeOwned, P: Permitted> FromRequest<House> for Ask<Q, P> {
    type Rejection = Problem;

    async fn from_request(request: Request, house: &House) -> Result<Self, Problem> {
        debug_assert_eq!(request.method(), Method::POST);
        let (principal, reach) = asker::<P>(house, request.headers())?;
        if let Some((name, _)) = crate::query::pairs(request.uri().query())?.first() {
            return Err(crate::query::unknown(name));
        }
        let headers = request.headers().clone();
        let bytes = body::take(request, house).await?;
        Ok(Self { body: body::parse(&headers, &bytes)?, principal, reach, permit: PhantomData })
    }
}
