//! The commands of the command line, one file each.

pub mod output;
pub mod plan;
mod plan_input;
pub mod replay;
