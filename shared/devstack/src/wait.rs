//! Waiting for a condition of the outside world, which sends no signal when it comes true.

use crate::progress::{Listener, Product, Progress};
use anyhow::{Context, Result};
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

/// How long a server of the configuration may take to answer: a machine starts it at the same time as us, and a cluster
/// chooses its leader first.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
/// How often such a server is asked.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Asks a server of the configuration until it answers, and no longer than it takes to see that it never will: what will
/// not pass by itself, a wrong password, say, is told at once.
///
/// # Errors
/// With the server's last word.
pub(crate) async fn for_configured<T>(
    product: Product,
    progress: Listener<'_>,
    ask: impl AsyncFn() -> Result<T>,
    may_pass: impl Fn(&anyhow::Error) -> bool,
) -> Result<T> {
    let begin = Instant::now();
    let mut last = None;
    loop {
        let left = ANSWERS_WITHIN.saturating_sub(begin.elapsed());
        match tokio::time::timeout(left, ask()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(fault)) if !may_pass(&fault) => {
                return Err(fault)
                    .with_context(|| format!("the {product} of the configuration cannot be used"));
            }
            Ok(Err(fault)) => {
                if last.is_none() {
                    progress(&Progress::Awaiting { product, why: format!("{fault:#}") });
                }
                last = Some(fault);
                tokio::time::sleep(ASK_AGAIN).await;
            }
            Err(late) => {
                let within = ANSWERS_WITHIN.as_secs();
                return Err(last.unwrap_or_else(|| late.into())).with_context(|| {
                    format!("the {product} of the configuration does not answer within {within} s")
                });
            }
        }
    }
}
