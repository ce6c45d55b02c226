//! `steward-hr`: the hr service alone, from a configuration file.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    house::run(hr::service()).await
}
