//! Who may do what on the bus (`events.md` §8): pure lists of subjects, from which the servers' users are made.
//!
//! A right on a subject is not enough of a fence around JetStream. Whoever may *ask* it anything says where the answer goes,
//! and the server delivers there with rights of its own: an answer, a message fetched from a stream, what a consumer pushes
//! or a stream republishes, all land in another's stream where that takes the subject (tried with 2.15.1; the tests show
//! it). Therefore
//! - an outside subscriber lives in an account of his own, where no stream is: his questions are carried over and their
//!   answers brought back to him, wherever he wanted them. His consumers are made for him, he creates none;
//! - a service lives in the account of the streams, and is held to its subjects; that nothing which came by such a detour
//!   has an effect is the reader's matter: only the relay's own publish bears the header that names the stream, because
//!   a stream stores none that names another (`received.rs`).
//!
//! NATS knows wildcards for whole words only, and an epoch's number is a part of one (`STEWARD_SUPPORT_E1`): the streams of
//! the first [`EPOCHS`] epochs are named one by one. An epoch begins when a database was restored behind the bus, so a
//! service that has used them up has been restored fifteen times; then the number here is raised.

use crate::bus::stream_name;
use kernel::BranchId;
use std::ops::RangeInclusive;

/// The epochs whose streams the rights name.
pub const EPOCHS: RangeInclusive<i32> = 1..=16;

/// The account in which the streams and the services are.
pub const ACCOUNT: &str = "STEWARD";

/// The prefix under which a subscriber finds the API of JetStream (his own account has none).
pub const SUBSCRIBER_API: &str = "STEWARD.API";

/// The most branches a subscriber can be held to: each is one filter for every kind of thing.
pub const MOST_BRANCHES: usize = 64;

/// Everything one may publish and subscribe to; whatever is not named is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Subjects that may be published to.
    pub publish: Vec<String>,
    /// Subjects that may be subscribed to.
    pub subscribe: Vec<String>,
}

/// Where the answers to a user's questions arrive; nobody else's may be read.
pub fn inbox_prefix(user: &str) -> String {
    format!("_INBOX_{user}")
}

/// What a service may do: publish its own events, keep its own streams, and read its own and those it declared.
pub fn of_service<'a>(service: &str, sources: impl IntoIterator<Item = &'a str>) -> Allowed {
    // Which stream takes a service's subjects is asked by name: the newest epoch's does.
    let mut publish = vec![format!("steward.v1.{service}.>"), "$JS.API.STREAM.NAMES".to_owned()];
    for epoch in EPOCHS {
        let stream = stream_name(service, epoch);
        // Making it, retargeting an old one's subjects, deleting an empty or a lost one (relay, `events.md` §3).
        publish.extend(["CREATE", "UPDATE", "DELETE"].map(|verb| format!("$JS.API.STREAM.{verb}.{stream}")));
        publish.extend(reading(&stream));
    }
    for source in sources.into_iter().filter(|source| *source != service) {
        publish.extend(EPOCHS.flat_map(|epoch| reading(&stream_name(source, epoch))));
    }
    Allowed { publish, subscribe: vec![format!("{}.>", inbox_prefix(service))] }
}

/// All that reading a stream in order asks of JetStream: where it stands, a message by its number, an ordered consumer
/// (the server gives the first one's name, the library those that follow), and to have it no longer.
fn reading(stream: &str) -> [String; 7] {
    [
        format!("$JS.API.STREAM.INFO.{stream}"),
        format!("$JS.API.STREAM.MSG.GET.{stream}"),
        format!("$JS.API.CONSUMER.CREATE.{stream}"),
        format!("$JS.API.CONSUMER.CREATE.{stream}.*"),
        format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.*"),
        format!("$JS.API.CONSUMER.INFO.{stream}.*"),
        format!("$JS.API.CONSUMER.DELETE.{stream}.*"),
    ]
}

/// Everything, for the operator's verbs; never given to a service.
pub fn of_operator() -> Allowed {
    Allowed { publish: vec![">".to_owned()], subscribe: vec![">".to_owned()] }
}

