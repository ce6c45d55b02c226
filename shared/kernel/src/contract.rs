//! How money, times and versions are described in the contract of events: JSON Schema, with unit and example.
//!
//! Ids describe themselves ([`id!`](crate::id!)). `x-unit` says in what a number is counted, because a number that
//! counts something else is another promise (`events.md` §6). What is *not* here: the API document, which has `ToSchema`.

use crate::{BasisPoints, Fen, Month, Timestamp, Version, Zone};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Describes each type in place: a reader of a payload need not look a number up.
macro_rules! described {
    ($($name:ident = $schema:tt),+ $(,)?) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

described! {
    Fen = { "type": "integer", "format": "int64", "x-unit": "fen", "examples": [5_000] },
    BasisPoints = { "type": "integer", "format": "uint32", "minimum": 0, "x-unit": "basis point", "examples": [2_000] },
    Version = { "type": "integer", "format": "int32", "minimum": 1, "examples": [4] },
    Month = { "type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "examples": ["2026-10"] },
    Timestamp = { "type": "string", "format": "date-time", "x-unit": "UTC", "examples": ["2026-10-08T03:12:45.120394Z"] },
    Zone = { "type": "string", "x-unit": "IANA time zone", "examples": ["Asia/Shanghai"] },
}
