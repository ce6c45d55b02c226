//! Waiting for a condition of the outside world, which sends no signal when it comes true.

use std::time::{Duration, Instant};

/// Short enough to be unnoticed by a person, long enough to cost no processor time.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `condition` holds, for at most `limit`; whether it held in the end.
pub(crate) async fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if begin.elapsed() > limit {
            return false;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
