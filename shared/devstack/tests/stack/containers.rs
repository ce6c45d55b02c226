//! The same on Docker: `cargo xtask containers` runs these where there is an engine, and names them where there is none.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use devstack::{Durability, Options, Source, Sources, Stack};

use crate::stage::{Scratch, assert_kept, eventually, options, owner, start, write};

fn in_containers(dir: &Path, durability: Durability) -> Options {
    Options { sources: Sources::Containers, ..options(dir, durability) }
}

/// Docker's client; what it printed, if it succeeded.
fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    output.status.success().then_some(said)
}

/// The volumes that a data directory records, PostgreSQL's and NATS's.
struct Volumes([String; 2]);

impl Volumes {
    fn of(data_dir: &Path) -> Volumes {
        Volumes::recorded(data_dir, "volume").expect("both volumes are recorded")
    }

    fn recorded(data_dir: &Path, state: &str) -> Option<Volumes> {
        let name = |server: &str| {
            let record = fs::read_to_string(data_dir.join(format!("{server}.{state}"))).ok()?;
            Some(record.split_whitespace().next()?.to_owned())
        };
        Some(Volumes([name("postgres")?, name("nats")?]))
    }

    /// The names of the containers that use them, with those that have ended.
    fn containers(&self) -> Vec<String> {
        let names = self.0.iter().map(|volume| {
            let filter = format!("volume={volume}");
            docker(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"]).unwrap()
        });
        names.flat_map(|names| names.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    fn exist(&self) -> [bool; 2] {
        self.0.each_ref().map(|volume| docker(&["volume", "inspect", volume]).is_some())
    }

    fn send(&self, signal: &str) {
        for container in self.containers() {
            docker(&["kill", "--signal", signal, &container]).unwrap();
        }
    }

    fn delete(&self) {
        for volume in &self.0 {
            docker(&["volume", "rm", volume]).unwrap();
        }
    }
}

/// Waits until a stack whose servers were killed has new ones in place of the `dead`.
async fn revive(stack: &mut Stack, volumes: &Volumes, dead: &[String]) {
    let (begin, mut ticks) = (Instant::now(), tokio::time::interval(Duration::from_millis(20)));
    loop {
        assert!(begin.elapsed() < Duration::from_secs(120), "no new containers");
        // Docker's client ends a little later than its container.
        stack.ensure_running().await.unwrap();
        let containers = volumes.containers();
        if containers.len() == 2 && containers.iter().all(|container| !dead.contains(container)) {
            return;
        }
        ticks.tick().await;
    }
}

#[tokio::test]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn killed_containers_come_back_with_their_data() {
    for durability in [Durability::Throwaway, Durability::Durable] {
        let dir = Scratch::new();
        let options = in_containers(dir.path(), durability);
        let mut stack = start(&options).await;
        write((stack.postgres_url(), stack.nats_url())).await;
        let volumes = Volumes::of(&options.data_dir);
        assert!(!stack.ensure_running().await.unwrap());
        for round in 0..4 {
            let dead = volumes.containers();
            if round % 2 == 0 {
                volumes.send("KILL");
            } else {
                stack.kill_postgres();
                stack.kill_nats();
                eventually("the killed containers end", || volumes.containers().is_empty()).await;
            }
            revive(&mut stack, &volumes, &dead).await;
            assert_kept(&stack).await;
        }
        stack.stop().await.unwrap();
        assert_eq!(volumes.containers(), [""; 0]);
        let kept = durability == Durability::Durable;
        assert_eq!((volumes.exist(), options.data_dir.exists()), ([kept; 2], kept));
        if kept {
            volumes.delete();
        }
    }
}

#[tokio::test]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn a_container_whose_client_was_killed_is_replaced_and_not_doubled() {
    let dir = Scratch::new();
    let options = in_containers(dir.path(), Durability::Throwaway);
    let mut stack = start(&options).await;
    write((stack.postgres_url(), stack.nats_url())).await;
    let volumes = Volumes::of(&options.data_dir);
    let before = volumes.containers();
    for container in &before {
        kill_client(container);
    }
    revive(&mut stack, &volumes, &before).await;
    assert_kept(&stack).await;
    stack.stop().await.unwrap();
    assert_eq!((volumes.containers(), volumes.exist()), (vec![], [false; 2]));
}

/// `kill -9` of the process that waits for a container.
fn kill_client(container: &str) {
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let command = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        if command.starts_with("docker\0run\0") && command.contains(container) {
            let process = process.file_name().into_string().unwrap();
            assert!(Command::new("kill").args(["-9", &process]).status().unwrap().success());
        }
    }
}

