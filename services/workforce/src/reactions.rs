//! What workforce does when others' events arrive: one line per type, one short function per effect.

use crate::{requirement, retraining, worker};
use events::contracts::ServicePublished;
use events::hr::{EmployeeHired, EmployeeLeft, EmployeeReinstated, EmployeeSuspended, EmployeeTransferred};
use events::support::{ComplaintFindingReversed, ComplaintUpheld};
use journal::Reactions;

/// hr's branches and employees as every service knows them; then what is workforce's own.
pub(crate) fn reactions() -> Reactions {
    house::known::reactions(Reactions::new())
        .on::<EmployeeHired>(worker::register::hired)
        .on::<EmployeeTransferred>(worker::transfer::transferred)
        .on::<EmployeeSuspended>(worker::suspend::suspended)
        .on::<EmployeeReinstated>(worker::reinstate::reinstated)
        .on::<EmployeeLeft>(worker::leave::left)
        .on::<ServicePublished>(requirement::published)
        .on::<ComplaintUpheld>(retraining::uphold::upheld)
        .on::<ComplaintFindingReversed>(retraining::undo::reversed)
}
