//! What the events of a thing say that not everybody who may see the thing may read (`access.md` §2): a worker his
//! visit, but not its price. A room names the members ([`Shown::hidden`](crate::Shown::hidden)), the house leaves them out.

use events::Envelope;
use serde_json::Value;
use serde_json::value::RawValue;

/// An event's data without these members.
pub(crate) fn without(data: &Value, hidden: &[&str]) -> Value {
    let mut data = data.clone();
    if let Value::Object(members) = &mut data {
        members.retain(|name, _| !hidden.contains(&name.as_str()));
    }
    data
}

/// Events without these members of their data.
pub(crate) fn all_without(events: Vec<Envelope>, hidden: &[&str]) -> Vec<Envelope> {
    if hidden.is_empty() {
        return events;
    }
    let one = |event: Envelope| {
        let data = serde_json::from_str(event.data.get()).expect("a raw value is JSON");
        let data: Box<RawValue> =
            serde_json::value::to_raw_value(&without(&data, hidden)).expect("plain data");
        Envelope { data, ..event }
    };
    events.into_iter().map(one).collect()
}
