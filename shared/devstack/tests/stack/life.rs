//! The whole life of a stack: start, stop, faults of servers and of owners, repairs.

use std::fs;

use devstack::{Durability, Progress, Stack};

use crate::stage::{answers, assert_kept, database, eventually, options, owner, start, write};

#[tokio::test]
async fn a_throwaway_stack_answers_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path(), Durability::Throwaway);
    let stack = start(&options).await;
    write((stack.postgres_url(), stack.nats_url())).await;
    assert_kept(&stack).await;
    let mut connection = database(stack.postgres_url()).await;
    let fsync: String = sqlx::query_scalar("SHOW fsync").fetch_one(&mut connection).await.unwrap();
    assert_eq!(fsync, "off");
    let (postgres, nats) = (stack.postgres_url().to_owned(), stack.nats_url().to_owned());
    stack.stop().await.unwrap();
    assert!(!answers(&postgres) && !answers(&nats));
    assert!(!options.data_dir.exists());
}

#[tokio::test]
async fn data_passwords_and_ports_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path(), Durability::Durable);
    let stack = start(&options).await;
    write((stack.postgres_url(), stack.nats_url())).await;
    let urls = (stack.postgres_url().to_owned(), stack.nats_url().to_owned());
    stack.stop().await.unwrap();
    let stack = start(&options).await;
    assert_eq!(urls, (stack.postgres_url().to_owned(), stack.nats_url().to_owned()));
    assert_kept(&stack).await;
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn servers_stop_when_their_owner_is_killed_and_the_next_owner_has_their_data() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path(), Durability::Durable);
    let (mut first, postgres, nats) = owner(&options.data_dir, &[]);
    write((&postgres, &nats)).await;
    first.kill().unwrap();
    first.wait().unwrap();
    let stack = start(&options).await;
    assert_kept(&stack).await;
    stack.stop().await.unwrap();

    let (mut second, postgres, nats) = owner(&options.data_dir, &[]);
    second.kill().unwrap();
    second.wait().unwrap();
    eventually("both servers stop", || !answers(&postgres) && !answers(&nats)).await;
}

#[tokio::test]
async fn a_killed_owner_of_a_throwaway_stack_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let (mut owner, postgres, nats) = owner(&data_dir, &["--throwaway"]);
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("the files are deleted", || !data_dir.exists()).await;
    assert!(!answers(&postgres) && !answers(&nats));
}

#[tokio::test]
async fn a_second_owner_is_refused_with_the_name_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path(), Durability::Throwaway);
    let (mut first, ..) = owner(&options.data_dir, &["--throwaway"]);
    let refusal = Stack::start(&options, &|_| {}).await.unwrap_err().to_string();
    assert!(
        refusal.contains(&format!("process {} already runs on this data directory", first.id())),
        "{refusal}"
    );
    first.kill().unwrap();
    first.wait().unwrap();
    eventually("the files are deleted", || !options.data_dir.exists()).await;
}

#[tokio::test]
async fn half_made_databases_are_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path(), Durability::Durable);
    let (torn, unfinished) = (options.data_dir.join("postgres"), options.data_dir.join("postgres.new-1"));
    for half in [&torn, &unfinished] {
        fs::create_dir_all(half).unwrap();
        fs::write(half.join("PG_VERSION"), "18\n").unwrap();
    }
    let repaired = std::sync::Mutex::new(Vec::new());
    let note = |step: &Progress| {
        if let Progress::Repaired { what } = step {
            repaired.lock().unwrap().push(what.clone());
        }
    };
    let stack = Stack::start(&options, &note).await.unwrap();
    database(stack.postgres_url()).await;
    stack.stop().await.unwrap();
    assert!(repaired.lock().unwrap()[0].contains("half-made"));
    assert!(options.data_dir.join("postgres.broken").exists() && !unfinished.exists());
}

#[tokio::test]
async fn killed_servers_come_back_with_their_data() {
    let dir = tempfile::tempdir().unwrap();
    let mut stack = start(&options(dir.path(), Durability::Durable)).await;
    write((stack.postgres_url(), stack.nats_url())).await;
    assert!(!stack.ensure_running().await.unwrap());
    // A worker in the middle of a long computation does not notice by itself that its server is dead.
    let mut busy = database(stack.postgres_url()).await;
    let work = tokio::spawn(async move {
        sqlx::raw_sql("SELECT count(*) FROM generate_series(1, 100000000000)").execute(&mut busy).await
    });
    stack.kill_postgres();
    stack.kill_nats();
    eventually("both servers end", || !answers(stack.postgres_url()) && !answers(stack.nats_url())).await;
    assert!(stack.ensure_running().await.unwrap());
    assert_kept(&stack).await;
    assert!(work.await.unwrap().is_err());
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_durable_directory_never_becomes_a_throwaway_one() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path(), Durability::Throwaway);
    fs::create_dir_all(&options.data_dir).unwrap();
    fs::write(options.data_dir.join("letter.txt"), "dear").unwrap();
    let refusal = Stack::start(&options, &|_| {}).await.unwrap_err().to_string();
    assert!(refusal.contains("holds files of others"), "{refusal}");
    assert!(options.data_dir.join("letter.txt").exists());
}
