//! Proposing a fine, for one complaint that was upheld against one employee.

use super::policy::FineTerms;
use super::{Penalty, PenaltyView, Refusal, State, StatementKind, basis, store};
use crate::complaint::attribution::{self, Attribution};
use crate::person::{Person, Standing};
use crate::{clock, hours, words::Text};
use events::support::{PenaltyAssessed, Severity};
use events::{ComplaintId, PenaltyId};
use house::policy::InForce;
use house::{Addressed, Answer, Command, Commanded, House, New, permission};
use journal::Failure;
use kernel::{Decision, EmployeeId, Money, Reckoned, Timestamp, Version, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// A fine is proposed; the employee may answer it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessPenalty {
    /// The upheld complaint.
    pub complaint_id: ComplaintId,
    /// Who is fined.
    pub employee_id: EmployeeId,
    /// How much: the floor at least, the severity's band at most.
    pub amount: Money,
    /// Why so much.
    pub reason: Text,
}

impl Addressed for AssessPenalty {
    type To = New<PenaltyId>;
}

/// Who proposes, and when.
#[derive(Debug, Clone, Copy)]
pub struct Proposal {
    /// The fresh id.
    pub id: PenaltyId,
    /// Who proposes.
    pub proposer: Person,
    /// How high he stands in the branch.
    pub standing: Standing,
    /// The end of the hearing.
    pub hearing_ends: Reckoned<Timestamp>,
}

/// Proposes a fine (R5): only for a complaint that is upheld and attributed to the employee; his share does not
/// scale it.
pub fn decide(
    proposal: Proposal,
    case: &Attribution,
    ask: &AssessPenalty,
    fine: &InForce<FineTerms>,
) -> Result<Decision<Penalty>, Refusal> {
    if proposal.proposer.is_employee(ask.employee_id) {
        return Err(Refusal::OwnCase {});
    }
    let severity = basis::severity(case, ask.employee_id)?;
    if severity == Severity::S4 && proposal.standing != Standing::Headquarters {
        return Err(Refusal::HeadquartersOnly {});
    }
    let (amount, floor) = (ask.amount.fen(), fine.terms.floor_fen);
    if amount < floor {
        return Err(Refusal::BelowFloor { floor: Money::of(floor), policy_version: fine.id });
    }
    basis::within_band(amount, severity, fine)?;
    let penalty = Penalty {
        id: proposal.id,
        branch: case.branch,
        complaint: case.complaint,
        call: case.call,
        employee: ask.employee_id,
        kind: fine.terms.kind,
        amount,
        severity,
        policy: fine.id,
        proposer: proposal.proposer,
        hearing_ends_at: proposal.hearing_ends.value,
        provisional: proposal.hearing_ends.provisional,
        state: State::Assessed { heard_at: None },
        version: Version::NONE,
    };
    let assessed = PenaltyAssessed {
        penalty_id: penalty.id,
        complaint_id: penalty.complaint,
        employee_id: penalty.employee,
        kind: penalty.kind,
        amount_fen: amount,
        severity,
        policy_version: penalty.policy,
        hearing_ends_at: penalty.hearing_ends_at,
    };
    Ok(Decision::of(penalty).and(assessed).under(clause!("P6.6-1")).born_of(case.complaint))
}

