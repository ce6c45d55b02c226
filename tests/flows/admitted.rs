//! Systems outside of Steward that read events from the bus: let in and put out while everything runs.

use crate::story::{Home, eventually, turn};
use journal::{Bus, Login};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_is_let_in_and_put_out_while_everything_runs() {
    let _turn = turn().await;
    let home = Home::new();
    let refused = home.steward_refuses(&["subscriber", "add", "acme"]);
    assert!(refused.contains("no installation"), "{refused}");
    let (_up, _stage) = home.raised().await;
    for (name, why) in [("Acme", "small letters"), ("hr", "name of a service")] {
        let refused = home.steward_refuses(&["subscriber", "add", name]);
        assert!(refused.contains(why), "{refused}");
    }
    let file = home.beside("acme.nkey").display().to_string();
    let add = ["subscriber", "add", "acme", "--pay", "--seed-file", &file];
    let said = home.steward_says(&add);
    assert!(said.contains("it is let in at nats://127.0.0.1:"), "{said}");
    let mode = fs::metadata(&file).expect("the seed is there").permissions().mode();
    assert_eq!(mode & 0o077, 0, "its owner's only");
    let refused = home.steward_refuses(&add);
    assert!(refused.contains("let in already"), "{refused}");
    let seed = fs::read_to_string(&file).expect("the seed is there");
    let listed = home.steward_says(&["subscriber", "ls"]);
    assert!(listed.contains("all branches with pay") && !listed.contains(seed.trim()), "{listed}");

    let address = home.steward_reports(&["status", "--json"])["nats"].as_str().expect("where").to_owned();
    let (_, place) = address.split_once('@').expect("an address after the password");
    let login = Login::with_seed(&format!("nats://{place}"), seed.trim());
    let bus = Bus::connect(login, "acme").await.expect("a good key");
    assert!(bus.is_connected());
    home.steward_says(&["subscriber", "rm", "acme"]);
    eventually("it is put out", async || (!bus.is_connected()).then_some(())).await;
    let refused = home.steward_refuses(&["subscriber", "rm", "acme"]);
    assert!(refused.contains("nobody is called acme"), "{refused}");
}
