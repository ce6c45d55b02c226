//! The story on what `docker-compose.yml` describes: one container for each service, as a stranger starts it; and with
//! `docker-compose.cluster.yml` over it, on three nodes of NATS, each of which is killed once in the story's middle.

use super::{docker, free_port};
use crate::story::{BEGIN, SERVICES, Stage, Story, eventually, program, turn};
use async_nats::jetstream;
use journal::Clock;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The account in the containers, where root prepared them (`steward deploy prepare`).
const ACCOUNT: &str = "65532:65532";

/// Everything composed under a name of its own; removed with its volumes and image when it is dropped.
struct Composed {
    directory: tempfile::TempDir,
    files: Vec<PathBuf>,
    /// Of the services, in the order of [`SERVICES`].
    ports: [u16; 4],
    /// Of the nodes of NATS, from 1.
    nodes: Vec<u16>,
}

impl Composed {
    /// Makes the image of the programs as they are, prepares a directory, starts everything and waits until it is ready.
    async fn up(files: &[&str], nodes: usize) -> (Self, Stage) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let composed = Self {
            files: files.iter().map(|file| Path::new(ROOT).join(file)).collect(),
            ports: [(); 4].map(|()| free_port()),
            nodes: (0..nodes).map(|_| free_port()).collect(),
            directory,
        };
        let programs = program("steward");
        let prepared = Command::new(&programs).args(["deploy", "prepare"]).arg(composed.place("")).output();
        succeeded(&prepared.expect("steward runs"));
        fs::write(composed.place("development.yml"), composed.development().to_string()).expect("written");
        let image = Command::new("bash")
            .arg(Path::new(ROOT).join("deploy/images/make.sh"))
            .arg(programs.parent().expect("in a folder"))
            .arg(composed.name())
            .output();
        succeeded(&image.expect("bash runs"));
        composed.compose(&["up", "--detach"]);
        let secrets = fs::read(composed.place("operator/secrets.json")).expect("prepared");
        let secrets: Value = serde_json::from_slice(&secrets).expect("JSON");
        let address = |place: usize| (SERVICES[place], format!("http://127.0.0.1:{}", composed.ports[place]));
        let key = secrets["private_key"].as_str().expect("a key");
        let stage = Stage::of((0..4).map(address).collect(), key, BEGIN);
        for service in SERVICES {
            eventually("its container is healthy", async || composed.is_healthy(service).then_some(())).await;
        }
        stage.ready().await;
        (composed, stage)
    }

    /// The name of the project, and of its image.
    fn name(&self) -> String {
        let name = self.directory.path().file_name().expect("it has a name").to_string_lossy();
        format!("steward{}", name.trim_start_matches('.').to_lowercase())
    }

    fn place(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What a story needs besides: a clock that can be moved, and NATS to be looked into.
    fn development(&self) -> Value {
        let environment = json!({ "STEWARD__PROFILE": "development", "STEWARD__CLOCK": BEGIN });
        let mut services = json!({});
        for service in SERVICES {
            services[service] = json!({ "environment": environment });
        }
        for (place, port) in self.nodes.iter().enumerate() {
            services[node(place)] = json!({ "ports": [format!("127.0.0.1:{port}:4222")] });
        }
        json!({ "services": services })
    }

    /// Docker's Compose, which must succeed; what it printed.
    fn compose(&self, arguments: &[&str]) -> String {
        succeeded(&self.composing(arguments))
    }

    /// Docker's Compose, under whichever of its two names it is there.
    fn composing(&self, arguments: &[&str]) -> Output {
        let is_old = Command::new("docker-compose").arg("version").output().is_ok();
        let mut command = Command::new(if is_old { "docker-compose" } else { "docker" });
        if !is_old {
            command.arg("compose");
        }
        command.args(["--project-name", &self.name(), "--project-directory", ROOT]);
        command.arg("--env-file").arg(self.place("compose.env"));
        for file in self.files.iter().chain([&self.place("development.yml")]) {
            command.arg("--file").arg(file);
        }
        command.env("STEWARD_IMAGE", self.name());
        for (service, port) in SERVICES.iter().zip(self.ports) {
            command.env(format!("STEWARD_{}_PORT", service.to_uppercase()), port.to_string());
        }
        command.args(arguments).output().expect("Compose runs")
    }

    /// The container of a service.
    fn container(&self, service: &str) -> String {
        self.compose(&["ps", "--quiet", service])
    }

    /// Something that the engine knows of a container.
    fn inspected(&self, service: &str, what: &str) -> String {
        docker(&["inspect", "--format", what, &self.container(service)])
    }

    fn is_healthy(&self, service: &str) -> bool {
        self.inspected(service, "{{.State.Health.Status}}") == "healthy"
    }

    /// Nobody is root, nobody may become it, nothing can be written but the data, and memory has an end.
    fn assert_confined(&self) {
        let asked = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}";
        for service in SERVICES.into_iter().chain(["postgres", "nats"]) {
            let confined = self.inspected(service, asked);
            assert_eq!(confined, "true [ALL] [no-new-privileges:true]", "{service}");
            let memory: u64 = self.inspected(service, "{{.HostConfig.Memory}}").parse().expect("bytes");
            assert!(memory > 0, "{service}");
            let user = self.inspected(service, "{{.Config.User}}");
            assert_eq!(user, if service == "postgres" { "999:999" } else { ACCOUNT }, "{service}");
        }
        for service in SERVICES {
            let others = docker(&["exec", &self.container(service), "ls"]);
            assert!(others.contains("nats-seed") && !others.contains("secrets.json"), "{service}: {others}");
        }
    }

    /// Within the project, as an operator asks: no fen and no event is missing.
    fn assert_conserved(&self, stage: &Stage) {
        // The operator's clock is the story's, so that his token is good there.
        let ahead = stage.now().since(Clock::default().now()).num_microseconds().expect("within centuries");
        fs::write(self.place("operator/clock.json"), ahead.to_string()).expect("it can be written");
        let said = self.compose(&["run", "--rm", "operator", "audit", "conservation", "--json"]);
        let report = said.lines().find(|line| line.starts_with('{')).expect("a report");
        crate::up::assert_is_conserved(&serde_json::from_str(report).expect("JSON"));
        self.compose(&["run", "--rm", "operator", "stream", "check", "--all"]);
    }

    /// JetStream as one node tells it to the operator.
    async fn jetstream(&self, place: usize) -> Option<jetstream::Context> {
        let password = fs::read_to_string(self.place("operator.nats-password")).expect("prepared");
        let login = async_nats::ConnectOptions::with_user_and_password(
            "steward".to_owned(),
            password.trim().to_owned(),
        );
        let client = login.connect(format!("127.0.0.1:{}", self.nodes[place])).await.ok()?;
        Some(jetstream::new(client))
    }

    /// The last sequence of each service's stream, once all of them are kept on so many nodes that have all of it.
    async fn streams(&self, replicas: usize) -> Vec<u64> {
        eventually("every stream is whole on every node", async || {
            let jetstream = self.jetstream(0).await?;
            let mut last = Vec::new();
            for service in SERVICES {
                let name = journal::bus::stream_name(service, 1);
                let stream = jetstream.get_stream(name).await.ok()?;
                let info = stream.cached_info();
                let followers = info.cluster.as_ref().map_or(&[][..], |cluster| &cluster.replicas);
                let is_whole = followers.iter().all(|peer| peer.current && !peer.offline);
                if info.config.num_replicas != replicas || followers.len() + 1 != replicas || !is_whole {
                    return None;
                }
                last.push(info.state.last_sequence);
            }
            Some(last)
        })
        .await
    }

    /// Ends a node without warning.
    fn kill_node(&self, place: usize) {
        docker(&["kill", &self.container(&node(place))]);
    }

    /// Starts it again on what it had, and waits until it has what it missed.
    async fn heal_node(&self, place: usize) {
        docker(&["start", &self.container(&node(place))]);
        self.streams(self.nodes.len()).await;
    }
}

