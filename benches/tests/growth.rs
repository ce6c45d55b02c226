//! What `GROWTH.md` shows is what the inputs give: whoever measures anew renews both.

use benches::growth::{Inputs, report};

#[test]
fn the_committed_tables_are_those_of_the_committed_inputs() {
    let inputs = Inputs::read(include_str!("../growth.toml")).expect("the inputs are good");
    let tables = report::tables(&inputs);
    assert!(
        include_str!("../GROWTH.md").contains(&tables),
        "`cargo run -p steward-benches --bin growth -- benches/growth.toml`, and put it into benches/GROWTH.md:\n{tables}"
    );
}
