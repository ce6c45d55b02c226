//! `steward-support`: the support service alone, from a configuration file.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    house::run(support::service()).await
}
