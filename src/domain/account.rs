//! Whether the person behind an account is here.

use crate::text_enum::text_enum;

text_enum! {
    /// Whether the person of an account may sign in.
    pub enum Standing {
        /// Yes.
        Active => "active",
        /// Not until an operator opens the account again.
        Closed => "closed",
        /// Never again: everything personal is gone.
        Erased => "erased",
    }
}

/// The name of whoever was erased.
pub const ERASED_NAME: &str = "Erased";
