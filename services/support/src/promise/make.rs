//! Making a promise: in opening hours, not further ahead than the case bears (P5, P6).

use super::{Agreed, Case, DUE, Promise, PromiseTerms, Refusal, State, WARNING, keep, store};
use crate::agent;
use crate::contact::Channel;
use crate::hours;
use chrono::{TimeDelta, Timelike};
use events::PromiseId;
use events::support::{PromiseMade, Severity};
use house::policy::{InForce, in_force};
use journal::{Failure, RefuseOn, Tx};
use kernel::{Calendar, Decision, EmployeeId, Timestamp, Version, clause};

/// What a promise is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPromise {
    /// The case it is about.
    pub case: Case,
    /// The severity of the case; absent before triage.
    pub severity: Option<Severity>,
    /// By when the customer will hear from us.
    pub due_at: Timestamp,
    /// Whether he agreed to the time.
    pub agreed: Agreed,
    /// How he was told.
    pub channel: Channel,
    /// Who makes it.
    pub made_by: EmployeeId,
    /// Who answers, where it is due in closed hours.
    pub on_call: Option<EmployeeId>,
}

/// What it is measured by.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// The branch's opening hours.
    pub calendar: &'a Calendar,
    /// The terms in force.
    pub terms: &'a InForce<PromiseTerms>,
}

/// Checks minute, opening hours (P5) and horizon (P6).
pub fn decide(
    id: PromiseId,
    new: NewPromise,
    grounds: Grounds<'_>,
    now: Timestamp,
) -> Result<Decision<Promise>, Refusal> {
    let Grounds { calendar, terms: InForce { id: policy, terms } } = grounds;
    let due_at = new.due_at;
    if due_at.utc().second() != 0 || due_at.utc().nanosecond() != 0 {
        return Err(Refusal::NotAMinute { due_at });
    }
    if due_at <= now {
        return Err(Refusal::InThePast { due_at });
    }
    let open = calendar.is_open(due_at);
    if !open.value && new.on_call.is_none() {
        let earlier = calendar.nearest_earlier_open_minute(due_at).map(|reckoned| reckoned.value);
        let suggested = earlier.filter(|earlier| *earlier > now);
        return Err(Refusal::ClosedHours { due_at, suggested, policy_version: *policy });
    }
    let latest = terms.horizon(new.severity).limit(calendar, now);
    if latest.is_none_or(|latest| due_at > latest) {
        return Err(Refusal::BeyondHorizon { due_at, latest, policy_version: *policy });
    }
    let promise = Promise {
        id,
        case: new.case,
        made_by: new.made_by,
        made_at: now,
        due_at,
        zone: calendar.zone(),
        agreed: new.agreed,
        channel: new.channel,
        on_call: new.on_call,
        severity: new.severity,
        policy: *policy,
        provisional: calendar.diff(now, due_at).provisional || open.provisional,
        warn_at: terms.warnings(calendar, now, due_at),
        state: State::Active,
        version: Version::NONE,
    };
    let made = PromiseMade { promise: promise.fact(), agreed: new.agreed == Agreed::Agreed };
    Ok(Decision::of(promise).and(made).under(clause!("P4-1")).born_of(new.case.complaint))
}

/// Makes a promise inside the command of its case, and meets the clock of renewal if one runs. Refused where one is
/// active: that one ends by a contact (P7), or together with this one ([`super::supersede::by_contact`]).
pub async fn within(tx: &mut Tx, new: NewPromise) -> Result<Promise, Failure> {
    let id = tx.fresh();
    with_id(tx, id, new).await
}

/// The same under an id that another promise already names as its next one.
pub(super) async fn with_id(tx: &mut Tx, id: PromiseId, new: NewPromise) -> Result<Promise, Failure> {
    check_on_call(tx, new.on_call).await?;
    let opening = hours::of(tx, new.case.branch).await?;
    let today = tx.now().date_in(opening.calendar.zone());
    let terms = in_force::<PromiseTerms>(tx.connection(), Some(new.case.branch), today).await?;
    let decision = decide(id, new, Grounds { calendar: &opening.calendar, terms: &terms }, tx.now())?;
    keep::meet_renewal(tx, new.case).await?;
    store::add(tx, &decision).await.refuse_on("promise_one_active", Refusal::AlreadyActive {})?;
    let promise = Promise::saved(decision);
    // A contact at the very minute still keeps it (P2).
    tx.schedule(DUE, id, promise.due_at.plus(TimeDelta::microseconds(1))).await?;
    if let Some(first) = promise.warn_at.first() {
        tx.schedule(WARNING, id, *first).await?;
    }
    Ok(promise)
}

