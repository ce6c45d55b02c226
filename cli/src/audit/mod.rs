//! `steward audit conservation`: proves from the services' journals that no fen was lost, taken twice or made up
//! (`events.md` §9, H5).

use crate::installation::Installation;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use events::contracts::{CollectionRecorded, CollectionReversed};
use events::hr::{
    DeductionBalance, DeductionDeferred, DeductionOpened, DeductionPosted, DeductionRefunded,
    DeductionReversed, DeductionWrittenOff, PayslipIssued,
};
use events::support::{PenaltyConfirmed, PenaltyKind, PenaltyReversed};
use events::{CollectionId, Envelope, PayslipId, PenaltyId};
use journal::numbering::numbered;
use journal::{bus, parked};
use kernel::{EventPayload, Fen};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};

/// The audits there are.
#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Every fine and every collection ends in exactly one place, and the sums agree.
    Conservation(Conservation),
}

/// Options of `audit conservation`.
#[derive(Args)]
pub(crate) struct Conservation {
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let Self::Conservation(options) = self;
        let running = installation.must_run()?;
        let report = conservation(&running.databases).await?;
        print!("{}", report.text());
        if options.json {
            println!("{}", serde_json::to_string(&report)?);
        }
        if report.exceptions.is_empty() { Ok(()) } else { bail!("{} exceptions", report.exceptions.len()) }
    }
}

/// Reads every service's journal from its beginning, and audits.
pub(crate) async fn conservation(databases: &BTreeMap<String, String>) -> Result<Report> {
    let mut ledger = Ledger::default();
    for (service, url) in databases {
        let pool = PgPool::connect(url).await.with_context(|| format!("the database of {service}"))?;
        let mut next = 1;
        loop {
            let rows = numbered(&pool, next, 5_000).await?;
            let Some(last) = rows.last() else { break };
            next = last.seq + 1;
            for row in &rows {
                ledger.take(&bus::envelope(service, 1, row)?)?;
            }
        }
        ledger
            .parked
            .extend(parked::list(&pool).await?.into_iter().map(|event| kernel::EventId::of(event.event_id)));
        pool.close().await;
    }
    Ok(ledger.report())
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
    pub(crate) collections: usize,
    pub(crate) payslips: usize,
    pub(crate) confirmed_fen: Fen,
    pub(crate) posted_fen: Fen,
    pub(crate) refunded_fen: Fen,
    pub(crate) refund_due_fen: Fen,
    pub(crate) open_fen: Fen,
    pub(crate) written_off_fen: Fen,
    pub(crate) reversed_fen: Fen,
    pub(crate) exceptions: Vec<Exception>,
}

impl Report {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "conservation: {} fines confirmed {} = (posted {} - refunded {} - refund due {}) + open {} + written off {} + reversed {}\n\
             {} collections, {} payslips\n",
            self.penalties,
            self.confirmed_fen.yuan(),
            self.posted_fen.yuan(),
            self.refunded_fen.yuan(),
            self.refund_due_fen.yuan(),
            self.open_fen.yuan(),
            self.written_off_fen.yuan(),
            self.reversed_fen.yuan(),
            self.collections,
            self.payslips,
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

/// What the journals say, keyed for comparison.
#[derive(Default)]
struct Ledger {
    confirmed: BTreeMap<PenaltyId, (kernel::EventId, PenaltyConfirmed)>,
    new_amounts: BTreeMap<PenaltyId, Fen>,
    balances: BTreeMap<PenaltyId, DeductionBalance>,
    openings: BTreeMap<PenaltyId, usize>,
    collections: BTreeSet<CollectionId>,
    reversals: BTreeMap<CollectionId, Option<CollectionId>>,
    payslips: BTreeMap<PayslipId, PayslipIssued>,
    parked: BTreeSet<kernel::EventId>,
    doubled: Vec<Exception>,
}

impl Ledger {
    fn take(&mut self, envelope: &Envelope) -> Result<()> {
        let Some((kind, _)) = envelope.kind() else { return Ok(()) };
        let balance = match kind {
            DeductionOpened::TYPE => {
                let DeductionOpened(balance) = read(envelope)?;
                *self.openings.entry(balance.penalty_id).or_default() += 1;
                Some(balance)
            }
            DeductionPosted::TYPE => Some(read::<DeductionPosted>(envelope)?.0),
            DeductionDeferred::TYPE => Some(read::<DeductionDeferred>(envelope)?.0),
            DeductionRefunded::TYPE => Some(read::<DeductionRefunded>(envelope)?.0),
            DeductionReversed::TYPE => Some(read::<DeductionReversed>(envelope)?.0),
            DeductionWrittenOff::TYPE => Some(read::<DeductionWrittenOff>(envelope)?.0),
            _ => None,
        };
        if let Some(balance) = balance {
            self.balances.insert(balance.penalty_id, balance);
        }
        match kind {
            PenaltyConfirmed::TYPE => {
                let penalty: PenaltyConfirmed = read(envelope)?;
                let id = penalty.penalty_id;
                if self.confirmed.insert(id, (envelope.id, penalty)).is_some() {
                    self.doubled.push(Exception {
                        kind: "confirmed_twice",
                        ids: vec![id.to_string()],
                        detail: "one fine, two confirmations".to_owned(),
                    });
                }
            }
            PenaltyReversed::TYPE => {
                let reversed: PenaltyReversed = read(envelope)?;
                self.new_amounts.insert(reversed.penalty_id, reversed.new_amount_fen);
            }
            CollectionRecorded::TYPE => {
                self.collections.insert(read::<CollectionRecorded>(envelope)?.0.collection_id);
            }
            CollectionReversed::TYPE => {
                let reversal = read::<CollectionReversed>(envelope)?.0;
                self.reversals.insert(reversal.collection_id, reversal.reverses_id);
            }
            PayslipIssued::TYPE => {
                let slip: PayslipIssued = read(envelope)?;
                self.payslips.insert(slip.payslip_id, slip);
            }
            _ => {}
        }
        Ok(())
    }

