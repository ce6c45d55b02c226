//! How many may wait or stream at once: of one account, so that nobody takes all; in all, so that memory is bounded.

use super::Refusal;
use crate::problem::Problem;
use kernel::{Refusal as _, UserId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Of one account.
const OF_ONE: usize = 8;
/// Of all accounts together: each may hold a page and what its connection buffers, about half a megabyte.
const OF_ALL: usize = 256;
/// When to ask again, in seconds.
const LATER: u32 = 5;

/// The seats of a process.
#[derive(Clone, Default)]
pub(super) struct Seats {
    taken: Arc<Mutex<HashMap<UserId, usize>>>,
}

/// A seat; given back when dropped.
pub(super) struct Seat {
    seats: Seats,
    user: UserId,
}

impl Seats {
    /// A seat for this account; 429 where it has its share, or all are taken.
    pub(super) fn take(&self, user: UserId) -> Result<Seat, Problem> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&user).copied().unwrap_or_default();
        if own >= OF_ONE || all >= OF_ALL {
            let refusal = Refusal::TooManyReaders { of_one: OF_ONE, of_all: OF_ALL };
            return Err(Problem::from(refusal.refused()).retry_after(LATER));
        }
        taken.insert(user, own + 1);
        Ok(Seat { seats: self.clone(), user })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.user) {
            Some(own) if *own > 1 => *own -= 1,
            Some(_) | None => {
                taken.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn nobody_takes_more_than_his_share_and_nobody_the_last_but_one() {
        let seats = Seats::default();
        let user = |number: u128| UserId::of(Uuid::from_u128(number));
        let refused = |user| seats.take(user).map(drop).map_err(|problem| problem.code());
        let mut taken: Vec<Seat> = (0..OF_ONE).map(|_| seats.take(user(0)).expect("his share")).collect();
        assert_eq!(refused(user(0)), Err("feed.too_many_readers"));
        assert_eq!(refused(user(1)), Ok(()), "another one has his own");
        taken.pop();
        assert_eq!(refused(user(0)), Ok(()), "one was given back");
        taken.clear();
        assert!(seats.taken.lock().expect("nobody panics with it").is_empty(), "nobody is remembered");
        let others = u128::try_from(OF_ALL).expect("few");
        taken.extend((0..others).map(|number| seats.take(user(number)).expect("there is room")));
        assert_eq!(refused(user(others)), Err("feed.too_many_readers"));
    }
}
