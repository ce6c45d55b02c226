//! Rows 8 to 12: PostgreSQL and NATS killed, a full disk, a bus that lost its last seconds or everything.

use crate::load::Load;
use crate::reckoning::end_of;
use crate::site::{Site, scratch, servers, turn, undisturbed};
use crate::story::{SERVICES, eventually};
use devstack::Stack;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn row_08_postgresql_killed_and_restarted_under_load() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    for _ in 0..2 {
        load.accepts(25).await;
        site.stack.kill_postgres();
        site.stack.ensure_running().await.expect("PostgreSQL again");
    }
    load.accepts(25).await;
    let done = load.finish(&mut site).await;
    assert!(done.retries > 0, "clients noticed: {done:?}");
    site.reckon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_10_nats_killed_and_restarted_under_load() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    for _ in 0..2 {
        load.accepts(25).await;
        site.stack.kill_nats();
        // Commands need the database only.
        load.accepts(25).await;
        site.stack.ensure_running().await.expect("NATS again");
    }
    load.accepts(25).await;
    load.finish(&mut site).await;
    site.reckon().await;
}

/// Copies a directory as it stands.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp runs");
    assert!(status.success(), "{} cannot be copied", from.display());
}

impl Site {
    /// NATS's files.
    fn store(&self) -> PathBuf {
        self.server_file("nats/jetstream")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_11_nats_loses_its_last_seconds() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    load.accepts(25).await;
    site.stack.kill_nats();
    let kept = scratch();
    copy(&site.store(), &kept);
    site.stack.ensure_running().await.expect("NATS again");
    let bus = site.bus().await;
    let before = end_of(&bus, "support").await;
    eventually("events that will be lost", async || {
        (end_of(&bus, "support").await > before + 40).then_some(())
    })
    .await;
    let lost = end_of(&bus, "support").await;
    site.stack.kill_nats();
    fs::remove_dir_all(site.store()).expect("it is there");
    copy(&kept, &site.store());
    fs::remove_dir_all(&kept).expect("it was made");
    site.stack.ensure_running().await.expect("NATS again");
    let bus = site.bus().await;
    eventually("the journal gives them back", async || (end_of(&bus, "support").await > lost).then_some(()))
        .await;
    load.accepts(25).await;
    load.finish(&mut site).await;
    site.reckon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_12_nats_loses_the_whole_store() {
    let mut site = turn().await;
    let load = Load::start(&mut site).await;
    load.accepts(25).await;
    site.stack.kill_nats();
    fs::remove_dir_all(site.store()).expect("it is there");
    site.stack.ensure_running().await.expect("NATS again");
    load.accepts(25).await;
    load.finish(&mut site).await;
    // Every stream again, with its old numbers.
    site.reckon().await;
    let bus = site.bus().await;
    for service in SERVICES {
        assert!(end_of(&bus, service).await > 0 || service == "contracts", "{service}");
    }
}

/// A small disk of memory; unmounted when it is dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this process may not mount anything.
    fn mount(megabytes: u32) -> Option<Self> {
        let place = scratch();
        fs::create_dir(&place).expect("it can be made");
        let size = format!("size={megabytes}m,mode=0755");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&place).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(place));
        }
        fs::remove_dir(&place).expect("it is empty");
        None
    }

    /// Takes all that is free.
    fn fill(&self) {
        let mut ballast = fs::File::create(self.0.join("ballast")).expect("it can be made");
        let block = vec![0; 64 * 1_024];
        loop {
            match ballast.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.join("ballast")).expect("it was made");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: servers that stop in the background may still have files open.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = fs::remove_dir(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_09_postgresqls_disk_is_full_and_then_freed() {
    let _alone = undisturbed().await;
    let Some(disk) = Disk::mount(320) else {
        println!("row 9 did not run: this process may not mount a small disk");
        return;
    };
    // PostgreSQL on the small disk, NATS beside it: its disk is another row's matter.
    let postgres: Stack = servers(disk.0.join("servers"), None).await;
    let place = scratch();
    let stack = servers(place.clone(), Some(postgres.postgres_url())).await;
    assert!(disk.0.join("servers/postgres").is_dir(), "its data is on the small disk");
    let mut site = Site::on(stack, place).await;
    let load = Load::start(&mut site).await;
    let mut postgres = postgres;
    load.accepts(25).await;
    disk.fill();
    // What is still free in files that are there already is used up; then nothing can be committed.
    let support = site.database("support").await;
    eventually("PostgreSQL says that its disk is full", async || {
        let bulk = "CREATE TABLE IF NOT EXISTS bulk (text text);
                    INSERT INTO bulk SELECT repeat(md5(n::text), 50) FROM generate_series(1, 20000) AS n";
        match sqlx::raw_sql(bulk).execute(&support).await {
            Ok(_) => None,
            Err(error) => {
                println!("{error}");
                Some(())
            }
        }
    })
    .await;
    disk.free();
    // Where the log could not grow either, the whole server went down.
    postgres.ensure_running().await.expect("PostgreSQL again");
    load.accepts(50).await;
    load.finish(&mut site).await;
    site.whole().await;
    site.reckon().await;
    drop(site);
    postgres.stop().await.expect("PostgreSQL stops");
}
