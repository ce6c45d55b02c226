//! Who signs in and what he may: tokens, roles, the permission matrix (`access.md` §2, §3).
//!
//! The matrix is data, `rulebook/permissions.toml`; a route names its permission in its type, so a route without
//! one does not compile. Default: no.

use chrono::TimeDelta;
use journal::{Clock, Reach};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::{BranchId, EmployeeId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A role of `access.md` §2.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
pub enum Role {
    /// Headquarters admin.
    HQ,
    /// Auditor: reads, writes nothing.
    AU,
    /// Branch manager.
    BM,
    /// Call agent, and sales staff.
    CA,
    /// Trainer.
    TR,
    /// Inspector.
    IN,
    /// HR clerk.
    HC,
    /// Payroll approver.
    PA,
    /// Worker self-service.
    SE,
    /// Integration client.
    IC,
}

impl Role {
    /// Whether a role without a list of branches is held for the whole network; the others are held in branches, and
    /// without any they reach nothing (`access.md` §2: headquarters and auditors always, inspectors and the offices of
    /// HR and payroll where one office serves all).
    pub const fn may_span_the_network(self) -> bool {
        match self {
            Self::HQ | Self::AU | Self::IN | Self::HC | Self::PA => true,
            Self::BM | Self::CA | Self::TR | Self::SE | Self::IC => false,
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        serde_json::from_value(serde_json::Value::from(text))
            .map_err(|_| format!("no role {text}; there are HQ AU BM CA TR IN HC PA SE IC"))
    }
}

/// How far a role's permission goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everywhere.
    Network,
    /// In the branches the role is held for.
    Branch,
    /// What is about oneself.
    Own,
}

/// One line of the matrix.
#[derive(Debug)]
pub struct Permission {
    /// `penalty.decide`.
    pub name: &'static str,
    /// Which roles hold it, and how far.
    pub grants: &'static [(Role, Extent)],
}

include!(concat!(env!("OUT_DIR"), "/permissions.rs"));

impl Permission {
    /// The whole matrix.
    pub const fn all() -> &'static [Self] {
        PERMISSIONS
    }

    /// The place of a permission; an unknown name stops the build.
    pub const fn place(name: &str) -> usize {
        let mut place = 0;
        while place < PERMISSIONS.len() {
            if same(PERMISSIONS[place].name.as_bytes(), name.as_bytes()) {
                return place;
            }
            place += 1;
        }
        panic!("no such permission in rulebook/permissions.toml")
    }
}

const fn same(one: &[u8], two: &[u8]) -> bool {
    if one.len() != two.len() {
        return false;
    }
    let mut place = 0;
    while place < one.len() {
        if one[place] != two[place] {
            return false;
        }
        place += 1;
    }
    true
}

/// A permission as a type: `permission!("penalty.decide")`.
#[derive(Debug, Clone, Copy)]
pub struct Permit<const PLACE: usize>;

/// What a permission type says at run time.
pub trait Permitted: Send + Sync + 'static {
    /// The line of the matrix.
    fn permission() -> &'static Permission;
}

impl<const PLACE: usize> Permitted for Permit<PLACE> {
    fn permission() -> &'static Permission {
        &PERMISSIONS[PLACE]
    }
}

/// Names a permission of the matrix in a route's type; an unknown one does not compile.
#[macro_export]
macro_rules! permission {
    ($name:literal) => { $crate::access::Permit<{ $crate::access::Permission::place($name) }> };
}

/// A role somebody holds, for these branches; `None` for the whole network, if the role may be held so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Which role.
    pub role: Role,
    /// Where; absent for the whole network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branches: Option<Vec<BranchId>>,
}

impl Held {
    /// The rows of branches that the role reaches where its permission is one of branches.
    fn reach(&self) -> Reach {
        match &self.branches {
            Some(here) => Reach::of(here.clone(), None),
            None if self.role.may_span_the_network() => Reach::network(),
            None => Reach::of(Vec::new(), None),
        }
    }

    /// Whether the role is held in this branch.
    pub fn covers(&self, branch: BranchId) -> bool {
        self.reach().covers(Some(branch))
    }
}

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The account.
    pub user: UserId,
    /// The person, where it is an employee.
    pub employee: Option<EmployeeId>,
    /// The roles and where they are held.
    pub roles: Vec<Held>,
}

impl Principal {
    /// How far a permission reaches for this principal; `None` where no role of his holds it.
    pub fn reach(&self, permission: &Permission) -> Option<Reach> {
        let (mut branches, mut own, mut is_held) = (BTreeSet::new(), None, false);
        for (role, extent) in permission.grants {
            for held in self.roles.iter().filter(|held| held.role == *role) {
                is_held = true;
                match extent {
                    Extent::Network => return Some(Reach::network()),
                    Extent::Branch if held.reach().is_network() => return Some(Reach::network()),
                    Extent::Branch => branches.extend(held.branches.iter().flatten().copied()),
                    Extent::Own => own = self.employee,
                }
            }
        }
        is_held.then(|| Reach::of(branches.into_iter().collect(), own))
    }

