//! `steward-contracts`: the contracts service alone, from a configuration file.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    house::run(contracts::service()).await
}
