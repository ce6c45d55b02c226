//! Confirming a fine: from here on it is final, and payroll takes it.

use super::policy::FineTerms;
use super::{Penalty, PenaltyView, Refusal, State, Verdict, basis, store};
use crate::complaint::attribution::{self, Attribution};
use crate::hours;
use crate::person::Person;
use events::PenaltyId;
use events::support::PenaltyConfirmed;
use house::policy::InForce;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Month, Timestamp, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The branch manager's last word on a fine.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmPenalty {}

impl Addressed for ConfirmPenalty {
    type To = PenaltyId;
}

/// What holds on the day of the decision.
#[derive(Debug, Clone, Copy)]
pub struct Today<'a> {
    /// The complaint.
    pub case: &'a Attribution,
    /// The numbers of fines.
    pub fine: &'a InForce<FineTerms>,
    /// The month in the branch's zone.
    pub month: Month,
}

/// Makes a fine final, once the employee has answered or the hearing has ended (R5). The complaint must still bear it:
/// one that was lowered meanwhile has a lower band, one that was raised needs a finding by two.
pub fn decide(
    penalty: Penalty,
    decider: Person,
    today: Today<'_>,
    now: Timestamp,
) -> Result<Decision<Penalty>, Refusal> {
    let heard_at = ripe(&penalty, decider, now)?;
    let severity = basis::severity(today.case, penalty.employee)?;
    basis::within_band(penalty.amount, severity, today.fine)?;
    let confirmed = PenaltyConfirmed {
        penalty_id: penalty.id,
        complaint_id: penalty.complaint,
        call_id: penalty.call,
        employee_id: penalty.employee,
        kind: penalty.kind,
        amount_fen: penalty.amount,
        severity: penalty.severity,
        month: today.month,
        policy_version: penalty.policy,
    };
    let state = State::Confirmed(Verdict { by: decider, at: now, heard_at });
    Ok(Decision::of(Penalty { state, ..penalty }).and(confirmed).under(clause!("P6.6-1")))
}

/// When the employee answered, if he did: refused where this fine cannot be decided now, or not by this person.
pub(super) fn ripe(penalty: &Penalty, decider: Person, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let State::Assessed { heard_at } = penalty.state else {
        return Err(Refusal::AlreadyDecided { state: penalty.state.word() });
    };
    if decider.is(&penalty.proposer) {
        return Err(Refusal::OwnProposal {});
    }
    if decider.employee == Some(penalty.employee) {
        return Err(Refusal::OwnCase {});
    }
    if heard_at.is_none() && now < penalty.hearing_ends_at {
        return Err(Refusal::HearingOpen { ends_at: penalty.hearing_ends_at });
    }
    Ok(heard_at)
}

