//! Every error leaves as `application/problem+json` (RFC 9457), from one table.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use storage::error::{Cause, StoreError};
use utoipa::ToSchema;

use super::request_id;

/// What went wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No token, or one that is not ours.
    NotSignedIn,
    /// The token was good until a while ago.
    TokenExpired,
    /// The sign-in of the token was ended.
    Revoked,
    /// Login, password or role are wrong.
    WrongLogin,
    /// It is not the password of whoever is signed in.
    WrongPassword,
    /// Signed in, in another role.
    WrongRole,
    /// No such thing, or somebody else's.
    NotFound,
    /// No such address.
    UnknownRoute,
    /// The address exists, for other methods.
    WrongMethod,
    /// The path does not name a thing.
    BadPath,
    /// The query is not as described.
    BadQuery,
    /// The body is not JSON, or not of the shape described.
    BadJson,
    /// The body is not declared as JSON.
    WrongMediaType,
    /// The body is too large.
    TooLarge,
    /// A value is not acceptable.
    BadInput,
    /// The command needs an idempotency key.
    KeyMissing,
    /// The idempotency key is too long or empty.
    KeyInvalid,
    /// The idempotency key was used for something else.
    KeyReused,
    /// Not possible at this point.
    StateRefused,
    /// It was possible until a while ago.
    TooLate,
    /// Somebody else was faster.
    ChangedMeanwhile,
    /// Too few pieces are left.
    OutOfStock,
    /// The store does not sell it.
    NotSold,
    /// What was chosen does not fit the product.
    OptionRefused,
    /// The price that was promised does not hold.
    QuoteRefused,
    /// It cannot be ordered for then.
    SlotRefused,
    /// The store takes no orders.
    StoreClosed,
    /// The door is too far away.
    TooFar,
    /// The items cost less than the store delivers for.
    BelowMinimum,
    /// The login is somebody's.
    LoginTaken,
    /// A provider's message is not acceptable.
    BadNotify,
    /// A rider cannot do that now.
    WorkRefused,
    /// The address is for WebSockets.
    NoUpgrade,
    /// The piece is not the next one of its file.
    WrongOffset,
    /// The piece cannot be read.
    BadPiece,
    /// The content of a file is not what was announced.
    ContentRefused,
    /// None of the offered versions of the socket's protocol is ours.
    WrongSubprotocol,
    /// A page of this origin may not open sockets.
    ForeignOrigin,
    /// Too often in too short a time.
    TooMany,
    /// Too much at once.
    Busy,
    /// The store is not reachable.
    Unavailable,
    /// Nobody knows whether it was done.
    OutcomeUnknown,
    /// No order that waits in the store has the code.
    WrongCode,
    /// Too many codes were wrong.
    CodesLocked,
    /// Our own mistake.
    Internal,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 45] = [
        Self::NotSignedIn,
        Self::TokenExpired,
        Self::Revoked,
        Self::WrongLogin,
        Self::WrongPassword,
        Self::WrongRole,
        Self::NotFound,
        Self::UnknownRoute,
        Self::WrongMethod,
        Self::BadPath,
        Self::BadQuery,
        Self::BadJson,
        Self::WrongMediaType,
        Self::TooLarge,
        Self::BadInput,
        Self::KeyMissing,
        Self::KeyInvalid,
        Self::KeyReused,
        Self::StateRefused,
        Self::TooLate,
        Self::ChangedMeanwhile,
        Self::OutOfStock,
        Self::NotSold,
        Self::OptionRefused,
        Self::QuoteRefused,
        Self::SlotRefused,
        Self::StoreClosed,
        Self::TooFar,
        Self::BelowMinimum,
        Self::LoginTaken,
        Self::BadNotify,
        Self::WorkRefused,
        Self::NoUpgrade,
        Self::WrongOffset,
        Self::BadPiece,
        Self::ContentRefused,
        Self::WrongSubprotocol,
        Self::ForeignOrigin,
        Self::TooMany,
        Self::Busy,
        Self::Unavailable,
        Self::OutcomeUnknown,
        Self::WrongCode,
        Self::CodesLocked,
        Self::Internal,
    ];

    /// Status, stable name, title.
    #[rustfmt::skip]
    pub const fn row(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NotSignedIn      => (StatusCode::UNAUTHORIZED,           "not-signed-in",           "Sign in first"),
            Self::TokenExpired     => (StatusCode::UNAUTHORIZED,           "token-expired",           "The token has expired"),
            Self::Revoked          => (StatusCode::UNAUTHORIZED,           "revoked",                 "The sign-in has ended"),
            Self::WrongLogin       => (StatusCode::UNAUTHORIZED,           "wrong-login",             "Login, password or role are wrong"),
            Self::WrongPassword    => (StatusCode::UNPROCESSABLE_ENTITY,   "wrong-password",          "The password is wrong"),
            Self::WrongRole        => (StatusCode::FORBIDDEN,              "wrong-role",              "Not in this role"),
            Self::NotFound         => (StatusCode::NOT_FOUND,              "not-found",               "No such thing"),
            Self::UnknownRoute     => (StatusCode::NOT_FOUND,              "unknown-route",           "No such address"),
            Self::WrongMethod      => (StatusCode::METHOD_NOT_ALLOWED,     "wrong-method",            "Not with this method"),
            Self::BadPath          => (StatusCode::BAD_REQUEST,            "bad-path",                "The path does not name a thing"),
            Self::BadQuery         => (StatusCode::BAD_REQUEST,            "bad-query",               "The query is not as described"),
            Self::BadJson          => (StatusCode::BAD_REQUEST,            "bad-json",                "The body is not as described"),
            Self::WrongMediaType   => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong-media-type",        "The body must be JSON"),
            Self::TooLarge         => (StatusCode::PAYLOAD_TOO_LARGE,      "too-large",               "The body is too large"),
            Self::BadInput         => (StatusCode::UNPROCESSABLE_ENTITY,   "bad-input",               "A value is not acceptable"),
            Self::KeyMissing       => (StatusCode::BAD_REQUEST,            "idempotency-key-missing", "The request needs an idempotency key"),
            Self::KeyInvalid       => (StatusCode::BAD_REQUEST,            "idempotency-key-invalid", "The idempotency key is not acceptable"),
            Self::KeyReused        => (StatusCode::UNPROCESSABLE_ENTITY,   "idempotency-key-reused",  "The idempotency key was used for something else"),
            Self::StateRefused     => (StatusCode::CONFLICT,               "state-refused",           "Not possible at this point"),
            Self::TooLate          => (StatusCode::CONFLICT,               "too-late",                "Not possible any more"),
            Self::ChangedMeanwhile => (StatusCode::CONFLICT,               "changed-meanwhile",       "Changed by someone else"),
            Self::OutOfStock       => (StatusCode::CONFLICT,               "out-of-stock",            "Not enough left"),
            Self::NotSold          => (StatusCode::CONFLICT,               "not-sold",                "The store does not sell this"),
            Self::OptionRefused    => (StatusCode::UNPROCESSABLE_ENTITY,   "option-refused",          "These options do not fit"),
            Self::QuoteRefused     => (StatusCode::CONFLICT,               "quote-refused",           "The quote does not hold"),
            Self::SlotRefused      => (StatusCode::CONFLICT,               "slot-refused",            "Not to be had for then"),
            Self::StoreClosed      => (StatusCode::CONFLICT,               "store-closed",            "The store is closed"),
            Self::TooFar           => (StatusCode::UNPROCESSABLE_ENTITY,   "too-far",                 "Too far from the store"),
            Self::BelowMinimum     => (StatusCode::UNPROCESSABLE_ENTITY,   "below-minimum",           "Below the store's minimum"),
            Self::LoginTaken       => (StatusCode::CONFLICT,               "login-taken",             "The login is taken"),
            Self::BadNotify        => (StatusCode::BAD_REQUEST,            "bad-notify",              "The message of the provider is not acceptable"),
            Self::WorkRefused      => (StatusCode::CONFLICT,               "work-refused",            "Not possible for this rider now"),
            Self::NoUpgrade        => (StatusCode::UPGRADE_REQUIRED,       "no-upgrade",              "This address is for WebSockets"),
            Self::WrongOffset      => (StatusCode::CONFLICT,               "wrong-offset",            "Not the next piece"),
            Self::BadPiece         => (StatusCode::BAD_REQUEST,            "bad-piece",               "The piece cannot be read"),
            Self::ContentRefused   => (StatusCode::UNPROCESSABLE_ENTITY,   "content-refused",         "Not the file that was announced"),
            Self::WrongSubprotocol => (StatusCode::BAD_REQUEST,            "wrong-subprotocol",       "Not a version of the protocol that we speak"),
            Self::ForeignOrigin    => (StatusCode::FORBIDDEN,              "foreign-origin",          "Not from this page"),
            Self::TooMany          => (StatusCode::TOO_MANY_REQUESTS,      "too-many-requests",       "Too many requests"),
            Self::Busy             => (StatusCode::SERVICE_UNAVAILABLE,    "busy",                    "Try again in a moment"),
            Self::Unavailable      => (StatusCode::SERVICE_UNAVAILABLE,    "unavailable",             "Try again later"),
            Self::OutcomeUnknown   => (StatusCode::SERVICE_UNAVAILABLE,    "outcome-unknown",         "Nobody knows whether it was done"),
            Self::WrongCode        => (StatusCode::UNPROCESSABLE_ENTITY,   "wrong-code",              "The code is not the right one, or not any more"),
            Self::CodesLocked      => (StatusCode::CONFLICT,               "codes-locked",            "Too many wrong codes"),
            Self::Internal         => (StatusCode::INTERNAL_SERVER_ERROR,  "internal",                "Our mistake"),
        }
    }
}

