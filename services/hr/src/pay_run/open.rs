//! Opening a run: the month and the branches whose people it pays.

use super::{Happened, PayRun, PayRunOpened, PayRunView, Refusal, State, store};
use crate::person::Person;
use events::PayRunId;
use house::{Addressed, Answer, Command, Commanded, House, New, not_found, permission};
use journal::Failure;
use kernel::{BranchId, Decision, Month, Timestamp, Version, Zone, clause};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A run of a month.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenPayRun {
    /// The month, this one or an earlier one.
    #[schema(value_type = String, example = "2025-10")]
    pub month: Month,
    /// The branches: everybody is paid where he had his last assigned day of the month.
    pub branches: Vec<BranchId>,
}

impl Addressed for OpenPayRun {
    type To = New<PayRunId>;
}

/// Opens a run; whoever has a slip of the month already will not be in it.
pub fn decide(
    id: PayRunId,
    opened: &OpenPayRun,
    opener: Person,
    now: Timestamp,
) -> Result<Decision<PayRun>, Refusal> {
    let branches: BTreeSet<BranchId> = opened.branches.iter().copied().collect();
    if branches.is_empty() || branches.len() != opened.branches.len() {
        return Err(Refusal::WrongScope {});
    }
    if opened.month > now.month_in(Zone::SHANGHAI) {
        return Err(Refusal::MonthAhead { month: opened.month });
    }
    let run = PayRun {
        id,
        month: opened.month,
        branches: branches.into_iter().collect(),
        state: State::Draft,
        attempt: 0,
        opener,
        calculation: None,
        reviewer: None,
        approval: None,
        payment: None,
        version: Version::NONE,
    };
    let happened = Happened::to(&run);
    Ok(Decision::of(run).and(PayRunOpened(happened)).under(clause!("P6.6-1")))
}

/// Opens a run of a month for some branches (P6.6-1).
#[utoipa::path(post, path = "/v1/hr/pay-runs", request_body = OpenPayRun, responses(Commanded<PayRunView>))]
pub(super) async fn route(
    house: House,
    cmd: Command<OpenPayRun, permission!("pay_run.prepare")>,
) -> Answer<PayRunView> {
    house
        .commit(cmd, async |tx, cmd, now| {
            if !cmd.body.branches.iter().all(|branch| tx.reach().covers(Some(*branch))) {
                return Err(not_found().into());
            }
            let decision = decide(cmd.id, &cmd.body, Person::of(&cmd.principal), now)?;
            store::add(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}
