//! The name of a request: taken from the client or made, told in the answer, in every log line that it
//! causes and in its problem.

use std::time::Instant;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};
use tracing::Instrument as _;
use uuid::Uuid;

/// Name of the header.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest name that is taken from a client.
const BYTES_MAX: usize = 64;

tokio::task_local! {
    static CURRENT: String;
}

/// The name of the request that is being answered.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// What a client calls its request, if that can stand in a log line.
fn given(req: &ServiceRequest) -> Option<String> {
    let text = req.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_fine = |it: u8| it.is_ascii_alphanumeric() || b"-_.:".contains(&it);
    let fits = (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(is_fine);
    fits.then(|| text.to_owned())
}

/// Names a request.
///
/// # Errors
///
/// What comes of the request.
pub async fn name(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = given(&req).unwrap_or_else(|| Uuid::now_v7().simple().to_string());
    let span = tracing::info_span!("request", request.id = %id);
    let (value, began) = (HeaderValue::from_str(&id), Instant::now());
    let method = req.method().clone();
    let answering = async {
        let answer = next.call(req).await;
        if let Ok(answer) = &answer {
            let route = answer.request().match_pattern().unwrap_or_default();
            let (status, ms) = (answer.status().as_u16(), began.elapsed().as_millis() as u64);
            tracing::debug!(method = %method, route, status, ms, "answered");
        }
        answer
    };
    let mut answer = CURRENT.scope(id, answering).instrument(span).await?;
    if let Ok(value) = value {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    Ok(answer)
}