#[tokio::test]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn a_deleted_data_directory_takes_its_volumes_along() {
    let dir = Scratch::new();
    let options = in_containers(dir.path(), Durability::Durable);
    start(&options).await.stop().await.unwrap();
    let volumes = Volumes::of(&options.data_dir);
    assert_eq!(volumes.exist(), [true; 2]);
    devstack::remove(&options.data_dir, &[], &[]).await.unwrap();
    assert_eq!((volumes.exist(), options.data_dir.exists()), ([false; 2], false));
}

#[tokio::test]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn data_that_a_container_made_is_served_by_a_container_or_not_at_all() {
    let dir = Scratch::new();
    let containers = in_containers(dir.path(), Durability::Durable);
    let stack = start(&containers).await;
    write((stack.postgres_url(), stack.nats_url())).await;
    stack.stop().await.unwrap();

    let stack = start(&options(dir.path(), Durability::Durable)).await;
    assert_eq!(stack.origin().postgres.source, Source::Container("postgres:18".to_owned()));
    assert_eq!(stack.origin().nats.source, Source::Container("nats:2.15".to_owned()));
    assert_kept(&stack).await;
    stack.stop().await.unwrap();

    let volumes = Volumes::of(&containers.data_dir);
    let mut without_docker = Command::new(env!("CARGO_BIN_EXE_steward-devstack"));
    let nowhere = format!("unix://{}", dir.path().join("no.sock").display());
    let refused = without_docker.arg(&containers.data_dir).env("DOCKER_HOST", nowhere).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success(), "{said}");
    assert!(said.contains("made the data, in the Docker volume steward-"), "{said}");
    assert!(said.contains("1. make Docker available, with its volume steward-"), "{said}");
    assert_eq!(volumes.exist(), [true; 2]);

    volumes.delete();
    let refusal = Stack::start(&containers, &|_| ()).await.unwrap_err().to_string();
    assert!(refusal.contains("with the data is gone: restore it, or delete"), "{refusal}");
    assert_eq!(volumes.exist(), [false; 2]);
}

#[tokio::test]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn data_that_a_program_made_is_not_given_to_a_container() {
    let dir = Scratch::new();
    let programs = options(dir.path(), Durability::Durable);
    let stack = start(&programs).await;
    write((stack.postgres_url(), stack.nats_url())).await;
    stack.stop().await.unwrap();
    let containers = in_containers(dir.path(), Durability::Durable);
    let refusal = Stack::start(&containers, &|_| ()).await.unwrap_err().to_string();
    assert!(refusal.contains("a program made the data, in "), "{refusal}");
    assert!(refusal.contains("choose another data directory"), "{refusal}");
    assert!(Volumes::recorded(&programs.data_dir, "volume").is_none());
    let stack = start(&programs).await;
    assert_kept(&stack).await;
    stack.stop().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn a_container_that_nobody_removed_is_no_obstacle() {
    let dir = Scratch::new();
    let options = in_containers(dir.path(), Durability::Durable);
    let stack = start(&options).await;
    write((stack.postgres_url(), stack.nats_url())).await;
    let volumes = Volumes::of(&options.data_dir);
    let names = volumes.containers();
    stack.stop().await.unwrap();
    for (name, volume) in names.iter().zip(&volumes.0) {
        let volume = format!("--volume={volume}:/data");
        docker(&["create", "--name", name, &volume, "nats:2.15"]).unwrap();
    }
    let stack = start(&options).await;
    assert_kept(&stack).await;
    assert_eq!(volumes.containers().len(), 2);
    stack.stop().await.unwrap();
    assert_eq!(volumes.containers(), [""; 0]);
    volumes.delete();
}

