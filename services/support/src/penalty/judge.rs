//! Judging an appeal: the fine stays, becomes smaller, or is gone.

use super::policy::FineTerms;
use super::{Ground, Judgement, Penalty, PenaltyView, Refusal, Reversal, State, StatementKind, store};
use crate::hours;
use crate::person::Person;
use crate::words::Text;
use events::PenaltyId;
use events::support::{PenaltyAppealRejected, PenaltyReversed};
use house::policy::InForce;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Fen, Money, clause};
use serde::Deserialize;
use utoipa::ToSchema;

/// The last word on an appeal.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgeAppeal {
    /// What remains of the fine, 0 for nothing; absent where the appeal is rejected.
    pub new_amount: Option<Money>,
    /// Why.
    pub reason: Text,
}

impl Addressed for JudgeAppeal {
    type To = PenaltyId;
}

/// Decides an appeal (R5): the judge is neither proposer nor decider nor the employee. What remains is less than
/// before, and still a fine of at least the floor, or nothing (P6.6-1).
pub fn decide(
    penalty: Penalty,
    judgement: Judgement,
    new_amount: Option<Fen>,
    fine: &InForce<FineTerms>,
) -> Result<Decision<Penalty>, Refusal> {
    let State::Appealed(verdict, appeal) = penalty.state else {
        return Err(Refusal::NotAppealed { state: penalty.state.word() });
    };
    if judgement.by.is(&penalty.proposer) {
        return Err(Refusal::OwnProposal {});
    }
    if judgement.by.is(&verdict.by) {
        return Err(Refusal::OwnVerdict {});
    }
    if judgement.by.is_employee(penalty.employee) {
        return Err(Refusal::OwnCase {});
    }
    let Some(new_amount) = new_amount else {
        let rejected = PenaltyAppealRejected { penalty_id: penalty.id, employee_id: penalty.employee };
        let state = State::Upheld(verdict, appeal, judgement);
        return Ok(Decision::of(Penalty { state, ..penalty }).and(rejected).under(clause!("R5")));
    };
    if new_amount >= penalty.amount {
        return Err(Refusal::NotReduced { amount: Money::of(penalty.amount) });
    }
    if !new_amount.is_zero() && new_amount < fine.terms.floor_fen {
        let floor = Money::of(fine.terms.floor_fen);
        return Err(Refusal::BelowFloor { floor, policy_version: fine.id });
    }
    let reversed = PenaltyReversed {
        penalty_id: penalty.id,
        reverses: penalty.id,
        employee_id: penalty.employee,
        new_amount_fen: new_amount,
    };
    let reversal = Reversal { ground: Ground::Appeal, appeal: Some(appeal), judgement, new_amount };
    let state = State::Reversed(verdict, reversal);
    Ok(Decision::of(Penalty { state, ..penalty }).and(reversed).under(clause!("R5")))
}

/// Decides an appeal (R5).
#[utoipa::path(post, path = "/v1/support/penalties/{id}/judge", request_body = JudgeAppeal, responses(Commanded<PenaltyView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<JudgeAppeal, permission!("penalty.judge")>,
) -> Answer<PenaltyView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            let penalty = cmd.current(store::load(tx, cmd.id).await?)?;
            let fine = hours::today::<FineTerms>(tx, penalty.branch).await?;
            let judgement = Judgement { by: Person::of(&cmd.principal), at: now };
            let decision = decide(penalty, judgement, cmd.body.new_amount.map(Money::fen), &fine)?;
            store::save(tx, &decision).await?;
            store::said(tx, decision.state(), StatementKind::Judgement, &cmd.body.reason).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::confirm::tests::{appealed, confirmed, ends_at, person};
    use super::*;
    use house::policy::Terms;
    use kernel::PolicyVersionId;
    use uuid::Uuid;

    fn fine() -> InForce<FineTerms> {
        InForce { id: PolicyVersionId::of(Uuid::from_u128(5)), terms: FineTerms::defaults() }
    }

    fn judged(new_amount: Option<i64>) -> Result<Decision<Penalty>, Refusal> {
        let judge = Judgement { by: person(30, Some(31)), at: ends_at() };
        decide(appealed(), judge, new_amount.map(Fen::new), &fine())
    }

    #[test]
    fn sod_neither_proposer_nor_decider_nor_accused_judges_also_not_by_a_second_account() {
        let tried = |by| decide(appealed(), Judgement { by, at: ends_at() }, None, &fine()).err();
        assert_eq!(tried(person(10, None)), Some(Refusal::OwnProposal {}));
        assert_eq!(tried(person(98, Some(11))), Some(Refusal::OwnProposal {}));
        assert_eq!(tried(person(20, None)), Some(Refusal::OwnVerdict {}));
        assert_eq!(tried(person(98, Some(21))), Some(Refusal::OwnVerdict {}));
        assert_eq!(tried(person(98, Some(4))), Some(Refusal::OwnCase {}));
    }

    #[test]
    fn r5_an_appeal_is_rejected_or_makes_the_fine_smaller() {
        let rejected = judged(None).expect("rejected");
        assert_eq!(
            (rejected.facts()[0].event_type, rejected.state().state.word()),
            ("support.penalty.appeal_rejected", "upheld")
        );
        for (left, word) in [(0, "reversed"), (4_999, "reversed"), (1_000, "reversed")] {
            let decision = judged(Some(left)).expect("smaller");
            let fact = &decision.facts()[0];
            assert_eq!(
                (fact.event_type, fact.data["new_amount_fen"].as_i64(), decision.state().state.word()),
                ("support.penalty.reversed", Some(left), word)
            );
            assert_eq!(fact.data["reverses"], fact.data["penalty_id"]);
        }
        assert_eq!(
            judged(Some(5_000)).err(),
            Some(Refusal::NotReduced { amount: Money::of(Fen::new(5_000)) })
        );
        let floor = Money::of(Fen::new(1_000));
        assert_eq!(judged(Some(999)).err(), Some(Refusal::BelowFloor { floor, policy_version: fine().id }));
    }

    #[test]
    fn r5_without_an_appeal_there_is_nothing_to_judge() {
        let judge = Judgement { by: person(30, None), at: ends_at() };
        let refused = decide(confirmed(), judge, None, &fine()).err();
        assert_eq!(refused, Some(Refusal::NotAppealed { state: "confirmed" }));
    }
}
