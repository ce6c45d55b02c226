//! Where the bus is, and as whom one comes to it.

use crate::Fault;
use crate::rights::inbox_prefix;
use async_nats::{ConnectOptions, ServerAddr};
use nkeys::{KeyPair, KeyPairType};
use std::fmt;

/// Where the bus is, and the key of a user of his own, where he has one.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// `nats://127.0.0.1:4222`, or several separated by commas: the nodes of one cluster. The first may carry a user and
    /// a password.
    pub url: String,
    /// The seed of the user's key (`SU…`). The server knows only its public half.
    pub seed: Option<String>,
}

impl Login {
    /// With the key of a user.
    pub fn with_seed(url: &str, seed: &str) -> Self {
        Self { url: url.to_owned(), seed: Some(seed.to_owned()) }
    }

    /// The addresses, and how to introduce oneself there. A user with a key reads answers at an inbox of his own name:
    /// he has no right to any other.
    pub(crate) fn prepare(&self, user: &str) -> Result<(Vec<ServerAddr>, ConnectOptions), Fault> {
        let addresses: Vec<ServerAddr> = self
            .url
            .split(',')
            .map(|address| match address.trim() {
                "" => Err(Fault::Bus("an address of the bus is missing between commas".to_owned())),
                address => address.parse().map_err(|error: std::io::Error| Fault::Bus(error.to_string())),
            })
            .collect::<Result<_, _>>()?;
        // The library takes no credentials from an address.
        let first = addresses.first();
        let options =
            match (&self.seed, first.and_then(ServerAddr::username), first.and_then(ServerAddr::password)) {
                (Some(seed), _, _) => {
                    // Else it is refused at every attempt, with a word that nobody understands.
                    public_key(seed)?;
                    ConnectOptions::with_nkey(seed.clone()).custom_inbox_prefix(inbox_prefix(user))
                }
                (None, Some(user), Some(password)) => {
                    ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
                }
                (None, Some(token), None) => ConnectOptions::with_token(token.to_owned()),
                (None, None, _) => ConnectOptions::new(),
            };
        Ok((addresses, options.name(user)))
    }
}

impl From<&str> for Login {
    fn from(url: &str) -> Self {
        Self { url: url.to_owned(), seed: None }
    }
}

impl From<&Login> for Login {
    fn from(login: &Login) -> Self {
        login.clone()
    }
}

/// Neither password nor seed.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("has_seed", &self.seed.is_some()).finish_non_exhaustive()
    }
}

/// Makes up the key of a new user; its seed.
///
/// # Errors
/// Never in practice: a fresh key has a seed.
pub fn fresh_seed() -> Result<String, Fault> {
    KeyPair::new(KeyPairType::User).seed().map_err(|error| Fault::Bus(error.to_string()))
}

/// The public half of a user's key, which the server is told (`U…`).
///
/// # Errors
/// When this is not the seed of a user's key.
pub fn public_key(seed: &str) -> Result<String, Fault> {
    let wrong = || Fault::Bus("the seed is not that of a user's key: it begins with SU".to_owned());
    let pair = KeyPair::from_seed(seed).map_err(|_| wrong())?;
    match pair.key_pair_type() {
        KeyPairType::User => Ok(pair.public_key()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_shows_its_secrets_to_nobody() {
        let seed = fresh_seed().expect("a seed");
        let login = Login::with_seed("nats://steward:secret@127.0.0.1:4222", &seed);
        let shown = format!("{login:?}");
        assert!(!shown.contains("secret") && !shown.contains(&seed), "{shown}");
    }

    #[test]
    fn a_seed_belongs_to_one_public_key_and_anything_else_is_refused() {
        let seed = fresh_seed().expect("a seed");
        assert!(seed.starts_with("SU"));
        let public = public_key(&seed).expect("its public half");
        assert!(public.starts_with('U') && public_key(&seed).ok() == Some(public));
        for wrong in ["", "SU", "UABC", KeyPair::new(KeyPairType::Account).seed().expect("a seed").as_str()] {
            assert!(public_key(wrong).is_err(), "{wrong}");
            assert!(Login::with_seed("nats://127.0.0.1:4222", wrong).prepare("hr").is_err());
        }
    }

    #[test]
    fn the_nodes_of_a_cluster_are_one_address() {
        let login = Login::from("nats://a:1@127.0.0.1:4222, nats://127.0.0.2:4222");
        let (addresses, _) = login.prepare("hr").expect("good");
        assert_eq!(addresses.len(), 2);
        assert!(Login::from("nats://127.0.0.1:4222,").prepare("hr").is_err());
    }
}
