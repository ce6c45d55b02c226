//! `steward parked`: events that could not take effect; look at them, have them tried again, give them up.

use crate::installation::Installation;
use crate::operator::Operator;
use crate::token::id;
use anyhow::Result;
use clap::{Args, Subcommand};
use house::parked::ParkedId;
use serde_json::{Value, json};

/// What is done with parked events.
#[derive(Subcommand)]
pub(crate) enum Parked {
    /// List them, the oldest first.
    Ls(Ls),
    /// Show one, with what arrived.
    Show(One),
    /// Have one tried again now, with all of its aggregate that wait before it.
    Retry(One),
    /// Give one up, for good; what waited behind it is tried next.
    Discard(Discard),
}

/// Options of `parked ls`.
#[derive(Args)]
pub(crate) struct Ls {
    /// Only in this service.
    #[arg(long)]
    service: Option<String>,
    /// Only those of this reader.
    #[arg(long)]
    reader: Option<String>,
    /// Only those that this service published.
    #[arg(long)]
    source: Option<String>,
    /// Only those with this reason: `not_known_yet`, `behind_parked`, `unreadable` …
    #[arg(long)]
    reason: Option<String>,
    /// Only those of this type: `steward.support.penalty.confirmed.v1`.
    #[arg(long = "type")]
    event_type: Option<String>,
    /// Those that were given up instead.
    #[arg(long)]
    discarded: bool,
    /// At most so many of each service.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=200))]
    limit: i64,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `parked show` and `parked retry`.
#[derive(Args)]
pub(crate) struct One {
    /// Which: `pkd_…`, as `parked ls` shows it.
    #[arg(value_parser = id::<ParkedId>)]
    id: ParkedId,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `parked discard`.
#[derive(Args)]
pub(crate) struct Discard {
    /// Which: `pkd_…`, as `parked ls` shows it.
    #[arg(value_parser = id::<ParkedId>)]
    id: ParkedId,
    /// Why, 1 to 500 characters; it is kept with the event.
    #[arg(long)]
    reason: String,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Parked {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let operator = Operator::of(installation)?;
        match self {
            Self::Ls(ls) => ls.run(&operator).await,
            Self::Show(one) => {
                let (_, parked) = found(&operator, one.id).await?;
                println!("{}", serde_json::to_string_pretty(&parked)?);
                if one.json {
                    println!("{parked}");
                }
                Ok(())
            }
            Self::Retry(one) => {
                let after = tell(&operator, one.id, "retry", &json!({})).await?;
                if one.json {
                    println!("{after}");
                }
                Ok(())
            }
            Self::Discard(discard) => {
                let after =
                    tell(&operator, discard.id, "discard", &json!({ "reason": discard.reason })).await?;
                if discard.json {
                    println!("{after}");
                }
                Ok(())
            }
        }
    }
}

impl Ls {
    async fn run(self, operator: &Operator) -> Result<()> {
        let filters = [
            ("reader", &self.reader),
            ("source", &self.source),
            ("reason", &self.reason),
            ("type", &self.event_type),
        ];
        let filters: String = filters
            .into_iter()
            .filter_map(|(name, value)| Some(format!("&{name}={}", escaped(value.as_deref()?))))
            .collect();
        let room = if self.discarded { "discarded-events" } else { "parked" };
        let (mut listed, mut has_more) = (Vec::new(), false);
        for service in operator.services(self.service.as_deref())? {
            let page =
                operator.get(&format!("/v1/{service}/{room}?sort=id&limit={}{filters}", self.limit)).await?;
            has_more |= page["page"]["has_more"] == true;
            listed.extend(page["data"].as_array().cloned().unwrap_or_default());
        }
        listed.iter().for_each(|parked| println!("{}", line(parked)));
        if has_more {
            println!(
                "there are more; say which with --service, --source, --reason, --type, or raise --limit"
            );
        }
        if self.json {
            println!("{}", json!({ "parked": listed, "has_more": has_more }));
        }
        Ok(())
    }
}

/// Anything that may not stand in a query.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Tells a parked event something; how it is then.
async fn tell(operator: &Operator, id: ParkedId, verb: &str, body: &Value) -> Result<Value> {
    let (path, parked) = found(operator, id).await?;
    let after = operator.tell(&format!("{path}/{verb}"), &parked["version"], body).await?;
    println!("{}", line(&after));
    Ok(after)
}

/// Where it is parked: an id does not say in which service.
async fn found(operator: &Operator, id: ParkedId) -> Result<(String, Value)> {
    for service in operator.services(None)? {
        let path = format!("/v1/{service}/parked/{id}");
        if let Some(parked) = operator.find(&path).await? {
            return Ok((path, parked));
        }
    }
    anyhow::bail!("{id} is parked nowhere: it has taken effect, or never was")
}

/// A parked event for people.
fn line(parked: &Value) -> String {
    let word = |name: &str| parked[name].as_str().unwrap_or("-").to_owned();
    let state = match (parked["discarded_why"].as_str(), parked["next_try_at"].as_str()) {
        (Some(why), _) => format!("discarded: {why}"),
        (None, Some(at)) => format!("next try {at}"),
        (None, None) => "waits".to_owned(),
    };
    format!(
        "{}  in {} from {} {}  {}  {}  tried {}  {state}",
        word("id"),
        word("service"),
        word("source"),
        parked["seq"],
        word("type"),
        word("reason"),
        parked["attempts"],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parked_event_is_one_line() {
        let mut parked = json!({ "id": "pkd_1", "service": "hr", "source": "support", "seq": 48, "reason": "fault", "attempts": 2,
            "type": "steward.support.penalty.confirmed.v1" });
        let common = "pkd_1  in hr from support 48  steward.support.penalty.confirmed.v1  fault  tried 2  ";
        assert_eq!(line(&parked), format!("{common}waits"));
        parked["next_try_at"] = json!("2026-10-08T03:12:45Z");
        assert_eq!(line(&parked), format!("{common}next try 2026-10-08T03:12:45Z"));
        parked["discarded_why"] = json!("told twice");
        assert_eq!(line(&parked), format!("{common}discarded: told twice"));
    }

    #[test]
    fn a_filter_stays_one_filter() {
        assert_eq!(escaped("not_known_yet"), "not_known_yet");
        assert_eq!(escaped("a&b=c é"), "a%26b%3Dc%20%C3%A9");
    }
}
