//! What can go wrong between an app and the server, in words that can be shown.

/// A call failed. The text says which call, and what the server said.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// The server answered with a problem.
    #[error("{call}: {status} {title}: {detail}")]
    Refused {
        /// The call, e.g. `POST /v1/orders`.
        call: String,
        /// HTTP status.
        status: u16,
        /// Kind of the problem, the last part of its `type`.
        kind: String,
        /// Title of the problem.
        title: String,
        /// What the caller can do about it.
        detail: String,
    },
    /// There was no answer. If `sent`, the call may have had its effect all the same.
    #[error("{call}: no answer from {base}: {why}")]
    Unreachable {
        /// The call.
        call: String,
        /// The server that was asked.
        base: String,
        /// Whether the call may have reached the server.
        sent: bool,
        /// What happened.
        why: String,
    },
    /// The answer does not have the expected form.
    #[error("{call}: cannot read the answer: {why}")]
    Unreadable {
        /// The call.
        call: String,
        /// What is wrong.
        why: String,
    },
    /// A command was refused over the socket.
    #[error("{method}: error {code} {name}: {msg}")]
    Command {
        /// The command.
        method: String,
        /// Number of the error.
        code: u16,
        /// Its name.
        name: String,
        /// Whether the same command may be sent again.
        retry: bool,
        /// How long to wait before.
        after_ms: u64,
        /// What the server says.
        msg: String,
        /// Further fields of the error, for example the final state of an offer.
        rest: Box<serde_json::Value>,
    },
    /// The server closed the socket for good.
    #[error("the server closed the socket: {code} {reason}")]
    Closed {
        /// Close code.
        code: u16,
        /// Reason in the close frame.
        reason: String,
    },
    /// The server takes no more sockets at the moment.
    #[error("{base} takes no more sockets now; again after {after:?}")]
    Full {
        /// The server.
        base: String,
        /// When to try again.
        after: std::time::Duration,
    },
    /// The socket could not be opened or broke; it can be opened again.
    #[error("socket to {base}: {why}")]
    Broken {
        /// The server.
        base: String,
        /// What happened.
        why: String,
    },
    /// Nothing came back in time.
    #[error("{call}: no answer within {seconds} s")]
    Timeout {
        /// The call or command.
        call: String,
        /// How long was waited.
        seconds: u64,
    },
}

impl ClientError {
    /// HTTP status, if the server refused a REST call.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Number of the error, if the server refused a command.
    pub const fn code(&self) -> Option<u16> {
        match self {
            Self::Command { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the server has said no, so that asking again is no use.
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status < 500 && *status != 429,
            Self::Command { retry, .. } => !*retry,
            Self::Closed { .. } => true,
            Self::Unreachable { .. }
            | Self::Unreadable { .. }
            | Self::Full { .. }
            | Self::Broken { .. }
            | Self::Timeout { .. } => false,
        }
    }
}