/// The name of a node's container: `nats`, `nats-2`, `nats-3`.
fn node(place: usize) -> String {
    if place == 0 { "nats".to_owned() } else { format!("nats-{}", place + 1) }
}

/// What a program printed that must have ended well.
fn succeeded(output: &Output) -> String {
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "{}\n{}", said(&output.stdout), said(&output.stderr));
    said(&output.stdout)
}

impl Drop for Composed {
    fn drop(&mut self) {
        // A second panic would end the whole program, and leave everything where it is.
        if std::thread::panicking() {
            // The operator ends first, and everybody else waits for it: what it said comes last, where it is looked for.
            for of in [&SERVICES[..], &["nats", "postgres"], &["operator"]] {
                let logs = self.composing(&[&["logs", "--no-color", "--tail", "40"], of].concat()).stdout;
                println!("{}", String::from_utf8_lossy(&logs));
            }
        }
        let down = self.composing(&["down", "--volumes", "--remove-orphans", "--timeout", "15"]);
        let _ = Command::new("docker").args(["image", "rm", "--force", &self.name()]).output();
        if !std::thread::panicking() {
            succeeded(&down);
        }
    }
}

/// Every service's stream ends where its journal does.
async fn assert_published(composed: &Composed, stage: &Stage, replicas: usize) {
    let last = composed.streams(replicas).await;
    assert_eq!(stage.last_numbers(&SERVICES).await, last);
    assert!(stage.has_read_everything().await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn the_story_in_one_container_for_each_service() {
    let _turn = turn().await;
    let (composed, stage) = Composed::up(&["docker-compose.yml"], 1).await;
    composed.assert_confined();
    let mut story = Story::open(stage).await;
    story.whole().await;
    composed.assert_conserved(&story.stage);
    assert_published(&composed, &story.stage, 1).await;
    // Asked to stop, it drains and says that all went well.
    composed.compose(&["stop", "--timeout", "10"]);
    for service in SERVICES {
        let stopped = composed.compose(&["ps", "--all", "--quiet", service]);
        assert_eq!(docker(&["inspect", "--format", "{{.State.ExitCode}}", &stopped]), "0", "{service}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a container engine: cargo xtask containers"]
async fn the_story_on_three_nodes_of_nats_each_of_which_is_killed() {
    let _turn = turn().await;
    let (composed, stage) = Composed::up(&["docker-compose.yml", "docker-compose.cluster.yml"], 3).await;
    let mut story = Story::open(stage).await;
    composed.streams(3).await;
    composed.kill_node(0);
    story.fine().await;
    composed.heal_node(0).await;
    composed.kill_node(1);
    story.confirm().await;
    eventually("the deduction is there", async || story.deduction().await).await;
    composed.heal_node(1).await;
    composed.kill_node(2);
    let run = story.month().await;
    story.pay(&run).await;
    story.is_told_whole().await;
    composed.heal_node(2).await;
    composed.assert_conserved(&story.stage);
    assert_published(&composed, &story.stage, 3).await;
}
