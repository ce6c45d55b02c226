//! One text for one meaning, and its hash: sorted keys, whole numbers, NFC text (C3).

use super::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

/// SHA-256 of a canonical text, 64 hexadecimal digits in small letters. Signatures cover it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct CanonicalHash(String);

impl CanonicalHash {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes a document so that equal meanings are equal bytes: members in the order of their NFC names' code
/// points, no space, text in NFC, numbers whole.
pub fn canonical(document: &Value) -> Result<String, Refusal> {
    let mut text = String::new();
    write(document, &mut text, "")?;
    Ok(text)
}

/// The hash of a document's canonical text.
pub fn hash(document: &Value) -> Result<CanonicalHash, Refusal> {
    let digest = Sha256::digest(canonical(document)?.as_bytes());
    let mut hex = String::new();
    for byte in digest {
        write!(hex, "{byte:02x}").expect("a String takes all");
    }
    Ok(CanonicalHash(hex))
}

fn write(value: &Value, text: &mut String, path: &str) -> Result<(), Refusal> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => {
            if !(number.is_i64() || number.is_u64()) {
                return Err(Refusal::NumberNotWhole { path: path.to_owned() });
            }
            text.push_str(&number.to_string());
        }
        Value::String(words) => quote(&nfc(words), text),
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(item, text, &format!("{path}/{place}"))?;
            }
            text.push(']');
        }
        Value::Object(members) => {
            // Sorted anew, because two spellings of one name may stand far apart in the map.
            let mut sorted: BTreeMap<String, &Value> = BTreeMap::new();
            for (name, member) in members {
                if sorted.insert(nfc(name), member).is_some() {
                    return Err(Refusal::MemberTwice { path: format!("{path}/{name}") });
                }
            }
            text.push('{');
            for (place, (name, member)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                quote(&name, text);
                text.push(':');
                write(member, text, &format!("{path}/{name}"))?;
            }
            text.push('}');
        }
    }
    Ok(())
}

fn nfc(text: &str) -> String {
    text.nfc().collect()
}

fn quote(text: &str, into: &mut String) {
    into.push_str(&serde_json::to_string(text).expect("text is plain JSON"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).expect("a literal")
    }

    #[test]
    fn the_canonical_text_and_its_hash_are_known() {
        let text = canonical(&read(r#"{ "b" : [1, -2], "a": {"z": null, "y": "é\n"} }"#));
        assert_eq!(text.as_deref(), Ok(r#"{"a":{"y":"é\n","z":null},"b":[1,-2]}"#));
        // `printf '{"a":1}' | sha256sum`
        let known = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
        assert_eq!(hash(&json!({"a": 1})).expect("whole").as_str(), known);
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_text() {
        let (one, two) = (json!({"caf\u{e9}": "e\u{301}"}), json!({"cafe\u{301}": "\u{e9}"}));
        assert_eq!(hash(&one), hash(&two));
        let both = json!({"caf\u{e9}": 1, "cafe\u{301}": 2});
        assert!(matches!(hash(&both), Err(Refusal::MemberTwice { .. })));
    }

    #[test]
    fn numbers_that_are_not_whole_are_refused_with_their_place() {
        let refused = hash(&json!({"lines": [{"total_fen": 1.5}]}));
        assert_eq!(refused, Err(Refusal::NumberNotWhole { path: "/lines/0/total_fen".into() }));
        assert!(hash(&json!({"a": 1.0})).is_err());
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z{}\\[\\],:\"é ]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// The same document as text with its members in the opposite order.
    fn turned(value: &Value) -> String {
        match value {
            Value::Array(items) => format!("[{}]", items.iter().map(turned).collect::<Vec<_>>().join(" , ")),
            Value::Object(members) => {
                let members =
                    members.iter().rev().map(|(name, member)| format!("{name:?} : {}", turned(member)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(" , "))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        }
    }

    proptest! {
        #[test]
        fn the_hash_is_blind_to_the_order_of_members(value in document()) {
            prop_assert_eq!(hash(&value), hash(&read(&turned(&value))));
            let text = canonical(&value).expect("whole");
            prop_assert_eq!(canonical(&read(&text)).expect("whole"), text);
        }

        #[test]
        fn another_document_has_another_hash(one in document(), two in document()) {
            prop_assert_eq!(one == two, hash(&one) == hash(&two));
        }
    }
}