    /// True where a role of his that holds the permission is held in this branch, however far the permission goes there:
    /// `own` is what is one's own within one's branches.
    pub fn holds_in(&self, permission: &Permission, branch: BranchId) -> bool {
        let is_granted = |role| permission.grants.iter().any(|(granted, _)| *granted == role);
        self.roles.iter().any(|held| is_granted(held.role) && held.covers(branch))
    }

    /// True where two principals are one person: by employee id, else by user id, so that a second account does
    /// not help (`access.md`, separation of duties).
    pub fn is_person(&self, user: UserId, employee: Option<EmployeeId>) -> bool {
        self.user == user || self.employee.is_some() && self.employee == employee
    }
}

/// What a token opens besides what its roles reach; a key is given the scopes that its work needs (`access.md` §2, §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// What people are paid and what is taken from them, in the events that other systems read.
    Pay,
}

impl std::str::FromStr for Scope {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        serde_json::from_value(serde_json::Value::from(text))
            .map_err(|_| format!("no scope {text}; there is pay"))
    }
}

/// A token that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Who signed in.
    pub principal: Principal,
    /// What it opens besides.
    pub scopes: BTreeSet<Scope>,
    /// The first instant at which it is not good any more.
    pub expires_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    employee_id: Option<EmployeeId>,
    roles: Vec<Held>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    scopes: BTreeSet<Scope>,
    iat: i64,
    nbf: i64,
    exp: i64,
}

const ISSUER: &str = "steward";
const AUDIENCE: &str = "steward";
/// A longer one is not even decoded.
const LONGEST_TOKEN: usize = 8 * 1024;

/// Checks tokens, offline.
#[derive(Clone)]
pub struct Verifier {
    key: DecodingKey,
    clock: Clock,
}

/// Issues tokens: `steward token`, until there are users.
#[derive(Clone)]
pub struct Issuer {
    key: EncodingKey,
}

/// The key is not an Ed25519 key in PEM.
#[derive(Debug, thiserror::Error)]
#[error("not an Ed25519 key in PEM: {0}")]
pub struct KeyError(#[from] jsonwebtoken::errors::Error);

/// A fresh pair of keys, PEM: private (PKCS#8) and public. The first start of an installation makes one.
pub fn fresh_keys() -> (String, String) {
    use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
    use ed25519_dalek::pkcs8::{EncodePrivateKey, EncodePublicKey};
    // Two random UUIDs hold 244 random bits; hashed they are the 32 bytes an Ed25519 seed has.
    let seed: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(
        [crate::random_uuid().into_bytes(), crate::random_uuid().into_bytes()].concat(),
    )
    .into();
    let key = ed25519_dalek::SigningKey::from_bytes(&seed);
    let private = key.to_pkcs8_pem(LineEnding::LF).expect("a fresh key has a PEM form");
    let public = key.verifying_key().to_public_key_pem(LineEnding::LF).expect("a fresh key has a PEM form");
    (private.to_string(), public)
}

/// A fresh secret, 64 hexadecimal characters: for cursors, database roles, the bus.
pub fn fresh_secret() -> String {
    format!("{}{}", crate::random_uuid().simple(), crate::random_uuid().simple())
}

impl Verifier {
    /// From the issuer's public key, PEM.
    pub fn new(public_pem: &str, clock: Clock) -> Result<Self, KeyError> {
        Ok(Self { key: DecodingKey::from_ed_pem(public_pem.as_bytes())?, clock })
    }

    /// Who holds this token; `None` for whatever reason it is not good, so that nobody learns which.
    pub fn verify(&self, token: &str) -> Option<Principal> {
        self.read(token).map(|signed| signed.principal)
    }

    /// The same, with all that the token says.
    pub fn read(&self, token: &str) -> Option<Signed> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_audience(&[AUDIENCE]);
        rules.set_issuer(&[ISSUER]);
        // Time is checked below, by the service's own clock.
        rules.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key, &rules).ok()?.claims;
        let now = self.clock.now().utc().timestamp();
        let is_current = claims.nbf <= now && now < claims.exp && !claims.roles.is_empty();
        let expires_at = Timestamp::of(chrono::DateTime::from_timestamp(claims.exp, 0)?);
        let principal = Principal { user: claims.sub, employee: claims.employee_id, roles: claims.roles };
        is_current.then_some(Signed { principal, scopes: claims.scopes, expires_at })
    }
}

