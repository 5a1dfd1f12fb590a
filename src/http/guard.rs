//! How often one may ask: by address, by account and by route, and what each answer says about it.
//!
//! What only reads is counted apart, by each node for itself; the rest by all nodes together, so that a limit
//! means the same however many there are.

use std::net::IpAddr;

use actix_web::{
    Error, HttpRequest, ResponseError as _,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use domain::{
    ids::AccountId,
    rate::{Quota, Taken},
};
use usecases::tries::counted;

use super::{
    address::{self, Network},
    extract,
    refusals::too_often,
    state::HttpState,
};

/// How often one may ask; 0 is as often as one likes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests from one address in a minute.
    pub address_per_min: u32,
    /// Requests of one account in a minute.
    pub account_per_min: u32,
    /// Sign-ins, registrations and the like from one address in a minute.
    pub entry_per_min: u32,
    /// New orders of one account in a minute.
    pub orders_per_min: u32,
    /// Whether this machine's own addresses may ask as often as they like.
    pub is_loopback_free: bool,
}

/// Counts who asks.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// How often one may ask.
    pub limits: Limits,
    /// Proxies whose word about addresses is taken.
    pub trusted: Vec<Network>,
    /// How many times faster than life the server's clock runs: its people ask more often.
    pub scale: f64,
}

/// Where one account or address may do something less often than the rest, by route.
const ENTRIES: [(&str, &str); 5] = [
    ("POST", "/v1/accounts"),
    ("POST", "/v1/sessions"),
    ("POST", "/v1/sessions/code"),
    ("POST", "/v1/codes"),
    ("POST", "/v1/password-resets"),
];
/// What is a new order.
const NEW_ORDER: (&str, &str) = ("POST", "/v1/orders");
/// Who is not counted: machines that work for the platform.
const FREE: [&str; 3] = ["/v1/providers/", "/v1/fixtures", "/v1/demo/"];

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// One thing that is counted for a request.
struct Count {
    /// The name of the limit, told to clients.
    name: &'static str,
    key: String,
    quota: Quota,
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

impl Guard {
    fn quota(&self, per_min: u32) -> Option<Quota> {
        let n = f64::from(per_min) * if self.scale > 0.0 { self.scale } else { 1.0 };
        (per_min > 0).then(|| Quota::per_minute(n.clamp(1.0, 1e9) as u32))
    }

    fn counts(
        &self,
        req: &HttpRequest,
        address: Option<IpAddr>,
        who: Option<AccountId>,
    ) -> Vec<Count> {
        let pattern = req.match_pattern().unwrap_or_default();
        let asked = (req.method().as_str(), pattern.as_str());
        let kind = if is_read(req.method()) { "read" } else { "change" };
        let Limits { address_per_min, account_per_min, entry_per_min, .. } = self.limits;
        let mut counts = Vec::with_capacity(3);
        let mut count = |name: &'static str, whose: String, per_min: u32| {
            if let Some(quota) = self.quota(per_min) {
                counts.push(Count { name, key: format!("{name}:{kind}:{whose}"), quota });
            }
        };
        let is_free = |it: &IpAddr| self.limits.is_loopback_free && it.is_loopback();
        if let Some(address) = address.filter(|it| !is_free(it)) {
            let address = counted(address).to_string();
            if ENTRIES.contains(&asked) {
                count("entry", address.clone(), entry_per_min);
            }
            count("address", address, address_per_min);
        }
        if let Some(account) = who {
            if asked == NEW_ORDER {
                count("orders", account.to_string(), self.limits.orders_per_min);
            }
            count("account", account.to_string(), account_per_min);
        }
        counts
    }

    /// The address of whoever asks.
    pub fn address(&self, req: &HttpRequest) -> Option<IpAddr> {
        let peer = req.peer_addr()?.ip();
        Some(address::of_client(peer, req.headers(), &self.trusted))
    }
}

/// What a client is told of the limit that is nearest.
struct Told {
    name: &'static str,
    quota: Quota,
    taken: Taken,
}

impl Told {
    fn share_left(&self) -> f64 {
        f64::from(self.taken.left) / f64::from(self.quota.n)
    }

    fn write(&self, headers: &mut HeaderMap) {
        let Self { name, quota, taken } = self;
        let back = if taken.is_allowed { taken.full_after } else { taken.retry_after };
        let (n, left, seconds) = (quota.n, taken.left, back.as_millis().div_ceil(1_000));
        let (window, mut set) = (quota.period.as_secs(), |name: HeaderName, text: String| {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        });
        set(LIMIT, n.to_string());
        set(REMAINING, left.to_string());
        set(RESET, seconds.to_string());
        set(POLICY, format!("\"{name}\";q={n};w={window}"));
        set(RATE_LIMIT, format!("\"{name}\";r={left};t={seconds}"));
    }
}

/// Counts a request, refuses it with 429 if there were too many, and says in the answer how many are
/// left.
///
/// # Errors
///
/// What comes of the request.
pub async fn check(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let path = req.path();
    let is_counted = path.starts_with("/v1/") && !FREE.iter().any(|it| path.starts_with(it));
    let state = req.app_data::<Data<HttpState>>().cloned().filter(|_| is_counted);
    let Some(state) = state else { return Ok(next.call(req).await?.map_into_boxed_body()) };
    let is_read = is_read(req.method());
    let who = extract::remember_identity(req.request());
    let counts = state.guard.counts(req.request(), state.guard.address(req.request()), who);
    let mut nearest: Option<Told> = None;
    for Count { name, key, quota } in counts {
        let rates = &state.platform.rates;
        let taken =
            if is_read { rates.take_here(key, quota) } else { rates.take(key, quota).await };
        let told = Told { name, quota, taken };
        if !taken.is_allowed {
            metrics::counter!("riderhub_requests_refused_total", "limit" => name).increment(1);
            let mut answer = too_often(taken.retry_after).error_response();
            told.write(answer.headers_mut());
            return Ok(req.into_response(answer));
        }
        if nearest.as_ref().is_none_or(|it| told.share_left() < it.share_left()) {
            nearest = Some(told);
        }
    }
    let mut answer = next.call(req).await?.map_into_boxed_body();
    if let Some(told) = nearest {
        told.write(answer.headers_mut());
    }
    Ok(answer)
}
