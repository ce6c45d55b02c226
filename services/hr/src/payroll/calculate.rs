//! The whole calculation of one person and month, in the order of `hr.md` §3.
//!
//! Pure: the same facts and policies give the same slip, in whatever order the facts are listed. Nothing is
//! posted here; approval does that. Steps 7 (social insurance) and 8 (tax) are *not* here yet, and every slip
//! says so ([`Coverage`]).

use crate::payroll::input::Input;
use crate::payroll::line::Line;
use crate::payroll::penalty::Limit;
use crate::payroll::policy::Policies;
use crate::payroll::slip::{Coverage, Exception, Slip};
use crate::payroll::timeline::Timeline;
use crate::payroll::{absence, adjustment, base, commission, cost, entries, lateness, penalty, refund};
use kernel::Fen;

/// One person's slip of one month.
pub fn calculate(input: &Input, policies: &Policies) -> Slip {
    let timeline = Timeline::of(input);
    let policy = policies.of(input.month);
    let Earned { mut lines, mut exceptions, commission_debt } = earn(input, &timeline, policies);
    let gross = sum(&lines);
    let floor = timeline.floor();
    if gross < floor {
        exceptions.push(Exception::BelowMinimumWage { gross, floor });
    }

    let limit = Limit::of(gross, floor, policy.policy.cap_bp);
    let (late_days, unknown) = lateness::due(&timeline, &input.late_days, policies);
    exceptions.extend(unknown);
    let late = lateness::take(&late_days, limit.room);

    let (refund_lines, refunded) = refund::lines(&input.refunds, policy.version);
    let adjustment_lines = adjustment::lines(&input.adjustments, policy.version);
    let (refunds, adjustments) = (sum(&refund_lines), sum(&adjustment_lines));

    // Steps 7 and 8 will be subtracted here: fines come out of what is left after them, not the reverse.
    let net_before_fines = gross - late.taken;
    // A fine never makes a net negative: where corrections take money back, that money is gone for fines too.
    let taken_back = (refunds + adjustments).min(Fen::ZERO);
    let fine_room = (limit.room - late.taken).min(net_before_fines + taken_back).floored();
    let fines = penalty::take(&input.fines, input.month, fine_room, policy.policy.carry_months);
    let fine_lines = penalty::lines(&fines, fine_room, policy);
    let penalties = -sum(&fine_lines);

    lines.extend(late.lines.into_iter().chain(fine_lines).chain(refund_lines).chain(adjustment_lines));
    let net = sum(&lines);
    if net < Fen::ZERO {
        exceptions.push(Exception::NetNegative { net });
    }
    Slip {
        employee_id: input.employee_id,
        month: input.month,
        branch: timeline.home(),
        coverage: Coverage::BeforeSocialInsuranceAndTax,
        costs: cost::split(&lines, &timeline.branches()),
        lines,
        gross,
        lateness: late.taken,
        lateness_waived: late.waived,
        penalties,
        refunds,
        adjustments,
        net,
        cap: limit.cap,
        floor,
        commission_debt,
        fines: fines.into_iter().map(|(_, outcome)| outcome).collect(),
        refunded,
        exceptions,
    }
}

struct Earned {
    lines: Vec<Line>,
    exceptions: Vec<Exception>,
    commission_debt: Fen,
}

/// Steps 1 to 4: the gross.
fn earn(input: &Input, timeline: &Timeline<'_>, policies: &Policies) -> Earned {
    let policy = policies.of(input.month);
    let mut exceptions = timeline.exceptions();
    let mut lines = base::lines(timeline, policy);
    let (absences, unknown) = absence::lines(timeline, &input.absences, policies, sum(&lines));
    exceptions.extend(unknown);
    lines.extend(absences);
    let facts = (&input.commission[..], input.commission_debt);
    let commission = commission::settle(timeline, input.month, facts, policy.version);
    lines.extend(commission.lines);
    lines.extend(entries::lines(&input.entries, policy.version));
    let (visits, unknown) = entries::visit_lines(timeline, &input.visits, policy.version);
    exceptions.extend(unknown);
    lines.extend(visits);
    Earned { lines, exceptions, commission_debt: commission.debt }
}

fn sum(lines: &[Line]) -> Fen {
    lines.iter().map(|line| line.amount).sum()
}