/// A question of another account that is carried over to the streams' account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// As it is asked there.
    pub subject: String,
    /// As he asks it; a `$1` stands for what the first `*` of `subject` is. The same where it is missing.
    pub asked_as: Option<String>,
}

/// The questions that the streams' account answers others at all, as their server's export names them, and whether
/// one question has many answers. Which account may ask which of them is said at that account.
pub const ANSWERED: [(&str, bool); 3] =
    [("$JS.API.CONSUMER.MSG.NEXT.*.*", true), ("$JS.API.CONSUMER.INFO.*.*", false), ("$JS.ACK.>", false)];

/// Somebody outside who reads events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    name: String,
    branches: Vec<BranchId>,
    pay: bool,
}

/// Why nobody can be a subscriber like this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscriberError {
    /// Its name becomes a word of a subject and of an account's name.
    #[error("a subscriber's name is 2 to 32 small letters, digits and _, and begins with a letter")]
    Name,
    /// A name that the bus knows already.
    #[error("{0} is the name of a service")]
    Service(String),
    /// Too many filters.
    #[error("a subscriber has at most {MOST_BRANCHES} branches; without any he has all of them")]
    Branches,
}

/// The kinds of things that another system is told of, of each service. Those that say what somebody is paid, or what is
/// taken from his pay, need the scope `pay`; what a service records for itself alone is told to nobody outside.
const TOLD: [(&str, &[&str], &[&str]); 4] = [
    ("support", &["call", "callback", "clock", "complaint", "contact", "customer", "promise"], &["penalty"]),
    ("hr", &["attendance", "branch", "employee"], &["deduction", "payrun", "payslip"]),
    ("workforce", &["certificate", "retraining", "standing", "worker"], &[]),
    ("contracts", &["collection", "contract", "pricebook", "quote", "service", "visit"], &[]),
];

impl Subscriber {
    /// Somebody who reads what happens in these branches (in all of them where none is named) and in the network as a
    /// whole, but for what somebody is paid and fined ([`Subscriber::with_pay`]).
    ///
    /// # Errors
    /// Where the name cannot be one, or the branches are too many.
    pub fn new(name: &str, branches: &[BranchId]) -> Result<Self, SubscriberError> {
        let is_good = (2..=32).contains(&name.len())
            && name.starts_with(|sign: char| sign.is_ascii_lowercase())
            && name.chars().all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_');
        if !is_good {
            return Err(SubscriberError::Name);
        }
        if TOLD.iter().any(|(service, ..)| *service == name) {
            return Err(SubscriberError::Service(name.to_owned()));
        }
        let mut branches = branches.to_vec();
        branches.sort_by_key(ToString::to_string);
        branches.dedup();
        if branches.len() > MOST_BRANCHES {
            return Err(SubscriberError::Branches);
        }
        Ok(Self { name: name.to_owned(), branches, pay: false })
    }

    /// Also what somebody is paid and fined.
    #[must_use]
    pub fn with_pay(self) -> Self {
        Self { pay: true, ..self }
    }

    /// What he is called, and his consumer on each stream.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of his account.
    pub fn account(&self) -> String {
        format!("SUBSCRIBER_{}", self.name.to_ascii_uppercase())
    }

    /// The subjects of a service's stream that are delivered to him; none where the service tells outsiders nothing.
    pub fn filters(&self, service: &str) -> Vec<String> {
        let Some((_, open, pay)) = TOLD.iter().find(|(name, ..)| *name == service) else { return Vec::new() };
        let places = match self.branches.as_slice() {
            [] => vec!["*".to_owned()],
            some => some.iter().map(ToString::to_string).chain(["net".to_owned()]).collect(),
        };
        let kinds = || open.iter().chain(if self.pay { *pay } else { &[] });
        places
            .iter()
            .flat_map(|place| kinds().map(move |kind| format!("steward.v1.{service}.{place}.{kind}.*")))
            .collect()
    }

