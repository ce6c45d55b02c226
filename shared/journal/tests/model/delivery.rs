//! Delivery (`events.md` §3, §5): relays that publish what is numbered, a bus that loses things, a database that is restored,
//! epochs, and readers whose position moves with the effect. Numbering itself is the other model's: here an event is numbered
//! the moment it exists.
//!
//! A bus that loses its store while the source is restored leaves nothing that could tell the source of the difference: the
//! reader sees another event at its position and stands still, for an operator to look. That it does no harm is searched.

use crate::search::Protocol;

/// The guards of delivery, each left out on its own; with the rows of the failure matrix (`events.md` §10) it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The bus takes whatever comes, whatever it follows (rows 3, 4, 5).
    NoExpectedSequence,
    /// A relay goes on from what it remembers to have sent, not from what the stream holds (row 2).
    OwnWatermark,
    /// Numbers are compared, and not the ids at them (row 24).
    NumbersOnly,
    /// Only the newest id is compared, not those of a whole window: what an earlier life had on its way may stand below it.
    LastIdOnly,
    /// A relay with nothing to send never looks whether the bus still holds what it has sent (row 11).
    NeverLooksAgain,
    /// A new epoch begins behind the last number of both, not behind the last one at which they agree (row 24).
    BaseIsLast,
    /// The position is committed before the effect (row 16).
    PositionFirst,
    /// The effect is committed before the position (row 15).
    EffectFirst,
    /// The position is written whatever it was (row 17).
    NoCompareAndSet,
    /// The position is kept by the bus, and not restored with the database (row 23).
    PositionOnTheBus,
    /// A reader does not compare the event at its position with the one it applied (rows 12 and 24 at once).
    ReaderComparesNothing,
    /// A reader goes on in the new epoch without undoing what the old one said beyond the base (row 24).
    BaseIgnored,
}

/// How large a world is searched: how often each thing may happen.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// What is left out.
    pub wrong: Option<Wrong>,
    /// Events in all.
    pub events: usize,
    /// Relays that believe they lead.
    pub relays: usize,
    /// Readers that believe they hold the lease.
    pub readers: usize,
    /// Processes killed, and connections cut.
    pub crashes: usize,
    /// Events that the bus forgets from the end of its stream.
    pub tail_losses: usize,
    /// Stores that the bus loses whole.
    pub store_losses: usize,
    /// Restores of the source's database.
    pub source_restores: usize,
    /// Restores of the reader's database.
    pub reader_restores: usize,
    /// What was on its way when the source was restored still arrives.
    pub arrives_late: bool,
}

/// What may never be.
pub const TWICE: &str = "an event took effect twice";
/// The same.
pub const AMISS: &str = "an event did not take effect, or in another order";

/// How many events a relay sends without an answer.
const WINDOW: usize = 2;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Source {
    /// The event at each number, from 1.
    journal: Vec<u8>,
    /// The base of each epoch so far, from epoch 1.
    bases: Vec<usize>,
    /// How far it remembers to have sent; only the wrong rule asks.
    watermark: usize,
}

impl Source {
    fn epoch(&self) -> usize {
        self.bases.len()
    }

