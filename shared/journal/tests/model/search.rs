//! Exhaustive search: every interleaving of a protocol's steps, breadth first, so that what is found is found by the
//! shortest way.
//!
//! Ours, because what must hold here is of two kinds: a rule broken in some state, and a state from which the goal can
//! no longer be reached whatever happens (`AG EF goal`). The model checkers of the registry know the first, and of the
//! second only what ends.

use std::collections::HashMap;
use std::fmt::{self, Debug, Display, Formatter};
use std::hash::Hash;

/// A protocol, as a graph of states.
pub trait Protocol {
    /// Everything that is remembered anywhere: databases, the bus, the memory of processes, what is on its way.
    type State: Clone + Eq + Hash + Debug;

    /// Where everything begins.
    fn begin(&self) -> Self::State;
    /// What can happen next: its name, and what is then.
    fn steps(&self, state: &Self::State) -> Vec<(String, Self::State)>;
    /// Which rule is broken here, if any.
    fn broken(&self, state: &Self::State) -> Option<&'static str>;
    /// True where everything that shall happen has happened. It must stay reachable from everywhere.
    fn is_goal(&self, state: &Self::State) -> bool;
}

/// What the search found.
#[derive(Debug)]
pub enum Found {
    /// No rule is broken in any of so many states, and the goal can be reached from each.
    Holds(usize),
    /// A rule is broken; the shortest way there.
    Broken(&'static str, Vec<String>),
    /// From here the goal cannot be reached any more; the shortest way there.
    Trapped(Vec<String>),
}

impl Display for Found {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (what, way) = match self {
            Self::Holds(states) => return write!(out, "{states} states, and all of them sound"),
            Self::Broken(rule, way) => (*rule, way),
            Self::Trapped(way) => ("the goal cannot be reached any more", way),
        };
        write!(out, "{what}, after: {}", way.join("; "))
    }
}

/// Searches all states.
pub fn search<P: Protocol>(protocol: &P) -> Found {
    let begin = protocol.begin();
    let mut places = HashMap::from([(begin.clone(), 0)]);
    let mut states = vec![begin];
    // Where each state was first seen from; and all the places each can be reached from.
    let mut parents: Vec<Option<(usize, String)>> = vec![None];
    let mut before: Vec<Vec<usize>> = vec![Vec::new()];
    let mut next = 0;
    while next < states.len() {
        let state = states[next].clone();
        if let Some(rule) = protocol.broken(&state) {
            return Found::Broken(rule, way(&parents, next));
        }
        for (step, after) in protocol.steps(&state) {
            let place = *places.entry(after).or_insert_with_key(|after| {
                states.push(after.clone());
                parents.push(Some((next, step)));
                before.push(Vec::new());
                states.len() - 1
            });
            before[place].push(next);
        }
        next += 1;
    }
    match trapped(protocol, &states, &before) {
        Some(place) => Found::Trapped(way(&parents, place)),
        None => Found::Holds(states.len()),
    }
}

/// The first state that the goal cannot be reached from: walked backwards from all goals.
fn trapped<P: Protocol>(protocol: &P, states: &[P::State], before: &[Vec<usize>]) -> Option<usize> {
    let mut reaches = vec![false; states.len()];
    let mut open: Vec<usize> = (0..states.len()).filter(|place| protocol.is_goal(&states[*place])).collect();
    while let Some(place) = open.pop() {
        if !std::mem::replace(&mut reaches[place], true) {
            open.extend(&before[place]);
        }
    }
    reaches.iter().position(|reaches| !reaches)
}

fn way(parents: &[Option<(usize, String)>], mut place: usize) -> Vec<String> {
    let mut steps = Vec::new();
    while let Some((before, step)) = &parents[place] {
        steps.push(step.clone());
        place = *before;
    }
    steps.reverse();
    steps
}
