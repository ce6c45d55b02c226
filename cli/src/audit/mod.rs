//! `steward audit conservation`: proves from the services' journals that no fen was lost, taken twice or made up
//! (`events.md` §9, H5).
//!
//! `ledger.rs` keeps what the journals say and finds what does not agree. Not here: assessments in appraisals, which
//! come with the appraisals.

mod ledger;

use crate::installation::{Installation, RolePasswords};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use house::provision::database_name;
use journal::bus;
use journal::numbering::numbered;
use journal::snapshot::Snapshot;
use kernel::{Fen, Month};
use ledger::{Ledger, Seen};
use serde::Serialize;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgPool};
use std::collections::BTreeMap;

/// The audits there are.
#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Every fine and every collection ends in exactly one place, and the sums agree.
    Conservation(Conservation),
}

/// Options of `audit conservation`.
#[derive(Args)]
pub(crate) struct Conservation {
    /// The first month: of a fine's confirmation, of a collection's day, of a slip. All from the first where it is missing.
    #[arg(long, value_parser = month)]
    from: Option<Month>,
    /// The last month. All to the last where it is missing.
    #[arg(long, value_parser = month)]
    to: Option<Month>,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// `2025-10`.
fn month(text: &str) -> Result<Month, String> {
    serde_json::from_value(text.into()).map_err(|_| format!("{text} is no month such as 2025-10"))
}

/// Which months an audit is about, both included.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Period {
    from: Option<Month>,
    to: Option<Month>,
}

impl Period {
    /// Whether a month is in it.
    fn has(self, month: Month) -> bool {
        self.from.is_none_or(|from| from <= month) && self.to.is_none_or(|to| month <= to)
    }
}

impl Audit {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let Self::Conservation(options) = self;
        if let (Some(from), Some(to)) = (options.from, options.to)
            && to < from
        {
            bail!("--to is before --from");
        }
        let period = Period { from: options.from, to: options.to };
        let report = conservation(&databases(installation)?, period).await?;
        print!("{}", report.text());
        if options.json {
            println!("{}", serde_json::to_string(&report)?);
        }
        if report.exceptions.is_empty() { Ok(()) } else { bail!("{} exceptions", report.exceptions.len()) }
    }
}

/// Where the journals are: as `up` has announced it; where the services run each alone on a PostgreSQL of the operator's
/// own, as this installation made them there.
fn databases(installation: &Installation) -> Result<BTreeMap<String, String>> {
    let (Some(postgres), _) = installation.given_urls()? else {
        return Ok(installation.must_run()?.databases);
    };
    if installation.is_held() {
        return Ok(installation.must_run()?.databases);
    }
    let admin: PgConnectOptions = postgres.parse()?;
    let url = |(service, passwords): (&String, &RolePasswords)| {
        let role = admin.clone().username(&format!("steward_{service}_app")).password(&passwords.app);
        (service.clone(), role.database(&database_name(service)).to_url_lossy().to_string())
    };
    Ok(installation.existing_secrets()?.databases.iter().map(url).collect())
}

/// How many events are read at once.
const PAGE: i64 = 5_000;

/// Reads every journal from its beginning, and audits. hr is read first, in one snapshot with its positions: the others
/// are held to account as far as hr had read them at that instant, so that it may go on living meanwhile.
pub(crate) async fn conservation(databases: &BTreeMap<String, String>, period: Period) -> Result<Report> {
    let mut ledger = Ledger::default();
    let hr = open(databases, "hr").await?;
    let mut snapshot = Snapshot::take(&hr).await?;
    let positions = snapshot.positions().await?;
    ledger.parked(snapshot.parked().await?);
    let mut after = 0;
    loop {
        let events = snapshot.events("hr", after, PAGE).await?;
        let Some((last, _)) = events.last() else { break };
        after = *last;
        for (_, event) in &events {
            ledger.take(event, Seen::Read)?;
        }
    }
    drop(snapshot);
    hr.close().await;
    for service in ["support", "contracts"] {
        let pool = open(databases, service).await?;
        let read = positions.get(service).copied().unwrap_or_default();
        let epochs = journal::epoch::load(&pool).await?;
        let mut next = 1;
        loop {
            let rows = numbered(&pool, next, PAGE).await?;
            let Some(last) = rows.last() else { break };
            next = last.seq + 1;
            for row in rows {
                let seen = if row.seq <= read { Seen::Read } else { Seen::NotYet };
                ledger.take(&bus::envelope(service, epochs.of(row.seq), row)?, seen)?;
            }
        }
        pool.close().await;
    }
    Ok(ledger.report(period))
}

async fn open(databases: &BTreeMap<String, String>, service: &str) -> Result<PgPool> {
    let url = databases.get(service).with_context(|| format!("no database of {service} is known"))?;
    PgPool::connect(url).await.with_context(|| format!("the database of {service}"))
}

/// One finding of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Exception {
    /// What kind of thing is wrong.
    pub(crate) kind: &'static str,
    /// The ids it is about, cause first.
    pub(crate) ids: Vec<String>,
    /// What was expected, and what stands there.
    pub(crate) detail: String,
}

/// Sums in fen, and what does not agree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    pub(crate) penalties: usize,
    /// Collections and reversals.
    pub(crate) collections: usize,
    pub(crate) payslips: usize,
    pub(crate) confirmed_fen: Fen,
    pub(crate) posted_fen: Fen,
    pub(crate) refunded_fen: Fen,
    pub(crate) refund_due_fen: Fen,
    pub(crate) open_fen: Fen,
    pub(crate) written_off_fen: Fen,
    pub(crate) reversed_fen: Fen,
    /// Of confirmed fines that payroll has not read yet, or has parked with a reason.
    pub(crate) waiting_fen: Fen,
    /// Fines, collections and reversals on their way to payroll, or to its next run: also what one run has left out.
    pub(crate) waiting: usize,
    /// Of these, what payroll has read and parked with a reason.
    pub(crate) parked: usize,
    pub(crate) exceptions: Vec<Exception>,
}

impl Report {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "conservation: {} fines confirmed {} = (posted {} - refunded {} - refund due {}) + open {} + written off {} + reversed {} + waiting {}\n\
             {} collections and reversals, {} payslips; {} on their way to payroll, {} of them parked\n",
            self.penalties,
            self.confirmed_fen.yuan(),
            self.posted_fen.yuan(),
            self.refunded_fen.yuan(),
            self.refund_due_fen.yuan(),
            self.open_fen.yuan(),
            self.written_off_fen.yuan(),
            self.reversed_fen.yuan(),
            self.waiting_fen.yuan(),
            self.collections,
            self.payslips,
            self.waiting,
            self.parked,
        );
        for exception in &self.exceptions {
            text.push_str(&format!(
                "EXCEPTION {}: {} ({})\n",
                exception.kind,
                exception.detail,
                exception.ids.join(" -> ")
            ));
        }
        if self.exceptions.is_empty() {
            text.push_str("no exceptions\n");
        }
        text
    }
}
