//! Who may use the bus: those who are let in, and nobody else, whatever the server goes through.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use async_nats::ConnectOptions;
use devstack::{BusRights, BusUser, Durability, Options};
use nkeys::KeyPair;

use crate::stage::{Scratch, assert_kept, options, start, write};

fn rights(key: &str) -> BusRights {
    let user = BusUser {
        key: key.to_owned(),
        publish: vec!["own.>".to_owned()],
        subscribe: vec!["_INBOX.>".to_owned(), "own.>".to_owned()],
    };
    BusRights { users: vec![user], ..BusRights::default() }
}

fn server_file(options: &Options, name: &str) -> PathBuf {
    fs::read_link(options.data_dir.join("servers")).unwrap_or_else(|_| options.data_dir.clone()).join(name)
}

#[tokio::test]
async fn who_is_let_in_stays_so_when_the_server_is_killed() {
    let dir = Scratch::new();
    let options = options(dir.path(), Durability::Throwaway);
    let mut stack = start(&options).await;
    let pair = KeyPair::new_user();
    let (seed, key) = (pair.seed().unwrap(), pair.public_key());
    let connect = async |stack: &devstack::Stack| {
        ConnectOptions::with_nkey(seed.clone()).connect(stack.nats_address()).await
    };
    assert!(connect(&stack).await.is_err(), "not let in yet");
    assert!(stack.admit(&rights(&key)).await.unwrap());
    assert!(stack.admit(&rights(&key)).await.unwrap(), "again is nothing new");
    connect(&stack).await.unwrap();
    let file = server_file(&options, "nats/nats.conf");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(&key) && !text.contains(&seed), "the server is told the public half only");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    stack.kill_nats();
    assert!(stack.ensure_running().await.unwrap());
    connect(&stack).await.unwrap();
    stack.admit(&BusRights::default()).await.unwrap();
    assert!(connect(&stack).await.is_err(), "put out again");
    stack.stop().await.unwrap();
}

/// Streams of an installation from before there were accounts.
#[tokio::test]
async fn streams_that_belonged_to_everybody_are_given_to_their_account() {
    let dir = Scratch::new();
    let options = options(dir.path(), Durability::Durable);
    let stack = start(&options).await;
    write((stack.postgres_url(), stack.nats_url())).await;
    stack.stop().await.unwrap();
    let store = server_file(&options, "nats/jetstream");
    fs::rename(store.join("STEWARD"), store.join("$G")).unwrap();
    let stack = start(&options).await;
    assert_kept(&stack).await;
    stack.stop().await.unwrap();
}
