//! Step 9, corrections of closed months: the month calculated again under its own policy, minus as paid.
//!
//! The closed slip is never changed (H1); the difference is a line in a later run and links to it. Only steps
//! 1 to 5 are corrected: a fine has its own way back, [`crate::payroll::refund`].

use crate::payroll::input::Adjustment;
use crate::payroll::line::{Formula, Line, LineKind, Rate, Source, Step};
use crate::payroll::slip::Slip;
use events::PayslipId;
use kernel::{Clause, EventId, Fen, PolicyVersionId, clause};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What a closed month has paid in each step, signed as in the lines, fen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AsPaid(BTreeMap<Step, Fen>);

impl AsPaid {
    /// The steps of the slip as it was issued.
    pub fn of(slip: &Slip) -> Self {
        Self::of_amounts(slip.lines.iter().map(|line| (line.kind.step(), line.amount)))
    }

    /// The same from stored lines.
    pub fn of_amounts(amounts: impl IntoIterator<Item = (Step, Fen)>) -> Self {
        let mut paid = Self::default();
        for (step, amount) in amounts {
            paid.add(step, amount);
        }
        paid
    }

    /// Adds an adjustment that an earlier correction of the same month has already paid.
    #[must_use]
    pub fn and(mut self, earlier: &Adjustment) -> Self {
        self.add(earlier.step, earlier.recalculated - earlier.paid);
        self
    }

    fn add(&mut self, step: Step, amount: Fen) {
        let sum = self.0.entry(step).or_default();
        *sum = *sum + amount;
    }

    fn get(&self, step: Step) -> Fen {
        self.0.get(&step).copied().unwrap_or_default()
    }
}

/// What the month calculated again would have paid otherwise, step by step; nothing where nothing differs.
pub fn differences(again: &Slip, paid: &AsPaid, slip: PayslipId, event: EventId) -> Vec<Adjustment> {
    Step::ADJUSTABLE
        .into_iter()
        .map(|step| Adjustment {
            month: again.month,
            slip,
            step,
            event,
            recalculated: again.total(step),
            paid: paid.get(step),
        })
        .filter(|adjustment| adjustment.recalculated != adjustment.paid)
        .collect()
}

/// One line per closed month, step and correction, in order of months.
pub fn lines(adjustments: &[Adjustment], version: PolicyVersionId) -> Vec<Line> {
    let sorted: BTreeMap<_, _> = adjustments
        .iter()
        .map(|adjustment| ((adjustment.month, adjustment.step, adjustment.event), adjustment))
        .collect();
    sorted.into_values().map(|adjustment| line(adjustment, version)).collect()
}

fn line(adjustment: &Adjustment, version: PolicyVersionId) -> Line {
    let amount = adjustment.recalculated - adjustment.paid;
    let sum =
        format!("{} − ({}) = {}", adjustment.recalculated.yuan(), adjustment.paid.yuan(), amount.yuan());
    let (clause, zh, en) = subject(adjustment.step);
    Line {
        kind: LineKind::Adjustment,
        quantity: Decimal::ONE,
        rate: Rate::ONE,
        base: amount,
        amount,
        clause,
        policy_version: version,
        source: Source::Correction {
            event: adjustment.event,
            month: adjustment.month,
            slip: adjustment.slip,
            step: adjustment.step,
        },
        branch: None,
        formula: Formula {
            zh: format!("更正 {} 的{zh}：重算 − 已发 = {sum}", adjustment.month),
            en: format!("{} corrected, {en}: calculated again − as paid = {sum}", adjustment.month),
        },
    }
}

const fn subject(step: Step) -> (Clause, &'static str, &'static str) {
    match step {
        Step::Base => (clause!("P6.6-1"), "基本工资", "base"),
        Step::Absence => (clause!("L.wage-conversion-2"), "缺勤扣款", "absence"),
        Step::Commission => (clause!("P6.6-2"), "提成", "commission"),
        Step::Entries => (clause!("P6.6-3"), "奖金与补贴", "entries"),
        Step::Lateness => (clause!("P6.7-1"), "迟到扣款", "lateness"),
        Step::Penalties | Step::Refunds | Step::Adjustments => (clause!("R6"), "罚款", "fines"),
    }
}