/// The body of an error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemView {
    /// `urn:riderhub:problem:` and the stable name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The stable name, for programs.
    pub code: &'static str,
    /// What went wrong, in general.
    pub title: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// What went wrong this time, and what to do about it.
    pub detail: String,
    /// The name of the request, for whoever looks into our log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Facts about this problem, e.g. `left` pieces of a `product`.
    #[serde(flatten)]
    pub facts: Map<String, Value>,
}

/// An error on its way to a client. The source is for the log only.
#[derive(Debug)]
pub struct Problem {
    kind: Kind,
    detail: String,
    facts: Map<String, Value>,
    retry_after_s: u64,
    source: Option<Cause>,
}

impl Problem {
    /// A problem with what to do about it.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), facts: Map::new(), retry_after_s: 1, source: None }
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn with(mut self, name: &str, fact: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), fact.into());
        self
    }

    /// When to try again, where the status says so.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = seconds;
        self
    }

    fn caused_by(mut self, source: impl Into<Cause>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong, for programs.
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.row().1, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.row().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, code, title) = self.kind.row();
        // Who is turned away because of too many others is counted, not written down.
        if status.is_server_error() && self.kind != Kind::Busy {
            tracing::error!(problem = code, error = ?self.source, "a request failed");
        }
        let view = ProblemView {
            kind: format!("urn:riderhub:problem:{code}"),
            code,
            title,
            status: status.as_u16(),
            detail: self.detail.clone(),
            request_id: request_id::current(),
            facts: self.facts.clone(),
        };
        let mut answer = HttpResponse::build(status);
        answer.content_type("application/problem+json");
        if status == StatusCode::UNAUTHORIZED {
            answer.insert_header(("WWW-Authenticate", "Bearer"));
        }
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            answer.insert_header(("Retry-After", self.retry_after_s.to_string()));
        }
        answer.body(serde_json::to_string(&view).unwrap_or_default())
    }
}

