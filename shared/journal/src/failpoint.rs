//! Places where the tests make the backbone fail; nothing where the feature is off.

use crate::Fault;

/// Fails here, where a test has said so.
#[cfg(feature = "failpoints")]
pub(crate) fn failpoint(name: &'static str) -> Result<(), Fault> {
    fail::fail_point!(name, |_| {
        *fired::counts().entry(name).or_default() += 1;
        Err(Fault::Bus(format!("failpoint {name}")))
    });
    Ok(())
}

#[cfg(not(feature = "failpoints"))]
pub(crate) const fn failpoint(_name: &'static str) -> Result<(), Fault> {
    Ok(())
}

/// How often a place has failed in this process: a test that arms one asks whether anybody came by.
#[cfg(feature = "failpoints")]
pub fn fired(name: &str) -> u64 {
    fired::counts().get(name).copied().unwrap_or_default()
}

#[cfg(feature = "failpoints")]
mod fired {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    static COUNTS: Mutex<BTreeMap<&str, u64>> = Mutex::new(BTreeMap::new());

    pub(super) fn counts() -> MutexGuard<'static, BTreeMap<&'static str, u64>> {
        COUNTS.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
