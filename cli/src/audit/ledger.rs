//! What the journals say about money, and what does not agree.

use super::{Exception, Period, Report};
use anyhow::{Context, Result};
use events::contracts::{Collection, CollectionRecorded, CollectionReversed};
use events::hr::{
    DeductionBalance, DeductionDeferred, DeductionOpened, DeductionPosted, DeductionRefunded,
    DeductionReversed, DeductionWrittenOff, PayRunCalculated, PayslipIssued,
};
use events::support::{PenaltyConfirmed, PenaltyKind, PenaltyReversed};
use events::{CollectionId, Envelope, PayRunId, PayslipId, PenaltyId};
use kernel::{EventId, EventPayload, Fen, Month, Timestamp};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// What the journals say, keyed for comparison.
#[derive(Default)]
pub(super) struct Ledger {
    confirmed: BTreeMap<PenaltyId, Told<PenaltyConfirmed>>,
    reversed: BTreeMap<PenaltyId, Told<PenaltyReversed>>,
    balances: BTreeMap<PenaltyId, DeductionBalance>,
    openings: BTreeMap<PenaltyId, usize>,
    recorded: BTreeMap<CollectionId, Told<Collection>>,
    given_back: BTreeMap<CollectionId, Told<Collection>>,
    calculated: BTreeMap<PayRunId, Timestamp>,
    payslips: BTreeMap<PayslipId, PayslipIssued>,
    parked: BTreeSet<EventId>,
    doubled: Vec<(Option<Month>, Exception)>,
}

/// Whether payroll has read an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It has; its own events it knows.
    Read,
    /// It will.
    NotYet,
}

/// What another service told payroll.
struct Told<E> {
    event: EventId,
    at: Timestamp,
    seen: Seen,
    data: E,
}

impl Ledger {
    /// Events that payroll has read and that have not taken effect.
    pub(super) fn parked(&mut self, events: BTreeSet<EventId>) {
        self.parked = events;
    }

    /// Takes one event in.
    pub(super) fn take(&mut self, envelope: &Envelope, seen: Seen) -> Result<()> {
        let Some((kind, _)) = envelope.kind() else { return Ok(()) };
        match kind {
            DeductionOpened::TYPE => {
                let DeductionOpened(balance) = read(envelope)?;
                *self.openings.entry(balance.penalty_id).or_default() += 1;
                self.balances.insert(balance.penalty_id, balance);
            }
            DeductionPosted::TYPE => self.stands(read::<DeductionPosted>(envelope)?.0),
            DeductionDeferred::TYPE => self.stands(read::<DeductionDeferred>(envelope)?.0),
            DeductionRefunded::TYPE => self.stands(read::<DeductionRefunded>(envelope)?.0),
            DeductionReversed::TYPE => self.stands(read::<DeductionReversed>(envelope)?.0),
            DeductionWrittenOff::TYPE => self.stands(read::<DeductionWrittenOff>(envelope)?.0),
            PenaltyConfirmed::TYPE => {
                let told = Told::<PenaltyConfirmed>::of(envelope, seen)?;
                let (id, month) = (told.data.penalty_id, told.data.month);
                if self.confirmed.insert(id, told).is_some() {
                    self.double(
                        Some(month),
                        "confirmed_twice",
                        vec![id.to_string()],
                        "one fine, two confirmations",
                    );
                }
            }
            PenaltyReversed::TYPE => {
                let told = Told::<PenaltyReversed>::of(envelope, seen)?;
                let id = told.data.penalty_id;
                if self.reversed.insert(id, told).is_some() {
                    self.double(None, "reversed_twice", vec![id.to_string()], "one fine, two last words");
                }
            }
            CollectionRecorded::TYPE => {
                let told = Told::<CollectionRecorded>::of(envelope, seen)?.map(|event| event.0);
                self.recorded.insert(told.data.collection_id, told);
            }
            CollectionReversed::TYPE => {
                let told = Told::<CollectionReversed>::of(envelope, seen)?.map(|event| event.0);
                self.given_back.insert(told.data.collection_id, told);
            }
            PayRunCalculated::TYPE => {
                let PayRunCalculated(run) = read(envelope)?;
                self.calculated.insert(run.run_id, envelope.time);
            }
            PayslipIssued::TYPE => {
                let slip: PayslipIssued = read(envelope)?;
                self.payslips.insert(slip.payslip_id, slip);
            }
            _ => {}
        }
        Ok(())
    }

