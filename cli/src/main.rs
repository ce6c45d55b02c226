//! `steward`: all services in one process, and the operator's verbs. One file per verb.

mod audit;
mod bus;
mod client;
mod config_check;
mod demo;
mod deploy;
mod down;
mod epoch;
mod feed;
mod health;
mod installation;
mod lag;
mod migrate;
mod operator;
mod parked;
mod platform;
mod reset;
mod status;
mod stream;
mod subscriber;
mod token;
mod trace;
mod up;

use clap::{Parser, Subcommand};
use installation::Installation;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs a home-service (家政) franchise network: complaints, contracts, certificates, payroll.
#[derive(Parser)]
#[command(name = "steward", version, about, propagate_version = true)]
struct Cli {
    /// Where the installation keeps its data.
    #[arg(long, global = true, default_value = installation::USUAL_PLACE)]
    data_dir: PathBuf,
    /// A superuser's URL of a PostgreSQL that is there already, in a file.
    #[arg(long, global = true)]
    postgres_url_file: Option<PathBuf>,
    /// The URL of a NATS that is there already, in a file.
    #[arg(long, global = true)]
    nats_url_file: Option<PathBuf>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Start everything and stay in the foreground until Ctrl-C.
    Up(up::Up),
    /// Stop what `up` started elsewhere.
    Down,
    /// Delete the installation's data, after asking.
    Reset(reset::Reset),
    /// Ask what runs how it is: ends well where it takes commands.
    Health,
    /// Say what runs, and where.
    Status(status::Status),
    /// How far each service's events have come: numbered, published, read by the others.
    Lag(lag::Lag),
    /// Events that could not take effect: list, show, retry, discard.
    #[command(subcommand)]
    Parked(parked::Parked),
    /// Issue a token, until there are users.
    Token(token::Token),
    /// Bring every service's tables up to date.
    Migrate,
    /// What led to a thing, and what came from it: for every id on a fine's way.
    Trace(trace::Trace),
    /// Play October and November 2025 of a network of three branches, and explain what came of it.
    Demo(demo::Demo),
    /// Prove that no fen was lost, taken twice or made up.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Let other systems read events from the bus.
    #[command(subcommand)]
    Subscriber(subscriber::Verb),
    /// Set up the users of a NATS of your own.
    #[command(subcommand)]
    Bus(bus::Verb),
    /// Run it in containers.
    #[command(subcommand)]
    Deploy(deploy::Deploy),
    /// Compare streams with journals, and make one again.
    #[command(subcommand)]
    Stream(stream::Stream),
    /// What to do once a database was restored that is older than the bus.
    #[command(subcommand)]
    Epoch(epoch::Epoch),
    /// Read a service's events, as they come or all that there are.
    #[command(subcommand)]
    Feed(feed::Feed),
    /// Look at the configuration of a service that runs alone.
    #[command(subcommand)]
    Config(config_check::Config),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = run(cli).await;
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("steward: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let installation = Installation {
        data_dir: cli.data_dir,
        postgres_url_file: cli.postgres_url_file,
        nats_url_file: cli.nats_url_file,
        program: std::env::args().next().unwrap_or_else(|| "steward".to_owned()),
    };
    match cli.verb.unwrap_or_else(|| Verb::Up(up::Up::default())) {
        Verb::Up(up) => up.run(&installation).await,
        Verb::Down => down::run(&installation).await,
        Verb::Reset(reset) => reset.run(&installation).await,
        Verb::Health => health::run(&installation).await,
        Verb::Status(status) => status.run(&installation).await,
        Verb::Lag(lag) => lag.run(&installation).await,
        Verb::Parked(parked) => parked.run(&installation).await,
        Verb::Token(token) => token.run(&installation).await,
        Verb::Migrate => migrate::run(&installation).await,
        Verb::Trace(trace) => trace.run(&installation).await,
        Verb::Demo(demo) => demo.run(&installation).await,
        Verb::Audit(audit) => audit.run(&installation).await,
        Verb::Subscriber(subscriber) => subscriber.run(&installation).await,
        Verb::Bus(bus) => bus.run(),
        Verb::Deploy(deploy) => deploy.run().await,
        Verb::Stream(stream) => stream.run(&installation).await,
        Verb::Epoch(epoch) => epoch.run(&installation).await,
        Verb::Feed(feed) => feed.run(&installation).await,
        Verb::Config(config) => config.run(),
    }
}