/// Proposes a fine (P6.6-1, R5).
#[utoipa::path(post, path = "/v1/support/penalties", request_body = AssessPenalty, responses(Commanded<PenaltyView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<AssessPenalty, permission!("penalty.propose")>,
) -> Answer<PenaltyView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let case = attribution::of(tx, cmd.body.complaint_id).await?;
            let calendar = clock::calendar(tx, case.branch).await?;
            let fine = hours::today::<FineTerms>(tx, case.branch).await?;
            let proposal = Proposal {
                id: cmd.id,
                proposer: Person::of(&cmd.principal),
                standing: Standing::of(&cmd.principal, case.branch),
                hearing_ends: clock::days_end(&calendar, now, fine.terms.hearing_business_days)?,
            };
            let decision = decide(proposal, &case, &cmd.body, &fine)?;
            store::add(tx, &decision).await?;
            store::said(tx, decision.state(), StatementKind::Assessment, &cmd.body.reason).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use house::policy::Terms;
    use kernel::{BranchId, Fen, PolicyVersionId, UserId};
    use uuid::Uuid;

    const ACCUSED: u128 = 4;

    fn employee(id: u128) -> EmployeeId {
        EmployeeId::of(Uuid::from_u128(id))
    }

    fn case(severity: Severity, share: u8) -> Attribution {
        Attribution {
            complaint: ComplaintId::of(Uuid::from_u128(3)),
            branch: BranchId::of(Uuid::from_u128(2)),
            call: None,
            is_invalid: false,
            is_found_by_two: true,
            severity: Some(severity),
            shares: vec![(employee(ACCUSED), share)],
        }
    }

    fn fine() -> InForce<FineTerms> {
        InForce { id: PolicyVersionId::of(Uuid::from_u128(5)), terms: FineTerms::defaults() }
    }

    fn proposal(standing: Standing) -> Proposal {
        Proposal {
            id: PenaltyId::of(Uuid::from_u128(1)),
            proposer: Person { user: UserId::of(Uuid::from_u128(10)), employee: Some(employee(11)) },
            standing,
            hearing_ends: Reckoned {
                value: Timestamp::of("2025-10-13T09:30:00Z".parse().expect("a literal")),
                provisional: false,
            },
        }
    }

    fn ask(fen: i64) -> AssessPenalty {
        AssessPenalty {
            complaint_id: ComplaintId::of(Uuid::from_u128(3)),
            employee_id: employee(ACCUSED),
            amount: Money::of(Fen::new(fen)),
            reason: Text::of("迟到两小时"),
        }
    }

    #[test]
    fn st63_below_the_floor_and_above_the_band_is_refused_with_its_clause() {
        for (severity, most) in [(Severity::S1, 1_000), (Severity::S2, 5_000), (Severity::S3, 20_000)] {
            let tried = |fen| decide(proposal(Standing::Agent), &case(severity, 100), &ask(fen), &fine());
            let below = tried(999).expect_err("below the floor");
            assert_eq!(kernel::Refusal::refused(below).clause, Some(clause!("P6.6-1")));
            let above = tried(most + 1).expect_err("above the band");
            assert_eq!(
                above,
                Refusal::AboveBand { band: Money::of(Fen::new(most)), policy_version: fine().id }
            );
            assert!(tried(1_000).is_ok() && tried(most).is_ok());
        }
    }

    #[test]
    fn st63_a_fine_needs_a_share_in_an_upheld_complaint() {
        let tried = |case: &Attribution| decide(proposal(Standing::Agent), case, &ask(1_000), &fine()).err();
        assert_eq!(tried(&case(Severity::S2, 0)), Some(Refusal::NotAttributed {}));
        let not_ours = Attribution { shares: vec![], ..case(Severity::S2, 1) };
        assert_eq!(tried(&not_ours), Some(Refusal::NotAttributed {}));
        let another = Attribution { shares: vec![(employee(99), 100)], ..case(Severity::S2, 1) };
        assert_eq!(tried(&another), Some(Refusal::NotAttributed {}));
        assert_eq!(tried(&case(Severity::S2, 1)), None, "the share does not scale the fine");
    }

    #[test]
    fn c13_an_invalid_complaint_costs_nobody_anything() {
        let invalid = Attribution { is_invalid: true, ..case(Severity::S2, 100) };
        let refused = decide(proposal(Standing::Agent), &invalid, &ask(1_000), &fine()).err();
        assert_eq!(refused, Some(Refusal::ComplaintInvalid {}));
    }

    #[test]
    fn r4_from_s3_on_a_finding_of_one_person_bears_no_fine() {
        for severity in [Severity::S1, Severity::S2, Severity::S3, Severity::S4] {
            let alone = Attribution { is_found_by_two: false, ..case(severity, 100) };
            let tried = decide(proposal(Standing::Headquarters), &alone, &ask(1_000), &fine());
            let is_grave = severity >= Severity::S3;
            assert_eq!(tried.err(), is_grave.then_some(Refusal::FoundByOne {}), "{severity:?}");
        }
    }

    #[test]
    fn k13_a_hearing_over_days_without_an_official_calendar_says_so() {
        let proposed = |provisional| {
            let ends = Reckoned { provisional, ..proposal(Standing::Agent).hearing_ends };
            let proposal = Proposal { hearing_ends: ends, ..proposal(Standing::Agent) };
            let decision = decide(proposal, &case(Severity::S1, 100), &ask(1_000), &fine());
            decision.expect("proposed").into_state().provisional
        };
        assert!(proposed(true) && !proposed(false));
    }

    #[test]
    fn r5_at_s4_headquarters_proposes_and_no_band_binds_it() {
        let tried = |standing| decide(proposal(standing), &case(Severity::S4, 50), &ask(300_000), &fine());
        assert_eq!(tried(Standing::Manager).err(), Some(Refusal::HeadquartersOnly {}));
        let decision = tried(Standing::Headquarters).expect("by decision");
        assert_eq!(decision.facts()[0].event_type, "support.penalty.assessed");
    }

    #[test]
    fn r5_nobody_proposes_his_own_fine() {
        let own = Person { user: UserId::of(Uuid::from_u128(10)), employee: Some(employee(ACCUSED)) };
        let proposal = Proposal { proposer: own, ..proposal(Standing::Headquarters) };
        let refused = decide(proposal, &case(Severity::S1, 100), &ask(1_000), &fine()).err();
        assert_eq!(refused, Some(Refusal::OwnCase {}));
    }
}
