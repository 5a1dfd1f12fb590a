//! Why a command was refused, as the client sees it: one table of codes, names and retry rules.

use domain::chat::RecallRefusal;
use serde::Serialize;
use storage::error::StoreError;
use usecases::{attachments::AttachmentError, chat::ChatError, error::AskError};

/// A kind of refusal: a row of the protocol's error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Our mistake.
    Internal,
    /// Nothing was accepted; the same again may work.
    Unavailable,
    /// It may or may not have happened: send the same `cid` again.
    OutcomeUnknown,
    /// The command cannot be read, or a value is out of range.
    BadRequest,
    /// There is no such command.
    UnknownCommand,
    /// A frame or text above its limit.
    TooBig,
    /// Too many commands.
    RateLimited,
    /// Not signed in, or with a token that is not valid.
    Unauthorized,
    /// The token was valid until a while ago.
    TokenExpired,
    /// Signed in as somebody who may not do this.
    Forbidden,
    /// The channel takes nothing now.
    ChannelClosed,
    /// No such thing, or somebody else's.
    NotFound,
    /// Not possible at this point, or the `cid` was used for something else.
    Conflict,
    /// The offer, or the delivery in the pool, went to somebody else.
    OfferGone,
    /// The numbering of the channel is another one.
    EpochChanged,
    /// The position is older than what is kept.
    PositionTooOld,
    /// The position is behind the newest entry.
    PositionAhead,
}

impl Kind {
    /// Code, name, and whether the same command may work later.
    #[rustfmt::skip]
    pub const fn row(self) -> (u16, &'static str, bool) {
        match self {
            Self::Internal       => (100, "internal",          true),
            Self::Unavailable    => (101, "unavailable",       true),
            Self::OutcomeUnknown => (102, "outcome_unknown",   true),
            Self::BadRequest     => (110, "bad_request",       false),
            Self::UnknownCommand => (111, "unknown_command",   false),
            Self::TooBig         => (112, "too_big",           false),
            Self::RateLimited    => (113, "rate_limited",      true),
            Self::Unauthorized   => (120, "unauthorized",      false),
            Self::TokenExpired   => (121, "token_expired",     false),
            Self::Forbidden      => (122, "forbidden",         false),
            Self::ChannelClosed  => (123, "channel_closed",    false),
            Self::NotFound       => (130, "not_found",         false),
            Self::Conflict       => (131, "conflict",          false),
            Self::OfferGone      => (132, "offer_gone",        false),
            Self::EpochChanged   => (140, "epoch_changed",     false),
            Self::PositionTooOld => (141, "position_too_old",  false),
            Self::PositionAhead  => (142, "position_ahead",    false),
        }
    }
}

/// A refused command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which row of the table.
    pub kind: Kind,
    /// For people who debug a client.
    pub msg: String,
    /// When the same may work again, in milliseconds.
    pub after_ms: Option<u64>,
    /// What became of the thing, where the client needs to know.
    pub state: Option<String>,
}

#[derive(Serialize)]
struct View<'a> {
    code: u16,
    name: &'static str,
    retry: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    msg: &'a str,
}

impl Refusal {
    /// A refusal with a text.
    pub fn new(kind: Kind, msg: impl Into<String>) -> Self {
        Self { kind, msg: msg.into(), after_ms: None, state: None }
    }

    /// A command that cannot be read.
    pub fn bad(msg: impl Into<String>) -> Self {
        Self::new(Kind::BadRequest, msg)
    }

    /// A refusal that says what became of the thing.
    fn gone(kind: Kind, state: &str, err: &impl std::fmt::Display) -> Self {
        Self { state: Some(state.to_owned()), ..Self::new(kind, err.to_string()) }
    }

    /// The object behind `"err"`.
    pub fn json(&self) -> String {
        let (code, name, retry) = self.kind.row();
        let (after_ms, state) = (self.after_ms, self.state.as_deref());
        let view = View { code, name, retry, after_ms, state, msg: &self.msg };
        serde_json::to_string(&view).unwrap_or_default()
    }
}

