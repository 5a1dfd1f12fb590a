//! A push service and a device of our own: real HTTP, real keys, answers as the test wants them.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use web_push_native::{
    Auth, decrypt,
    p256::{SecretKey, elliptic_curve::sec1::ToEncodedPoint as _},
};

/// How long a test waits for a notice; far above every delay of a class.
const WAIT: Duration = Duration::from_secs(60);

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Path of its address.
    pub path: String,
    /// Headers, their names in lower case.
    pub headers: HashMap<String, String>,
    /// The raw body.
    pub body: Vec<u8>,
}

impl Arrived {
    /// A header that must be there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

/// What is answered.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// This status.
    Status(u16),
    /// Nothing at all: the request hangs.
    Nothing,
}

#[derive(Default)]
struct State {
    arrived: Vec<Arrived>,
    answers: VecDeque<Answer>,
}

/// Listens on this machine.
pub struct PushService {
    /// Where.
    pub addr: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl PushService {
    /// Starts to listen; answers 201 unless told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&shared)));
            }
        });
        Self { addr, state }
    }

    /// Answers the next requests like this, in order.
    pub fn answer(&self, answers: &[Answer]) {
        self.state.lock().unwrap().answers.extend(answers);
    }

    /// Everything that has arrived at a path.
    pub fn arrived(&self, path: &str) -> Vec<Arrived> {
        let state = self.state.lock().unwrap();
        state.arrived.iter().filter(|it| it.path == path).cloned().collect()
    }

    /// Waits until `n` requests have arrived at a path, and answers them all.
    pub async fn until(&self, path: &str, n: usize) -> Vec<Arrived> {
        let until = tokio::time::Instant::now() + WAIT;
        loop {
            let arrived = self.arrived(path);
            if arrived.len() >= n {
                return arrived;
            }
            assert!(tokio::time::Instant::now() < until, "{n} at {path}; came: {arrived:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn serve(mut socket: TcpStream, state: Arc<Mutex<State>>) {
    while let Some(request) = read(&mut socket).await {
        let answer = {
            let mut state = state.lock().unwrap();
            state.arrived.push(request);
            state.answers.pop_front().unwrap_or(Answer::Status(201))
        };
        let Answer::Status(status) = answer else {
            tokio::time::sleep(WAIT).await;
            return;
        };
        let head = format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n");
        if socket.write_all(head.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(socket: &mut TcpStream) -> Option<Arrived> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break at + 4;
        }
        let mut some = [0; 4_096];
        match socket.read(&mut some).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&some[..n]),
            _ => return None,
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |it| it.parse().unwrap());
    let mut body = bytes[end..].to_vec();
    let read = body.len();
    body.resize(length, 0);
    if length > read && socket.read_exact(&mut body[read..]).await.is_err() {
        return None;
    }
    Some(Arrived { path, headers, body })
}

/// A device that has subscribed at the push service.
pub struct Device {
    /// Its own name for itself.
    pub name: &'static str,
    /// Path of its address at the service.
    pub path: String,
    endpoint: String,
    secret: SecretKey,
    auth: [u8; 16],
}

impl Device {
    /// Makes keys, as a browser does.
    pub fn new(service: &PushService, name: &'static str) -> Self {
        let path = format!("/push/{}", uuid::Uuid::now_v7().simple());
        let endpoint = format!("http://{}{path}", service.addr);
        let secret = loop {
            if let Ok(secret) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
                break secret;
            }
        };
        Self { name, path, endpoint, secret, auth: rand::random() }
    }

    /// The body of `PUT /v1/push-subscriptions`.
    pub fn subscription(&self) -> Value {
        let point = self.secret.public_key().to_encoded_point(false);
        let (p256dh, auth) =
            (URL_SAFE_NO_PAD.encode(point.as_bytes()), URL_SAFE_NO_PAD.encode(self.auth));
        json!({ "device": self.name, "endpoint": self.endpoint,
            "keys": { "p256dh": p256dh, "auth": auth } })
    }

    /// Reads a notice as only this device can, and checks that it is from who holds `server_key`.
    pub fn open(&self, arrived: &Arrived, server_key: &str) -> Value {
        assert_eq!(arrived.header("content-encoding"), "aes128gcm");
        assert!(arrived.header("ttl").parse::<u64>().unwrap() > 0);
        check_sender(arrived.header("authorization"), &self.endpoint, server_key);
        let auth = Auth::from(self.auth);
        let opened = decrypt(arrived.body.clone(), &self.secret, &auth).expect("it is for us");
        serde_json::from_slice(&opened).unwrap()
    }
}

fn check_sender(authorization: &str, endpoint: &str, server_key: &str) {
    let parts = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=");
    let (token, key) = parts.unwrap();
    assert_eq!(key, server_key);
    let point = URL_SAFE_NO_PAD.decode(key).unwrap();
    let half = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
    let reader = DecodingKey::from_ec_components(&half(1..33), &half(33..65)).unwrap();
    let mut checks = Validation::new(Algorithm::ES256);
    let origin = reqwest::Url::parse(endpoint).unwrap().origin().ascii_serialization();
    checks.set_audience(&[origin]);
    let claims = decode::<Value>(token, &reader, &checks).expect("a good signature").claims;
    assert!(claims["sub"].as_str().unwrap().starts_with("mailto:"), "{claims}");
}
