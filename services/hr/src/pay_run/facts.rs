//! The frozen facts of one person as `run_input` holds them, and the calculation's input made of them.

use crate::deduction::FineKind;
use crate::payroll::adjustment::{AsPaid, differences};
use crate::payroll::input::{
    Absence, AbsenceKind, Adjustment, Assignment, Commission, CommissionDebt, DayPart, Entry, EntryKind,
    FineDue, LateDay, Pay, Probation, Profile, RefundDue, VisitShare,
};
use crate::payroll::{Input, PayPolicy, Policies, PolicyInForce, Step, calculate};
use chrono::{DateTime, NaiveDate, Utc};
use events::{CollectionId, PayslipId, PenaltyId};
use journal::Fault;
use kernel::{BasisPoints, BranchId, EmployeeId, EventId, Fen, Month, PolicyVersionId, Span, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The scheduled workdays of a month, branch by branch.
pub(super) type Workdays = BTreeMap<Uuid, Vec<NaiveDate>>;

/// The frozen facts of one person.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Facts {
    assignments: Vec<AssignmentFact>,
    profiles: Vec<ProfileFact>,
    days: Vec<DayFact>,
    collections: Vec<CollectionFact>,
    debt: i64,
    debt_of: Option<DebtFact>,
    entries: Vec<EntryFact>,
    visits: Vec<VisitFact>,
    fines: Vec<FineFact>,
    refunds: Vec<RefundFact>,
    closed: Vec<ClosedMonth>,
}