    /// The balance of a deduction after its last step.
    fn stands(&mut self, balance: DeductionBalance) {
        self.balances.insert(balance.penalty_id, balance);
    }

    fn double(&mut self, month: Option<Month>, kind: &'static str, ids: Vec<String>, detail: &str) {
        self.doubled.push((month, Exception { kind, ids, detail: detail.to_owned() }));
    }

    /// Whether payroll has read an event and let it take effect.
    fn has_effect<E>(&self, told: &Told<E>) -> bool {
        told.seen == Seen::Read && !self.parked.contains(&told.event)
    }

    /// Compares, as far as the months of a period go.
    pub(super) fn report(&self, period: Period) -> Report {
        let of_period = |month: &Option<Month>| month.is_none_or(|month| period.has(month));
        let doubled = self.doubled.iter().filter(|(month, _)| of_period(month));
        let mut report =
            Report { exceptions: doubled.map(|(_, found)| found.clone()).collect(), ..Report::default() };
        for told in self.confirmed.values().filter(|told| period.has(told.data.month)) {
            report.penalties += 1;
            if told.data.kind != PenaltyKind::ScoreDeduction {
                self.audit_fine(told, &mut report);
            }
        }
        for penalty in self.balances.keys().filter(|penalty| !self.confirmed.contains_key(penalty)) {
            report.object("deduction_without_fine", vec![penalty.to_string()], "nobody confirmed it");
        }
        self.audit_slips(period, &mut report);
        self.audit_collections(period, &mut report);
        report
    }

    /// One fine: exactly one deduction, whose balance holds and follows the last word of the appeal (H5).
    fn audit_fine(&self, told: &Told<PenaltyConfirmed>, report: &mut Report) {
        let penalty = &told.data;
        let id = penalty.penalty_id;
        let ids = || vec![penalty.complaint_id.to_string(), id.to_string()];
        report.confirmed_fen = report.confirmed_fen + penalty.amount_fen;
        let Some(balance) = self.balances.get(&id) else {
            if self.has_effect(told) {
                let detail = format!("{} confirmed, payroll does not know it", penalty.amount_fen.yuan());
                report.object("fine_without_deduction", ids(), detail);
            } else {
                report.waiting += 1;
                report.parked += usize::from(self.parked.contains(&told.event));
                report.waiting_fen = report.waiting_fen + penalty.amount_fen;
            }
            return;
        };
        let openings = self.openings.get(&id).copied().unwrap_or_default();
        if openings != 1 {
            report.object("deduction_twice", ids(), format!("opened {openings} times"));
        }
        let kept = balance.posted_fen - balance.refunded_fen - balance.refund_due_fen;
        let explained = kept + balance.open_fen + balance.written_off_fen + balance.reversed_fen;
        if explained != penalty.amount_fen {
            let detail = format!("confirmed {}, explained {}", penalty.amount_fen.yuan(), explained.yuan());
            report.object("unbalanced", ids(), detail);
        }
        let last_word = self.reversed.get(&id).filter(|reversed| self.has_effect(reversed));
        let expected = last_word.map_or(Fen::ZERO, |word| penalty.amount_fen - word.data.new_amount_fen);
        if balance.reversed_fen != expected {
            let detail =
                format!("the appeal took {} back, payroll {}", expected.yuan(), balance.reversed_fen.yuan());
            report.object("reversal_not_followed", ids(), detail);
        }
        report.posted_fen = report.posted_fen + balance.posted_fen;
        report.refunded_fen = report.refunded_fen + balance.refunded_fen;
        report.refund_due_fen = report.refund_due_fen + balance.refund_due_fen;
        report.open_fen = report.open_fen + balance.open_fen;
        report.written_off_fen = report.written_off_fen + balance.written_off_fen;
        report.reversed_fen = report.reversed_fen + balance.reversed_fen;
    }