impl Issuer {
    /// From the private key, PKCS#8 PEM.
    pub fn new(private_pem: &str) -> Result<Self, KeyError> {
        Ok(Self { key: EncodingKey::from_ed_pem(private_pem.as_bytes())? })
    }

    /// A token for a principal, good from `now` for `lifetime`, without any scope.
    pub fn issue(
        &self,
        principal: &Principal,
        now: Timestamp,
        lifetime: TimeDelta,
    ) -> Result<String, KeyError> {
        self.issue_scoped(principal, &BTreeSet::new(), now, lifetime)
    }

    /// The same with scopes.
    pub fn issue_scoped(
        &self,
        principal: &Principal,
        scopes: &BTreeSet<Scope>,
        now: Timestamp,
        lifetime: TimeDelta,
    ) -> Result<String, KeyError> {
        let issued = now.utc().timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: principal.user,
            employee_id: principal.employee,
            roles: principal.roles.clone(),
            scopes: scopes.clone(),
            iat: issued,
            nbf: issued,
            exp: issued + lifetime.num_seconds(),
        };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.key)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn principal(roles: Vec<Held>) -> Principal {
        Principal {
            user: UserId::of(Uuid::from_u128(1)),
            employee: Some(EmployeeId::of(Uuid::from_u128(2))),
            roles,
        }
    }

    #[test]
    fn a_role_reaches_as_far_as_the_matrix_and_its_branches_say() {
        let here = BranchId::of(Uuid::from_u128(7));
        let permission = &PERMISSIONS[Permission::place("penalty.read")];
        let held = |role, branches| principal(vec![Held { role, branches }]);
        assert_eq!(held(Role::BM, Some(vec![here])).reach(permission), Some(Reach::of(vec![here], None)));
        assert_eq!(held(Role::AU, None).reach(permission), Some(Reach::network()));
        assert_eq!(
            held(Role::SE, None).reach(permission),
            Some(Reach::of(vec![], Some(EmployeeId::of(Uuid::from_u128(2)))))
        );
        assert_eq!(held(Role::IC, None).reach(permission), None);
    }

    #[test]
    fn a_person_reads_what_he_may_change() {
        let room = |name: &'static str| name.split_once('.').map_or(name, |(room, _)| room);
        let readers = |of: &str| {
            let read = Permission::all().iter().find(|permission| permission.name == format!("{of}.read"));
            read.map(|read| read.grants.iter().map(|(role, _)| *role).collect::<Vec<_>>())
        };
        for permission in Permission::all() {
            // Rooms that are read under the permission of another one have no line of their own.
            let Some(readers) = readers(room(permission.name)) else { continue };
            for (role, _) in permission.grants.iter().filter(|(role, _)| *role != Role::IC) {
                assert!(readers.contains(role), "{role:?} holds {} and gets no ETag", permission.name);
            }
        }
    }

    #[test]
    fn a_role_of_branches_without_any_reaches_nothing() {
        let here = BranchId::of(Uuid::from_u128(7));
        for permission in Permission::all() {
            for (role, extent) in permission.grants {
                let held = Held { role: *role, branches: None };
                let is_everywhere =
                    *extent == Extent::Network || *extent == Extent::Branch && role.may_span_the_network();
                assert_eq!(held.covers(here), role.may_span_the_network());
                let reach = principal(vec![held]).reach(permission).expect("it holds it");
                assert_eq!(reach.is_network(), is_everywhere, "{} {role:?}", permission.name);
                assert_eq!(reach.covers(Some(here)), is_everywhere, "{} {role:?}", permission.name);
            }
        }
    }

    #[test]
    fn a_permission_is_held_in_the_branches_of_its_roles() {
        let (here, there) = (BranchId::of(Uuid::from_u128(7)), BranchId::of(Uuid::from_u128(8)));
        let permission = &PERMISSIONS[Permission::place("collection.write")];
        let held = |role, branch| Held { role, branches: Some(vec![branch]) };
        let agent = principal(vec![held(Role::CA, here), held(Role::TR, there)]);
        assert!(agent.holds_in(permission, here));
        assert!(!agent.holds_in(permission, there), "another role than one that holds it");
    }

    #[test]
    fn a_second_account_is_the_same_person() {
        let one = principal(vec![]);
        assert!(one.is_person(UserId::of(Uuid::from_u128(99)), one.employee));
        assert!(!one.is_person(UserId::of(Uuid::from_u128(99)), None));
    }

    /// A token with these claims over the good ones, signed by `key`.
    fn token(header: &Header, over: serde_json::Value, key: &EncodingKey) -> String {
        let mut claims = serde_json::json!({
            "iss": "steward", "aud": "steward", "sub": UserId::of(Uuid::from_u128(1)), "roles": [{ "role": "HQ" }],
            "iat": 1_000, "nbf": 1_000, "exp": 2_000,
        });
        for (name, value) in over.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        jsonwebtoken::encode(header, &claims, key).expect("it can be encoded")
    }

    #[test]
    fn a_token_is_good_only_from_its_issuer_for_us_now_by_our_own_clock() {
        let (private, public) = fresh_keys();
        let clock = Clock::default();
        let verifier = Verifier::new(&public, clock.clone()).expect("a key");
        let key = EncodingKey::from_ed_pem(private.as_bytes()).expect("a key");
        let eddsa = Header::new(Algorithm::EdDSA);
        let at = |seconds: i64| {
            clock.set(Timestamp::of(chrono::DateTime::from_timestamp(seconds, 0).expect("an instant")));
        };
        let good = token(&eddsa, serde_json::json!({}), &key);
        for (seconds, is_good) in [(990, false), (1_500, true), (2_000, false), (4_000_000_000, false)] {
            at(seconds);
            assert_eq!(verifier.verify(&good).is_some(), is_good, "at {seconds}");
        }
        at(1_500);
        for over in [
            serde_json::json!({ "aud": "another" }),
            serde_json::json!({ "aud": ["another"] }),
            serde_json::json!({ "iss": "another" }),
            serde_json::json!({ "sub": "br_00000000000000000000000001" }),
            serde_json::json!({ "roles": [] }),
            serde_json::json!({ "roles": [{ "role": "GOD" }] }),
            serde_json::json!({ "exp": "never" }),
            serde_json::json!({ "exp": i64::MAX }),
            serde_json::json!({ "scopes": ["all"] }),
        ] {
            assert_eq!(verifier.verify(&token(&eddsa, over.clone(), &key)), None, "{over}");
        }
        let (foreign, _) = fresh_keys();
        let foreign = EncodingKey::from_ed_pem(foreign.as_bytes()).expect("a key");
        assert_eq!(verifier.verify(&token(&eddsa, serde_json::json!({}), &foreign)), None);
        let hmac = EncodingKey::from_secret(public.as_bytes());
        assert_eq!(
            verifier.verify(&token(&Header::new(Algorithm::HS256), serde_json::json!({}), &hmac)),
            None
        );
        let long = token(&eddsa, serde_json::json!({ "more": "x".repeat(20_000) }), &key);
        assert_eq!(verifier.verify(&long), None);
        let named = Header { kid: Some("../../etc/passwd".to_owned()), ..eddsa };
        assert!(
            verifier.verify(&token(&named, serde_json::json!({}), &key)).is_some(),
            "a kid leads nowhere"
        );
    }

    #[test]
    fn a_token_has_the_scopes_it_was_given_and_says_when_it_ends() {
        let (private, public) = fresh_keys();
        let clock = Clock::default();
        clock.set(Timestamp::of(chrono::DateTime::from_timestamp(1_000, 0).expect("an instant")));
        let (issuer, verifier) =
            (Issuer::new(&private).expect("a key"), Verifier::new(&public, clock.clone()).expect("a key"));
        let who = principal(vec![Held { role: Role::AU, branches: None }]);
        let read =
            |token: Result<String, KeyError>| verifier.read(&token.expect("a token")).expect("it is good");
        let pay = BTreeSet::from([Scope::Pay]);
        let scoped = read(issuer.issue_scoped(&who, &pay, clock.now(), TimeDelta::hours(1)));
        assert_eq!((scoped.scopes, scoped.expires_at.utc().timestamp()), (pay, 4_600));
        assert_eq!(read(issuer.issue(&who, clock.now(), TimeDelta::hours(1))).scopes, BTreeSet::new());
        assert!(matches!("pay".parse(), Ok(Scope::Pay)) && "Pay".parse::<Scope>().is_err());
    }

    #[test]
    fn a_token_that_says_it_needs_no_signature_is_none() {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let (private, public) = fresh_keys();
        let clock = Clock::default();
        let verifier = Verifier::new(&public, clock.clone()).expect("a key");
        let issuer = Issuer::new(&private).expect("a key");
        let who = principal(vec![Held { role: Role::HQ, branches: None }]);
        let good = issuer.issue(&who, clock.now(), TimeDelta::hours(1)).expect("a token");
        assert_eq!(verifier.verify(&good), Some(who));
        let parts: Vec<&str> = good.split('.').collect();
        for algorithm in ["none", "None", "NONE", "HS256"] {
            let head = URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"{algorithm}\",\"typ\":\"JWT\"}}"));
            for token in [format!("{head}.{}.", parts[1]), format!("{head}.{}.{}", parts[1], parts[2])] {
                assert_eq!(verifier.verify(&token), None, "{algorithm}");
            }
        }
        assert_eq!(verifier.verify(&format!("{}.{}.", parts[0], parts[1])), None);
    }
}
