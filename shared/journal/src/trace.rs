//! Traces: one id from a request over the bus to its effects in other services (W3C Trace Context; `operations.md` §1).
//!
//! What stands in a journal row, in its envelope and in the NATS header is the span that wrote it; whoever goes on from
//! there is its child. The ids are made here and not by an exporter, so that they are the same in journal, log and
//! collector, and are there where nobody collects anything. `tracestate` is others' and is not passed on.

use events::Envelope;
use std::fmt;
use tracing::Span;
use uuid::Uuid;

/// The flag of a trace that whoever began it wants collected.
const SAMPLED: u8 = 1;

/// One span of a trace: what a `traceparent` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    trace_id: u128,
    span_id: u64,
    is_sampled: bool,
}

impl Trace {
    /// Reads a `traceparent`; `None` for whatever the standard calls invalid: it is then as if there were none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut next = |length| parts.next().filter(|part| is_hex(part, length));
        let (version, trace_id, span_id, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        // A later version may say more behind these; the first one may not, and `ff` is none.
        if version == "ff" || version == "00" && parts.next().is_some() {
            return None;
        }
        let trace_id = u128::from_str_radix(trace_id, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span_id, 16).ok().filter(|id| *id != 0)?;
        let flags = u8::from_str_radix(flags, 16).ok()?;
        Some(Self { trace_id, span_id, is_sampled: flags & SAMPLED == SAMPLED })
    }

    /// A trace that begins here.
    pub fn fresh() -> Self {
        Self { trace_id: random().as_u128(), span_id: fresh_span(), is_sampled: true }
    }

    /// The next span of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span_id: fresh_span(), ..self }
    }

    /// The trace: 32 hexadecimal digits.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The span: 16 hexadecimal digits.
    pub fn span_id(self) -> String {
        format!("{:016x}", self.span_id)
    }

    /// Whether whoever began the trace wants it collected.
    pub const fn is_sampled(self) -> bool {
        self.is_sampled
    }
}

impl fmt::Display for Trace {
    /// As a `traceparent`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = if self.is_sampled { SAMPLED } else { 0 };
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace_id, self.span_id)
    }
}

/// Uppercase is invalid in a `traceparent`.
fn is_hex(part: &str, length: usize) -> bool {
    part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Six of its bits are fixed and not zero, so it is never the nil one that the standard forbids.
#[expect(clippy::disallowed_methods, reason = "ids of spans are made here, outside every rule")]
fn random() -> Uuid {
    Uuid::new_v4()
}

fn fresh_span() -> u64 {
    // 122 of the 128 bits are random, and the six fixed ones never meet: each bit of the sum is random.
    let (high, low) = random().as_u64_pair();
    (high ^ low).max(1)
}

/// What an event of another service causes: the child of the span that wrote it. The `traceparent` for the journal rows
/// of the effect, and the span it runs in.
pub(crate) fn effect(envelope: &Envelope, reader: &str) -> (Option<String>, Span) {
    let cause = envelope.traceparent.as_deref().and_then(Trace::parse);
    let own = cause.map_or_else(Trace::fresh, Trace::child);
    let span = tracing::info_span!(
        "effect",
        otel.kind = "consumer",
        trace_id = own.trace_id(),
        span_id = own.span_id(),
        parent_id = cause.map(Trace::span_id),
        sampled = own.is_sampled(),
        service = reader,
        event.type = envelope.event_type,
        event.id = %envelope.id,
        seq = envelope.seq,
    );
    (Some(own.to_string()), span)
}

/// What time causes begins a trace of its own.
pub(crate) fn firing(kind: &'static str) -> (Option<String>, Span) {
    let own = Trace::fresh();
    let span = tracing::info_span!(
        "timer",
        otel.kind = "internal",
        trace_id = own.trace_id(),
        span_id = own.span_id(),
        sampled = own.is_sampled(),
        timer.kind = kind,
    );
    (Some(own.to_string()), span)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_the_standard_says_or_not_at_all() {
        let read = Trace::parse(GIVEN).expect("it is valid");
        assert_eq!(read.to_string(), GIVEN);
        assert!(read.is_sampled());
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02-more";
        assert!(!Trace::parse(later).expect("a later version may say more").is_sampled());
        for wrong in [
            "",
            "00-x-y-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Trace::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_child_keeps_the_trace_and_is_another_span() {
        let parent = Trace::parse(GIVEN).expect("it is valid");
        let child = parent.child();
        assert_eq!((child.trace_id(), child.is_sampled()), (parent.trace_id(), true));
        assert_ne!(child.span_id(), parent.span_id());
        let fresh = Trace::fresh();
        assert_ne!(fresh.trace_id(), Trace::fresh().trace_id());
        assert_eq!(Trace::parse(&fresh.to_string()), Some(fresh));
    }
}