impl From<StoreError> for Refusal {
    fn from(err: StoreError) -> Self {
        let kind = match &err {
            StoreError::NotFound { .. } => Kind::NotFound,
            StoreError::Conflict { .. }
            | StoreError::Duplicate(_)
            | StoreError::KeyReused { .. } => Kind::Conflict,
            StoreError::LockConflict(_) | StoreError::Unavailable(_) => Kind::Unavailable,
            StoreError::OutcomeUnknown(_) => Kind::OutcomeUnknown,
            StoreError::Corrupt { .. } | StoreError::Refused(_) => Kind::Internal,
        };
        if kind == Kind::Internal {
            // Logged here once; the client gets no details.
            tracing::error!(error = ?err, "a command met an internal error");
            return Self::new(kind, "something went wrong on our side");
        }
        Self::new(kind, err.to_string())
    }
}

impl From<ChatError> for Refusal {
    fn from(err: ChatError) -> Self {
        let kind = match err {
            ChatError::Store(err) => return err.into(),
            ChatError::NotFound => Kind::NotFound,
            ChatError::Refused(_) => Kind::ChannelClosed,
            ChatError::Text(domain::checked_text::TextError::TooLong { .. }) => Kind::TooBig,
            ChatError::Text(_) | ChatError::Place(_) | ChatError::Kind | ChatError::Shape(_) => {
                Kind::BadRequest
            }
            ChatError::Attachment(refusal) => return refusal.into(),
            ChatError::Recall(RecallRefusal::NotTheAuthor) => Kind::Forbidden,
            ChatError::Recall(RecallRefusal::TooLate { .. }) => {
                return Self::gone(Kind::Conflict, "too_late", &err);
            }
            ChatError::Recall(RecallRefusal::Recalled) => {
                return Self::gone(Kind::Conflict, "recalled", &err);
            }
            ChatError::PositionAhead { .. } => Kind::PositionAhead,
            ChatError::PositionTooOld { .. } => Kind::PositionTooOld,
        };
        Self::new(kind, err.to_string())
    }
}

impl From<AttachmentError> for Refusal {
    fn from(err: AttachmentError) -> Self {
        match err {
            AttachmentError::Store(err) => err.into(),
            AttachmentError::NotFound => Self::new(Kind::NotFound, err.to_string()),
            AttachmentError::Chat(_) => Self::new(Kind::ChannelClosed, err.to_string()),
            AttachmentError::Unfinished { .. } => Self::gone(Kind::Conflict, "unfinished", &err),
            AttachmentError::Used => Self::gone(Kind::Conflict, "used", &err),
            _ => Self::bad(err.to_string()),
        }
    }
}

impl From<AskError> for Refusal {
    fn from(err: AskError) -> Self {
        let kind = match err {
            AskError::Store(err) => return err.into(),
            AskError::Gone { state } => {
                return Self::gone(Kind::OfferGone, state, &err);
            }
            AskError::NotFound { .. } => Kind::NotFound,
            AskError::BadToken | AskError::WrongLogin => Kind::Unauthorized,
            AskError::TokenExpired { .. } => Kind::TokenExpired,
            AskError::WrongRole { .. } => Kind::Forbidden,
            AskError::Chat(_) => Kind::ChannelClosed,
            AskError::Offer(_) => Kind::OfferGone,
            AskError::Busy => Kind::Unavailable,
            AskError::Order(_)
            | AskError::Delivery(_)
            | AskError::NotOnDuty
            | AskError::BagFull { .. }
            | AskError::StillCarrying { .. }
            | AskError::OutOfStock { .. }
            | AskError::StoreClosed
            | AskError::LoginTaken => Kind::Conflict,
            _ => Kind::BadRequest,
        };
        Self::new(kind, err.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_whether_to_try_again() {
        let refusal =
            Refusal { after_ms: Some(1_500), ..Refusal::new(Kind::RateLimited, "slow \"down\"") };
        assert_eq!(
            refusal.json(),
            r#"{"code":113,"name":"rate_limited","retry":true,"after_ms":1500,"msg":"slow \"down\""}"#
        );
    }

    #[test]
    fn a_lost_offer_says_what_became_of_it() {
        let refusal = Refusal::from(AskError::Gone { state: "accepted" });
        assert_eq!(refusal.kind, Kind::OfferGone);
        assert!(refusal.json().contains(r#""state":"accepted""#), "{}", refusal.json());
    }
}
