//! The program: everything is wired in `cli` and `startup`.

use std::process::ExitCode;

/// Returns memory sooner and fragments less than the system's under many small frames.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    riderhub::cli::main()
}