impl From<StoreError> for Problem {
    fn from(err: StoreError) -> Self {
        match &err {
            StoreError::NotFound { entity, .. } => not_found(entity).caused_by(err),
            StoreError::Conflict { entity, .. } => {
                let detail = format!("Somebody else changed the {entity} just now; read it again.");
                Self::new(Kind::ChangedMeanwhile, detail)
            }
            StoreError::KeyReused { .. } => {
                let detail = "This Idempotency-Key came before with another request; make a new \
                              key for every new request and send the same body when you repeat one.";
                Self::new(Kind::KeyReused, detail)
            }
            StoreError::LockConflict(_) | StoreError::Unavailable(_) => {
                let detail = "Nothing was done; send the same request again in a moment.";
                Self::new(Kind::Unavailable, detail).caused_by(err)
            }
            StoreError::OutcomeUnknown(_) => {
                let detail = "Send the same request with the same Idempotency-Key again: it is \
                              carried out once.";
                Self::new(Kind::OutcomeUnknown, detail).caused_by(err)
            }
            StoreError::Duplicate(_) | StoreError::Corrupt { .. } | StoreError::Refused(_) => {
                let detail = "Something is wrong on our side; it has been written down.";
                Self::new(Kind::Internal, detail).caused_by(err)
            }
        }
    }
}

pub(super) fn not_found(what: &str) -> Problem {
    Problem::new(Kind::NotFound, format!("There is no such {what} for you."))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own_and_an_error_status() {
        let names: HashSet<_> = Kind::ALL.iter().map(|it| it.row().1).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            let (status, name, title) = kind.row();
            assert!(status.is_client_error() || status.is_server_error(), "{name}");
            assert!(!title.is_empty() && !title.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn causes_stay_inside() {
        let problem = Problem::from(StoreError::refused("table secret_table is missing"));
        assert!(!problem.to_string().contains("secret_table"));
        assert_eq!(problem.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
