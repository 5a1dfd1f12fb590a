//! Placeholder.
#[derive(clap::Args, Debug, Clone)]
pub struct ReplayArgs {}
pub fn run(_a: &ReplayArgs) -> Result<String, String> { Err("no".into()) }