#[derive(Debug, Clone, Deserialize)]
struct AssignmentFact {
    branch: Uuid,
    from: NaiveDate,
    to: Option<NaiveDate>,
    minimum_wage: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct ProfileFact {
    event: Uuid,
    from: NaiveDate,
    to: Option<NaiveDate>,
    base: Option<i64>,
    probation_ends_on: Option<NaiveDate>,
    probation_bp: Option<u32>,
}

/// A day that costs something.
#[derive(Debug, Clone, Deserialize)]
struct DayFact {
    event: Uuid,
    day: NaiveDate,
    result: DayWord,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DayWord {
    Late,
    Absent,
}

#[derive(Debug, Clone, Deserialize)]
struct CollectionFact {
    event: Uuid,
    id: Uuid,
    on: NaiveDate,
    base: i64,
    rate: u32,
    reverses: Option<Uuid>,
    before: i64,
    /// What slips have paid for it so far, where that was at another rate.
    paid: Option<i64>,
}

/// The slip that left a negative commission.
#[derive(Debug, Clone, Deserialize)]
struct DebtFact {
    slip: Uuid,
    month: NaiveDate,
}

#[derive(Debug, Clone, Deserialize)]
struct EntryFact {
    event: Uuid,
    kind: EntryKind,
    amount: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct VisitFact {
    event: Uuid,
    on: NaiveDate,
    share: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct FineFact {
    penalty: Uuid,
    event: Uuid,
    kind: FineKind,
    month: NaiveDate,
    confirmed_at: DateTime<Utc>,
    open: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct RefundFact {
    penalty: Uuid,
    event: Uuid,
    due: i64,
}

/// A closed month that an approved correction, or a pay profile, has changed since: as it was frozen, as it was paid,
/// and the days and profiles as they are now.
#[derive(Debug, Clone, Deserialize)]
struct ClosedMonth {
    month: NaiveDate,
    slip: Uuid,
    event: Uuid,
    facts: Box<Facts>,
    policies: Vec<PolicyRow>,
    workdays: Workdays,
    paid: Vec<(Step, i64)>,
    days: Vec<DayFact>,
    profiles: Vec<ProfileFact>,
}

/// A policy version as `run_freeze` holds it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PolicyRow {
    from: NaiveDate,
    version: Uuid,
    policy: PayPolicy,
}

/// The policies of a freeze; it never holds none.
pub(super) fn policies(rows: Vec<PolicyRow>) -> Result<Policies, Fault> {
    let rows = rows.into_iter().map(|row| PolicyInForce {
        from: row.from,
        version: PolicyVersionId::of(row.version),
        policy: row.policy,
    });
    Policies::new(rows.collect()).ok_or(Fault::Corrupt {
        table: "run_freeze",
        column: "policies",
        value: "none".to_owned(),
    })
}

impl Facts {
    /// The calculation's input; closed months are calculated again on the way (H-E29).
    pub(super) fn input(
        self,
        employee: EmployeeId,
        month: Month,
        workdays: &Workdays,
    ) -> Result<Input, Fault> {
        let mut adjustments = Vec::new();
        for closed in self.closed.clone() {
            adjustments.extend(closed.adjustments(employee)?);
        }
        Ok(Input { adjustments, ..self.without_adjustments(employee, month, workdays) })
    }

    fn without_adjustments(self, employee: EmployeeId, month: Month, workdays: &Workdays) -> Input {
        let assignments: Vec<Assignment> = self.assignments.iter().map(AssignmentFact::assignment).collect();
        let (late_days, absences) = split(&self.days);
        Input {
            employee_id: employee,
            month,
            workdays: scheduled(month, &assignments, workdays),
            assignments,
            profiles: self.profiles.iter().map(ProfileFact::profile).collect(),
            absences,
            late_days,
            commission: self.collections.iter().map(CollectionFact::commission).collect(),
            commission_debt: CommissionDebt {
                amount: Fen::new(self.debt),
                left_by: self.debt_of.map(|of| (PayslipId::of(of.slip), Month::of(of.month))),
            },
            entries: self.entries.iter().map(EntryFact::entry).collect(),
            visits: self.visits.iter().map(VisitFact::visit).collect(),
            fines: self.fines.iter().map(FineFact::fine).collect(),
            refunds: self.refunds.iter().map(RefundFact::refund).collect(),
            adjustments: Vec::new(),
        }
    }
}

impl ClosedMonth {
    /// The month calculated again under its own policy, minus as paid.
    fn adjustments(self, employee: EmployeeId) -> Result<Vec<Adjustment>, Fault> {
        let facts = Facts { days: self.days, profiles: self.profiles, ..*self.facts };
        let input = facts.without_adjustments(employee, Month::of(self.month), &self.workdays);
        let again = calculate(&input, &policies(self.policies)?);
        let paid = AsPaid::of_amounts(self.paid.into_iter().map(|(step, amount)| (step, Fen::new(amount))));
        Ok(differences(&again, &paid, PayslipId::of(self.slip), EventId::of(self.event)))
    }
}

fn split(days: &[DayFact]) -> (Vec<LateDay>, Vec<Absence>) {
    let (mut late, mut absent) = (Vec::new(), Vec::new());
    for fact in days {
        let (event, day) = (EventId::of(fact.event), fact.day);
        match fact.result {
            DayWord::Late => late.push(LateDay { day, event }),
            DayWord::Absent => {
                absent.push(Absence { day, kind: AbsenceKind::Absent, part: DayPart::Whole, event });
            }
        }
    }
    (late, absent)
}

/// Each day by the calendar of the branch he is at; outside of his employment, of the nearest assignment.
fn scheduled(month: Month, assignments: &[Assignment], workdays: &Workdays) -> Vec<NaiveDate> {
    let is_work = |branch: BranchId, day: NaiveDate| {
        workdays.get(&branch.uuid()).is_some_and(|days| days.binary_search(&day).is_ok())
    };
    let distance = |assignment: &Assignment, day: NaiveDate| -> i64 {
        let after = assignment.span.to.map_or(0, |to| (day - to).num_days() + 1);
        (assignment.span.from - day).num_days().max(after).max(0)
    };
    month
        .days()
        .filter(|day| {
            let nearest = assignments
                .iter()
                .min_by_key(|assignment| (distance(assignment, *day), assignment.span.from));
            nearest.is_some_and(|assignment| is_work(assignment.branch, *day))
        })
        .collect()
}

impl AssignmentFact {
    fn assignment(&self) -> Assignment {
        Assignment {
            branch: BranchId::of(self.branch),
            span: Span { from: self.from, to: self.to },
            minimum_wage: Fen::new(self.minimum_wage),
        }
    }
}

impl ProfileFact {
    fn profile(&self) -> Profile {
        let probation = self
            .probation_ends_on
            .zip(self.probation_bp)
            .map(|(ends_on, bp)| Probation { ends_on, bp: BasisPoints::new(bp) });
        let pay = self.base.map_or(Pay::ByVisit, |base| Pay::Salaried { base: Fen::new(base), probation });
        Profile { event: EventId::of(self.event), span: Span { from: self.from, to: self.to }, pay }
    }
}

impl CollectionFact {
    fn commission(&self) -> Commission {
        let (event, collection_id) = (EventId::of(self.event), CollectionId::of(self.id));
        let (rate, paid) = (BasisPoints::new(self.rate), self.paid.map(Fen::new));
        match self.reverses {
            None => Commission::Collected {
                event,
                collection_id,
                on: self.on,
                base: Fen::new(self.base),
                rate,
                paid,
            },
            Some(reverses) => Commission::Reversed {
                event,
                collection_id,
                reverses: CollectionId::of(reverses),
                on: self.on,
                base: Fen::new(-self.base),
                reversed_before: Fen::new(self.before),
                rate,
                paid,
            },
        }
    }
}

impl EntryFact {
    fn entry(&self) -> Entry {
        Entry { kind: self.kind, event: EventId::of(self.event), amount: Fen::new(self.amount) }
    }
}

impl VisitFact {
    fn visit(&self) -> VisitShare {
        VisitShare { on: self.on, event: EventId::of(self.event), share: Fen::new(self.share) }
    }
}

impl FineFact {
    fn fine(&self) -> FineDue {
        FineDue {
            penalty_id: PenaltyId::of(self.penalty),
            event: EventId::of(self.event),
            kind: self.kind,
            month: Month::of(self.month),
            confirmed_at: Timestamp::of(self.confirmed_at),
            open: Fen::new(self.open),
        }
    }
}

impl RefundFact {
    fn refund(&self) -> RefundDue {
        RefundDue {
            penalty_id: PenaltyId::of(self.penalty),
            event: EventId::of(self.event),
            due: Fen::new(self.due),
        }
    }
}
