//! Health: whether a process works, works in part, or does not (`operations.md` §1); in words, without internals.
//!
//! `/health/live` says that the process answers. `/health/ready` says what it has of what it needs: `ready`; `degraded`,
//! where commands are taken and something does not get through; `down` (503), where no command can be. Standing by for
//! another process of the service is neither. [`ask`] is the same question from outside, for containers without a shell.

use crate::error_code;
use crate::problem::Problem;
use crate::service::{Asked, Running};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use journal::{Fault, ReaderStatus, RelayStatus};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;

/// Seconds that an event may wait before its reader counts as behind; the alert of the same name waits as long.
const BEHIND: i64 = 30;
/// How long [`ask`] waits: as long as a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The words for a relay.
pub(crate) const RELAY_WORDS: [&str; 4] = ["ok", "stand_by", "stopped", "refused"];
/// The words for any other loop.
pub(crate) const LOOP_WORDS: [&str; 3] = ["ok", "stand_by", "stopped"];

/// How a relay goes; `refused` where stream and journal disagree, which no waiting mends.
pub(crate) const fn relay_word(relay: &RelayStatus) -> &'static str {
    if relay.is_restored { "refused" } else { goes((relay.stopped.as_ref(), relay.stands_by)) }
}

/// How a reader goes.
pub(crate) const fn reader_word(reader: &ReaderStatus) -> &'static str {
    goes((reader.stopped.as_ref(), reader.stands_by))
}

/// The word for a loop, which knows why it stands still, and whether another process does its work: that is how it shall be.
const fn goes(standing: (Option<&String>, bool)) -> &'static str {
    match standing {
        (Some(_), _) => "stopped",
        (None, true) => "stand_by",
        (None, false) => "ok",
    }
}

/// Whether a word says that something does not get through.
fn is_trouble(word: &str) -> bool {
    !matches!(word, "ok" | "stand_by" | "busy")
}

/// What `/health/ready` says of one service.
struct Report {
    says: Value,
    is_degraded: bool,
    is_down: bool,
}

/// Ready, degraded (serves, but something does not get through) or down (503): with a word for each thing a service
/// needs. Why it is so stands in the log; whoever may ask this learns nothing of the inside.
pub(crate) async fn ready(State(services): State<Arc<Vec<Running>>>) -> Response {
    let (mut is_degraded, mut is_down) = (false, false);
    let mut report = serde_json::Map::new();
    // All at once: one after the other, databases that do not answer would take longer than a request may.
    let asking: Vec<_> = services.iter().map(|service| tokio::spawn(service.ask())).collect();
    for (service, asked) in services.iter().zip(asking) {
        let Ok(asked) = asked.await else {
            return Problem::plain(error_code!("service.fault")).into_response();
        };
        let of = of(service, asked);
        is_degraded |= of.is_degraded;
        is_down |= of.is_down;
        report.insert(service.name.to_owned(), of.says);
    }
    let (status, state) = match (is_down, is_degraded) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
        (false, true) => (StatusCode::OK, "degraded"),
        (false, false) => (StatusCode::OK, "ready"),
    };
    (status, Json(json!({ "state": state, "services": report }))).into_response()
}

fn of(service: &Running, Asked { parked, alarms }: Asked) -> Report {
    let relay = service.relay().status();
    let timers = service.timers().status();
    let postgres = reachable(service.pool(), &parked);
    let parked = parked.ok();
    let nats = if service.bus().is_connected() { "ok" } else { "unreachable" };
    let (relay_goes, timers_go) = (relay_word(&relay), goes((timers.stopped.as_ref(), timers.stands_by)));
    let mut is_degraded = [nats, relay_goes, timers_go].into_iter().any(is_trouble);
    is_degraded |= timers.failed > 0 || parked != Some(0);
    let readers: Vec<Value> = service
        .readers()
        .iter()
        .map(|reader| {
            let status = reader.status();
            let goes = reader_word(&status);
            is_degraded |= is_trouble(goes) || status.lag_seconds.is_some_and(|lag| lag > BEHIND);
            json!({ "source": reader.source, "seq": status.seq, "lag_seconds": status.lag_seconds, "state": goes })
        })
        .collect();
    Report {
        says: json!({ "postgres": postgres, "nats": nats, "relay": relay_goes, "epoch": relay.epoch,
                "last_seq": relay.last_numbered, "published": relay.last_published, "readers": readers, "parked": parked,
                "timers": timers_go, "failed_timers": timers.failed,
                // Told and nothing more: a service that misses next year's calendar works as well as ever.
                "alarms": alarms }),
        is_degraded,
        is_down: postgres == "unreachable",
    }
}

/// The word for the database. A process whose every connection is at work works as hard as it can: whoever takes it away
/// makes it worse. Waiting in vain while connections are to be had means that none can be made.
fn reachable<T>(pool: &PgPool, asked: &Result<T, Fault>) -> &'static str {
    let is_full = pool.num_idle() == 0 && pool.size() >= pool.options().get_max_connections();
    match asked {
        Ok(_) => "ok",
        Err(Fault::Database(sqlx::Error::PoolTimedOut)) if is_full => "busy",
        Err(_) => "unreachable",
    }
}

/// Asks whoever serves `base_url` how it is: its word, and whether commands are taken. An error where nobody answers, or
/// not as we do.
pub async fn ask(base_url: &str) -> Result<(String, bool), NoHealth> {
    // Whatever proxy the environment names is for the way out.
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let answer = http.get(format!("{base_url}/health/ready")).send().await?;
    let serves = answer.status().is_success();
    let report: Value = answer.json().await?;
    let state = report["state"].as_str().ok_or(NoHealth::Other)?;
    Ok((state.to_owned(), serves))
}

/// Why nothing is known of somebody's health.
#[derive(Debug, thiserror::Error)]
pub enum NoHealth {
    /// Nobody answers.
    #[error(transparent)]
    Nobody(#[from] reqwest::Error),
    /// Whoever answers there is none of us.
    #[error("whoever answers there says nothing of health")]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_by_is_no_trouble_and_a_refusal_is_told_from_a_pause() {
        let paused = RelayStatus { stopped: Some("no bus".to_owned()), ..RelayStatus::default() };
        let refused = RelayStatus { is_restored: true, ..paused.clone() };
        let stands_by = RelayStatus { stands_by: true, ..RelayStatus::default() };
        let words = [RelayStatus::default(), stands_by, paused, refused].map(|relay| relay_word(&relay));
        assert_eq!(words, RELAY_WORDS);
        assert_eq!(words.map(is_trouble), [false, false, true, true]);
    }
}
