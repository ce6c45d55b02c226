//! Certificates: how long they hold, what state they are in, how the public checks them (W5, W10, W11; P1-1).
//!
//! A renewed certificate's old one is *not* superseded: it holds to its own end, where the new one begins.
//! Superseded is one whose remaining days another took over.
//! What is *not* here: credentials and status lists, and who may issue.

pub mod code;
pub mod masking;
pub mod validity;

use chrono::NaiveDate;
use events::{CertificateId, WorkerId};
use kernel::{Span, Timestamp, clause, refusals};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

pub use code::VerificationCode;

refusals! {
    /// Revoked is final (W5).
    Revoked { at: Timestamp } = "workforce.certificate_revoked", clause!("P1-1");
    /// A suspended certificate is neither renewed nor suspended again.
    Suspended { since: Timestamp } = "workforce.certificate_suspended", clause!("P1-1");
    /// Another certificate took its place.
    Superseded {} = "workforce.certificate_superseded", clause!("P1-1");
    /// Only a suspended certificate can be reinstated.
    NotSuspended {} = "workforce.certificate_not_suspended", clause!("P1-1");
    /// Not a code that this house ever gave out.
    CodeWrong {} = "workforce.verification_code_wrong";
}

/// A skill level of the national standard 4-10-01-06, rising (五级 to 二级).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 五级
    Primary,
    /// 四级
    Middle,
    /// 三级
    Senior,
    /// 二级
    Technician,
}

/// Why a certificate or a worker was stopped; it decides between yellow and red (W7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// Misconduct.
    Conduct,
    /// Anything else: leave, papers under review.
    Administrative,
    /// He left the house.
    Left,
}

/// What is stored of a certificate's state; the rest is derived from the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Stored {
    /// It holds inside its range.
    Active,
    /// It holds not, until it is reinstated.
    Suspended {
        /// Since when.
        since: Timestamp,
        /// Why.
        cause: StopCause,
    },
    /// It never holds again.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
    /// Another took its place.
    Superseded {
        /// Since when.
        at: Timestamp,
    },
}

/// What a certificate is at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Its range begins later.
    NotYetValid,
    /// It holds.
    Active,
    /// It holds, and its end is near.
    Expiring,
    /// Its range is over.
    Expired,
    /// Stopped for now.
    Suspended,
    /// Stopped for ever; to whoever checks it is *not valid*.
    Revoked,
    /// Another took its place.
    Superseded,
}

/// A certificate, as far as its rules look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Certificate {
    /// Which one.
    pub id: CertificateId,
    /// Whose.
    pub worker_id: WorkerId,
    /// For which services.
    pub service_codes: BTreeSet<String>,
    /// At which level.
    pub level: Level,
    /// On which dates of the branch's zone; the end is an exclusive local midnight (W11).
    pub valid: Span<NaiveDate>,
    /// Its stored state.
    pub stored: Stored,
}
