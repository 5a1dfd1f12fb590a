//! Answers of commands: the result, and whether it is the stored one of an earlier time.

use actix_web::{
    HttpRequest, HttpResponse, Responder, ResponseError as _,
    body::BoxBody,
    http::{
        Method, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
};
use serde::Serialize;
use usecases::cache::Page;

use super::problem::{Kind, Problem};

/// Name of the header of answers that were given before.
pub const REPLAYED: &str = "Idempotent-Replayed";

/// A JSON answer.
#[derive(Debug)]
pub struct Answer<T> {
    status: StatusCode,
    is_replay: bool,
    value: T,
}

impl<T> Answer<T> {
    /// 200 with `value`.
    pub const fn ok(value: T) -> Self {
        Self { status: StatusCode::OK, is_replay: false, value }
    }

    /// 201 with `value`.
    pub const fn created(value: T) -> Self {
        Self { status: StatusCode::CREATED, is_replay: false, value }
    }

    /// 202 with `value`.
    pub const fn accepted(value: T) -> Self {
        Self { status: StatusCode::ACCEPTED, is_replay: false, value }
    }

    /// Says whether the command was carried out at an earlier time.
    #[must_use]
    pub const fn replayed(mut self, is_replay: bool) -> Self {
        self.is_replay = is_replay;
        self
    }
}

impl<T: Serialize> Responder for Answer<T> {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        if req.method() == Method::GET && self.status == StatusCode::OK {
            return match json(&self.value) {
                Ok(bytes) => Tagged(Page::new(bytes)).respond_to(req),
                Err(problem) => problem.error_response(),
            };
        }
        let mut answer = HttpResponse::build(self.status);
        if self.is_replay {
            answer.insert_header((REPLAYED, "true"));
        }
        answer.json(self.value)
    }
}

/// The JSON text of an answer.
///
/// # Errors
///
/// [`Kind::Internal`] if it has none, which none of ours lacks.
pub fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value)
        .map_err(|_| Problem::new(Kind::Internal, "The answer could not be written."))
}

/// A JSON answer to a read: with the tag of its contents, or only the word that it has not changed
/// since the client read it.
#[derive(Debug)]
pub struct Tagged(pub Page);

impl Responder for Tagged {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let Page { bytes, tag } = self.0;
        let known = req.headers().get_all(IF_NONE_MATCH).filter_map(|it| it.to_str().ok());
        let is_known = known.flat_map(|it| it.split(',')).any(|it| is_same(it.trim(), &tag));
        let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        let mut answer = HttpResponse::build(status);
        // Whoever keeps it asks each time whether it still holds.
        answer.insert_header((ETAG, &*tag)).insert_header((CACHE_CONTROL, "private, no-cache"));
        if is_known {
            return answer.finish();
        }
        answer.insert_header((CONTENT_TYPE, "application/json")).body(bytes)
    }
}

/// Whether a client's tag is ours; a cache in between may have weakened it.
fn is_same(theirs: &str, ours: &str) -> bool {
    theirs == "*" || theirs.strip_prefix("W/").unwrap_or(theirs) == ours
}
