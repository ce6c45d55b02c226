//! `steward demo` on what is there already: it plays only where nothing is, or where it has begun itself.
//!
//! The whole play, with all that it prints, is checked by `.ci/run`.

use crate::story::{Home, Process, signal, turn};
use rustix::process::{Pid, Signal};
use std::fs;

/// What every file of a data directory says.
fn contents(home: &Home) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(home.data_dir()).expect("it is there").flatten();
    let mut all: Vec<(String, Vec<u8>)> = entries
        .filter(|entry| entry.file_name() != "steward.lock")
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap_or_default())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn data_that_no_demo_made_is_refused_and_left_as_it_is() {
    for file in ["secrets.json", "postgres", "nats.password", "servers"] {
        let home = Home::new();
        home.begin();
        fs::write(home.path(file), "precious").expect("it can be written");
        for verb in [&["demo", "--once"][..], &["demo", "--once", "--reset"]] {
            let refusal = home.steward_refuses(verb);
            assert!(refusal.contains("data that no demo made"), "{file}: {refusal}");
            assert_eq!(contents(&home), [(file.to_owned(), b"precious".to_vec())], "{verb:?}");
        }
    }
}

/// Stops a demo in the middle of its play.
async fn interrupted(mut demo: Process) {
    demo.says("September: ").await;
    let pid = Pid::from_raw(i32::try_from(demo.id()).expect("a process id")).expect("a process id");
    signal(pid, Signal::INT);
    demo.says("stopped before its end").await;
    assert!(!demo.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_demo_is_played_again_only_when_asked() {
    let _turn = turn().await;
    let home = Home::new();
    home.begin();
    // As after a first try that found no servers, or was killed while it fetched them.
    fs::write(home.path("demo.json"), "\"begun\"").expect("it can be written");
    interrupted(home.start_verb(&["demo", "--once"])).await;

    let before = contents(&home);
    let refusal = home.steward_refuses(&["demo", "--once"]);
    assert!(refusal.contains("holds an earlier demo") && refusal.contains("demo --reset"), "{refusal}");
    assert_eq!(contents(&home), before);

    fs::write(home.path("letter.txt"), "dear").expect("it can be written");
    let secrets = home.secrets();
    interrupted(home.start_verb(&["demo", "--once", "--reset"])).await;
    assert_ne!(home.secrets(), secrets, "begun anew");
    assert!(home.path("letter.txt").exists(), "what it did not make stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_begun_for_a_demo_and_used_for_work_is_no_demos() {
    let _turn = turn().await;
    let home = Home::new();
    home.begin();
    fs::write(home.path("demo.json"), "\"begun\"").expect("it can be written");
    home.steward_says(&["migrate"]);
    let refusal = home.steward_refuses(&["demo", "--once", "--reset"]);
    assert!(refusal.contains("data that no demo made"), "{refusal}");
    assert!(home.server_file("postgres").exists());
}
