//! The AsyncAPI document of the socket, made of the catalogue that the dispatcher uses.

mod document;
mod yaml;

pub use document::value;

/// What the file says about itself.
const HEAD: &str =
    "# Made by `riderhub asyncapi` from the types of the code; a test compares it. Do not edit.\n";

/// The AsyncAPI 3 document as YAML.
pub fn document() -> String {
    format!("{HEAD}{}", yaml::text(&value()))
}
