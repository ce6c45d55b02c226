//! What every service publishes of its rule data (P3.2-1): the house writes these, under the service's own name.

use chrono::NaiveDate;
use kernel::PolicyVersionId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A version of a policy, and its days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyVersion {
    /// Which version; decisions and payslips cite it.
    pub policy_version: PolicyVersionId,
    /// Of what: `fine`, `pay` …
    #[schemars(example = &"fine")]
    pub kind: String,
    /// First day it is in force.
    pub valid_from: NaiveDate,
    /// First day it is not any more; absent for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<NaiveDate>,
}

/// Somebody wrote new terms; in force once another person approves them (P3.2-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PolicyDrafted(pub PolicyVersion);

/// New terms are in force from their first day on (P3.2-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PolicyApproved(pub PolicyVersion);

/// A later version takes over earlier than this one was to end (P3.2-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PolicyEnded(pub PolicyVersion);
