//! The month of one person cut into segments: assignment × pay profile × probation (`hr.md` §3.1).

use crate::payroll::input::{Assignment, Input, Pay, Profile};
use crate::payroll::slip::Exception;
use chrono::NaiveDate;
use kernel::{BasisPoints, BranchId, EventId, Fen, Span};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// A range of days with one branch and one pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The branch he belongs to.
    pub branch: BranchId,
    /// The approval of the profile.
    pub event: EventId,
    /// Half-open, inside the month.
    pub span: Span<NaiveDate>,
    /// What he is paid.
    pub pay: PayInForce,
    /// Scheduled workdays inside.
    pub workdays: i64,
}

/// What somebody is paid on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayInForce {
    /// The monthly base in force; on probation the probation pay, for every purpose.
    Salaried {
        /// Fen.
        base: Fen,
        /// The agreed base and the share of it, on probation.
        probation: Option<(Fen, BasisPoints)>,
    },
    /// By the visit.
    ByVisit,
}

impl PayInForce {
    /// The monthly base in force, where there is one.
    pub const fn base(self) -> Option<Fen> {
        match self {
            Self::Salaried { base, .. } => Some(base),
            Self::ByVisit => None,
        }
    }
}

/// A month of one person, in order of days.
#[derive(Debug, Clone)]
pub struct Timeline<'a> {
    input: &'a Input,
    assignments: Vec<Assignment>,
    profiles: Vec<Profile>,
    workdays: BTreeSet<NaiveDate>,
    segments: Vec<Segment>,
}

impl<'a> Timeline<'a> {
    /// Sorts the ranges and cuts the month.
    pub fn of(input: &'a Input) -> Self {
        let month = input.month.span();
        let mut assignments = input.assignments.clone();
        assignments.retain(|assignment| !assignment.span.is_empty());
        assignments.sort_by_key(|assignment| (assignment.span.from, assignment.branch));
        let mut profiles = input.profiles.clone();
        profiles.retain(|profile| !profile.span.is_empty());
        profiles.sort_by_key(|profile| (profile.span.from, profile.event));
        let workdays: BTreeSet<_> =
            input.workdays.iter().copied().filter(|day| month.contains(*day)).collect();
        let mut timeline = Self { input, assignments, profiles, workdays, segments: Vec::new() };
        timeline.segments = timeline.cut();
        timeline
    }

    /// The segments of the month, in order of days.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Scheduled workdays of the whole month.
    pub fn workdays(&self) -> i64 {
        count(self.workdays.iter())
    }

