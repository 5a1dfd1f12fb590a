//! Why we close sockets. The code is part of the protocol: clients act on it.

use std::time::Duration;

use bytes::Bytes;

/// Longest reason of a close frame, in bytes (RFC 6455 §5.5).
const REASON_BYTES_MAX: usize = 123;

/// A reason to close, with the code that the client sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The client closed with this code; we only answer.
    Answered(u16),
    /// The client sent something that WebSocket does not allow.
    ProtocolError,
    /// The client sent binary data on a JSON connection.
    NotText,
    /// The client sent text on a MessagePack connection.
    NotBinary,
    /// The client sent text that is not UTF-8.
    NotUtf8,
    /// The client sent a frame above the limit.
    TooBig,
    /// This node is going down; connect again after the given time.
    Drain(Duration),
    /// The client did not answer our ping.
    NoPong,
    /// The client reads too slowly; connect again and catch up.
    Slow,
    /// We made a mistake or cannot go on; connect again.
    ServerError,
    /// This node has too much to do; connect again, later.
    Overloaded,
    /// The client keeps sending too many commands.
    RateLimited,
    /// The token ran out and was not renewed in time.
    TokenExpired,
    /// The client broke our protocol.
    BadProtocol,
    /// The token is not valid; sign in first.
    InvalidToken,
    /// No `connect` came in time.
    ConnectTimeout,
    /// This profile may not be here.
    Forbidden,
    /// Another device of the profile took over.
    Replaced,
    /// Too many connections.
    ConnectionLimit,
    /// The sign-in was revoked.
    Revoked,
    /// The client is too old.
    UpgradeRequired,
}

impl Close {
    /// The code on the wire and its name. 4000–4499: come back; 4500–4999: do not.
    #[rustfmt::skip]
    pub const fn row(self) -> (u16, &'static str) {
        match self {
            Self::Answered(code)  => (code, "answered"),
            Self::ProtocolError   => (1002, "protocol_error"),
            Self::NotText         => (1003, "text_only"),
            Self::NotBinary       => (1003, "binary_only"),
            Self::NotUtf8         => (1007, "not_utf8"),
            Self::TooBig          => (1009, "too_big"),
            Self::Drain(_)        => (4001, "drain"),
            Self::NoPong          => (4003, "no_pong"),
            Self::Slow            => (4004, "slow"),
            Self::ServerError     => (4005, "server_error"),
            Self::Overloaded      => (4006, "overloaded"),
            Self::RateLimited     => (4007, "rate_limited"),
            Self::TokenExpired    => (4009, "token_expired"),
            Self::BadProtocol     => (4500, "bad_protocol"),
            Self::InvalidToken    => (4501, "invalid_token"),
            Self::ConnectTimeout  => (4502, "connect_timeout"),
            Self::Forbidden       => (4503, "forbidden"),
            Self::Replaced        => (4504, "replaced"),
            Self::ConnectionLimit => (4505, "connection_limit"),
            Self::Revoked         => (4506, "revoked"),
            Self::UpgradeRequired => (4507, "upgrade_required"),
        }
    }

    /// Every reason of ours.
    pub const ALL: &'static [Self] = &[
        Self::ProtocolError,
        Self::NotText,
        Self::NotBinary,
        Self::NotUtf8,
        Self::TooBig,
        Self::Drain(Duration::ZERO),
        Self::NoPong,
        Self::Slow,
        Self::ServerError,
        Self::Overloaded,
        Self::RateLimited,
        Self::TokenExpired,
        Self::BadProtocol,
        Self::InvalidToken,
        Self::ConnectTimeout,
        Self::Forbidden,
        Self::Replaced,
        Self::ConnectionLimit,
        Self::Revoked,
        Self::UpgradeRequired,
    ];

    /// What it means to the client.
    #[rustfmt::skip]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Answered(_)     => "The client closed first; its own code comes back.",
            Self::ProtocolError   => "The client sent what RFC 6455 does not allow.",
            Self::NotText         => "A binary message on a text connection.",
            Self::NotBinary       => "A text message on a MessagePack connection.",
            Self::NotUtf8         => "A text that is not UTF-8.",
            Self::TooBig          => "A message above the limit; error 112 came before.",
            Self::Drain(_)        => "This node is going down: come back after the `after` milliseconds of the reason.",
            Self::NoPong          => "Nothing came back after a ping: come back and resume.",
            Self::Slow            => "The client reads too slowly: come back and resume.",
            Self::ServerError     => "Our mistake: come back and resume.",
            Self::Overloaded      => "This node has too much to do: come back and resume.",
            Self::RateLimited     => "The rate limit was ignored for too long.",
            Self::TokenExpired    => "The token ran out: come back with a new one.",
            Self::BadProtocol     => "The client broke this protocol, e.g. did not begin with `connect`: a fault to mend.",
            Self::InvalidToken    => "The token is not good: sign in again.",
            Self::ConnectTimeout  => "No `connect` came in time: a fault to mend.",
            Self::Forbidden       => "This profile may not be here.",
            Self::Replaced        => "Another device of the profile took over: only a person may decide to come back.",
            Self::ConnectionLimit => "Too many connections of this profile or address.",
            Self::Revoked         => "The sign-in was revoked: sign in again.",
            Self::UpgradeRequired => "The client is too old for this server.",
        }
    }

    /// The code on the wire.
    pub const fn code(self) -> u16 {
        self.row().0
    }

    /// The code as text and its name; a label for counters.
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// Counts it, by its code; codes that clients made up count as one.
    pub fn count(self) {
        let code = match self {
            Self::Answered(code) if !(1000..=1015).contains(&code) => "client".to_owned(),
            other => other.code().to_string(),
        };
        metrics::counter!("riderhub_closes_total", "code" => code).increment(1);
    }

    /// Whether this is the last thing that we say: the client has closed, or nothing that it sends
    /// can be understood any more. Else it may answer our close frame.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Answered(_) | Self::ProtocolError | Self::NotUtf8 | Self::TooBig)
    }

    /// Whether a well-behaved client comes back by itself.
    pub const fn reconnect(self) -> bool {
        self.code() < 4500
    }

    /// The text of the close frame: the name, and what the client needs besides.
    pub fn reason(self) -> String {
        match self {
            Self::Drain(after) => format!("drain;after={}", after.as_millis()),
            Self::Answered(_) => String::new(),
            other => other.name().to_owned(),
        }
    }

    /// The payload of the close frame.
    pub fn payload(self) -> Bytes {
        let reason = self.reason();
        let mut payload = Vec::with_capacity(2 + reason.len());
        payload.extend_from_slice(&self.code().to_be_bytes());
        payload.extend_from_slice(&reason.as_bytes()[..reason.len().min(REASON_BYTES_MAX)]);
        payload.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reconnect_rule_follows_the_code() {
        assert!(Close::Slow.reconnect() && Close::Drain(Duration::ZERO).reconnect());
        assert!(!Close::Replaced.reconnect() && !Close::InvalidToken.reconnect());
    }

    #[test]
    fn every_reason_is_listed() {
        let rows = include_str!("close.rs")
            .lines()
            .filter(|it| it.contains("=> (") && it.trim_start().starts_with("Self::"));
        let n_ours = rows.filter(|it| !it.contains("Answered")).count();
        assert_eq!(Close::ALL.len(), n_ours);
    }

    #[test]
    fn a_drain_says_when_to_come_back() {
        let close = Close::Drain(Duration::from_millis(1_500));
        assert_eq!(&close.payload()[..], b"\x0f\xa1drain;after=1500");
    }
}
