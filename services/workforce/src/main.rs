//! `steward-workforce`: the workforce service alone, from a configuration file.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    house::run(workforce::service()).await
}