#[tokio::test]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn containers_that_do_not_stop_in_order_are_stopped_by_force() {
    let dir = Scratch::new();
    let options = in_containers(dir.path(), Durability::Durable);
    let stack = start(&options).await;
    let volumes = Volumes::of(&options.data_dir);
    // A stopped process gets no signal but the last.
    volumes.send("STOP");
    stack.stop().await.unwrap();
    assert_eq!((volumes.containers(), volumes.exist()), (vec![], [true; 2]));
    volumes.delete();
}

#[tokio::test]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn containers_end_with_their_killed_owner_and_the_next_owner_has_their_data() {
    let dir = Scratch::new();
    let options = in_containers(dir.path(), Durability::Durable);
    let (mut first, postgres, nats) = owner(&options.data_dir, &["--containers"]);
    write((&postgres, &nats)).await;
    first.kill().unwrap();
    first.wait().unwrap();
    let stack = start(&options).await;
    assert_kept(&stack).await;
    stack.stop().await.unwrap();

    let (mut second, ..) = owner(&options.data_dir, &["--containers"]);
    let volumes = Volumes::of(&options.data_dir);
    assert_eq!(volumes.containers().len(), 2);
    second.kill().unwrap();
    second.wait().unwrap();
    eventually("both containers end", || volumes.containers().is_empty()).await;
    assert_eq!(volumes.exist(), [true; 2]);
    volumes.delete();
}

#[tokio::test]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn a_killed_owner_of_throwaway_containers_leaves_nothing() {
    for signal in ["CONT", "STOP"] {
        let dir = Scratch::new();
        let data_dir = dir.path().join("data");
        let (mut owner, ..) = owner(&data_dir, &["--throwaway", "--containers"]);
        let volumes = Volumes::of(&data_dir);
        // Also when the servers do not listen to their watchdogs.
        volumes.send(signal);
        owner.kill().unwrap();
        owner.wait().unwrap();
        eventually("the files are deleted", || !data_dir.exists()).await;
        assert_eq!((volumes.containers(), volumes.exist()), (vec![], [false; 2]), "{signal}");
    }
}

#[tokio::test]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn an_owner_killed_while_its_containers_start_leaves_none_and_the_next_one_starts_afresh() {
    for containers in 0..=2 {
        let dir = Scratch::new();
        let options = in_containers(dir.path(), Durability::Durable);
        let mut owner = Command::new(env!("CARGO_BIN_EXE_steward-devstack"));
        let mut owner =
            owner.arg(&options.data_dir).arg("--containers").stdout(Stdio::null()).spawn().unwrap();
        let mut volumes = None;
        eventually("the owner begins", || {
            volumes = volumes.take().or_else(|| Volumes::recorded(&options.data_dir, "volume.new"));
            volumes.as_ref().is_some_and(|volumes| volumes.containers().len() >= containers)
        })
        .await;
        owner.kill().unwrap();
        owner.wait().unwrap();
        let half_made = volumes.unwrap();
        let stack = start(&options).await;
        write((stack.postgres_url(), stack.nats_url())).await;
        stack.stop().await.unwrap();
        let volumes = Volumes::of(&options.data_dir);
        for (half_made, made) in half_made.0.iter().zip(&volumes.0) {
            // NATS may have been whole already.
            assert!(half_made == made || docker(&["volume", "inspect", half_made]).is_none());
        }
        assert_ne!(half_made.0[0], volumes.0[0], "nobody was ready so soon");
        eventually("the containers end", || half_made.containers().is_empty()).await;
        volumes.delete();
    }
}
