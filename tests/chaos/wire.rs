//! A socket whose kernel takes little on credit, so that a reader that stops is soon felt.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use riderhub::client::socket::{Frame, SUBPROTOCOL};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};

/// What the kernel may hold for a client that does not read.
const RECEIVE_BYTES: u32 = 8 << 10;
/// How long opening and signing in may take.
const OPEN_MAX: Duration = Duration::from_secs(5);

/// An open socket. Dropped, it is gone without goodbye.
pub struct Wire {
    stream: WebSocketStream<TcpStream>,
    waiting: Vec<Frame>,
}

/// What comes from a socket.
pub enum Incoming {
    Frame(Frame),
    End(u16),
}

impl Wire {
    /// Opens a socket to the node at `base`.
    pub async fn open(base: &str) -> Option<Self> {
        tokio::time::timeout(OPEN_MAX, Self::try_open(base)).await.ok()?
    }

    async fn try_open(base: &str) -> Option<Self> {
        let host = base.strip_prefix("http://")?;
        let tcp = TcpSocket::new_v4().ok()?;
        tcp.set_recv_buffer_size(RECEIVE_BYTES).ok()?;
        let tcp = tcp.connect(host.parse().ok()?).await.ok()?;
        tcp.set_nodelay(true).ok()?;
        let mut request = format!("ws://{host}/v1/ws").into_client_request().ok()?;
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (stream, _) = tokio_tungstenite::client_async(request, tcp).await.ok()?;
        Some(Self { stream, waiting: Vec::new() })
    }

    /// Signs in; answers what the server says to that.
    pub async fn sign_in(
        &mut self,
        token: &str,
        device: &str,
        resume: Value,
    ) -> Result<Value, Option<Value>> {
        let p = json!({ "token": token, "resume": resume,
            "device": { "id": device, "kind": "test", "app": "chaos" } });
        let signing_in = async {
            self.send(&json!({ "id": 1, "m": "connect", "p": p })).await.map_err(|()| None)?;
            self.answer(1).await
        };
        tokio::time::timeout(OPEN_MAX, signing_in).await.unwrap_or(Err(None))
    }

    /// The answer to a command; pushes that come before it are lost.
    pub async fn answer(&mut self, id: u64) -> Result<Value, Option<Value>> {
        loop {
            match self.next().await {
                Incoming::Frame(mut frame) if frame.get("id") == Some(&id.into()) => {
                    return frame.remove("ok").ok_or_else(|| frame.remove("err"));
                }
                Incoming::Frame(_) => {}
                Incoming::End(_) => return Err(None),
            }
        }
    }

    pub async fn send(&mut self, frame: &Value) -> Result<(), ()> {
        self.stream.send(Message::text(frame.to_string())).await.map_err(drop)
    }

    /// The next thing that comes. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Incoming {
        loop {
            if let Some(frame) = self.waiting.pop() {
                return Incoming::Frame(frame);
            }
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let lines = text.split('\n').rev().filter(|it| !it.is_empty());
                    self.waiting = lines.map(|it| serde_json::from_str(it).unwrap()).collect();
                }
                Some(Ok(Message::Close(close))) => {
                    return Incoming::End(close.map_or(1005, |it| it.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Incoming::End(1006),
            }
        }
    }
}