    /// Slips: every fine and every collection they name exists; a collection is paid once.
    fn audit_slips(&self, period: Period, report: &mut Report) {
        let mut paid = BTreeMap::new();
        for slip in self.payslips.values().filter(|slip| period.has(slip.month)) {
            report.payslips += 1;
            for penalty in slip.penalties.iter().filter(|penalty| !self.confirmed.contains_key(penalty)) {
                let ids = vec![penalty.to_string(), slip.payslip_id.to_string()];
                report.object("line_without_fine", ids, "the slip takes a fine that nobody confirmed");
            }
            for collection in &slip.collections {
                let ids = || vec![collection.to_string(), slip.payslip_id.to_string()];
                if !self.recorded.contains_key(collection) && !self.given_back.contains_key(collection) {
                    report.object("commission_without_collection", ids(), "nobody collected it");
                }
                if let Some(other) = paid.insert(*collection, slip.payslip_id) {
                    report.object("commission_twice", ids(), format!("also on {other}"));
                }
            }
        }
    }

    /// Collections: each is on one slip of whom it is credited to, as soon as two runs have paid its month or a later one;
    /// each reversal too, with what it takes back.
    fn audit_collections(&self, period: Period, report: &mut Report) {
        let named: BTreeSet<CollectionId> =
            self.payslips.values().flat_map(|slip| slip.collections.iter().copied()).collect();
        let all = [
            ("collection_without_commission", &self.recorded),
            ("reversal_without_commission", &self.given_back),
        ];
        for (kind, told) in all.into_iter().flat_map(|(kind, all)| all.values().map(move |told| (kind, told)))
        {
            let (money, month) = (&told.data, Month::of(told.data.collected_on));
            if !period.has(month) {
                continue;
            }
            report.collections += 1;
            if named.contains(&money.collection_id) {
                continue;
            }
            let omitting = self.omitting_slips(told, month);
            if omitting.len() < 2 {
                report.waiting += 1;
                report.parked += usize::from(self.parked.contains(&told.event));
                continue;
            }
            let slips = omitting.into_values().map(|slip| slip.payslip_id.to_string());
            let ids = std::iter::once(money.collection_id.to_string()).chain(slips).collect();
            report.object(kind, ids, format!("{} of {month} is on no slip", money.fee_base_fen.yuan()));
        }
        for told in self.given_back.values().filter(|told| period.has(Month::of(told.data.collected_on))) {
            if told.data.reverses_id.is_none_or(|reverses| !self.recorded.contains_key(&reverses)) {
                let ids = vec![told.data.collection_id.to_string()];
                report.object("reversal_of_nothing", ids, "it takes back what was not collected");
            }
        }
    }

    /// A slip of every run that was calculated after a collection had been recorded and has no line for it. One such run
    /// proves nothing: that payroll has read the collection is known, but not since when, so the run may have come first.
    fn omitting_slips(&self, told: &Told<Collection>, month: Month) -> BTreeMap<PayRunId, &PayslipIssued> {
        let was_there = |slip: &&PayslipIssued| {
            self.calculated.get(&slip.run_id).is_some_and(|calculated| told.at <= *calculated)
        };
        self.payslips
            .values()
            .filter(|slip| slip.employee_id == told.data.credited_employee_id && slip.month >= month)
            .filter(|_| self.has_effect(told))
            .filter(was_there)
            .map(|slip| (slip.run_id, slip))
            .collect()
    }
}

impl Report {
    fn object(&mut self, kind: &'static str, ids: Vec<String>, detail: impl Into<String>) {
        self.exceptions.push(Exception { kind, ids, detail: detail.into() });
    }
}

