//! Rows 25 to 27: clocks that jump, upgrades in which old and new run side by side, SIGTERM under load.

use crate::load::Load;
use crate::site::turn;
use chrono::TimeDelta;
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// What a stopping service may take (`operations.md`).
const DRAINED: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn row_25_the_wall_clock_of_one_host_jumps() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    for service in ["support", "hr"] {
        for hours in [1, -1] {
            load.accepts(15).await;
            site.set_clock(service, site.now().plus(TimeDelta::hours(hours))).await;
            load.accepts(15).await;
            site.set_clock(service, site.now()).await;
        }
    }
    load.finish(&mut site).await;
    site.reckon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_26_old_and_new_run_side_by_side_and_take_over() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    for service in ["support", "hr", "workforce", "contracts"] {
        load.accepts(15).await;
        let new = site.second(service).await;
        load.accepts(15).await;
        let old = site.node(service).replace(new).expect("it lived");
        load.accepts(15).await;
        crate::story::signal(old.pid(), Signal::TERM);
        assert!(old.ended().await.success(), "{service} ends in order");
    }
    load.accepts(15).await;
    load.finish(&mut site).await;
    site.reckon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_27_sigterm_under_load_drains_in_time() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    for service in ["support", "hr"] {
        load.accepts(20).await;
        let begun = Instant::now();
        site.signal(service, Signal::TERM);
        let old = site.node(service).life.take().expect("it lived");
        assert!(old.ended().await.success(), "{service} ends in order");
        assert!(begun.elapsed() < DRAINED, "{service} took {:?}", begun.elapsed());
        site.revive(service).await;
        load.accepts(20).await;
    }
    load.finish(&mut site).await;
    site.reckon().await;
}
