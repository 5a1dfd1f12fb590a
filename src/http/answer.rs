//! Answers of commands: the result, and whether it is the stored one of an earlier time.

use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody, http::StatusCode};
use serde::Serialize;

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

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        if self.is_replay {
            answer.insert_header((REPLAYED, "true"));
        }
        answer.json(self.value)
    }
}