/// Makes a fine final (P6.6-1).
#[utoipa::path(post, path = "/v1/support/penalties/{id}/confirm", request_body = ConfirmPenalty, responses(Commanded<PenaltyView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<ConfirmPenalty, permission!("penalty.decide")>,
) -> Answer<PenaltyView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            // The complaint before the fine, as a finding locks them.
            let complaint = store::complaint_of(tx, cmd.id).await?;
            let case = attribution::of(tx, complaint).await?;
            let penalty = cmd.current(store::load(tx, cmd.id).await?)?;
            let fine = hours::today::<FineTerms>(tx, penalty.branch).await?;
            let month = now.month_in(hours::zone(tx, penalty.branch).await?);
            let today = Today { case: &case, fine: &fine, month };
            let decision = decide(penalty, Person::of(&cmd.principal), today, now)?;
            store::save(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Appeal;
    use super::*;
    use chrono::TimeDelta;
    use events::ComplaintId;
    use events::support::{PenaltyKind, Severity};
    use house::policy::Terms;
    use kernel::{BranchId, EmployeeId, Fen, Money, PolicyVersionId, UserId, Version};
    use uuid::Uuid;

    pub fn person(user: u128, employee: Option<u128>) -> Person {
        Person {
            user: UserId::of(Uuid::from_u128(user)),
            employee: employee.map(|id| EmployeeId::of(Uuid::from_u128(id))),
        }
    }

    pub fn ends_at() -> Timestamp {
        Timestamp::of("2025-10-13T09:30:00Z".parse().expect("a literal"))
    }

    pub fn assessed(heard_at: Option<Timestamp>) -> Penalty {
        Penalty {
            id: PenaltyId::of(Uuid::from_u128(1)),
            branch: BranchId::of(Uuid::from_u128(2)),
            complaint: ComplaintId::of(Uuid::from_u128(3)),
            call: None,
            employee: EmployeeId::of(Uuid::from_u128(4)),
            kind: PenaltyKind::Fine,
            amount: Fen::new(5_000),
            severity: Severity::S2,
            policy: PolicyVersionId::of(Uuid::from_u128(5)),
            proposer: person(10, Some(11)),
            hearing_ends_at: ends_at(),
            provisional: false,
            state: State::Assessed { heard_at },
            version: Version::of(1),
        }
    }

    pub fn confirmed() -> Penalty {
        confirm(assessed(None), person(20, Some(21)), ends_at()).expect("ripe").into_state()
    }

    pub fn appealed() -> Penalty {
        let State::Confirmed(verdict) = confirmed().state else { panic!("it is confirmed") };
        Penalty { state: State::Appealed(verdict, Appeal { at: ends_at() }), ..confirmed() }
    }

    /// The complaint that [`assessed`] rests on.
    fn case(severity: Severity) -> Attribution {
        Attribution {
            complaint: ComplaintId::of(Uuid::from_u128(3)),
            branch: BranchId::of(Uuid::from_u128(2)),
            call: None,
            is_invalid: false,
            severity: Some(severity),
            is_found_by_two: true,
            shares: vec![(EmployeeId::of(Uuid::from_u128(4)), 100)],
        }
    }

    fn tried(
        penalty: Penalty,
        decider: Person,
        case: &Attribution,
        now: Timestamp,
    ) -> Result<Decision<Penalty>, Refusal> {
        let fine = InForce { id: PolicyVersionId::of(Uuid::from_u128(6)), terms: FineTerms::defaults() };
        let today = Today { case, fine: &fine, month: Month::new(2025, 10).expect("a month") };
        decide(penalty, decider, today, now)
    }

    fn confirm(penalty: Penalty, decider: Person, now: Timestamp) -> Result<Decision<Penalty>, Refusal> {
        tried(penalty, decider, &case(Severity::S2), now)
    }

    #[test]
    fn r5_a_fine_is_confirmed_only_as_far_as_the_complaint_still_bears_it() {
        let manager = person(20, Some(21));
        let refused = |case: &Attribution| tried(assessed(None), manager, case, ends_at()).err();
        let lowered = Refusal::AboveBand {
            band: Money::of(Fen::new(1_000)),
            policy_version: PolicyVersionId::of(Uuid::from_u128(6)),
        };
        assert_eq!(refused(&case(Severity::S1)), Some(lowered));
        for severity in [Severity::S3, Severity::S4] {
            let alone = Attribution { is_found_by_two: false, ..case(severity) };
            assert_eq!(refused(&alone), Some(Refusal::FoundByOne {}));
            assert_eq!(refused(&case(severity)), None);
        }
        let alone = Attribution { is_found_by_two: false, ..case(Severity::S2) };
        assert_eq!(refused(&alone), None);
        let freed = Attribution { shares: vec![], ..case(Severity::S2) };
        assert_eq!(refused(&freed), Some(Refusal::NotAttributed {}));
        let invalid = Attribution { is_invalid: true, ..case(Severity::S2) };
        assert_eq!(refused(&invalid), Some(Refusal::ComplaintInvalid {}));
    }

    #[test]
    fn r5_the_hearing_ends_by_an_answer_or_at_its_instant() {
        let manager = person(20, Some(21));
        let early = ends_at().minus(TimeDelta::microseconds(1));
        assert_eq!(
            confirm(assessed(None), manager, early).err(),
            Some(Refusal::HearingOpen { ends_at: ends_at() })
        );
        assert!(confirm(assessed(None), manager, ends_at()).is_ok());
        assert!(confirm(assessed(Some(early)), manager, early).is_ok());
    }

    #[test]
    fn r5_neither_the_proposer_nor_the_accused_decides_also_not_by_a_second_account() {
        let at = ends_at();
        for decider in [person(10, None), person(99, Some(11))] {
            assert_eq!(confirm(assessed(None), decider, at).err(), Some(Refusal::OwnProposal {}));
        }
        assert_eq!(confirm(assessed(None), person(50, Some(4)), at).err(), Some(Refusal::OwnCase {}));
    }

    #[test]
    fn p6_6_1_a_confirmed_fine_tells_payroll_everything_once() {
        let decision = confirm(assessed(None), person(20, Some(21)), ends_at()).expect("it may be confirmed");
        assert_eq!(decision.version(), Version::of(2));
        let [fact] = decision.facts() else { panic!("one event") };
        assert_eq!(
            (fact.event_type, fact.data["amount_fen"].as_i64(), fact.data["month"].as_str()),
            ("support.penalty.confirmed", Some(5_000), Some("2025-10"))
        );
        let again = confirm(decision.into_state(), person(20, Some(21)), ends_at());
        assert_eq!(again.err(), Some(Refusal::AlreadyDecided { state: "confirmed" }));
    }
}
