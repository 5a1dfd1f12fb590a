//! What is said in an order's chat, and who is in it.

use domain::chat::MessageKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Person, Point};

/// Push `msg`: something said in an order's chat.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// Who says it.
    pub from: Person,
    /// What it is.
    #[schemars(extend("enum" = MessageKind::names()))]
    pub kind: String,
    /// The text; may be empty beside a picture or a place.
    pub body: String,
    /// Offset of the message that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// The place of a `location`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SharedPlace>,
    /// The attachment of an `image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub att: Option<String>,
}

/// A place that somebody shares.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, JsonSchema)]
pub struct SharedPlace {
    /// Where.
    #[serde(flatten)]
    pub at: Point,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What is left of a [`Said`] that its author took back: push `msg` with `recalled`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Tombstone {
    /// Who had said it.
    pub from: Person,
    /// What it was.
    #[schemars(extend("enum" = MessageKind::names()))]
    pub kind: String,
    /// Offset of the message that it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// Always `true`: there is nothing to show but that.
    pub recalled: bool,
}

/// Push `edit`: a message was taken back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Edited {
    /// Offset of the message.
    pub of: u64,
    /// Always `true`: forget what it said.
    pub recalled: bool,
}

/// Push `member`: somebody joined or left an order's chat.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct MemberMoved {
    /// Who.
    #[serde(flatten)]
    pub person: Person,
    /// `true` for joined, `false` for left.
    pub joined: bool,
}
