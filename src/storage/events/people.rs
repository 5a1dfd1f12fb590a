//! What people are told about their own account.

use domain::{role::Role, session::SessionEnd};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Push `signed_out`: a sign-in of the person has ended, and not by the person's own doing on that
/// device. It comes to the inboxes of all profiles of the account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SignedOut {
    /// The sign-in.
    pub session: String,
    /// What its device is called, if the client said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// In which role.
    #[schemars(extend("enum" = Role::names()))]
    pub role: String,
    /// Why. `token_reused` and `other_device`: somebody else had its token; change the password.
    #[schemars(extend("enum" = SessionEnd::names()))]
    pub why: String,
    /// When, in UTC milliseconds.
    pub at: i64,
}
