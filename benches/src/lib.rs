//! What the backbone costs, against what the machine could do at all (`events.md` §11), and what follows for a network
//! that grows.
//!
//! | room | answers |
//! |---|---|
//! | `rows` | one file per row of the table: the candidate and its physical limit, in turn |
//! | `figure` | medians, ratios, the verdict, the table and the JSON |
//! | `machine` | on what it was measured, and what else that machine was doing |
//! | `stage`, `tiny`, `load` | servers that sync, two tiny services, writers in a closed loop |
//! | `growth` | what 200, 2,000 and 20,000 branches need, from measured inputs |
//!
//! Programs: `backbone` measures, `growth` reckons. Results: `benches/RESULTS.md`, `benches/GROWTH.md`. Not here: whether
//! anything is right (the tests say), and timing assertions (a busy machine is no defect).

pub mod figure;
pub mod growth;
pub mod load;
pub mod machine;
pub mod rows;
pub mod stage;
pub mod tiny;
