//! The reference page of every promised event, with headings in both languages.

use anyhow::{Context, Result};
use events::Declared;
use events::catalogue::promised;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The services, in the order of the page.
const SERVICES: [(&str, &str); 4] =
    [("support", "客户服务"), ("contracts", "合同与收款"), ("workforce", "家政人员"), ("hr", "人事与薪酬")];

/// What things are called.
const THINGS: [(&str, &str); 25] = [
    ("attendance", "考勤"),
    ("branch", "门店"),
    ("call", "来电"),
    ("callback", "回访"),
    ("certificate", "上岗证书"),
    ("clock", "时限"),
    ("collection", "收款"),
    ("complaint", "投诉"),
    ("contact", "联系"),
    ("contract", "合同"),
    ("customer", "客户"),
    ("deduction", "扣款"),
    ("employee", "员工"),
    ("payrun", "工资批次"),
    ("payslip", "工资条"),
    ("penalty", "处罚"),
    ("policy", "规则参数"),
    ("pricebook", "价目表"),
    ("promise", "承诺"),
    ("quote", "报价"),
    ("retraining", "再培训"),
    ("service", "服务项目"),
    ("standing", "上岗资格"),
    ("visit", "上门服务"),
    ("worker", "家政服务员"),
];

const OPENING: &str = "\
<!-- Written by `cargo xtask contracts` from shared/events. Do not edit: change the types. -->

# Events · 事件目录

Everything that happens in Steward is published, in order and without gaps. This page lists every event that others may rely on;
the same in machine-readable form: [`asyncapi.json`](asyncapi.json) (AsyncAPI 3.0) and one JSON Schema per event and version in [`schemas/`](schemas).

## How to read them · 使用说明

- Each event is a CloudEvents 1.0 envelope in JSON ([schema](schemas/envelope.schema.json)); the members below are those of its `data`.
- `seq` counts all events of one service from 1 without gaps: without filters, whoever counts knows that nothing is missing.
- `subject` is the id of what it happened to, `aggversion` its version after the event.
- Money is in whole fen (`…_fen`); instants are UTC (`…_at`), dates and months belong to the branch's zone (`…_on`, `month`).
- Within a version a payload only grows, by members that may be absent. **Ignore members that you do not know.** Anything else is a new
  version beside the old one: its envelope names the older one in `beside`, and who handles that one skips it.
- No event holds a name, a phone number, an address or free text. Codes are open lists unless the values are listed.
";

/// The page.
pub fn write(internal: &[String]) -> Result<String> {
    let mut page = OPENING.to_owned();
    contents(&mut page)?;
    for (service, zh) in SERVICES {
        write!(page, "\n## {service} · {zh}\n")?;
        for thing in things(service) {
            write!(page, "\n### {thing} · {}\n", name_of(thing)?)?;
            for event in promised().filter(|event| event.service() == service && event.aggregate() == thing) {
                one(&mut page, event)?;
            }
        }
    }
    write!(
        page,
        "\n## Without a promise · 内部事件（不作兼容承诺）\n\n\
         These {} types are published too, as version 0, so that `seq` has no gaps; their payloads may change with any release.\n\n",
        internal.len()
    )?;
    for kind in internal {
        writeln!(page, "- `{kind}`")?;
    }
    writeln!(page, "- in every service: `{{service}}.parked.retried`, `{{service}}.parked.discarded`")?;
    Ok(page)
}

fn contents(page: &mut String) -> Result<()> {
    write!(
        page,
        "\n## Contents · 目录\n\n| Service · 服务 | What · 对象 | Events · 事件 |\n|---|---|---|\n"
    )?;
    for (service, zh) in SERVICES {
        for thing in things(service) {
            let events = promised().filter(|event| event.service() == service && event.aggregate() == thing);
            let links: Vec<_> =
                events.map(|event| format!("[{}](#{})", event.event(), anchor(event))).collect();
            writeln!(page, "| {service} · {zh} | {thing} · {} | {} |", name_of(thing)?, links.join(", "))?;
        }
    }
    Ok(())
}

/// As renderers of Markdown make it from the heading.
fn anchor(event: &Declared) -> String {
    event.name().replace('.', "")
}

fn things(service: &str) -> BTreeSet<&'static str> {
    promised().filter(|event| event.service() == service).map(Declared::aggregate).collect()
}

fn name_of(thing: &str) -> Result<&'static str> {
    let known = THINGS.iter().find(|(known, _)| *known == thing);
    known.map(|(_, zh)| *zh).with_context(|| format!("say in page.rs what `{thing}` is called in Chinese"))
}

