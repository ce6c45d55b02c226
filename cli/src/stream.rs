//! `steward stream`: compares streams with journals, and has one made again.

use crate::installation::Installation;
use crate::operator::Operator;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// What can be done with streams.
#[derive(Subcommand)]
pub(crate) enum Stream {
    /// Compare each service's stream with its journal; exits 0 only where all are clean.
    Check(Check),
    /// Make a stream that is gone or damaged again from the journal, with its old numbers.
    Rebuild(Rebuild),
}

/// Options of `stream check`.
#[derive(Args)]
pub(crate) struct Check {
    /// Only this service.
    service: Option<String>,
    /// Compare every event, not only a sample.
    #[arg(long)]
    all: bool,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `stream rebuild`.
#[derive(Args)]
pub(crate) struct Rebuild {
    /// Whose stream.
    service: String,
    /// The name of the stream, which is deleted first.
    #[arg(long)]
    confirm: Option<String>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Stream {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let operator = Operator::of(installation)?;
        match self {
            Self::Check(check) => check.run(&operator).await,
            Self::Rebuild(rebuild) => rebuild.run(&operator).await,
        }
    }
}

impl Check {
    async fn run(self, operator: &Operator) -> Result<()> {
        let mut reports = Vec::new();
        for service in operator.services(self.service.as_deref())? {
            reports.push(self.report(operator, &service).await?);
        }
        let mut findings = 0;
        for report in &reports {
            println!(
                "{}: {} to {} of {}, {} messages, {} compared",
                said(&report["stream"]),
                report["first_seq"],
                report["last_seq"],
                report["last_numbered"],
                report["messages"],
                report["compared"]
            );
            for finding in report["findings"].as_array().into_iter().flatten() {
                findings += 1;
                println!("  {}: {}", said(&finding["kind"]), said(&finding["detail"]));
            }
        }
        if self.json {
            println!("{}", json!({ "streams": reports }));
        }
        if findings == 0 { Ok(()) } else { bail!("{findings} findings") }
    }

    /// One report of all pages: ends and configuration as the last page saw them.
    async fn report(&self, operator: &Operator, service: &str) -> Result<Value> {
        let path = format!("/v1/{service}/stream/check");
        if !self.all {
            return operator.get(&path).await;
        }
        let (mut after, mut compared, mut found) = (0, 0, Vec::new());
        loop {
            let mut page = operator.get(&format!("{path}?after={after}")).await?;
            compared += page["compared"].as_u64().unwrap_or_default();
            for finding in page["findings"].as_array().into_iter().flatten() {
                if !found.contains(finding) {
                    found.push(finding.clone());
                }
            }
            let Some(next) = page["next"].as_i64() else {
                (page["compared"], page["findings"]) = (compared.into(), found.into());
                return Ok(page);
            };
            after = next;
        }
    }
}

impl Rebuild {
    async fn run(self, operator: &Operator) -> Result<()> {
        let service = operator.services(Some(&self.service))?.remove(0);
        let dry = if self.dry_run { "?dry_run=true" } else { "" };
        let mut body = json!({});
        if let Some(confirm) = &self.confirm {
            body["confirm"] = json!(confirm);
        }
        let answer = operator.create(&format!("/v1/{service}/stream/rebuild{dry}"), &body, "").await?;
        let rebuilt = if self.dry_run { &answer["would_be"] } else { &answer };
        let what = if self.dry_run { "would be made" } else { "is being made" };
        println!(
            "{} {what} again from the journal; steward stream check {service} tells when it is complete",
            said(&rebuilt["stream"])
        );
        if self.json {
            println!("{answer}");
        }
        Ok(())
    }
}

/// A text of an answer.
fn said(value: &Value) -> &str {
    value.as_str().unwrap_or("unknown")
}