    /// What he may do in his own account: ask for the next events of his consumers, say that he has them, and see how
    /// many are left.
    pub fn allowed(&self) -> Allowed {
        let name = &self.name;
        Allowed {
            publish: vec![
                format!("{SUBSCRIBER_API}.CONSUMER.MSG.NEXT.*.{name}"),
                format!("{SUBSCRIBER_API}.CONSUMER.INFO.*.{name}"),
                format!("$JS.ACK.*.{name}.>"),
            ],
            subscribe: vec![format!("{}.>", inbox_prefix(name))],
        }
    }

    /// What of that is carried over to the streams' account.
    pub fn carried(&self) -> [Carried; 3] {
        let name = &self.name;
        let asked = |verb: &str| Carried {
            subject: format!("$JS.API.CONSUMER.{verb}.*.{name}"),
            asked_as: Some(format!("{SUBSCRIBER_API}.CONSUMER.{verb}.$1.{name}")),
        };
        let said = Carried { subject: format!("$JS.ACK.*.{name}.>"), asked_as: None };
        [asked("MSG.NEXT"), asked("INFO"), said]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_service_publishes_its_own_events_keeps_its_own_streams_and_reads_what_it_declared() {
        let Allowed { publish, subscribe } = of_service("hr", ["support", "hr"]);
        let may = |subject: &str| publish.iter().any(|allowed| allowed == subject);
        assert_eq!(subscribe, ["_INBOX_hr.>"]);
        let events: Vec<&String> = publish.iter().filter(|subject| !subject.starts_with('$')).collect();
        assert_eq!(events, ["steward.v1.hr.>"]);
        for allowed in ["STREAM.UPDATE.STEWARD_HR_E16", "CONSUMER.CREATE.STEWARD_SUPPORT_E1.*"] {
            assert!(may(&format!("$JS.API.{allowed}")), "{allowed}");
        }
        for refused in [
            "STREAM.CREATE.STEWARD_SUPPORT_E1",
            "STREAM.DELETE.STEWARD_SUPPORT_E1",
            "CONSUMER.CREATE.STEWARD_CONTRACTS_E1",
            "STREAM.PURGE.STEWARD_HR_E1",
        ] {
            assert!(!may(&format!("$JS.API.{refused}")), "{refused}");
        }
        let is_wild = |subject: &&String| subject.contains('>') || subject.contains(".*.");
        assert_eq!(publish.iter().filter(is_wild).count(), 1, "no stream is meant by a wildcard");
        let mut once = publish.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), publish.len(), "its own stream is named once");
    }

    #[test]
    fn without_the_scope_nobody_outside_hears_of_pay_and_of_no_other_branch() {
        let branch = BranchId::of(Uuid::from_u128(7));
        let plain = Subscriber::new("acme", &[branch, branch]).expect("a subscriber");
        let hr = plain.filters("hr");
        assert_eq!(hr.len(), 6, "three kinds, in his branch and in the network");
        assert!(
            hr.contains(&format!("steward.v1.hr.{branch}.employee.*"))
                && hr.contains(&"steward.v1.hr.net.branch.*".to_owned())
        );
        let all = Subscriber::new("acme", &[]).expect("a subscriber").with_pay();
        let pay = ["payslip", "payrun", "deduction", "penalty"];
        for (service, ..) in TOLD {
            let names = |filters: &[String]| {
                pay.iter().any(|kind| filters.iter().any(|filter| filter.contains(kind)))
            };
            assert!(!names(&plain.filters(service)), "{service}");
            assert_eq!(names(&all.filters(service)), ["support", "hr"].contains(&service), "{service}");
        }
        assert_eq!(plain.filters("gamma"), Vec::<String>::new());
    }

    #[test]
    fn a_name_is_one_word_of_a_subject_and_nobody_elses() {
        for bad in ["", "a", "Acme", "a.b", "a*", "a>", "_a", "1a", &"a".repeat(33)] {
            assert_eq!(Subscriber::new(bad, &[]), Err(SubscriberError::Name), "{bad}");
        }
        assert_eq!(Subscriber::new("hr", &[]), Err(SubscriberError::Service("hr".to_owned())));
        let many: Vec<BranchId> = (0..=64).map(|number| BranchId::of(Uuid::from_u128(number))).collect();
        assert_eq!(Subscriber::new("acme", &many), Err(SubscriberError::Branches));
    }
}
