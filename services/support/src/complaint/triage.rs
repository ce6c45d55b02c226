//! Grading: factors set the severity, and from S3 on the case is reported in the same transaction (R4, C9).

use super::escalation::ack::{self, Basis};
use super::kind::{Class, Factor};
use super::policy::ComplaintTerms;
use super::severity::{self, Grounds};
use super::{Complaint, ComplaintView, Refusal, State, Triage, store};
use crate::person::Person;
use crate::words::Word;
use events::ComplaintId;
use events::support::ComplaintTriaged;
use house::{Addressed, Answer, Command, Commanded, House, permission};
use journal::Failure;
use kernel::{Decision, Money, clause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was found out by asking.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriageComplaint {
    /// What sets the severity; the gravest one counts. Damage and repetition are added by the house.
    pub factors: Vec<Factor>,
    /// The damage, where there is one.
    pub damage: Option<Money>,
    /// Whether it is a complaint against us at all; `invalid` yields neither fine nor liability apology (C13).
    #[serde(default)]
    pub validity: Validity,
    /// `unreachable` where the matter could not be repeated to the customer.
    #[serde(default)]
    pub customer: Reachable,
}

/// Whether it is a complaint against us at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// It is.
    #[default]
    Valid,
    /// It is not.
    Invalid,
}

/// Whether the customer could be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reachable {
    /// He could.
    #[default]
    Reached,
    /// He could not: it is graded without a recap.
    Unreachable,
}

impl Addressed for TriageComplaint {
    type To = ComplaintId;
}

/// Grades a complaint: recap first (P4-1), unless the customer cannot be reached; S3 and above is reported here and
/// now, whatever anybody would like (C9). `repeats`: complaints of the household in the window, this one included.
pub fn decide(
    complaint: Complaint,
    ask: &TriageComplaint,
    repeats: u32,
    grounds: Grounds<'_>,
) -> Result<Decision<Complaint>, Refusal> {
    let terms = &grounds.terms.terms;
    let State::Registered = complaint.state else { return Err(complaint.not_now()) };
    if complaint.recap_at.is_none() && ask.customer == Reachable::Reached {
        return Err(Refusal::RecapMissing {});
    }
    let factors = factors(ask, (repeats, complaint.broken_promises), terms);
    let severity = severity::of_factors(&factors, terms).ok_or(Refusal::NoFactor {})?;
    let class = match ask.validity {
        Validity::Invalid => Class::Invalid,
        Validity::Valid => severity::class(severity, None, terms),
    };
    let triage = Triage { severity, class, policy: grounds.terms.id };
    let report =
        severity::is_reported(severity, terms).then(|| severity::report(&complaint, severity, grounds));
    let rung = report.as_ref().map_or(complaint.rung, |(rung, _)| Some(*rung));
    let triaged = ComplaintTriaged {
        complaint_id: complaint.id,
        severity,
        class: class.word(),
        factors: factors.iter().map(Word::word).collect(),
        policy_version: grounds.terms.id,
    };
    let triaged_state = Complaint { state: State::Triaged, triage: Some(triage), rung, ..complaint };
    let decision = Decision::of(triaged_state).and(triaged).under(clause!("R4"));
    Ok(match report {
        Some((_, reported)) => decision.and(reported).under(clause!("P3.3.3-6")),
        None => decision,
    })
}

/// What was named, and what the house adds: the damage by its amount, the third complaint and the second broken promise
/// by counting.
fn factors(ask: &TriageComplaint, (repeats, broken): (u32, u32), terms: &ComplaintTerms) -> Vec<Factor> {
    let of_the_house =
        [Factor::DamageLarge, Factor::DamageSmall, Factor::RepeatedComplaint, Factor::RepeatedBrokenPromise];
    let named = ask.factors.iter().copied().filter(|factor| !of_the_house.contains(factor));
    let damage = ask.damage.map(|damage| {
        if damage.fen() >= terms.damage_fen { Factor::DamageLarge } else { Factor::DamageSmall }
    });
    let repeated = (repeats >= terms.repeat.complaints).then_some(Factor::RepeatedComplaint);
    let is_broken_again = broken >= terms.repeat.broken_promises;
    let broken = is_broken_again.then_some(Factor::RepeatedBrokenPromise);
    let mut factors: Vec<_> = named.chain(damage).chain(repeated).chain(broken).collect();
    factors.sort_unstable();
    factors.dedup();
    factors
}