    /// The scheduled workdays of the month on which he had a monthly base.
    pub fn salaried_days(&self) -> impl Iterator<Item = NaiveDate> + '_ {
        self.workdays.iter().copied().filter(|day| {
            let salaried = |segment: &Segment| segment.span.contains(*day) && segment.pay.base().is_some();
            self.segments.iter().any(salaried)
        })
    }

    /// True where he was employed on every scheduled workday: who joins on the first workday misses nothing.
    pub fn is_throughout(&self) -> bool {
        self.workdays.iter().all(|day| self.branch_on(*day).is_some())
    }

    /// The branch he belongs to on a day, also outside of the month.
    pub fn branch_on(&self, day: NaiveDate) -> Option<BranchId> {
        self.assignments.iter().find(|assignment| assignment.span.contains(day)).map(|found| found.branch)
    }

    /// What he is paid on a day, also outside of the month.
    pub fn pay_on(&self, day: NaiveDate) -> Option<PayInForce> {
        let profile = self.profiles.iter().find(|profile| profile.span.contains(day))?;
        Some(pay_at(profile.pay, day))
    }

    /// The branch of the last assigned day of the month: it pays.
    pub fn home(&self) -> Option<BranchId> {
        self.of_month().last().map(|(assignment, _)| assignment.branch)
    }

    /// The highest minimum wage of the branches he was assigned to; by scheduled workdays, half-up, when he was
    /// employed part of the month (L.wage-payment-16).
    pub fn floor(&self) -> Fen {
        let highest = self
            .of_month()
            .map(|(assignment, _)| assignment.minimum_wage)
            .max()
            .unwrap_or(Fen::ZERO)
            .floored();
        if self.is_throughout() {
            return highest;
        }
        let employed = count(self.workdays.iter().filter(|day| self.branch_on(**day).is_some()));
        highest.share(employed, self.workdays())
    }

    /// Each branch of the month with its scheduled workdays, in order of first days.
    pub fn branches(&self) -> Vec<(BranchId, i64)> {
        let mut branches: Vec<(BranchId, i64)> = Vec::new();
        for (assignment, span) in self.of_month() {
            let days = count(self.workdays.iter().filter(|day| span.contains(**day)));
            match branches.iter_mut().find(|(branch, _)| *branch == assignment.branch) {
                Some((_, sum)) => *sum += days,
                None => branches.push((assignment.branch, days)),
            }
        }
        branches
    }

    /// What makes these facts unfit to pay by.
    pub fn exceptions(&self) -> Vec<Exception> {
        let mut found = Vec::new();
        if self.of_month().next().is_none() {
            found.push(Exception::NotAssigned);
        }
        if self.workdays.is_empty() && self.segments.iter().any(|segment| segment.pay.base().is_some()) {
            found.push(Exception::WorkdaysMissing);
        }
        let mut employed = self.of_month().flat_map(|(_, span)| span.days());
        if let Some(day) = employed.find(|day| self.pay_on(*day).is_none()) {
            found.push(Exception::ProfileMissing { day });
        }
        let spans = |spans: Vec<Span<NaiveDate>>| {
            let mut days = self.input.month.days();
            days.find(|day| spans.iter().filter(|span| span.contains(*day)).nth(1).is_some())
        };
        let assigned = spans(self.assignments.iter().map(|assignment| assignment.span).collect());
        let paid = spans(self.profiles.iter().map(|profile| profile.span).collect());
        if let Some(day) = assigned.into_iter().chain(paid).min() {
            found.push(Exception::Overlap { day });
        }
        found
    }

    fn of_month(&self) -> impl Iterator<Item = (&Assignment, Span<NaiveDate>)> + '_ {
        let month = self.input.month.span();
        self.assignments
            .iter()
            .filter_map(move |assignment| Some((assignment, assignment.span.intersect(&month)?)))
    }

    fn cut(&self) -> Vec<Segment> {
        let mut segments = Vec::new();
        for (assignment, days) in self.of_month() {
            for profile in &self.profiles {
                let Some(both) = profile.span.intersect(&days) else { continue };
                for span in phases(profile.pay, both) {
                    segments.push(Segment {
                        branch: assignment.branch,
                        event: profile.event,
                        span,
                        pay: pay_at(profile.pay, span.from),
                        workdays: count(self.workdays.iter().filter(|day| span.contains(**day))),
                    });
                }
            }
        }
        segments.sort_by_key(|segment| segment.span.from);
        segments
    }
}

/// A range cut where probation ends inside it.
fn phases(pay: Pay, span: Span<NaiveDate>) -> Vec<Span<NaiveDate>> {
    match pay {
        Pay::Salaried { probation: Some(probation), .. } => {
            let before = Span { from: span.from, to: Some(probation.ends_on) };
            let after = Span { from: probation.ends_on, to: None };
            [before, after].iter().filter_map(|phase| phase.intersect(&span)).collect()
        }
        Pay::Salaried { probation: None, .. } | Pay::ByVisit => vec![span],
    }
}

fn pay_at(pay: Pay, day: NaiveDate) -> PayInForce {
    match pay {
        Pay::Salaried { base, probation: Some(probation) } if day < probation.ends_on => {
            PayInForce::Salaried { base: probation.bp.of(base), probation: Some((base, probation.bp)) }
        }
        Pay::Salaried { base, probation: _ } => PayInForce::Salaried { base, probation: None },
        Pay::ByVisit => PayInForce::ByVisit,
    }
}

fn count<T>(days: impl Iterator<Item = T>) -> i64 {
    i64::try_from(days.count()).expect("a month has at most 31 days")
}

/// Workdays as an exact number.
pub fn days(count: i64) -> Decimal {
    Decimal::from(count)
}
