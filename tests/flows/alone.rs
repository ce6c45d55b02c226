//! The four services as four processes, each with its own program and configuration file, on one PostgreSQL and NATS.

use crate::seen;
use crate::story::{Alone, BEGIN, Home, SERVICES, Settings, Stage, Story, eventually, let_in, turn};
use devstack::{Durability, Options, Sources, Stack};
use kernel::Timestamp;
use std::collections::BTreeMap;
use std::fs;
use testkit::Collector;

/// At its most talkative; the collector gets its spans.
async fn watched(
    home: &Home,
    (service, listen): (&str, &str),
    now: Timestamp,
    collector: &Collector,
) -> Alone {
    let also = format!(
        "[log]\nlevel = \"debug\"\n[traces]\notlp_endpoint = {:?}\n[metrics]\nlisten = \"127.0.0.1:0\"\n",
        collector.endpoint
    );
    Alone::start(home, &Settings { service, name: service, listen, now, reach: None, also: &also }).await
}

/// The sample says nothing that a service would not take: its values, with what is shown as a default.
fn assert_sample_holds(home: &Home) {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/steward-support.toml");
    let mut text = fs::read_to_string(sample).expect("the sample is there").replace("# profile", "profile");
    for (file, key) in [
        ("support.database-url", "support.database_url_file"),
        ("nats-url", "support.nats_url_file"),
        ("support.nats-seed", "support.nats_seed_file"),
        ("tokens.pem", "support.public_key_file"),
        ("cursor-secret", "support.cursor_secret_file"),
    ] {
        text = text.replace(&format!("\"/etc/steward/{file}\""), &format!("{:?}", home.beside(key)));
    }
    let file = home.beside("sample.toml");
    fs::write(&file, text).expect("it can be written");
    let checked = home.steward_says(&["config", "check", &file.display().to_string()]);
    assert!(checked.contains("profile: Production") && checked.contains("127.0.0.1:8101"), "{checked}");
}

/// The operator sees beforehand what a configuration means, and that a clock which was moved is for development.
fn assert_checked(home: &Home, service: &str) {
    let file = home.beside(&format!("{service}.toml"));
    let checked = home.steward_says(&["config", "check", &file.display().to_string()]);
    assert!(checked.contains("database_url_file: can be read"), "{checked}");
    let text = fs::read_to_string(&file).expect("it was written").replace("development", "production");
    let wrong = home.beside("wrong.toml");
    fs::write(&wrong, text).expect("it can be written");
    let refused = home.steward_refuses(&["config", "check", &wrong.display().to_string()]);
    assert!(refused.contains("clock is for development"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_through_four_processes_with_hr_killed_in_the_middle() {
    let _turn = turn().await;
    let servers = tempfile::tempdir().expect("a temporary directory");
    let options = Options {
        data_dir: servers.path().join("servers"),
        postgres: None,
        nats: None,
        durability: Durability::Throwaway,
        sources: Sources::All,
        ports: None,
    };
    let mut stack = Stack::start(&options, &|_| ()).await.expect("PostgreSQL and NATS");
    let home = Home::on(stack.postgres_url(), stack.nats_url());
    let migrated = home.steward_says(&["migrate"]);
    assert!(
        SERVICES.iter().all(|service| migrated.contains(&format!("{service}: up to date"))),
        "{migrated}"
    );
    // Another installation on the same servers has other passwords: it leaves this one's roles as they are.
    let other = Home::on(stack.postgres_url(), stack.nats_url());
    for verb in [&["migrate"][..], &["up"]] {
        let refused = other.steward_refuses(verb);
        assert!(refused.contains("another installation"), "{refused}");
    }
    let demo = Home::on(stack.postgres_url(), stack.nats_url());
    let refused = demo.steward_refuses(&["demo", "--once"]);
    assert!(refused.contains("no demo made it") && !demo.path("secrets.json").exists(), "{refused}");
    assert!(home.steward_says(&["migrate"]).contains("hr: up to date"), "the first one still signs in");
    // What is on servers of the operator's own is not deleted with the directory.
    let refused = home.steward_refuses(&["reset", "--yes"]);
    assert!(refused.contains("servers of your own") && home.path("secrets.json").exists(), "{refused}");
    let collector = Collector::start().await;
    let_in(&home, &mut stack).await;
    let mut processes = BTreeMap::new();
    for service in SERVICES {
        let begin = crate::story::instant(BEGIN);
        processes.insert(service, watched(&home, (service, "127.0.0.1:0"), begin, &collector).await);
        assert_checked(&home, service);
    }
    assert_sample_holds(&home);
    let addresses = processes.iter().map(|(service, alone)| (*service, format!("http://{}", alone.address)));
    let stage = Stage::of(addresses.collect(), &home.secret("private_key"), BEGIN);
    let mut story = Story::open(stage).await;
    story.fine().await;

    let hr = processes.remove("hr").expect("it was started");
    seen::assert_health(&home, "hr", &hr.address, &["ready", "degraded"]);
    hr.process.kill();
    seen::assert_health(&home, "hr", &hr.address, &[""]);
    story.confirm().await;
    let hr = watched(&home, ("hr", &hr.address), story.stage.now(), &collector).await;
    processes.insert("hr", hr);
    eventually("the deduction is there", async || story.deduction().await).await;
    let run = story.month().await;
    story.pay(&run).await;
    story.is_told_whole().await;
    seen::assert_one_trace(&home, &collector).await;
    for service in SERVICES {
        let log = fs::read_to_string(home.beside(&format!("{service}.log"))).expect("it wrote one");
        seen::assert_private(&log, service);
    }
    drop(processes);
    stack.stop().await.expect("the servers stop");
}
