//! The benchmarks do not rot: each row but the weighing runs, small, and every figure comes out positive.

use serde_json::Value;
use std::process::Command;

#[test]
fn every_row_still_runs() {
    let place = tempfile::tempdir().expect("a place");
    let file = place.path().join("figures.json");
    let ran = Command::new(env!("CARGO_BIN_EXE_backbone"))
        .args(["--quick", "--data-dir"])
        .arg(place.path())
        .arg("--json")
        .arg(&file)
        .output()
        .expect("it starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let run: Value = serde_json::from_slice(&std::fs::read(&file).expect("it was written")).expect("JSON");
    let figures = run["figures"].as_array().expect("figures");
    let rows: Vec<&str> = figures.iter().filter_map(|figure| figure["row"].as_str()).collect();
    for row in ["commands", "http", "publishing", "numbering", "reading", "end-to-end", "memory"] {
        assert!(rows.contains(&row), "{rows:?}");
    }
    for figure in figures.iter().filter(|figure| figure["row"] != "memory") {
        let rounds = figure["rounds"].as_array().expect("rounds");
        assert!(!rounds.is_empty(), "{figure}");
        for round in rounds {
            let sides = [&round["candidate"], &round["limit"]];
            assert!(sides.iter().all(|side| side.as_u64().is_some_and(|value| value > 0)), "{figure}");
        }
    }
    assert!(!place.path().join("backbone-data").exists(), "nothing is left behind");
}