    fn report(self) -> Report {
        let mut report = Report {
            penalties: self.confirmed.len(),
            collections: self.collections.len(),
            payslips: self.payslips.len(),
            ..Report::default()
        };
        report.exceptions = self.doubled.clone();
        for (event, penalty) in self.confirmed.values() {
            if penalty.kind != PenaltyKind::ScoreDeduction {
                self.audit_fine(*event, penalty, &mut report);
            }
        }
        for penalty in self.balances.keys().filter(|penalty| !self.confirmed.contains_key(penalty)) {
            report.exceptions.push(Exception {
                kind: "deduction_without_fine",
                ids: vec![penalty.to_string()],
                detail: "nobody confirmed it".to_owned(),
            });
        }
        self.audit_slips(&mut report);
        report
    }

    /// One fine: exactly one deduction, whose balance holds and follows the last word of the appeal (H5).
    fn audit_fine(&self, event: kernel::EventId, penalty: &PenaltyConfirmed, report: &mut Report) {
        report.confirmed_fen = report.confirmed_fen + penalty.amount_fen;
        let id = penalty.penalty_id;
        let mut object = |kind, detail: String| {
            report.exceptions.push(Exception {
                kind,
                ids: vec![penalty.complaint_id.to_string(), id.to_string()],
                detail,
            })
        };
        let Some(balance) = self.balances.get(&id) else {
            if !self.parked.contains(&event) {
                object(
                    "fine_without_deduction",
                    format!("{} confirmed, payroll does not know it", penalty.amount_fen.yuan()),
                );
            }
            return;
        };
        if self.openings.get(&id) != Some(&1) {
            object(
                "deduction_twice",
                format!("opened {} times", self.openings.get(&id).copied().unwrap_or_default()),
            );
        }
        let kept = balance.posted_fen - balance.refunded_fen - balance.refund_due_fen;
        let explained = kept + balance.open_fen + balance.written_off_fen + balance.reversed_fen;
        if explained != penalty.amount_fen {
            object(
                "unbalanced",
                format!("confirmed {}, explained {}", penalty.amount_fen.yuan(), explained.yuan()),
            );
        }
        let expected = self.new_amounts.get(&id).map_or(Fen::ZERO, |new| penalty.amount_fen - *new);
        if balance.reversed_fen != expected {
            object(
                "reversal_not_followed",
                format!("the appeal took {} back, payroll {}", expected.yuan(), balance.reversed_fen.yuan()),
            );
        }
        report.posted_fen = report.posted_fen + balance.posted_fen;
        report.refunded_fen = report.refunded_fen + balance.refunded_fen;
        report.refund_due_fen = report.refund_due_fen + balance.refund_due_fen;
        report.open_fen = report.open_fen + balance.open_fen;
        report.written_off_fen = report.written_off_fen + balance.written_off_fen;
        report.reversed_fen = report.reversed_fen + balance.reversed_fen;
    }

