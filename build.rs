//! Makes cargo build again when the built pages change, and lets it build without any.

use std::fs;

/// Where `npm run build` puts the pages. They are embedded by `src/http/assets.rs`.
const PAGES: &str = "static/dist";

fn main() {
    // Cargo takes a path that is missing as always changed: then every build would be a full one.
    // If the folder cannot be made (a source tree that is read-only), that is the only harm.
    let _made = fs::create_dir_all(PAGES);
    println!("cargo::rerun-if-changed={PAGES}");
    println!("cargo::rerun-if-changed=build.rs");
}
