//! Why a command was refused, as the client sees it: one table of codes, names and retry rules.

use domain::{chat::RecallRefusal, text_enum::text_enum};
use serde::Serialize;
use storage::error::StoreError;
use usecases::{attachments::AttachmentError, chat::ChatError, error::AskError};

text_enum! {
    /// A kind of refusal: a row of the protocol's error table.
    pub enum Kind {
        /// Our mistake.
        Internal => "internal",
        /// Nothing was accepted; the same again may work.
        Unavailable => "unavailable",
        /// It may or may not have happened: send the same `cid` again.
        OutcomeUnknown => "outcome_unknown",
        /// The command cannot be read, or a value is out of range.
        BadRequest => "bad_request",
        /// There is no such command.
        UnknownCommand => "unknown_command",
        /// A frame or text above its limit.
        TooBig => "too_big",
        /// Too many commands.
        RateLimited => "rate_limited",
        /// Not signed in, or with a token that is not valid.
        Unauthorized => "unauthorized",
        /// The token was valid until a while ago.
        TokenExpired => "token_expired",
        /// Signed in as somebody who may not do this.
        Forbidden => "forbidden",
        /// The channel takes nothing now.
        ChannelClosed => "channel_closed",
        /// No such thing, or somebody else's.
        NotFound => "not_found",
        /// Not possible at this point, or the `cid` was used for something else.
        Conflict => "conflict",
        /// The offer, or the delivery in the pool, went to somebody else.
        OfferGone => "offer_gone",
        /// The numbering of the channel is another one.
        EpochChanged => "epoch_changed",
        /// The position is older than what is kept.
        PositionTooOld => "position_too_old",
        /// The position is behind the newest entry.
        PositionAhead => "position_ahead",
    }
}

impl Kind {
    /// Its code, and whether the same command may work later.
    #[rustfmt::skip]
    pub const fn row(self) -> (u16, bool) {
        match self {
            Self::Internal       => (100, true),
            Self::Unavailable    => (101, true),
            Self::OutcomeUnknown => (102, true),
            Self::BadRequest     => (110, false),
            Self::UnknownCommand => (111, false),
            Self::TooBig         => (112, false),
            Self::RateLimited    => (113, true),
            Self::Unauthorized   => (120, false),
            Self::TokenExpired   => (121, false),
            Self::Forbidden      => (122, false),
            Self::ChannelClosed  => (123, false),
            Self::NotFound       => (130, false),
            Self::Conflict       => (131, false),
            Self::OfferGone      => (132, false),
            Self::EpochChanged   => (140, false),
            Self::PositionTooOld => (141, false),
            Self::PositionAhead  => (142, false),
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

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct View<'a> {
    /// Which row of the error table.
    code: u16,
    /// The row's name.
    name: &'static str,
    /// Whether the same command may work later.
    retry: bool,
    /// When the same may work again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    after_ms: Option<u64>,
    /// What became of the thing, where the client needs to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    /// For people who debug a client.
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
        let (code, retry) = self.kind.row();
        let (after_ms, state) = (self.after_ms, self.state.as_deref());
        let view = View { code, name: self.kind.as_str(), retry, after_ms, state, msg: &self.msg };
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
            ChatError::NotFound | ChatError::NoMessage => Kind::NotFound,
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
            AttachmentError::NotFound | AttachmentError::NoOrder => {
                Self::new(Kind::NotFound, err.to_string())
            }
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
            AskError::BadToken | AskError::Revoked | AskError::WrongLogin => Kind::Unauthorized,
            AskError::TokenExpired { .. } => Kind::TokenExpired,
            AskError::WrongRole { .. } => Kind::Forbidden,
            AskError::Chat(_) => Kind::ChannelClosed,
            AskError::Offer(_) => Kind::OfferGone,
            AskError::Busy | AskError::TooOften { .. } => Kind::Unavailable,
            AskError::Order(_)
            | AskError::Delivery(_)
            | AskError::NotPooled { .. }
            | AskError::NotOnDuty
            | AskError::BagFull { .. }
            | AskError::StillCarrying { .. }
            | AskError::OutOfStock { .. }
            | AskError::StoreClosed
            | AskError::Pickup(_)
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
