//! What a contract must say before it leaves draft (C2, L.mofcom-2012-11): a list that is data, checked in one pass.

use super::Refusal;
use crate::policy::MandatoryContent;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A field that is not there, or says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MissingField {
    /// Where it belongs, `/workers/1/name`.
    pub path: String,
    /// Its name, Chinese.
    pub zh: String,
    /// Its name, English.
    pub en: String,
    /// The clause that demands it.
    pub clause: String,
}

/// Refuses a contract that lacks anything mandatory, and names everything that is missing at once.
pub fn check(terms: &Value, mandatory: &MandatoryContent) -> Result<(), Refusal> {
    let mut fields = Vec::new();
    for field in &mandatory.fields {
        let steps: Vec<&str> = field.path.split('/').skip(1).collect();
        let mut paths = Vec::new();
        look(terms, &steps, "", &mut paths);
        fields.extend(paths.into_iter().map(|path| MissingField {
            path,
            zh: field.zh.clone(),
            en: field.en.clone(),
            clause: field.clause.clone(),
        }));
    }
    if fields.is_empty() { Ok(()) } else { Err(Refusal::ContentMissing { fields }) }
}

fn look(value: &Value, steps: &[&str], path: &str, missing: &mut Vec<String>) {
    match steps {
        [] if says_nothing(value) => missing.push(path.to_owned()),
        [] => {}
        ["*", rest @ ..] => match value.as_array().filter(|items| !items.is_empty()) {
            Some(items) => {
                for (place, item) in items.iter().enumerate() {
                    look(item, rest, &format!("{path}/{place}"), missing);
                }
            }
            None => look(&Value::Null, rest, &format!("{path}/*"), missing),
        },
        [name, rest @ ..] => {
            look(value.get(name).unwrap_or(&Value::Null), rest, &format!("{path}/{name}"), missing);
        }
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use house::policy::Terms;
    use serde_json::json;

    fn whole() -> Value {
        json!({
            "company": {"name": "某家政公司", "address": "长宁路1号", "head": "赵", "contact": "021-1"},
            "workers": [{"name": "王", "id_number": "1", "health_status": "良好", "training_record": "初级", "contact": "1"}],
            "customer": {"name": "李", "id_number": "2", "address": "愚园路2号", "contact": "2"},
            "service": {"place": "愚园路2号", "content": "保洁", "manner": "钟点", "term": "一年"},
            "payment": {"fee_fen": 680_000, "form": "按月"},
            "clauses": {"rights": "…", "breach": "…", "dispute": "…"},
            "lines": [{"service": "cleaning", "total_fen": 680_000}],
            "standards": [{"version": 1}],
            "proration_basis": "fixed_26",
        })
    }

    fn missing(terms: &Value) -> Vec<String> {
        match check(terms, &MandatoryContent::defaults()) {
            Ok(()) => Vec::new(),
            Err(Refusal::ContentMissing { fields }) => fields.into_iter().map(|field| field.path).collect(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn c2_each_mandatory_field_alone_is_missed_when_it_is_gone() {
        assert_eq!(missing(&whole()), Vec::<String>::new());
        for field in MandatoryContent::defaults().fields {
            let pointer = field.path.replace('*', "0");
            for nothing in [json!(null), json!("  "), json!([])] {
                let mut terms = whole();
                *terms.pointer_mut(&pointer).expect("the whole contract has it") = nothing;
                assert_eq!(missing(&terms).join(" "), pointer);
            }
        }
    }

    #[test]
    fn c2_everything_missing_is_named_at_once() {
        let mut terms = whole();
        terms["workers"] = json!([{"name": "王", "id_number": "1", "health_status": "良好", "training_record": "初级", "contact": "1"}, {"name": "钱"}]);
        terms["lines"] = json!([]);
        assert_eq!(
            missing(&terms),
            [
                "/workers/1/id_number",
                "/workers/1/health_status",
                "/workers/1/training_record",
                "/workers/1/contact",
                "/lines/*/service",
                "/lines/*/total_fen"
            ]
        );
        assert_eq!(missing(&json!(null)).len(), MandatoryContent::defaults().fields.len());
    }
}
