//! The whole life of a stack: start, stop, faults of servers and of owners, repairs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use devstack::{Durability, Options, Product, Progress, Stack};

use crate::stage::{Scratch, answers, assert_kept, database, eventually, options, owner, start, write};

#[tokio::test]
async fn a_throwaway_stack_answers_and_leaves_nothing() {
    let dir = Scratch::new();
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
    let dir = Scratch::new();
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
    let dir = Scratch::new();
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
    let dir = Scratch::new();
    let data_dir = dir.path().join("data");
    let (mut owner, postgres, nats) = owner(&data_dir, &["--throwaway"]);
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("the files are deleted", || !data_dir.exists()).await;
    assert!(!answers(&postgres) && !answers(&nats));
}

#[tokio::test]
async fn a_second_owner_is_refused_with_the_name_of_the_first() {
    let dir = Scratch::new();
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
    let dir = Scratch::new();
    let options = options(dir.path(), Durability::Durable);
    let (torn, unfinished) = (options.data_dir.join("postgres"), options.data_dir.join("postgres.new-1"));
    for half in [&torn, &unfinished] {
        fs::create_dir_all(half).unwrap();
        fs::write(half.join("PG_VERSION"), "18\n").unwrap();
    }
    fs::write(options.data_dir.join("lock"), "").unwrap();
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
    assert!(!unfinished.exists());
    // What was set aside may be somebody's: it outlives the rest.
    let left = devstack::remove(&options.data_dir, &[], &[]).await.unwrap();
    let [broken] = &left[..] else { panic!("{left:?}") };
    assert!(broken.ends_with("postgres.broken") && broken.join("PG_VERSION").exists());
    assert!(devstack::is_set_aside(broken) && !devstack::is_set_aside(&torn));
}

#[tokio::test]
async fn a_directory_with_somebodys_files_of_our_names_is_left_alone() {
    let dir = Scratch::new();
    let options = options(dir.path(), Durability::Durable);
    for name in ["cache", "postgres", "servers", "nats.volume"] {
        let theirs = options.data_dir.join(name);
        fs::create_dir_all(&theirs).unwrap();
        let refusal = Stack::start(&options, &|_| {}).await.unwrap_err().to_string();
        assert!(refusal.contains(&format!("{} is there", theirs.display())), "{refusal}");
        assert_eq!(fs::read_dir(&options.data_dir).unwrap().count(), 1, "nothing was made");
        fs::remove_dir(theirs).unwrap();
    }
}

#[tokio::test]
async fn a_link_that_somebody_bent_is_deleted_and_not_followed() {
    let dir = Scratch::new();
    let (data_dir, theirs) = (dir.path().join("data"), dir.path().join("theirs"));
    fs::create_dir_all(theirs.join("postgres")).unwrap();
    fs::create_dir(&data_dir).unwrap();
    fs::write(data_dir.join("lock"), "").unwrap();
    std::os::unix::fs::symlink(&theirs, data_dir.join("servers")).unwrap();
    let left = devstack::remove(&data_dir, &[], &[]).await.unwrap();
    assert_eq!(left, std::slice::from_ref(&theirs));
    assert!(theirs.join("postgres").exists() && !data_dir.exists());
}

#[tokio::test]
async fn a_directory_that_is_made_anew_begins_with_no_data() {
    let dir = Scratch::new();
    // As `/root` is: where root starts the servers, they cannot enter it, and their files are elsewhere.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let options = options(dir.path(), Durability::Durable);
    let stack = start(&options).await;
    write((stack.postgres_url(), stack.nats_url())).await;
    stack.stop().await.unwrap();
    let old = fs::read_link(options.data_dir.join("servers")).ok();
    fs::remove_dir_all(&options.data_dir).unwrap();

    let told = std::sync::Mutex::new(Vec::new());
    let note = |step: &Progress| {
        if let Progress::LeftBehind { at } = step {
            told.lock().unwrap().push(at.clone());
        }
    };
    let stack = Stack::start(&options, &note).await.unwrap();
    let mut database = database(stack.postgres_url()).await;
    let kept: Option<String> =
        sqlx::query_scalar("SELECT to_regclass('kept')::text").fetch_one(&mut database).await.unwrap();
    assert_eq!(kept, None, "the data of an earlier directory at this path is somebody's");
    stack.stop().await.unwrap();
    let told = told.into_inner().unwrap();
    assert_eq!(told, old.clone().into_iter().collect::<Vec<_>>(), "it is named");
    assert_eq!(
        devstack::remove(&options.data_dir, &[], &[]).await.unwrap(),
        Vec::<std::path::PathBuf>::new()
    );
    if let Some(old) = old {
        assert!(old.join("postgres").exists(), "and stays");
        fs::remove_dir_all(old).unwrap();
    }
}

#[tokio::test]
async fn killed_servers_come_back_with_their_data() {
    let dir = Scratch::new();
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
    let dir = Scratch::new();
    let options = options(dir.path(), Durability::Throwaway);
    fs::create_dir_all(&options.data_dir).unwrap();
    fs::write(options.data_dir.join("letter.txt"), "dear").unwrap();
    let refusal = Stack::start(&options, &|_| {}).await.unwrap_err().to_string();
    assert!(refusal.contains("holds files of others"), "{refusal}");
    assert!(options.data_dir.join("letter.txt").exists());
}

/// Whoever starts everything at once starts us before the servers answer.
#[tokio::test]
async fn servers_of_the_configuration_are_waited_for() {
    let scratch = Scratch::new();
    let own = options(scratch.path(), Durability::Durable);
    let first = start(&own).await;
    let configured = Options {
        data_dir: scratch.path().join("another"),
        postgres: Some(first.postgres_url().to_owned()),
        nats: Some(first.nats_url().to_owned()),
        ..own.clone()
    };
    first.stop().await.unwrap();
    let (awaited, mut awaits) = tokio::sync::mpsc::unbounded_channel();
    let told = move |step: &Progress| match step {
        Progress::Awaiting { product, .. } => awaited.send(*product).unwrap(),
        other => panic!("nothing else happens: {other}"),
    };
    let starts_later = async {
        let awaited = [awaits.recv().await, awaits.recv().await];
        for product in [Product::Postgres, Product::Nats] {
            assert!(awaited.contains(&Some(product)), "{product}");
        }
        start(&own).await
    };
    let (found, later) = tokio::join!(Stack::start(&configured, &told), starts_later);
    found.unwrap().stop().await.unwrap();
    later.stop().await.unwrap();
}

/// Nobody waits half a minute to hear that a password is wrong.
#[tokio::test]
async fn what_waiting_does_not_mend_is_told_at_once() {
    let scratch = Scratch::new();
    let own = options(scratch.path(), Durability::Throwaway);
    let stack = start(&own).await;
    let changed = |url: &str| {
        let (before, place) = url.split_once('@').unwrap();
        let (user, _) = before.rsplit_once(':').unwrap();
        Some(format!("{user}:wrong@{place}"))
    };
    let configured = Options {
        data_dir: scratch.path().join("another"),
        postgres: changed(stack.postgres_url()),
        nats: changed(stack.nats_url()),
        ..own.clone()
    };
    let refused = Stack::start(&configured, &|step| panic!("nothing is waited for: {step}")).await;
    let why = format!("{:#}", refused.unwrap_err());
    for product in ["PostgreSQL", "NATS"] {
        assert!(why.contains(&format!("the {product} of the configuration cannot be used")), "{why}");
    }
    stack.stop().await.unwrap();
}
