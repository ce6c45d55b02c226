//! Numbering (`events.md` §2) beside a model of what PostgreSQL promises: transaction ids given out in order, ids of rows
//! given out whatever becomes of the transaction, a snapshot for each statement, the lock on the journal given back after
//! the commit is visible. What is remembered of holes is the real [`Holes`].

use crate::search::Protocol;
use journal::hole::{Holes, Scan};

/// The rules of numbering that once looked dispensable, each left out on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The fence of a hole is the id of the very turn that found it: from before its scan.
    FenceFromBefore,
    /// The fence is the scan's own `xmax`: the latest completed id plus one.
    FenceFromXmax,
    /// A turn that finds new rows does not look into old holes.
    OldHolesSkipped,
    /// Holes are forgotten above the last id that a limited read reached.
    LimitForgotten,
    /// The lock table is read after the scan.
    LocksReadAfterScan,
    /// The lock on the journal is given back before the commit is visible.
    LockGivenBackEarly,
    /// A transaction takes its rows' numbers before it has its own id.
    IdBeforeXid,
    /// A command reads after it has inserted its journal rows.
    ReadAfterInsert,
    /// Only the last id is remembered: what was not visible below it is forgotten at once.
    LastIdOnly,
    /// Holes live in memory only: whoever takes over does not know them (row 1).
    HolesNotKept,
    /// `term` is not compared: two relays number (row 5).
    TermNotCompared,
}