fn one(page: &mut String, event: &Declared) -> Result<()> {
    let schema = event.schema();
    write!(page, "\n#### {}\n\n{}\n\n", event.name(), event.meaning())?;
    writeln!(
        page,
        "- **Type · 类型**: `{}` ([schema](schemas/{}.schema.json))",
        event.event_type(),
        event.name()
    )?;
    writeln!(page, "- **Subject · 主题**: `{}`", event.address())?;
    for clause in event.clauses() {
        let entry = clause.entry();
        writeln!(page, "- **Clause · 条款** {}: {} · {}", entry.id, entry.en, entry.zh)?;
    }
    write!(
        page,
        "\n| Member · 字段 | Type · 类型 | Unit · 单位 | Always · 必有 | Meaning · 含义 |\n|---|---|---|---|---|\n"
    )?;
    members(page, &schema, &schema, "")?;
    let example = serde_json::to_string_pretty(&event.example(events::schema::Extent::Whole))?;
    write!(page, "\nExample · 示例\n\n```json\n{example}\n```\n")?;
    Ok(())
}

/// The members of an object, those of the objects inside too: `intervals[].from`.
fn members(page: &mut String, root: &Value, schema: &Value, path: &str) -> Result<()> {
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let inner = resolved(root, member);
        let item = if inner["type"] == "array" { resolved(root, &inner["items"]) } else { inner };
        let list = if inner["type"] == "array" { "[]" } else { "" };
        let meaning = member["description"].as_str().or(inner["description"].as_str()).unwrap_or_default();
        writeln!(
            page,
            "| `{path}{name}` | {}{list} | {} | {} | {} |",
            shape(item),
            inner["x-unit"].as_str().unwrap_or_default(),
            if required(name) { "yes · 是" } else { "no · 否" },
            meaning.replace('|', "\\|"),
        )?;
        if item["type"] == "object" {
            members(page, root, item, &format!("{path}{name}{list}."))?;
        }
    }
    Ok(())
}

fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|to| root.pointer(to.trim_start_matches('#')));
    target.unwrap_or(schema)
}

/// What stands there: a word for people.
fn shape(schema: &Value) -> String {
    let constants = schema["oneOf"].as_array().into_iter().flatten().filter_map(|one| one["const"].as_str());
    let listed = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    // Values with and without a text of their own stand in two places.
    let nested = schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|one| one["enum"].as_array().into_iter().flatten());
    let values: Vec<_> = constants
        .chain(listed)
        .chain(nested.filter_map(Value::as_str))
        .map(|value| format!("`{value}`"))
        .collect();
    if !values.is_empty() {
        return values.join(", ");
    }
    let id = schema["pattern"].as_str().and_then(|pattern| pattern.strip_prefix('^')?.split_once("_[0-9a-h"));
    if let Some((prefix, _)) = id {
        return format!("id `{prefix}_…`");
    }
    match (
        schema["type"].as_str(),
        schema["format"].as_str(),
        schema["minimum"].as_i64(),
        schema["maximum"].as_i64(),
    ) {
        (Some("string"), Some("date"), ..) => "date".to_owned(),
        (Some("string"), Some("date-time"), ..) => "instant".to_owned(),
        (Some("string"), ..) if schema["pattern"].is_string() => "month".to_owned(),
        (Some("integer"), _, Some(least), Some(most)) => format!("integer {least}–{most}"),
        (Some(kind), ..) => kind.to_owned(),
        (None, ..) => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promised_event_stands_on_the_page_with_all_its_members() {
        let page = write(&["a.fine.seen".to_owned()]).expect("a page");
        for event in promised() {
            let name = event.name();
            let heading = format!("\n#### {name}\n");
            let (_, rest) = page.split_once(&heading).unwrap_or_else(|| panic!("{name} is not on the page"));
            let its = rest.split("\n#### ").next().unwrap_or_default();
            assert!(its.contains(&event.meaning()) && its.contains(&event.address()), "{name}");
            let schema = event.schema();
            for member in schema["properties"].as_object().expect("members").keys() {
                let row = its.lines().find(|line| line.starts_with(&format!("| `{member}` |")));
                let row = row.unwrap_or_else(|| panic!("{name}: {member} is not on the page"));
                assert!(!row.ends_with("|  |"), "{name}: nothing is said of {member}");
            }
            assert!(page.contains(&format!("(#{})", anchor(event))), "{name} is in the contents");
        }
        assert!(page.contains("- `a.fine.seen`"));
    }

    #[test]
    fn an_event_is_shown_as_a_stranger_needs_it() {
        let page = write(&[]).expect("a page");
        for line in [
            "A fine became final; payroll deducts it (P6.6-1).",
            "- **Subject · 主题**: `steward.v1.support.{branch}.penalty.confirmed`",
            "| `amount_fen` | integer | fen | yes · 是 | Fen, at least 1. |",
            "| `kind` | `fine`, `score_deduction`, `loss_compensation` |  | yes · 是 | Money, points or loss. |",
            "| `call_id` | id `cal_…` |  | no · 否 | The call that brought the complaint, if one did. |",
            "| `intervals[].light` | `green`, `yellow`, `red` |  | yes · 是 | The colour. |",
            "### penalty · 处罚",
        ] {
            assert!(page.lines().any(|one| one == line), "{line}");
        }
    }
}
