//! May this worker be sent for this interval? (W6)

use super::{Eligibility, Reason, Refusal, eligibility, recompute, subject};
use crate::certificate::Level;
use crate::requirement;
use axum::Json;
use events::WorkerId;
use house::{Ask, House, Problem, not_found, permission};
use journal::{Failure, Reach};
use kernel::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// The question.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskEligibility {
    /// Who.
    pub worker_id: WorkerId,
    /// For which service.
    pub service_code: String,
    /// From when to when, half-open.
    pub interval: Span<Timestamp>,
    /// A level the customer was promised, where it is higher than what the service asks for.
    #[serde(default)]
    pub level: Option<Level>,
}

/// The answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EligibilityView {
    /// True where the light is green for the whole interval.
    pub eligible: bool,
    /// The worst light inside the interval.
    pub light: super::Light,
    /// Everything that is wrong anywhere inside.
    pub reasons: BTreeSet<Reason>,
    /// The earliest end of what is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// May this worker be sent for the whole interval: the light, every reason against it, and until when it holds.
#[utoipa::path(post, path = "/v1/workforce/eligibility", request_body = AskEligibility, extensions(("x-safe" = json!(true))),
               responses((status = 200, description = "The answer.", body = EligibilityView)))]
pub(super) async fn route(
    house: House,
    ask: Ask<AskEligibility, permission!("standing.read")>,
) -> Result<Json<EligibilityView>, Problem> {
    let answer = answer(house.pool(), &ask.reach, ask.body).await?;
    Ok(Json(EligibilityView {
        eligible: answer.is_eligible(),
        light: answer.light,
        reasons: answer.reasons,
        valid_until: answer.valid_until,
    }))
}

/// Judged from the file itself, not from stored standings.
async fn answer(pool: &PgPool, reach: &Reach, ask: AskEligibility) -> Result<Eligibility, Failure> {
    let mut connection = pool.acquire().await?;
    let subjects = subject::of(&mut connection, &[ask.worker_id.uuid()], reach).await?;
    let subject = subjects.first().ok_or_else(not_found)?;
    let services = [ask.service_code.clone()];
    let known = requirement::of(&mut connection, Some(&services)).await?;
    let papers = recompute::papers(&mut connection).await?;
    let demand = subject.demand(&known, &papers)?;
    let demand = demand.ok_or(Refusal::ServiceUnknown { service_code: ask.service_code })?;
    let demand = demand.at_least(ask.level);
    Ok(eligibility(&subject.file, &demand, subject.zone(), ask.interval)?)
}