    /// Slips: every fine and every collection they name exists; a collection is paid once.
    fn audit_slips(&self, report: &mut Report) {
        let mut paid = BTreeMap::new();
        for slip in self.payslips.values() {
            for penalty in slip.penalties.iter().filter(|penalty| !self.confirmed.contains_key(penalty)) {
                let ids = vec![penalty.to_string(), slip.payslip_id.to_string()];
                report.exceptions.push(Exception {
                    kind: "line_without_fine",
                    ids,
                    detail: "the slip takes a fine that nobody confirmed".to_owned(),
                });
            }
            for collection in &slip.collections {
                let ids = || vec![collection.to_string(), slip.payslip_id.to_string()];
                if !self.collections.contains(collection) && !self.reversals.contains_key(collection) {
                    report.exceptions.push(Exception {
                        kind: "commission_without_collection",
                        ids: ids(),
                        detail: "nobody collected it".to_owned(),
                    });
                }
                if let Some(other) = paid.insert(*collection, slip.payslip_id) {
                    report.exceptions.push(Exception {
                        kind: "commission_twice",
                        ids: ids(),
                        detail: format!("also on {other}"),
                    });
                }
            }
        }
        for (reversal, reverses) in &self.reversals {
            if reverses.is_none_or(|reverses| !self.collections.contains(&reverses)) {
                report.exceptions.push(Exception {
                    kind: "reversal_of_nothing",
                    ids: vec![reversal.to_string()],
                    detail: "it takes back what was not collected".to_owned(),
                });
            }
        }
    }
}

fn read<E: EventPayload + DeserializeOwned>(envelope: &Envelope) -> Result<E> {
    Ok(envelope.read::<E>().with_context(|| format!("event {} of {}", envelope.seq, envelope.source))?.data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::{ComplaintId, DeductionId};
    use kernel::{EmployeeId, EventId, Month, PolicyVersionId};
    use uuid::Uuid;

    fn confirmed(amount: i64) -> PenaltyConfirmed {
        PenaltyConfirmed {
            penalty_id: PenaltyId::of(Uuid::from_u128(1)),
            complaint_id: ComplaintId::of(Uuid::from_u128(2)),
            call_id: None,
            employee_id: EmployeeId::of(Uuid::from_u128(3)),
            kind: PenaltyKind::Fine,
            amount_fen: Fen::new(amount),
            severity: events::support::Severity::S2,
            month: Month::new(2025, 10).expect("a month"),
            policy_version: PolicyVersionId::of(Uuid::from_u128(4)),
        }
    }

    fn balance(posted: i64, open: i64, reversed: i64) -> DeductionBalance {
        DeductionBalance {
            deduction_id: DeductionId::of(Uuid::from_u128(5)),
            penalty_id: PenaltyId::of(Uuid::from_u128(1)),
            employee_id: EmployeeId::of(Uuid::from_u128(3)),
            run_id: None,
            posted_fen: Fen::new(posted),
            refunded_fen: Fen::ZERO,
            refund_due_fen: Fen::ZERO,
            open_fen: Fen::new(open),
            written_off_fen: Fen::ZERO,
            reversed_fen: Fen::new(reversed),
        }
    }

    fn ledger(balance: Option<DeductionBalance>) -> Ledger {
        let penalty = confirmed(50_000);
        let id = penalty.penalty_id;
        let mut ledger = Ledger::default();
        ledger.confirmed.insert(id, (EventId::of(Uuid::from_u128(9)), penalty));
        if let Some(balance) = balance {
            ledger.openings.insert(id, 1);
            ledger.balances.insert(id, balance);
        }
        ledger
    }

    fn kinds(ledger: Ledger) -> Vec<&'static str> {
        ledger.report().exceptions.iter().map(|exception| exception.kind).collect()
    }

    #[test]
    fn h5_a_fine_posted_in_part_and_carried_is_conserved() {
        let report = ledger(Some(balance(31_000, 19_000, 0))).report();
        assert_eq!(
            (report.exceptions.len(), report.posted_fen, report.open_fen),
            (0, Fen::new(31_000), Fen::new(19_000))
        );
    }

    #[test]
    fn each_planted_exception_is_found() {
        assert_eq!(kinds(ledger(None)), ["fine_without_deduction"]);
        assert_eq!(kinds(ledger(Some(balance(31_000, 18_999, 0)))), ["unbalanced"]);
        assert_eq!(kinds(ledger(Some(balance(31_000, 0, 19_000)))), ["reversal_not_followed"]);
        let mut twice = ledger(Some(balance(31_000, 19_000, 0)));
        twice.openings.insert(PenaltyId::of(Uuid::from_u128(1)), 2);
        assert_eq!(kinds(twice), ["deduction_twice"]);
        let mut stray = ledger(Some(balance(31_000, 19_000, 0)));
        stray.confirmed.clear();
        assert_eq!(kinds(stray), ["deduction_without_fine"]);
        let mut reversal = ledger(Some(balance(31_000, 19_000, 0)));
        reversal.reversals.insert(CollectionId::of(Uuid::from_u128(6)), None);
        assert_eq!(kinds(reversal), ["reversal_of_nothing"]);
    }

    #[test]
    fn a_parked_fine_is_waiting_not_lost() {
        let mut waiting = ledger(None);
        waiting.parked.insert(EventId::of(Uuid::from_u128(9)));
        assert_eq!(kinds(waiting), Vec::<&str>::new());
    }
}