/// Grades a complaint (R4, P3.3.3-6).
#[utoipa::path(post, path = "/v1/support/complaints/{id}/triage", request_body = TriageComplaint, responses(Commanded<ComplaintView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<TriageComplaint, permission!("complaint.work")>,
) -> Answer<ComplaintView> {
    house
        .commit(cmd, async |tx, cmd, _now| {
            let complaint = cmd.current(store::load(tx, cmd.id).await?)?;
            let complaint = complaint.worked_on_by(Person::of(&cmd.principal))?;
            let basis = Basis::of(tx, complaint.branch).await?;
            let grounds = basis.grounds();
            let repeats = store::repeats(tx, &complaint, grounds.terms.terms.repeat.days).await?;
            let decision = decide(complaint, &cmd.body, repeats, grounds)?;
            store::save(tx, &decision).await?;
            ack::watch(tx, decision.state()).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::super::walk::{World, registered};
    use super::*;
    use events::support::Severity;
    use kernel::Fen;

    fn ask(factors: &[Factor]) -> TriageComplaint {
        TriageComplaint {
            factors: factors.to_vec(),
            damage: None,
            validity: Validity::Valid,
            customer: Reachable::Reached,
        }
    }

    fn heard() -> Complaint {
        Complaint { recap_at: Some(World::now()), ..registered() }
    }

    #[test]
    fn c9_r4_s3_and_above_is_reported_in_the_same_decision() {
        let world = World::new();
        for (factor, to_role, due) in [
            (Factor::NoShowDependentCare, "team_lead", world.ack_due.s3),
            (Factor::Theft, "branch_head", world.ack_due.s4),
        ] {
            let decision = decide(heard(), &ask(&[factor]), 1, world.grounds()).expect("it is graded");
            let [triaged, reported] = decision.facts() else { panic!("two events") };
            assert_eq!(
                (triaged.event_type, triaged.data["class"].as_str()),
                ("support.complaint.triaged", Some("major"))
            );
            assert_eq!(
                (
                    reported.event_type,
                    reported.data["to_role"].as_str(),
                    reported.data["due_ack_at"].as_str()
                ),
                ("support.complaint.major_reported", Some(to_role), Some(due.to_string().as_str()))
            );
            assert_eq!(reported.clause, Some(clause!("P3.3.3-6")));
        }
        let ordinary = decide(heard(), &ask(&[Factor::Rework]), 1, world.grounds()).expect("it is graded");
        assert_eq!(ordinary.facts().len(), 1, "S2 is not reported by itself");
    }

    #[test]
    fn c9_calling_it_invalid_does_not_suppress_the_report() {
        let invalid = TriageComplaint { validity: Validity::Invalid, ..ask(&[Factor::Police]) };
        let decision = decide(heard(), &invalid, 1, World::new().grounds()).expect("it is graded");
        assert_eq!(decision.facts()[1].event_type, "support.complaint.major_reported");
    }

    #[test]
    fn p4_1_the_recap_comes_first_unless_nobody_can_be_reached() {
        let world = World::new();
        let refused = decide(registered(), &ask(&[Factor::Manner]), 1, world.grounds()).err();
        assert_eq!(refused, Some(Refusal::RecapMissing {}));
        let unreachable = TriageComplaint { customer: Reachable::Unreachable, ..ask(&[Factor::Manner]) };
        assert!(decide(registered(), &unreachable, 1, world.grounds()).is_ok());
    }

    #[test]
    fn the_house_adds_damage_and_repetition_and_nobody_else_does() {
        let world = World::new();
        let grade = |ask: &TriageComplaint, repeats| {
            decide(heard(), ask, repeats, world.grounds())
                .ok()
                .and_then(|decision| decision.state().severity())
        };
        let damage = |fen| TriageComplaint { damage: Some(Money::of(Fen::new(fen))), ..ask(&[]) };
        assert_eq!(
            (grade(&damage(99_999), 1), grade(&damage(100_000), 1)),
            (Some(Severity::S2), Some(Severity::S3))
        );
        assert_eq!(grade(&ask(&[Factor::Manner]), 3), Some(Severity::S2), "the third in 90 days");
        assert_eq!(grade(&ask(&[Factor::Manner, Factor::RepeatedComplaint]), 2), Some(Severity::S1));
        assert_eq!(grade(&ask(&[]), 1), None, "a severity comes from factors");
    }

    #[test]
    fn two_promises_broken_before_the_grading_add_one_and_a_third_complaint_no_more() {
        let world = World::new();
        let grade = |broken_promises, repeats| {
            let complaint = Complaint { broken_promises, ..heard() };
            let decision =
                decide(complaint, &ask(&[Factor::Manner]), repeats, world.grounds()).expect("it is graded");
            (decision.state().severity(), decision.facts()[0].data["factors"].clone())
        };
        assert_eq!(grade(1, 1).0, Some(Severity::S1));
        let (severity, factors) = grade(2, 1);
        assert_eq!(severity, Some(Severity::S2));
        assert_eq!(factors, serde_json::json!(["manner", "repeated_broken_promise"]));
        assert_eq!(grade(3, 3).0, Some(Severity::S2), "one or the other: one step");
    }
}
