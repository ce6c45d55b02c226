//! What an operator does about it: the verbs of `steward`, sent where clients reach the services, and by their clock.

use crate::site::Site;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

impl Site {
    /// Runs one of the operator's verbs to its good end; the line of JSON that it ends with.
    pub(crate) fn operates(&self, verb: &[&str]) -> Value {
        let addresses: BTreeMap<&str, String> =
            self.nodes().map(|node| (node.service, node.base())).collect();
        let ahead = self.now().utc() - journal::Clock::default().now().utc();
        let ahead = ahead.num_microseconds().expect("within some thousand centuries");
        for (file, told) in [("addresses.json", json!(addresses)), ("clock.json", json!(ahead))] {
            fs::write(self.home.path(file), told.to_string()).expect("the file can be written");
        }
        self.home.steward_reports(&[verb, &["--json"]].concat())
    }

    /// The ids of what a service has parked, for this reason, the oldest first.
    pub(crate) fn parked(&self, service: &str, reason: &str) -> Vec<String> {
        let listed = self.operates(&["parked", "ls", "--service", service, "--reason", reason]);
        let ids = listed["parked"].as_array().into_iter().flatten();
        ids.map(|parked| parked["id"].as_str().expect("an id").to_owned()).collect()
    }
}
