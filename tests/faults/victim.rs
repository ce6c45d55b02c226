//! The victim: one of the services, in a process of this test program, with fault points armed by `FAILPOINTS`.
//!
//! It is held at the point, exactly there, and then killed from outside as any process is. The programs that are
//! released have no fault points, and the ones of the tree read no such variable.

use fail::FailScenario;
use std::path::Path;

/// Names the service.
pub(crate) const SERVICE: &str = "STEWARD_VICTIM";

/// Serves until it is killed; the configuration file is the program's first argument.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
#[ignore = "a process that other tests start, hold and kill"]
#[expect(clippy::disallowed_methods, reason = "the test that starts it says what it is")]
async fn serves() {
    let service = match std::env::var(SERVICE).as_deref() {
        Ok("support") => support::service(),
        Ok("hr") => hr::service(),
        _ => return,
    };
    let file = std::env::args_os().nth(1).expect("the configuration file comes first");
    let armed = FailScenario::setup();
    house::run_by(service, Path::new(&file)).await;
    armed.teardown();
}