    fn base(&self) -> usize {
        self.bases[self.bases.len() - 1]
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Stream {
    before_first: usize,
    events: Vec<u8>,
}

impl Stream {
    fn last(&self) -> usize {
        self.before_first + self.events.len()
    }

    fn at(&self, seq: usize) -> Option<u8> {
        self.events.get(seq.checked_sub(self.before_first + 1)?).copied()
    }

    /// The last number up to which it tells what the journal tells.
    fn agreed(&self, journal: &[u8]) -> usize {
        let both = self.before_first + 1..=self.last().min(journal.len());
        both.take_while(|seq| self.at(*seq) == Some(journal[seq - 1])).last().unwrap_or(self.before_first)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Sent {
    epoch: usize,
    seq: usize,
    event: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Relay {
    Off,
    /// It has seen that the bus knows what the journal does not.
    Refuses,
    On {
        next: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Position {
    epoch: usize,
    seq: usize,
    event: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Database {
    position: Position,
    effects: Vec<u8>,
    to_reconcile: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reader {
    Off,
    At(Position),
    Holds {
        from: Position,
        event: u8,
    },
    /// Between the two transactions of a wrong rule.
    Between {
        from: Position,
        event: u8,
    },
}

/// Databases, bus, processes, what is on its way, and how much may still go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    source: Source,
    source_backup: Option<Source>,
    numbered: u8,
    streams: Vec<Option<Stream>>,
    relays: Vec<(Relay, Vec<Sent>)>,
    database: Database,
    database_backup: Option<Database>,
    readers: Vec<Reader>,
    crashes: usize,
    tail_losses: usize,
    store_losses: usize,
    source_restores: usize,
    reader_restores: usize,
}

impl State {
    fn stream(&self, epoch: usize) -> Option<&Stream> {
        self.streams.get(epoch - 1)?.as_ref()
    }

    /// True where the bus knows what the restored source does not.
    fn is_divided(&self) -> bool {
        let journal = &self.source.journal;
        self.stream(self.source.epoch()).is_some_and(|stream| stream.agreed(journal) < stream.last())
    }

    /// Up to where the reader must have done what the journal says.
    fn bound(&self) -> usize {
        let position = self.database.position;
        match self.source.bases.get(position.epoch) {
            Some(base) => *base,
            None if self.is_divided() => {
                self.stream(position.epoch).map_or(0, |stream| stream.agreed(&self.source.journal))
            }
            None => self.source.journal.len(),
        }
    }
}

struct Steps<'a> {
    state: &'a State,
    found: Vec<(String, State)>,
}

impl Steps<'_> {
    fn add(&mut self, name: String, change: impl FnOnce(&mut State)) {
        let mut after = self.state.clone();
        change(&mut after);
        if after != *self.state {
            self.found.push((name, after));
        }
    }
}

impl World {
    fn source_steps(&self, steps: &mut Steps<'_>) {
        let state = steps.state;
        if usize::from(state.numbered) < self.events {
            steps.add("an event is numbered".to_owned(), |after| {
                after.numbered += 1;
                after.source.journal.push(after.numbered);
            });
        }
        for at in 0..self.relays {
            self.relay_steps(steps, at);
        }
        if state.relays.iter().any(|(relay, _)| *relay == Relay::Refuses) && state.is_divided() {
            steps.add("the operator begins an epoch".to_owned(), |after| self.begin_epoch(after));
        }
        if state.source_restores > 0 {
            match &state.source_backup {
                None => steps.add("the source is backed up".to_owned(), |after| {
                    after.source_backup = Some(after.source.clone());
                }),
                Some(backup) => steps.add("the source is restored".to_owned(), |after| {
                    after.source = backup.clone();
                    after.source_backup = None;
                    after.source_restores -= 1;
                    after.relays.iter_mut().for_each(|(relay, _)| *relay = Relay::Off);
                    if !self.arrives_late {
                        after.relays.iter_mut().for_each(|(_, wire)| wire.clear());
                    }
                }),
            }
        }
    }

    fn relay_steps(&self, steps: &mut Steps<'_>, at: usize) {
        let state = steps.state;
        let (relay, wire) = &state.relays[at];
        match *relay {
            Relay::Off => {
                steps.add(format!("relay {at} compares stream and journal"), |after| self.agree(after, at))
            }
            Relay::On { next } if next <= state.source.journal.len() && wire.len() < WINDOW => {
                steps.add(format!("relay {at} sends {next}"), |after| {
                    let (epoch, event) = (after.source.epoch(), after.source.journal[next - 1]);
                    after.relays[at].1.push(Sent { epoch, seq: next, event });
                    after.relays[at].0 = Relay::On { next: next + 1 };
                    if self.wrong == Some(Wrong::OwnWatermark) {
                        after.source.watermark = next;
                    }
                });
            }
            Relay::On { .. } if wire.is_empty() && self.wrong != Some(Wrong::NeverLooksAgain) => {
                steps.add(format!("relay {at} looks again"), |after| after.relays[at].0 = Relay::Off);
            }
            Relay::On { .. } | Relay::Refuses => {}
        }
        if let Some(sent) = wire.first().copied() {
            steps.add(format!("the bus gets {} of relay {at}", sent.seq), |after| self.take(after, at, sent));
        }
        if state.crashes > 0 && !(*relay == Relay::Off && wire.is_empty()) {
            steps.add(format!("relay {at} is killed"), |after| {
                after.crashes -= 1;
                after.relays[at].0 = Relay::Off;
            });
            steps.add(format!("relay {at} is cut off"), |after| {
                after.crashes -= 1;
                after.relays[at] = (Relay::Off, Vec::new());
            });
        }
    }

    fn agree(&self, state: &mut State, at: usize) {
        let Source { journal, watermark, .. } = &state.source;
        let (epoch, base) = (state.source.epoch(), state.source.base());
        let next = match state.stream(epoch) {
            None => {
                let made = Stream { before_first: base, events: Vec::new() };
                let next = if self.wrong == Some(Wrong::OwnWatermark) { watermark + 1 } else { base + 1 };
                state.streams[epoch - 1] = Some(made);
                Some(next)
            }
            Some(_) if self.wrong == Some(Wrong::OwnWatermark) => Some(watermark + 1),
            Some(stream) => {
                let last = stream.last();
                let is_same = match self.wrong {
                    Some(Wrong::NumbersOnly) => true,
                    Some(Wrong::LastIdOnly) => stream.at(last) == journal.get(last.wrapping_sub(1)).copied(),
                    _ => stream.agreed(journal) == last,
                };
                (last <= journal.len() && is_same).then_some(last + 1)
            }
        };
        state.relays[at].0 = next.map_or(Relay::Refuses, |next| Relay::On { next });
    }

    /// The server's own check, and what became of it.
    fn take(&self, state: &mut State, at: usize, sent: Sent) {
        state.relays[at].1.remove(0);
        // An older epoch's stream has other subjects by now.
        let newest = state.streams.iter().rposition(Option::is_some).map(|place| place + 1);
        let stream = state.streams[sent.epoch - 1].as_mut().filter(|_| newest == Some(sent.epoch));
        let follows =
            |stream: &Stream| stream.last() + 1 == sent.seq || self.wrong == Some(Wrong::NoExpectedSequence);
        match stream.filter(|stream| follows(stream)) {
            Some(stream) => stream.events.push(sent.event),
            None => state.relays[at].0 = Relay::Off,
        }
    }

    fn begin_epoch(&self, state: &mut State) {
        let Some(stream) = state.stream(state.source.epoch()) else { return };
        let agreed = stream.agreed(&state.source.journal);
        let base = match self.wrong {
            Some(Wrong::BaseIsLast) => stream.last().min(state.source.journal.len()),
            _ => agreed,
        };
        state.source.bases.push(base);
        state.streams.push(Some(Stream { before_first: base, events: Vec::new() }));
        state.relays.iter_mut().for_each(|(relay, _)| *relay = Relay::Off);
    }

    fn bus_steps(&self, steps: &mut Steps<'_>) {
        let newest = steps.state.source.epoch() - 1;
        if steps.state.tail_losses > 0 {
            steps.add("the bus loses its last event".to_owned(), |after| {
                if after.streams[newest].as_mut().and_then(|stream| stream.events.pop()).is_some() {
                    after.tail_losses -= 1;
                }
            });
        }
        if steps.state.store_losses > 0 {
            steps.add("the bus loses its store".to_owned(), |after| {
                after.store_losses -= 1;
                after.streams.fill(None);
                // With its server: every connection ends.
                after.relays.fill((Relay::Off, Vec::new()));
                after.readers.fill(Reader::Off);
            });
        }
    }

    fn reader_steps(&self, steps: &mut Steps<'_>, at: usize) {
        let state = steps.state;
        match state.readers[at] {
            Reader::Off => self.session_steps(steps, at),
            Reader::At(position) => {
                let is_over = state.source.bases.get(position.epoch).is_some();
                if let Some(event) =
                    state.stream(position.epoch).and_then(|stream| stream.at(position.seq + 1))
                {
                    steps.add(format!("reader {at} gets {}", position.seq + 1), |after| {
                        after.readers[at] = Reader::Holds { from: position, event };
                    });
                }
                if is_over || state.stream(position.epoch).is_none_or(|stream| stream.last() < position.seq) {
                    steps.add(format!("reader {at} looks again"), |after| after.readers[at] = Reader::Off);
                }
            }
            Reader::Holds { from, event } => {
                steps.add(format!("reader {at} commits"), |after| self.apply(after, at, (from, event)));
            }
            Reader::Between { from, event } => {
                steps.add(format!("reader {at} commits the other half"), |after| {
                    let done = next(from, event);
                    match self.wrong {
                        Some(Wrong::PositionFirst) => after.database.effects.push(event),
                        _ => after.database.position = done,
                    }
                    after.readers[at] = Reader::At(done);
                });
            }
        }
        if state.crashes > 0 && state.readers[at] != Reader::Off {
            steps.add(format!("reader {at} is killed"), |after| {
                after.crashes -= 1;
                after.readers[at] = Reader::Off;
            });
        }
    }

    /// A reader begins where its database says, if the stream holds there what was applied; or goes over to a new epoch.
    fn session_steps(&self, steps: &mut Steps<'_>, at: usize) {
        let state = steps.state;
        let position = state.database.position;
        let stream = state.stream(position.epoch);
        let base = state.source.bases.get(position.epoch).copied();
        let compares = self.wrong != Some(Wrong::ReaderComparesNothing);
        let holds_ours = |stream: &Stream| {
            stream.last() >= position.seq
                && (stream.at(position.seq) == position.event || position.seq == stream.before_first)
        };
        let is_good = stream.is_some_and(|stream| !compares || holds_ours(stream));
        let base = if self.wrong == Some(Wrong::BaseIgnored) {
            // It reads the old stream to its end.
            base.map(|_| stream.map_or(position.seq, Stream::last))
        } else {
            base
        };
        match base {
            Some(base) if position.seq >= base => {
                steps.add(format!("reader {at} goes over to the new epoch"), |after| {
                    let Database { position, effects, to_reconcile } = &mut after.database;
                    if self.wrong != Some(Wrong::BaseIgnored) {
                        to_reconcile.extend(effects.split_off(base.min(effects.len())));
                    }
                    *position =
                        Position { epoch: position.epoch + 1, seq: base, event: effects.last().copied() };
                });
            }
            Some(_) | None if is_good => {
                steps.add(format!("reader {at} begins"), |after| after.readers[at] = Reader::At(position));
            }
            // Before the base the source's feed has what the stream has lost.
            Some(_) if stream.is_none() => {
                let event = state.source.journal[position.seq];
                steps.add(format!("reader {at} asks the feed"), |after| {
                    after.readers[at] = Reader::Holds { from: position, event };
                });
            }
            Some(_) | None => {}
        }
    }

    fn apply(&self, state: &mut State, at: usize, (from, event): (Position, u8)) {
        let done = next(from, event);
        let is_ours = state.database.position == from || self.wrong == Some(Wrong::NoCompareAndSet);
        if !is_ours {
            state.readers[at] = Reader::Off;
            return;
        }
        state.readers[at] = Reader::At(done);
        match self.wrong {
            Some(Wrong::PositionFirst) => {
                state.database.position = done;
                state.readers[at] = Reader::Between { from, event };
            }
            Some(Wrong::EffectFirst) => {
                state.database.effects.push(event);
                state.readers[at] = Reader::Between { from, event };
            }
            _ => {
                state.database.effects.push(event);
                state.database.position = done;
            }
        }
    }

    fn restore_reader(&self, steps: &mut Steps<'_>) {
        let state = steps.state;
        if state.reader_restores == 0 {
            return;
        }
        match &state.database_backup {
            None => steps.add("the reader's database is backed up".to_owned(), |after| {
                after.database_backup = Some(after.database.clone());
            }),
            Some(backup) => steps.add("the reader's database is restored".to_owned(), |after| {
                let position = after.database.position;
                after.database = backup.clone();
                if self.wrong == Some(Wrong::PositionOnTheBus) {
                    after.database.position = position;
                }
                after.database_backup = None;
                after.reader_restores -= 1;
                after.readers.fill(Reader::Off);
            }),
        }
    }
}

fn next(from: Position, event: u8) -> Position {
    Position { seq: from.seq + 1, event: Some(event), ..from }
}

impl Protocol for World {
    type State = State;

    fn begin(&self) -> State {
        let position = Position { epoch: 1, seq: 0, event: None };
        State {
            source: Source { journal: Vec::new(), bases: vec![0], watermark: 0 },
            source_backup: None,
            numbered: 0,
            streams: vec![None],
            relays: vec![(Relay::Off, Vec::new()); self.relays],
            database: Database { position, effects: Vec::new(), to_reconcile: Vec::new() },
            database_backup: None,
            readers: vec![Reader::Off; self.readers],
            crashes: self.crashes,
            tail_losses: self.tail_losses,
            store_losses: self.store_losses,
            source_restores: self.source_restores,
            reader_restores: self.reader_restores,
        }
    }

    fn steps(&self, state: &State) -> Vec<(String, State)> {
        let mut steps = Steps { state, found: Vec::new() };
        self.source_steps(&mut steps);
        self.bus_steps(&mut steps);
        for at in 0..self.readers {
            self.reader_steps(&mut steps, at);
        }
        self.restore_reader(&mut steps);
        steps.found
    }

    fn broken(&self, state: &State) -> Option<&'static str> {
        let Database { position, effects, .. } = &state.database;
        let mut once = effects.clone();
        once.sort_unstable();
        if once.windows(2).any(|pair| pair[0] == pair[1]) {
            return Some(TWICE);
        }
        // Between two transactions nothing can be said yet; and a reader that does not begin does no harm.
        let is_at_work = |reader: &Reader| matches!(reader, Reader::At(_) | Reader::Holds { .. });
        if !state.readers.iter().any(is_at_work) {
            return None;
        }
        let bound = state.bound().min(position.seq);
        let is_missing = effects.len() < bound || effects[..bound] != state.source.journal[..bound];
        is_missing.then_some(AMISS)
    }

    fn is_goal(&self, state: &State) -> bool {
        usize::from(state.numbered) == self.events
            && !state.is_divided()
            && state.database.position.epoch == state.source.epoch()
            && state.database.effects == state.source.journal
    }
}