/// Refuses somebody on call who does not work here now: nobody would answer (P5).
async fn check_on_call(tx: &mut Tx, on_call: Option<EmployeeId>) -> Result<(), Failure> {
    match on_call {
        Some(employee_id) if !agent::is_employed(tx, employee_id).await? => {
            Err(Refusal::NobodyOnCall { employee_id }.into())
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::hours::tests::{at, default_calendar};
    use events::ComplaintId;
    use house::policy::Terms;
    use kernel::{BranchId, PolicyVersionId};
    use uuid::Uuid;

    pub(crate) fn policy() -> InForce<PromiseTerms> {
        InForce { id: PolicyVersionId::of(Uuid::from_u128(9)), terms: PromiseTerms::defaults() }
    }

    pub(crate) fn new(due: &str) -> NewPromise {
        NewPromise {
            case: Case {
                branch: BranchId::of(Uuid::from_u128(2)),
                complaint: ComplaintId::of(Uuid::from_u128(3)),
            },
            severity: None,
            due_at: at(due),
            agreed: Agreed::Agreed,
            channel: Channel::Phone,
            made_by: EmployeeId::of(Uuid::from_u128(4)),
            on_call: None,
        }
    }

    fn made(new: NewPromise, now: &str) -> Result<Decision<Promise>, Refusal> {
        let (calendar, terms) = (default_calendar(), policy());
        let grounds = Grounds { calendar: &calendar, terms: &terms };
        decide(PromiseId::of(Uuid::from_u128(1)), new, grounds, at(now))
    }

    /// An active promise, made on Friday at 16:00 and due on Sunday, a make-up workday, at 11:00.
    pub(crate) fn active() -> Promise {
        let decision = made(new("2025-09-28 11:00"), "2025-09-26 16:00").expect("it may be made");
        Promise::saved(decision)
    }

    #[test]
    fn p5_a_promise_due_in_closed_hours_is_refused_with_the_nearest_earlier_open_minute() {
        let policy_version = policy().id;
        for (due, suggested) in [
            ("2025-09-26 17:30", Some("2025-09-26 17:29")),
            ("2025-09-27 10:00", Some("2025-09-26 17:29")),
            ("2025-09-28 08:29", Some("2025-09-26 17:29")),
        ] {
            let refusal = made(new(due), "2025-09-26 16:00").expect_err("closed");
            let expected =
                Refusal::ClosedHours { due_at: at(due), suggested: suggested.map(at), policy_version };
            assert_eq!(refusal, expected);
        }
        let evening =
            made(new("2025-09-26 19:00"), "2025-09-26 18:00").expect_err("closed, and nothing open before");
        assert!(matches!(evening, Refusal::ClosedHours { suggested: None, .. }), "{evening:?}");
        let on_call =
            NewPromise { on_call: Some(new("2025-09-26 19:00").made_by), ..new("2025-09-26 19:00") };
        assert!(made(on_call, "2025-09-26 18:00").is_ok());
    }

    #[test]
    fn p6_a_promise_beyond_the_horizon_of_its_severity_is_refused() {
        for (severity, last, beyond) in [
            (Some(Severity::S3), "2025-09-28 11:00", "2025-09-28 11:01"),
            (Some(Severity::S2), "2025-09-28 17:29", "2025-09-29 08:30"),
            (None, "2025-09-28 17:29", "2025-09-29 08:30"),
            (Some(Severity::S1), "2025-09-29 17:29", "2025-09-30 08:30"),
        ] {
            let of = |due| made(NewPromise { severity, ..new(due) }, "2025-09-26 16:00");
            assert!(of(last).is_ok(), "{severity:?} {last}");
            assert!(matches!(of(beyond), Err(Refusal::BeyondHorizon { .. })), "{severity:?} {beyond}");
        }
        let s4 = |due| made(NewPromise { severity: Some(Severity::S4), ..new(due) }, "2025-09-26 09:00");
        assert!(s4("2025-09-26 11:00").is_ok());
        assert_eq!(
            s4("2025-09-26 11:01").err(),
            Some(Refusal::BeyondHorizon {
                due_at: at("2025-09-26 11:01"),
                latest: Some(at("2025-09-26 11:00")),
                policy_version: policy().id
            })
        );
    }

    #[test]
    fn a_promise_is_of_a_whole_minute_ahead() {
        let seconds = NewPromise {
            due_at: at("2025-09-28 10:00").plus(TimeDelta::seconds(1)),
            ..new("2025-09-28 10:00")
        };
        assert!(matches!(made(seconds, "2025-09-26 16:00"), Err(Refusal::NotAMinute { .. })));
        for due in ["2025-09-26 16:00", "2025-09-26 15:59"] {
            assert_eq!(
                made(new(due), "2025-09-26 16:00").err(),
                Some(Refusal::InThePast { due_at: at(due) })
            );
        }
    }

    #[test]
    fn k13_a_promise_over_new_year_2027_says_that_it_is_provisional() {
        let of = |due, now| made(new(due), now).expect("it may be made").into_state().provisional;
        assert!(of("2027-01-04 10:00", "2026-12-31 16:00"));
        assert!(!of("2025-09-28 11:00", "2025-09-26 16:00"));
    }

    #[test]
    fn a_promise_made_tells_who_made_it_and_when_it_is_due() {
        let decision = made(new("2025-09-28 11:00"), "2025-09-26 16:00").expect("it may be made");
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!(
            (fact.event_type, fact.data["due_at"].as_str(), fact.data["agreed"].as_bool()),
            ("support.promise.made", Some("2025-09-28T03:00:00Z"), Some(true))
        );
        assert!(fact.data["for"].as_str().is_some_and(|case| case.starts_with("cmp_")));
        assert!(fact.data["employee_id"].as_str().is_some_and(|employee| employee.starts_with("emp_")));
    }
}
