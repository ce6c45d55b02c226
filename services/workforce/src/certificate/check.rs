//! What anybody may learn who holds a certificate's code (W5, W10): no id, no full name, and never *valid* for one
//! that is not.

use super::{Level, Refusal, Seen, VerificationCode, masking, store, validity};
use crate::policy::ExpiryNotice;
use crate::worker::State;
use axum::Json;
use chrono::NaiveDate;
use house::policy::in_force;
use house::{House, Problem, Public};
use journal::Failure;
use kernel::{Span, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// What the public sees of a certificate.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CheckedCertificate {
    /// The first character, the rest masked; empty where no name was written.
    pub name: String,
    /// For which services.
    pub service_codes: BTreeSet<String>,
    /// At which level.
    pub level: Level,
    /// On which dates, half-open.
    pub valid: Span<NaiveDate>,
    /// What it is now.
    pub state: Seen,
    /// Whether its worker may be sent for these services at all; never why not.
    pub worker_state: State,
    /// True only where it holds now and its worker may be sent.
    pub is_valid: bool,
    /// When this was answered.
    pub checked_at: Timestamp,
}

/// Checks a certificate by its code. What was mistyped and what was never given out answer the same.
#[utoipa::path(get, path = "/v1/workforce/certificates/check/{code}", security(()), params(("code" = String, Path, description = "As printed: `0HV2B-7QWZ4-R9KX`.")),
               responses((status = 200, description = "What the certificate is now.", body = CheckedCertificate)))]
pub(super) async fn check(house: House, public: Public) -> Result<Json<CheckedCertificate>, Problem> {
    Ok(Json(look_up(&house, public.parameter("code")).await?))
}

async fn look_up(house: &House, code: &str) -> Result<CheckedCertificate, Failure> {
    let code = VerificationCode::parse(code)?;
    let mut connection = house.pool().acquire().await?;
    let (issued, worker) = store::by_code(&mut connection, code).await?.ok_or(Refusal::CodeWrong {})?;
    let now = house.now();
    let today = now.date_in(issued.zone);
    let notice = in_force::<ExpiryNotice>(&mut connection, Some(issued.branch), today).await?.terms;
    let state = validity::seen(&issued.certificate, &notice, issued.zone, now);
    let worker_state = worker.state_for(&issued.certificate.service_codes);
    let holds = match state {
        Seen::Active | Seen::Expiring => true,
        Seen::NotYetValid | Seen::Expired | Seen::Suspended | Seen::Revoked | Seen::Superseded => false,
    };
    Ok(CheckedCertificate {
        name: masking::masked(&worker.card_name),
        service_codes: issued.certificate.service_codes,
        level: issued.certificate.level,
        valid: issued.certificate.valid,
        state,
        worker_state,
        is_valid: holds && worker_state == State::Active,
        checked_at: now,
    })
}