impl<E> Told<E> {
    fn map<F>(self, change: impl FnOnce(E) -> F) -> Told<F> {
        Told { event: self.event, at: self.at, seen: self.seen, data: change(self.data) }
    }
}

impl<E: EventPayload + DeserializeOwned> Told<E> {
    fn of(envelope: &Envelope, seen: Seen) -> Result<Self> {
        Ok(Self { event: envelope.id, at: envelope.time, seen, data: read(envelope)? })
    }
}

fn read<E: EventPayload + DeserializeOwned>(envelope: &Envelope) -> Result<E> {
    Ok(envelope.read::<E>().with_context(|| format!("event {} of {}", envelope.id, envelope.source))?.data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json, value::to_raw_value};
    use uuid::Uuid;

    fn id(prefix: &str, number: u128) -> String {
        kernel::id::encode(prefix, Uuid::from_u128(number))
    }

    /// An event as the journals have it; every one with an id of its own.
    fn event(number: u128, kind: &str, time: &str, data: &Value) -> Envelope {
        let envelope = json!({
            "specversion": "1.0", "id": id("evt", number), "source": "/steward/x", "type": format!("steward.{kind}.v1"),
            "subject": "x", "time": time, "datacontenttype": "application/json", "aggversion": 1, "epoch": 1,
            "seq": number, "actor": "principal:x", "correlationid": id("evt", number), "data": null
        });
        let mut envelope: Envelope = serde_json::from_value(envelope).expect("an envelope");
        envelope.data = to_raw_value(data).expect("JSON");
        envelope
    }

    fn confirmed(kind: &str) -> Value {
        json!({ "penalty_id": id("pen", 1), "complaint_id": id("cmp", 2), "employee_id": id("emp", 3), "kind": kind,
                "amount_fen": 50_000, "severity": "S2", "month": "2025-10", "policy_version": id("pv", 4) })
    }

    fn balance(posted: i64, open: i64, reversed: i64) -> Value {
        json!({ "deduction_id": id("ded", 5), "penalty_id": id("pen", 1), "employee_id": id("emp", 3), "posted_fen": posted,
                "refunded_fen": 0, "refund_due_fen": 0, "open_fen": open, "written_off_fen": 0, "reversed_fen": reversed })
    }

    fn collection(number: u128, reverses: Option<u128>) -> Value {
        let sign = if reverses.is_some() { -1 } else { 1 };
        let mut money = json!({ "collection_id": id("col", number), "contract_id": id("con", 7), "credited_employee_id": id("emp", 3),
            "role": "seller", "fee_base_fen": sign * 6_000, "amount_fen": sign * 6_000, "collected_on": "2025-10-09" });
        if let Some(reverses) = reverses {
            money["reverses_id"] = json!(id("col", reverses));
        }
        money
    }

    fn calculated() -> Value {
        json!({ "run_id": id("run", 8), "month": "2025-10", "policy_version": id("pv", 4), "payslips": 1,
                "gross_fen": 0, "net_fen": 0 })
    }

    fn slip(number: u128, penalties: &[u128], collections: &[u128]) -> Value {
        let all = |prefix: &str, numbers: &[u128]| -> Vec<String> {
            numbers.iter().map(|number| id(prefix, *number)).collect()
        };
        json!({ "payslip_id": id("slp", number), "run_id": id("run", 8), "employee_id": id("emp", 3), "month": "2025-10",
                "net_fen": 0, "penalties": all("pen", penalties), "collections": all("col", collections) })
    }

    /// A whole month: a fine confirmed, posted in part and carried; two collections, one given back; a run and its slip.
    fn month() -> Vec<Envelope> {
        let noon = "2025-10-20T04:00:00Z";
        vec![
            event(1, "support.penalty.confirmed", noon, &confirmed("fine")),
            event(2, "hr.deduction.opened", noon, &balance(0, 50_000, 0)),
            event(3, "contracts.collection.recorded", noon, &collection(10, None)),
            event(4, "contracts.collection.recorded", noon, &collection(11, None)),
            event(5, "contracts.collection.reversed", noon, &collection(12, Some(11))),
            event(6, "hr.payrun.calculated", "2025-11-05T04:00:00Z", &calculated()),
            event(7, "hr.payslip.issued", "2025-11-05T06:00:00Z", &slip(9, &[1], &[10, 11, 12])),
            event(8, "hr.deduction.posted", "2025-11-05T06:00:00Z", &balance(31_000, 19_000, 0)),
        ]
    }

    fn report(events: &[Envelope], change: impl FnOnce(&mut Ledger)) -> Report {
        let mut ledger = Ledger::default();
        for event in events {
            ledger.take(event, Seen::Read).expect("it can be read");
        }
        change(&mut ledger);
        ledger.report(Period::default())
    }

    fn kinds(events: &[Envelope]) -> Vec<&'static str> {
        report(events, |_| ()).exceptions.iter().map(|found| found.kind).collect()
    }

    fn without(number: u128) -> Vec<Envelope> {
        let mut events = month();
        events.retain(|event| event.id != EventId::of(Uuid::from_u128(number)));
        events
    }

    fn with(number: u128, kind: &str, data: &Value) -> Vec<Envelope> {
        let mut events = without(number);
        events.push(event(number, kind, "2025-11-05T06:00:00Z", data));
        events
    }

    /// The same, and after it the next month's run, which has no line for anything.
    fn a_run_later(mut events: Vec<Envelope>) -> Vec<Envelope> {
        let (mut run, mut issued) = (calculated(), slip(29, &[], &[]));
        for told in [&mut run, &mut issued] {
            (told["run_id"], told["month"]) = (json!(id("run", 28)), json!("2025-11"));
        }
        events.push(event(30, "hr.payrun.calculated", "2025-12-05T04:00:00Z", &run));
        events.push(event(31, "hr.payslip.issued", "2025-12-05T06:00:00Z", &issued));
        events
    }

    #[test]
    fn h5_a_month_in_which_everything_is_somewhere_has_no_exceptions() {
        let report = report(&month(), |_| ());
        assert_eq!(report.exceptions, []);
        assert_eq!((report.penalties, report.collections, report.payslips, report.waiting), (1, 3, 1, 0));
        assert_eq!(
            [report.confirmed_fen, report.posted_fen, report.open_fen, report.waiting_fen],
            [50_000, 31_000, 19_000, 0].map(Fen::new)
        );
    }

    #[test]
    fn each_planted_exception_is_found() {
        let (posted, issued) = ("hr.deduction.posted", "hr.payslip.issued");
        let no_deduction: Vec<Envelope> =
            month().into_iter().filter(|event| !event.event_type.contains("deduction")).collect();
        let confirmation = confirmed("fine");
        for (planted, expected) in [
            (no_deduction, vec!["fine_without_deduction"]),
            (with(8, posted, &balance(31_000, 18_999, 0)), vec!["unbalanced"]),
            (with(8, posted, &balance(31_000, 0, 19_000)), vec!["reversal_not_followed"]),
            (with(20, "hr.deduction.opened", &balance(31_000, 19_000, 0)), vec!["deduction_twice"]),
            (with(20, "support.penalty.confirmed", &confirmation), vec!["confirmed_twice"]),
            (without(1), vec!["deduction_without_fine", "line_without_fine"]),
            (with(7, issued, &slip(9, &[1, 99], &[10, 11, 12])), vec!["line_without_fine"]),
            (with(7, issued, &slip(9, &[1], &[10, 11, 12, 99])), vec!["commission_without_collection"]),
            (with(20, issued, &slip(21, &[], &[10])), vec!["commission_twice"]),
            (a_run_later(with(7, issued, &slip(9, &[1], &[11, 12]))), vec!["collection_without_commission"]),
            (a_run_later(with(7, issued, &slip(9, &[1], &[10, 11]))), vec!["reversal_without_commission"]),
            (without(4), vec!["commission_without_collection", "reversal_of_nothing"]),
        ] {
            assert_eq!(kinds(&planted), expected);
        }
        let reversed = json!({ "penalty_id": id("pen", 1), "reverses": id("pen", 1), "employee_id": id("emp", 3),
                               "new_amount_fen": 20_000 });
        let followed = with(20, "support.penalty.reversed", &reversed);
        assert_eq!(kinds(&followed), ["reversal_not_followed"]);
        let mut twice = followed;
        twice.push(event(21, "support.penalty.reversed", "2025-11-05T06:00:00Z", &reversed));
        assert_eq!(kinds(&twice), ["reversed_twice", "reversal_not_followed"]);
    }

    #[test]
    fn what_payroll_has_parked_or_not_read_is_waiting_and_no_exception() {
        let mut events = month();
        events.retain(|event| !event.event_type.contains("steward.hr."));
        let (fine, money) = (EventId::of(Uuid::from_u128(1)), EventId::of(Uuid::from_u128(3)));
        let parked = report(&events, |ledger| ledger.parked(BTreeSet::from([fine, money])));
        assert_eq!((parked.exceptions, parked.waiting, parked.waiting_fen), (vec![], 4, Fen::new(50_000)));
        assert_eq!(parked.parked, 2);

        let mut unread = Ledger::default();
        events.iter().for_each(|event| unread.take(event, Seen::NotYet).expect("it can be read"));
        let unread = unread.report(Period::default());
        assert_eq!((unread.exceptions, unread.waiting, unread.waiting_fen), (vec![], 4, Fen::new(50_000)));
        assert_eq!(unread.parked, 0);
    }

    /// The run may have been calculated before payroll had read of the money, however long that took.
    #[test]
    fn money_that_one_run_left_out_waits_for_the_next() {
        let said = |events: &[Envelope]| {
            let report = report(events, |_| ());
            (report.exceptions.into_iter().map(|found| found.ids).collect::<Vec<_>>(), report.waiting)
        };
        let left_out = with(7, "hr.payslip.issued", &slip(9, &[1], &[11, 12]));
        assert_eq!(said(&left_out), (vec![], 1));
        let mut slips_of_one_run = left_out.clone();
        slips_of_one_run.push(event(20, "hr.payslip.issued", "2025-11-06T06:00:00Z", &slip(19, &[], &[])));
        assert_eq!(said(&slips_of_one_run), (vec![], 1), "one run, whatever it issued");
        assert_eq!(said(&a_run_later(left_out)), (vec![vec![id("col", 10), id("slp", 9), id("slp", 29)]], 0));

        let mut late = without(7);
        late.retain(|event| event.id != EventId::of(Uuid::from_u128(3)));
        late.push(event(3, "contracts.collection.recorded", "2025-11-05T04:01:00Z", &collection(10, None)));
        late.push(event(7, "hr.payslip.issued", "2025-11-05T06:00:00Z", &slip(9, &[1], &[11, 12])));
        assert_eq!(said(&a_run_later(late)), (vec![], 1), "the first run could not know of it");
        assert_eq!(said(&a_run_later(month())), (vec![], 0));
    }

    #[test]
    fn a_period_is_about_its_months_only() {
        let mut ledger = Ledger::default();
        month().iter().for_each(|event| ledger.take(event, Seen::Read).expect("it can be read"));
        let counts = |from, to| {
            let period = Period { from, to };
            let report = ledger.report(period);
            (report.penalties, report.collections, report.payslips, report.exceptions.len())
        };
        let [september, october, november] = [9, 10, 11].map(|month| Month::new(2025, month));
        assert_eq!(counts(october, october), (1, 3, 1, 0));
        assert_eq!(counts(None, september), (0, 0, 0, 0));
        assert_eq!(counts(november, None), (0, 0, 0, 0));
    }
}
