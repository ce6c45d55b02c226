//! The client of our own listener.

use anyhow::{Context, Result};

/// Whatever proxy the environment names is for the way out: the listener is on this machine.
pub(crate) fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build().context("no client for our own address")
}
