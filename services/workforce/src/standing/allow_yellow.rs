//! A branch manager lets a yellow light pass, for listed reasons only (W7).

use super::{Facet, Flaw, HealthClass, Light, Reason, Refusal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What may be let pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverridePolicy {
    /// The codes of the reasons; what ends during a visit is listed as expired.
    pub reasons: BTreeSet<String>,
    /// Services of these health classes never go without health.
    pub health_never_for: BTreeSet<HealthClass>,
}

/// The codes that an override may cover: all the given reasons, or a refusal that names those it may not.
pub fn allow_yellow(
    reasons: &BTreeSet<Reason>,
    health_class: HealthClass,
    policy: &OverridePolicy,
    why: &str,
) -> Result<BTreeSet<String>, Refusal> {
    let is_allowed = |reason: &Reason| {
        let flaw = if reason.flaw == Flaw::ExpiresDuringVisit { Flaw::Expired } else { reason.flaw };
        let is_listed = policy.reasons.contains(&Reason { flaw, ..*reason }.code());
        let is_health = reason.facet == Facet::Health && policy.health_never_for.contains(&health_class);
        reason.light() == Light::Yellow && is_listed && !is_health
    };
    let forbidden: BTreeSet<Reason> = reasons.iter().filter(|reason| !is_allowed(reason)).copied().collect();
    if !forbidden.is_empty() {
        return Err(Refusal::OverrideNotAllowed { reasons: forbidden });
    }
    if why.trim().is_empty() {
        return Err(Refusal::OverrideWithoutReason {});
    }
    // The standing that visits are checked against says expired where this interval says expires during it.
    let plain = |reason: &Reason| match reason.flaw {
        Flaw::ExpiresDuringVisit => Reason { flaw: Flaw::Expired, ..*reason }.code(),
        Flaw::Missing
        | Flaw::NotYetValid
        | Flaw::Expired
        | Flaw::Failed
        | Flaw::TooLow
        | Flaw::Suspended
        | Flaw::SuspendedForConduct
        | Flaw::Revoked
        | Flaw::Left
        | Flaw::Open => reason.code(),
    };
    Ok(reasons.iter().map(plain).collect())
}

#[cfg(test)]
mod tests {
    use super::super::PaperKind;
    use super::*;
    use house::policy::Terms;

    #[test]
    fn only_listed_yellow_reasons_pass_and_health_never_for_the_weak() {
        let policy = OverridePolicy::defaults();
        let allow = |facet, flaw, class| {
            allow_yellow(&[Reason { facet, flaw }].into(), class, &policy, "保单明日生效")
        };
        let insurance = Facet::Paper(PaperKind::Insurance);
        let covered = allow(insurance, Flaw::ExpiresDuringVisit, HealthClass::MaternalInfant);
        assert_eq!(covered, Ok(BTreeSet::from(["insurance_expired".to_owned()])));
        assert!(allow(Facet::Health, Flaw::Expired, HealthClass::General).is_ok());
        for class in [HealthClass::ElderlyCare, HealthClass::MaternalInfant] {
            assert!(allow(Facet::Health, Flaw::Expired, class).is_err());
        }
        assert!(allow(Facet::Worker, Flaw::Suspended, HealthClass::General).is_err(), "not on the list");
        let red = OverridePolicy { reasons: ["id_expired".to_owned()].into(), ..policy.clone() };
        let id = Reason { facet: Facet::Paper(PaperKind::Id), flaw: Flaw::Expired };
        assert!(allow_yellow(&[id].into(), HealthClass::General, &red, "x").is_err(), "red never passes");
        let reason = Reason { facet: insurance, flaw: Flaw::Missing };
        let silent = allow_yellow(&[reason].into(), HealthClass::General, &policy, " ");
        assert_eq!(silent, Err(Refusal::OverrideWithoutReason {}));
    }
}
