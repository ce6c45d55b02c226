//! Ids: UUIDv7 inside, `prefix_` + 26 characters of Crockford base32 outside (`api.md`, Ids).
//!
//! The prefix makes an id say what it names, in a log as in a request; an id of another kind does not parse.

use thiserror::Error;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ENCODED_LEN: usize = 26;

/// What every id type can do; written by [`id!`](crate::id!), never by hand.
pub trait Id:
    Copy + Eq + Ord + std::fmt::Display + std::str::FromStr<Err = IdError> + Send + Sync + 'static
{
    /// The three letters (or two) before the underscore.
    const PREFIX: &'static str;
    /// Wraps a UUID that is already known to name such a thing.
    fn of(uuid: Uuid) -> Self;
    /// The UUID inside, for SQL parameters.
    fn uuid(self) -> Uuid;
}

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdError {
    /// Another prefix: this names something else. The text is the code of the refusal.
    #[error("id.wrong_kind")]
    WrongKind,
    /// Not an id at all. The text is the code of the refusal.
    #[error("id.malformed")]
    Malformed,
}

/// Writes `prefix_` and the 128 bits as base32, most significant first, so that ids sort as their UUIDs do.
pub fn encode(prefix: &str, uuid: Uuid) -> String {
    let mut text = String::with_capacity(prefix.len() + 1 + ENCODED_LEN);
    text.push_str(prefix);
    text.push('_');
    let bits = uuid.as_u128();
    for place in (0..ENCODED_LEN).rev() {
        let digit = usize::try_from((bits >> (place * 5)) & 31).expect("five bits fit into a usize");
        text.push(char::from(ALPHABET[digit]));
    }
    text
}

/// Reads what [`encode`] wrote; capitals are accepted, because people retype ids.
pub fn decode(prefix: &str, text: &str) -> Result<Uuid, IdError> {
    let (kind, digits) = text.split_once('_').ok_or(IdError::Malformed)?;
    if digits.len() != ENCODED_LEN {
        return Err(IdError::Malformed);
    }
    let mut bits: u128 = 0;
    for (place, character) in digits.bytes().enumerate() {
        let lower = character.to_ascii_lowercase();
        let digit = ALPHABET.iter().position(|known| *known == lower).ok_or(IdError::Malformed)?;
        // 26 digits carry 130 bits: the first one may only use its lower three.
        if place == 0 && digit > 7 {
            return Err(IdError::Malformed);
        }
        bits = (bits << 5) | u128::try_from(digit).expect("a digit is below 32");
    }
    if kind != prefix {
        return Err(IdError::WrongKind);
    }
    Ok(Uuid::from_u128(bits))
}

/// How an id with this prefix is described in the API document.
pub fn schema(prefix: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern(prefix)))
        .examples([example(prefix)])
        .into()
}

/// How an id with this prefix is described in the contract of events.
pub fn contract(prefix: &str) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "pattern": pattern(prefix), "examples": [example(prefix)] })
}

fn pattern(prefix: &str) -> String {
    format!("^{prefix}_[0-9a-hjkmnp-tv-z]{{26}}$")
}

fn example(prefix: &str) -> String {
    encode(prefix, Uuid::from_u128(0x0199_a1b2_c3d4_7000_8000_0000_0000_0007))
}

/// Declares an id type: `id!(/// A fine. PenaltyId, "pen");`
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(::uuid::Uuid);

        impl $crate::id::Id for $name {
            const PREFIX: &'static str = $prefix;
            fn of(uuid: ::uuid::Uuid) -> Self {
                Self(uuid)
            }
            fn uuid(self) -> ::uuid::Uuid {
                self.0
            }
        }

        impl $name {
            /// Wraps a UUID that is already known to name such a thing.
            pub const fn of(uuid: ::uuid::Uuid) -> Self {
                Self(uuid)
            }
            /// The UUID inside, for SQL parameters.
            pub const fn uuid(self) -> ::uuid::Uuid {
                self.0
            }
        }

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::schema::Schema> {
                $crate::id::schema($prefix)
            }
        }

        impl ::utoipa::ToSchema for $name {
            fn name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl $crate::schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut $crate::schemars::SchemaGenerator) -> $crate::schemars::Schema {
                $crate::id::contract($prefix)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&$crate::id::encode($prefix, self.0))
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::id::IdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::id::decode($prefix, text).map(Self)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A branch (门店) of the network; owned by hr, the scope of rights.
    BranchId, "br"
);
id!(
    /// Who signs in. Two accounts of one person share an employee id, never a user id.
    UserId, "usr"
);
id!(
    /// A person on the payroll; the same UUID as the worker's, where he is one.
    EmployeeId, "emp"
);
id!(
    /// One event of the journal.
    EventId, "evt"
);
id!(
    /// One version of a policy: rule data with an effective range.
    PolicyVersionId, "pv"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_known_id_reads_and_writes() {
        let id = BranchId::of(Uuid::from_u128(1));
        assert_eq!(id.to_string(), "br_00000000000000000000000001");
        assert_eq!("br_00000000000000000000000001".parse(), Ok(id));
        assert_eq!("BR_00000000000000000000000001".parse::<BranchId>(), Err(IdError::WrongKind));
    }

    #[test]
    fn other_kinds_and_nonsense_are_told_apart() {
        let employee = EmployeeId::of(Uuid::from_u128(9)).to_string();
        assert_eq!(employee.parse::<BranchId>(), Err(IdError::WrongKind));
        for text in [
            "",
            "br",
            "br_",
            "br_0000",
            "br_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "br_0000000000000000000000000u",
            "br_0000000000000000000000000é",
        ] {
            assert_eq!(text.parse::<BranchId>(), Err(IdError::Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_uuid_survives_and_ids_sort_as_their_uuids(a: u128, b: u128) {
            let (one, two) = (BranchId::of(Uuid::from_u128(a)), BranchId::of(Uuid::from_u128(b)));
            prop_assert_eq!(one.to_string().parse::<BranchId>(), Ok(one));
            prop_assert_eq!(one.to_string().cmp(&two.to_string()), a.cmp(&b));
        }

        #[test]
        fn nothing_a_user_can_type_panics(text in ".{0,40}") {
            let _ = text.parse::<BranchId>();
        }
    }
}
