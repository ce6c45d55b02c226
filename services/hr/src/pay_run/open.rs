//! Opening a run: the month and the branches whose people it pays.

use super::{Happened, PayRun, PayRunOpened, PayRunView, Refusal, State, store};
use crate::branch;
use crate::person::Person;
use chrono::NaiveDate;
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

/// Opens a run; whoever has a slip of the month already will not be in it. `newest` is the day on which the last of the
/// branches opened.
pub fn decide(
    id: PayRunId,
    opened: &OpenPayRun,
    opener: Person,
    (newest, now): (NaiveDate, Timestamp),
) -> Result<Decision<PayRun>, Refusal> {
    let branches: BTreeSet<BranchId> = opened.branches.iter().copied().collect();
    if branches.is_empty() || branches.len() != opened.branches.len() {
        return Err(Refusal::WrongScope {});
    }
    if opened.month > now.month_in(Zone::SHANGHAI) {
        return Err(Refusal::MonthAhead { month: opened.month });
    }
    if opened.month < Month::of(newest) {
        return Err(Refusal::BeforeOpening { month: opened.month, opened_on: newest });
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
            let newest = branch::store::newest_opening(tx, &cmd.body.branches)
                .await?
                .unwrap_or(kernel::time::FIRST_DAY);
            let decision = decide(cmd.id, &cmd.body, Person::of(&cmd.principal), (newest, now))?;
            store::add(tx, &decision).await?;
            Ok::<_, Failure>(decision)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::UserId;
    use uuid::Uuid;

    #[test]
    fn a_run_pays_a_month_since_all_its_branches_opened_and_not_one_ahead() {
        let opened = |month: &str| {
            let opened = OpenPayRun {
                month: month.parse().expect("a month"),
                branches: vec![BranchId::of(Uuid::nil())],
            };
            let opener = Person { user: UserId::of(Uuid::nil()), employee: None };
            let newest = "2025-09-15".parse().expect("a date");
            let now = Timestamp::of("2025-11-30T15:59:59Z".parse().expect("an instant"));
            decide(PayRunId::of(Uuid::nil()), &opened, opener, (newest, now)).map(|_| ())
        };
        assert_eq!(opened("2025-09"), Ok(()));
        assert_eq!(opened("2025-11"), Ok(()));
        let month = |text: &str| text.parse().expect("a month");
        assert_eq!(opened("2025-12"), Err(Refusal::MonthAhead { month: month("2025-12") }));
        for early in ["2025-08", "2000-01"] {
            let opened_on = "2025-09-15".parse().expect("a date");
            assert_eq!(opened(early), Err(Refusal::BeforeOpening { month: month(early), opened_on }));
        }
    }
}
