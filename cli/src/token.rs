//! `steward token`: a token for a role, until there are users.

use crate::installation::Installation;
use anyhow::{Result, bail};
use chrono::TimeDelta;
use clap::Args;
use house::access::Issuer;
use house::{Held, Principal, Role, Scope};
use kernel::{BranchId, EmployeeId, ErrorEntry, Id, UserId};
use uuid::Uuid;

/// Options of `token`.
#[derive(Args)]
pub(crate) struct Token {
    /// HQ, AU, BM, CA, TR, IN, HC, PA, SE or IC; may be repeated.
    #[arg(long, required = true)]
    role: Vec<Role>,
    /// Hold the roles in this branch only; may be repeated.
    #[arg(long, value_parser = id::<BranchId>)]
    branch: Vec<BranchId>,
    /// The employee behind the account.
    #[arg(long, value_parser = id::<EmployeeId>)]
    employee: Option<EmployeeId>,
    /// The account; without one, the account of the role.
    #[arg(long, value_parser = id::<UserId>)]
    user: Option<UserId>,
    /// What it opens besides, at the feed of events: pay; may be repeated.
    #[arg(long)]
    scope: Vec<Scope>,
    /// How many hours it is good.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(i64).range(1..=720))]
    hours: i64,
}

impl Token {
    pub(crate) async fn run(self, installation: &Installation) -> Result<()> {
        let secrets = installation.existing_secrets()?;
        if self.role.contains(&Role::SE) && self.employee.is_none() {
            bail!("SE is a worker's own view: say whose with --employee");
        }
        if let Some(role) = self.role.iter().find(|role| is_of_branches(**role))
            && self.branch.is_empty()
        {
            bail!("{role:?} is held in branches: say in which with --branch");
        }
        let clock = installation.clock()?;
        let branches = (!self.branch.is_empty()).then_some(self.branch);
        // The same role asked for twice is the same account, so that idempotency and separation of duties hold.
        let user = self.user.unwrap_or_else(|| account_of(&self.role));
        let roles = self.role.into_iter().map(|role| Held { role, branches: branches.clone() }).collect();
        let principal = Principal { user, employee: self.employee, roles };
        let token = Issuer::new(&secrets.private_key)?.issue_scoped(
            &principal,
            &self.scope.into_iter().collect(),
            clock.now(),
            TimeDelta::hours(self.hours),
        )?;
        println!("{token}");
        Ok(())
    }
}

/// An id as it was typed, or what is wrong with it in both languages.
pub(crate) fn id<I: Id>(text: &str) -> Result<I, String> {
    text.parse().map_err(|error: kernel::id::IdError| {
        let code = error.to_string();
        ErrorEntry::find(&code)
            .map_or(code, |entry| format!("{}. {} {}。{}", entry.en, entry.next_en, entry.zh, entry.next_zh))
    })
}

/// Whether a role reaches nothing unless branches are named; a worker sees what is about himself without any.
fn is_of_branches(role: Role) -> bool {
    role != Role::SE && !role.may_span_the_network()
}

/// The account of a set of roles: always the same one.
pub(crate) fn account_of(roles: &[Role]) -> UserId {
    let names: Vec<String> = roles.iter().map(|role| format!("{role:?}")).collect();
    UserId::of(Uuid::new_v5(&Uuid::NAMESPACE_OID, names.join("+").as_bytes()))
}
