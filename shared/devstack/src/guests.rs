//! Who else than the operator may use the bus: the accounts of NATS's configuration.
//!
//! Streams and users are in one account; each guest is in one of his own, and the questions that are carried over from
//! there are all that he can reach. Whoever is not named here is refused. What anybody may do is handed in: this crate
//! knows no service.

use std::fmt::Write;

/// Everybody who may use the bus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BusRights {
    /// Where the streams are: letters and `_`; the operator's own, who is there always.
    pub users: Vec<BusUser>,
    /// Questions that the streams' account answers to guests, and whether one question has many answers.
    pub answered: Vec<(String, bool)>,
    /// Those who are not in it.
    pub guests: Vec<BusGuest>,
}

/// One user, by his key, and all that he may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusUser {
    /// The public half of his key (an nkey, `U…`), or a variable of the configuration that holds it (`$NAME`).
    pub key: String,
    /// Subjects that he may publish to.
    pub publish: Vec<String>,
    /// Subjects that he may subscribe to.
    pub subscribe: Vec<String>,
}

/// A user in an account of his own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusGuest {
    /// His account's name.
    pub account: String,
    /// He himself.
    pub user: BusUser,
    /// What is carried over to the streams' account: the subject there, and where it has another name, his.
    pub carried: Vec<(String, Option<String>)>,
}

/// The account in which the streams are.
pub(crate) const ACCOUNT: &str = "STEWARD";

/// What one guest may cost the server: connections, subscriptions and the size of a question.
const LIMITS: &str = "max_connections: 8, max_subscriptions: 64, max_payload: 4096";

impl BusRights {
    /// The block `accounts` of NATS's configuration. `operator` stands first among the users of the streams' account,
    /// `more` behind the last guest: both as the configuration has them.
    pub fn accounts(&self, operator: &str, more: &str) -> String {
        let mut text =
            format!("accounts {{\n  {ACCOUNT} {{\n    jetstream: enabled\n    users: [\n      {operator}\n");
        for user in &self.users {
            push(&mut text, format_args!("      {}\n", user.entry("      ")));
        }
        text.push_str("    ]\n    exports: [\n");
        for (subject, has_many) in &self.answered {
            let many = if *has_many { ", response_type: stream" } else { "" };
            push(&mut text, format_args!("      {{ service: {}{many} }}\n", quoted(subject)));
        }
        text.push_str("    ]\n  }\n");
        for guest in &self.guests {
            text.push_str(&guest.entry());
        }
        text.push_str(more);
        text.push_str("}\n");
        text
    }
}

impl BusUser {
    fn entry(&self, margin: &str) -> String {
        let list = |subjects: &[String]| -> String {
            subjects.iter().map(|subject| format!("\n{margin}    {}", quoted(subject))).collect()
        };
        format!(
            "{{ nkey: {}, permissions: {{\n{margin}  publish: {{ allow: [{}\n{margin}  ] }}\n{margin}  subscribe: {{ allow: [{}\n{margin}  ] }} }} }}",
            self.key,
            list(&self.publish),
            list(&self.subscribe)
        )
    }
}

impl BusGuest {
    /// His account in the block `accounts`.
    pub fn entry(&self) -> String {
        let mut text = format!("  {} {{\n    limits: {{ {LIMITS} }}\n    users: [\n", self.account);
        push(&mut text, format_args!("      {}\n    ]\n    imports: [\n", self.user.entry("      ")));
        for (subject, asked_as) in &self.carried {
            let to = asked_as.as_deref().map_or_else(String::new, |name| format!(", to: {}", quoted(name)));
            let service = format_args!("{{ account: {ACCOUNT}, subject: {} }}", quoted(subject)).to_string();
            push(&mut text, format_args!("      {{ service: {service}{to} }}\n"));
        }
        text.push_str("    ]\n  }\n");
        text
    }
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // A string takes whatever is written to it.
    let _ = text.write_fmt(more);
}

/// A word of the configuration, whatever signs it has.
pub(crate) fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_named_with_what_he_may_do_and_nobody_else() {
        let user = |key: &str| BusUser {
            key: key.to_owned(),
            publish: vec!["own.>".to_owned()],
            subscribe: vec!["_INBOX_own.>".to_owned()],
        };
        let rights = BusRights {
            users: vec![user("UOWN")],
            answered: vec![("ask.*".to_owned(), true)],
            guests: vec![BusGuest {
                account: "GUEST".to_owned(),
                user: user("$GUEST_KEY"),
                carried: vec![("ask.*".to_owned(), Some("far.ask.$1".to_owned()))],
            }],
        };
        let text = rights.accounts("{ user: op }", "  include more.conf\n");
        let squeezed: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let permissions =
            "permissions: { publish: { allow: [ \"own.>\" ] } subscribe: { allow: [ \"_INBOX_own.>\" ] } } }";
        assert_eq!(
            squeezed,
            format!(
                "accounts {{ STEWARD {{ jetstream: enabled users: [ {{ user: op }} {{ nkey: UOWN, {permissions} ] \
                 exports: [ {{ service: \"ask.*\", response_type: stream }} ] }} GUEST {{ limits: {{ {LIMITS} }} \
                 users: [ {{ nkey: $GUEST_KEY, {permissions} ] imports: [ {{ service: {{ account: STEWARD, \
                 subject: \"ask.*\" }}, to: \"far.ask.$1\" }} ] }} include more.conf }}"
            )
        );
    }
}
