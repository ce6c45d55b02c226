//! Loops that go on by themselves: what panics in one is caught and told, and the loop is started again.
//!
//! A panic in a reaction or a timer belongs to its event or its timer and is caught there ([`caught`]); what panics
//! outside of them ends the loop, whose status says so until it runs again ([`tend`]).

use crate::Fault;
use crate::relay::{BACK_OFF, BACK_OFF_MOST};
use futures::FutureExt;
use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A panic, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked(pub String);

impl Panicked {
    /// What a caught panic said: a text, or nothing that can be shown.
    pub fn of(panic: &(dyn Any + Send)) -> Self {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        Self(said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word").to_owned())
    }
}

/// Runs a piece of work; a panic in it ends the work and nothing else. Whatever it had borrowed must be thrown away
/// or brought back to a known point: a transaction is rolled back.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| Panicked::of(&*panic))
}

/// A loop of a service that runs as long as the service does.
pub trait Tended: Send + 'static {
    /// For the log: `relay of support`.
    fn name(&self) -> String;
    /// Runs until the token is cancelled, or nobody needs it any more.
    fn run(&mut self, stop: &CancellationToken) -> impl Future<Output = ()> + Send;
    /// It stands still, and why; health and metrics are told.
    fn stands_still(&mut self, why: &str);
}

/// Runs a loop, again after each panic: at once at first, then ever later.
pub fn tend(mut tended: impl Tended, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut pause = BACK_OFF;
        loop {
            let began = Instant::now();
            match caught(tended.run(&stop)).await {
                Ok(()) => {
                    if !stop.is_cancelled() {
                        tended.stands_still("ended");
                    }
                    return;
                }
                Err(Panicked(said)) => {
                    tracing::error!(name = tended.name(), said, "a loop panicked; starting it again");
                    tended.stands_still("panicked");
                }
            }
            if began.elapsed() > BACK_OFF_MOST {
                pause = BACK_OFF;
            }
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(BACK_OFF_MOST);
        }
    })
}

/// What a drain answers when the loop that was asked is gone: nothing says that anything was applied.
pub(crate) fn gone(name: &str) -> Fault {
    Fault::Bus(format!("{name} does not run any more"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// Panics as often as it is told to, then ends.
    struct Clumsy {
        panics: u32,
        told: Arc<Mutex<Vec<String>>>,
    }

    impl Tended for Clumsy {
        fn name(&self) -> String {
            "clumsy".to_owned()
        }
        async fn run(&mut self, _stop: &CancellationToken) {
            if self.panics > 0 {
                self.panics -= 1;
                panic!("once more: {}", self.panics);
            }
        }
        fn stands_still(&mut self, why: &str) {
            self.told.lock().expect("nobody panics with it").push(why.to_owned());
        }
    }

    #[tokio::test]
    async fn a_loop_that_panics_is_started_again_and_says_so() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let clumsy = Clumsy { panics: 2, told: told.clone() };
        tend(clumsy, CancellationToken::new()).await.expect("the task itself does not panic");
        assert_eq!(*told.lock().expect("nobody panics with it"), ["panicked", "panicked", "ended"]);
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_with_its_words() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
        let said = caught(async { panic!("no {}", "way") }).await;
        assert_eq!(said, Err::<(), _>(Panicked("no way".to_owned())));
    }
}
