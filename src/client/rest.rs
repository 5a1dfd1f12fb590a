//! REST calls: JSON in, JSON or a problem out, repeated only where that is safe.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rand::RngExt as _;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use crate::{client::error::ClientError, http_client};

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How long a call is repeated while the server cannot be reached, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause before the first repetition; doubles each time.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause between two repetitions.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Characters of an unreadable answer that are shown.
const SHOWN_CHARS: usize = 120;

/// The nodes of one RiderHub, and how to ask them.
#[derive(Debug, Clone)]
pub struct Rest {
    http: Client,
    bases: Arc<[String]>,
    at: Arc<AtomicUsize>,
    patience: Duration,
}

/// One REST call.
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
    piece: Option<(u64, &'static [u8])>,
    key: Option<String>,
}

impl Call {
    /// Reads something.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into(), None)
    }

    /// Does something; it may be repeated only with a [`key`](Self::key).
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path.into(), Some(body))
    }

    /// Sets something.
    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PUT, path.into(), Some(body))
    }

    /// Changes some fields.
    pub fn patch(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PATCH, path.into(), Some(body))
    }

    /// Sends a piece of a file, which begins at `offset`.
    pub fn piece(path: String, offset: u64, bytes: &'static [u8]) -> Self {
        Self { piece: Some((offset, bytes)), ..Self::new(Method::PATCH, path, None) }
    }

    /// Removes something.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path.into(), None)
    }

    const fn new(method: Method, path: String, body: Option<Value>) -> Self {
        Self { method, path, body, piece: None, key: None }
    }

    /// The same key has its effect once, however often the call arrives.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Method and path, for messages.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it has the same effect when it arrives twice.
    fn is_repeatable(&self) -> bool {
        self.key.is_some() || self.method != Method::POST
    }
}

impl Rest {
    /// Asks the nodes at `bases`, beginning with number `first`; others when one cannot be reached.
    ///
    /// # Errors
    ///
    /// [`ClientError::Unreadable`] if a base is not an `http://` address.
    pub fn new(bases: &[String], first: usize) -> Result<Self, ClientError> {
        let unreadable =
            |why: String| ClientError::Unreadable { call: "server address".to_owned(), why };
        let bases: Vec<_> = bases.iter().map(|it| it.trim_end_matches('/').to_owned()).collect();
        match bases.iter().find(|it| !it.starts_with("http://")) {
            Some(base) => return Err(unreadable(format!("`{base}` does not begin with http://"))),
            None if bases.is_empty() => return Err(unreadable("there is none".to_owned())),
            None => {}
        }
        let http = http_client::builder()
            .no_proxy()
            .timeout(ANSWER_MAX)
            .connect_timeout(CONNECT_MAX)
            .build()
            .map_err(|err| unreadable(err.to_string()))?;
        let at = Arc::new(AtomicUsize::new(first));
        Ok(Self { http, bases: bases.into(), at, patience: PATIENCE })
    }

    /// The same, with connections shared, for somebody who begins with another node.
    #[must_use]
    pub fn beginning_with(&self, first: usize) -> Self {
        Self { at: Arc::new(AtomicUsize::new(first)), ..self.clone() }
    }

    /// Goes on asking for so long while the server cannot be reached.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The node that is asked at present.
    pub fn base(&self) -> &str {
        let at = self.at.load(Ordering::Relaxed) % self.bases.len();
        &self.bases[at]
    }

    /// Asks another node from now on.
    pub fn next_base(&self) {
        self.at.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes a call, with `token` if there is one; repeats it where that is safe.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as it came last.
    pub async fn call(&self, call: &Call, token: Option<&str>) -> Result<Value, ClientError> {
        let began = Instant::now();
        let mut pause = PAUSE_MIN;
        loop {
            let err = match self.once(call, token).await {
                Ok(value) => return Ok(value),
                Err(err) => err,
            };
            let may_repeat = match &err {
                ClientError::Unreachable { sent, .. } => !sent || call.is_repeatable(),
                ClientError::Refused { status, .. } => {
                    matches!(status, 429 | 502..=504) && call.is_repeatable()
                }
                _ => false,
            };
            if !may_repeat || began.elapsed() > self.patience {
                return Err(err);
            }
            if matches!(err, ClientError::Unreachable { .. }) {
                self.next_base();
            }
            let jitter = rand::rng().random_range(0.5..1.0);
            tokio::time::sleep(pause.mul_f64(jitter)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn once(&self, call: &Call, token: Option<&str>) -> Result<Value, ClientError> {
        let base = self.base().to_owned();
        let mut request = self.http.request(call.method.clone(), format!("{base}{}", call.path));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &call.key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        if let Some((offset, bytes)) = call.piece {
            request = request.header("Upload-Offset", offset).body(bytes);
        }
        self.answer(call, base, request).await
    }

    async fn answer(
        &self,
        call: &Call,
        base: String,
        request: RequestBuilder,
    ) -> Result<Value, ClientError> {
        let unreachable = |err: &reqwest::Error, base: &str| ClientError::Unreachable {
            call: call.name(),
            base: base.to_owned(),
            sent: !err.is_connect(),
            why: causes(err),
        };
        let response: Response = request.send().await.map_err(|err| unreachable(&err, &base))?;
        let status = response.status();
        let text = response.text().await.map_err(|err| unreachable(&err, &base))?;
        read_answer(call, status, &text)
    }
}

/// All causes of an error in one line; reqwest's own line hides them.
fn causes(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text = format!("{text}: {err}");
        cause = err.source();
    }
    text
}

fn read_answer(call: &Call, status: StatusCode, text: &str) -> Result<Value, ClientError> {
    let value = match text {
        "" => Ok(Value::Null),
        text => serde_json::from_str::<Value>(text),
    };
    if status.is_success() {
        return value.map_err(|err| ClientError::Unreadable {
            call: call.name(),
            why: format!("{err} in `{}`", shown(text)),
        });
    }
    let problem = value.unwrap_or_default();
    let field = |name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
    Err(ClientError::Refused {
        call: call.name(),
        status: status.as_u16(),
        kind: field("type")
            .and_then(|it| it.rsplit(['/', ':']).next().map(str::to_owned))
            .unwrap_or_default(),
        title: field("title").unwrap_or_else(|| shown(text)),
        detail: field("detail").unwrap_or_default(),
    })
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_shows_its_title_and_detail() {
        let text = r#"{"type":"https://x/problems/out-of-stock","title":"Sold out","status":409,"detail":"2 left"}"#;
        let call = Call::post("/v1/orders", json!({}));
        let err = read_answer(&call, StatusCode::CONFLICT, text).unwrap_err();
        assert_eq!(err.to_string(), "POST /v1/orders: 409 Sold out: 2 left");
        assert!(matches!(err, ClientError::Refused { kind, .. } if kind == "out-of-stock"));
    }

    #[test]
    fn only_harmless_calls_are_repeated() {
        assert!(Call::get("/v1/me").is_repeatable());
        assert!(!Call::post("/v1/orders", json!({})).is_repeatable());
        assert!(Call::post("/v1/orders", json!({})).key("k").is_repeatable());
    }

    #[test]
    fn an_address_without_http_is_refused() {
        assert!(Rest::new(&["localhost:8080".to_owned()], 0).is_err());
        assert!(Rest::new(&[], 0).is_err());
    }
}
