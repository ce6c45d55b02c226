//! The failure matrix (`events.md` §10): every row injects its fault for real, under a load of real commands over HTTP,
//! and ends with the reckoning and the conservation audit.
//!
//! | rows | where |
//! |---|---|
//! | 1–5 the relay | `relays.rs` |
//! | 6, 7 writers | `writers.rs` |
//! | 8–12 the servers | `servers.rs` |
//! | 13, 14, 28 the network, slow disks | `network.rs` |
//! | 15–20 the reader | `readers.rs` |
//! | 21–24 far behind, and restored databases | `behind.rs` |
//! | 25–27 clocks, upgrades, SIGTERM | `processes.rs` |
//! | all of them at random | `soak.rs` (`cargo xtask soak`) |
//!
//! `STEWARD_FAULTS_SEED` repeats a run's decisions (not its scheduling), `STEWARD_FAULTS_LONG=1` takes the matrix by its
//! word where the short form is shorter. `audit.rs` plants what the audit must find.

mod audit;
mod behind;
#[path = "../../shared/journal/tests/stage/dice.rs"]
mod dice;
mod leash;
mod load;
mod network;
mod operator;
mod processes;
mod readers;
mod reckoning;
mod relays;
mod servers;
mod site;
mod soak;
#[path = "../../shared/journal/tests/stage/sound.rs"]
mod sound;
#[expect(
    dead_code,
    unused_imports,
    reason = "the flows play the whole story; the faults need its people and processes"
)]
#[path = "../story/mod.rs"]
mod story;
mod victim;
mod wire;
mod writers;