/// How large a world is searched.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// What is left out.
    pub wrong: Option<Wrong>,
    /// Rows that each writer inserts.
    pub rows: &'static [usize],
    /// Rows read in one turn.
    pub limit: usize,
    /// Turns in all.
    pub turns: usize,
    /// How often somebody takes over numbering after the first one, which may go on believing that it leads.
    pub takeovers: usize,
    /// Nobody rolls back, and nobody looks at locks: for worlds of more writers.
    pub is_plain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Fate {
    Open,
    Committed,
    Aborted,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Writer {
    fate: Fate,
    xid: Option<i64>,
    has_lock: bool,
    ids: Vec<i64>,
    /// Whose rows it saw when it read.
    saw: Option<Vec<usize>>,
}

/// How far a relay's turn has got.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Turn {
    Rests,
    /// Its process was killed.
    Dead,
    /// The statement that reads the relay's row has its snapshot, and waits for the row.
    Begun {
        xmin: i64,
    },
    /// The row is locked, the turn's own id given.
    Stated {
        xmin: i64,
        me: i64,
    },
    /// The lock table was read, or an earlier reading serves.
    Looked {
        oldest: i64,
        me: i64,
    },
    Scanned {
        oldest: i64,
        me: i64,
        ids: Vec<i64>,
        is_cut_off: bool,
        xmax: i64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Relay {
    holes: Holes,
    term: i64,
    looked: Option<i64>,
    turn: Turn,
}

/// The database, the writers' and the relays' memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    next_xid: i64,
    completed: i64,
    next_id: i64,
    writers: Vec<Writer>,
    relays: Vec<Relay>,
    order: Vec<i64>,
    holes: Vec<(i64, i64)>,
    max_seen: i64,
    term: i64,
    turns: usize,
}

impl Turn {
    const fn me(&self) -> Option<i64> {
        match self {
            Self::Rests | Self::Dead | Self::Begun { .. } => None,
            Self::Stated { me, .. } | Self::Looked { me, .. } | Self::Scanned { me, .. } => Some(*me),
        }
    }
}

impl State {
    /// `pg_snapshot_xmin`: below it nothing runs.
    fn xmin(&self) -> i64 {
        let writers =
            self.writers.iter().filter(|writer| writer.fate == Fate::Open).filter_map(|writer| writer.xid);
        let relays = self.relays.iter().filter_map(|relay| relay.turn.me());
        writers.chain(relays).min().unwrap_or(self.completed + 1).min(self.completed + 1)
    }

    /// The oldest holder of the lock on the journal; a holder without an id of its own has no number yet.
    fn oldest_holder(&self, me: i64) -> i64 {
        self.writers
            .iter()
            .filter(|writer| writer.has_lock)
            .filter_map(|writer| writer.xid)
            .min()
            .unwrap_or(me)
    }

    fn is_visible(&self, id: i64) -> bool {
        self.writers.iter().any(|writer| writer.fate == Fate::Committed && writer.ids.contains(&id))
    }

    fn give_xid(&mut self) -> i64 {
        self.next_xid += 1;
        self.next_xid - 1
    }

    fn completes(&mut self, xid: i64) {
        self.completed = self.completed.max(xid);
    }

    /// The place of an id in the order, if it has its number.
    fn seq(&self, id: i64) -> Option<usize> {
        self.order.iter().position(|numbered| *numbered == id)
    }

    fn is_in_hole(&self, id: i64) -> bool {
        self.holes.iter().any(|(from, to)| *from <= id && id < *to)
    }
}

impl World {
    fn writer_steps(&self, state: &State, at: usize, steps: &mut Vec<(String, State)>) {
        let writer = &state.writers[at];
        let mut step = |name: &str, change: &dyn Fn(&mut State)| {
            let mut after = state.clone();
            change(&mut after);
            steps.push((format!("writer {at} {name}"), after));
        };
        let has_all = writer.ids.len() == self.rows[at];
        let reads_now = writer.saw.is_none() && (self.wrong != Some(Wrong::ReadAfterInsert) || has_all);
        let takes_ids_first = self.wrong == Some(Wrong::IdBeforeXid);
        match writer.fate {
            Fate::Committed | Fate::Aborted => {}
            Fate::Open if reads_now => {
                let saw = |state: &State| {
                    let others = state.writers.iter().enumerate();
                    others
                        .filter(|(_, other)| other.fate == Fate::Committed)
                        .map(|(place, _)| place)
                        .collect()
                };
                step("reads", &|after| after.writers[at].saw = Some(saw(after)));
            }
            Fate::Open if writer.xid.is_none() && (has_all || !takes_ids_first) => {
                step("gets its own id", &|after| {
                    let xid = after.give_xid();
                    after.writers[at].has_lock = true;
                    after.writers[at].xid = Some(xid);
                });
            }
            Fate::Open if !has_all => step("takes a number", &|after| {
                after.writers[at].has_lock = true;
                after.writers[at].ids.push(after.next_id);
                after.next_id += 1;
            }),
            Fate::Open => {
                let fates = [("commits", Fate::Committed), ("rolls back", Fate::Aborted)];
                for (name, fate) in &fates[..if self.is_plain { 1 } else { 2 }] {
                    step(name, &|after| {
                        after.writers[at].fate = *fate;
                        after.completes(after.writers[at].xid.expect("it has one before it ends"));
                    });
                }
            }
        }
        let may_give_back =
            writer.fate != Fate::Open || (self.wrong == Some(Wrong::LockGivenBackEarly) && has_all);
        if writer.has_lock && may_give_back && !self.is_plain {
            step("gives its lock back", &|after| after.writers[at].has_lock = false);
        }
    }

    fn relay_steps(&self, state: &State, at: usize, steps: &mut Vec<(String, State)>) {
        let relay = &state.relays[at];
        let mut to = |name: &str, turn: Turn, change: &dyn Fn(&mut State)| {
            let mut after = state.clone();
            after.relays[at].turn = turn;
            change(&mut after);
            steps.push((format!("relay {at} {name}"), after));
        };
        match relay.turn.clone() {
            Turn::Rests if state.turns < self.turns => {
                to("begins a turn", Turn::Begun { xmin: state.xmin() }, &|after| after.turns += 1);
            }
            Turn::Rests | Turn::Dead => {}
            Turn::Begun { xmin } => {
                let is_locked = state.relays.iter().any(|relay| relay.turn.me().is_some());
                let is_deposed = relay.term != state.term && self.wrong != Some(Wrong::TermNotCompared);
                if !is_locked && !is_deposed {
                    let me = state.next_xid;
                    to("locks its row", Turn::Stated { xmin, me }, &|after| after.next_xid += 1);
                }
            }
            Turn::Stated { xmin, me } => {
                let seen = state.oldest_holder(me);
                if !self.is_plain {
                    to("reads the lock table", Turn::Looked { oldest: xmin.max(seen), me }, &|after| {
                        after.relays[at].looked = Some(seen);
                    });
                }
                let known = relay.looked.unwrap_or(xmin);
                to("looks at no lock", Turn::Looked { oldest: xmin.max(known), me }, &|_| ());
            }
            Turn::Looked { oldest, me } => {
                let (ids, is_cut_off) = self.scan(state);
                let xmax = state.completed + 1;
                to("scans", Turn::Scanned { oldest, me, ids, is_cut_off, xmax }, &|_| ());
            }
            Turn::Scanned { oldest, me, ids, is_cut_off, xmax } => {
                let oldest = match self.wrong {
                    Some(Wrong::LocksReadAfterScan) => oldest.max(state.oldest_holder(me)),
                    _ => oldest,
                };
                let scan = Scan { ids: &ids, is_cut_off };
                to("commits its turn", Turn::Rests, &|after| {
                    self.number(after, at, (oldest, me, xmax), scan)
                });
            }
        }
    }

    /// The committed rows in any hole or above the last id seen.
    fn scan(&self, state: &State) -> (Vec<i64>, bool) {
        let above = (state.max_seen + 1..state.next_id).filter(|id| state.is_visible(*id));
        let in_holes = (1..=state.max_seen).filter(|id| state.is_in_hole(*id) && state.is_visible(*id));
        let are_skipped = self.wrong == Some(Wrong::OldHolesSkipped) && above.clone().count() > 0;
        let mut ids: Vec<i64> = if are_skipped { above.collect() } else { in_holes.chain(above).collect() };
        let is_cut_off = ids.len() >= self.limit;
        ids.truncate(self.limit);
        (ids, is_cut_off)
    }

    fn number(&self, state: &mut State, at: usize, (oldest, me, xmax): (i64, i64, i64), scan: Scan<'_>) {
        let relay = &state.relays[at];
        let before: Vec<(i64, i64)> = relay.holes.ranges().collect();
        let mut holes = relay.holes.clone();
        holes.fence(me);
        let max_seen = holes.absorb(state.max_seen, scan);
        match self.wrong {
            Some(Wrong::FenceFromBefore) => holes.fence(me),
            Some(Wrong::FenceFromXmax) => holes.fence(xmax),
            _ => {}
        }
        let forgotten = match self.wrong {
            Some(Wrong::LimitForgotten) => Scan { is_cut_off: false, ..scan },
            _ => scan,
        };
        holes.forget(me, oldest, forgotten);
        if self.wrong == Some(Wrong::LastIdOnly) {
            holes = Holes::default();
        }
        state.order.extend(scan.ids);
        let after: Vec<(i64, i64)> = holes.ranges().collect();
        // As the table is written: what changed in this relay's own memory.
        state.holes.retain(|range| !before.contains(range) || after.contains(range));
        state.holes.extend(after.iter().filter(|range| !before.contains(range)));
        state.holes.sort_unstable();
        state.holes.dedup();
        state.max_seen = max_seen;
        state.relays[at].holes = holes;
        state.completes(me);
    }

    /// Another process believes that it may lead now: whoever led was killed, or is only slow.
    fn takeover_steps(&self, state: &State, steps: &mut Vec<(String, State)>) {
        if state.relays.len() > self.takeovers {
            return;
        }
        let is_locked = state.relays.iter().any(|relay| relay.turn.me().is_some());
        let next = |state: &State| {
            let mut after = state.clone();
            after.term += 1;
            if self.wrong == Some(Wrong::HolesNotKept) {
                after.holes.clear();
            }
            let holes = Holes::restored(after.holes.iter().copied());
            after.relays.push(Relay { holes, term: after.term, looked: None, turn: Turn::Rests });
            after
        };
        if !is_locked {
            steps.push(("another relay takes over".to_owned(), next(state)));
        }
        let last = state.relays.len() - 1;
        // Killed within its turn: its transaction rolls back, its lock is gone.
        let mut killed = state.clone();
        if let Some(me) = killed.relays[last].turn.me() {
            killed.completes(me);
        }
        killed.relays[last].turn = Turn::Dead;
        steps.push(("the relay is killed, another takes over".to_owned(), next(&killed)));
    }
}

impl Protocol for World {
    type State = State;

    fn begin(&self) -> State {
        let writer = Writer { fate: Fate::Open, xid: None, has_lock: false, ids: Vec::new(), saw: None };
        let relay = Relay { holes: Holes::default(), term: 1, looked: None, turn: Turn::Rests };
        State {
            next_xid: 1,
            completed: 0,
            next_id: 1,
            writers: vec![writer; self.rows.len()],
            relays: vec![relay],
            order: Vec::new(),
            holes: Vec::new(),
            max_seen: 0,
            term: 1,
            turns: 0,
        }
    }

    fn steps(&self, state: &State) -> Vec<(String, State)> {
        let mut steps = Vec::new();
        for at in 0..state.writers.len() {
            self.writer_steps(state, at, &mut steps);
        }
        for at in 0..state.relays.len() {
            self.relay_steps(state, at, &mut steps);
        }
        self.takeover_steps(state, &mut steps);
        steps
    }

    fn broken(&self, state: &State) -> Option<&'static str> {
        let is_lost = |id: &i64| *id <= state.max_seen && state.seq(*id).is_none() && !state.is_in_hole(*id);
        let may_commit = state.writers.iter().filter(|writer| writer.fate != Fate::Aborted);
        if may_commit.flat_map(|writer| &writer.ids).any(is_lost) {
            return Some("a row that may be committed is never looked for again");
        }
        let mut once = state.order.clone();
        once.sort_unstable();
        if once.windows(2).any(|pair| pair[0] == pair[1]) {
            return Some("a row has two numbers");
        }
        let firsts = state.writers.iter().flat_map(|writer| writer.ids.iter().map(move |id| (writer, id)));
        for (effect, id) in firsts {
            let Some(number) = state.seq(*id) else { continue };
            let causes = effect.saw.iter().flatten().flat_map(|cause| &state.writers[*cause].ids);
            if causes.into_iter().any(|cause| state.seq(*cause).is_none_or(|before| before > number)) {
                return Some("an effect is numbered before its cause");
            }
        }
        None
    }

    /// A world of few turns may end before everything is numbered: that nothing is lost is all that can be asked of it.
    fn is_goal(&self, _state: &State) -> bool {
        true
    }
}
