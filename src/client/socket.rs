//! One WebSocket connection: frames as JSON objects, several to a message, and how it ended.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Map, Value};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        http::{HeaderValue, Response, StatusCode},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use crate::client::error::ClientError;

/// The form of frames that we speak.
pub const SUBPROTOCOL: &str = "riderhub.v1.json";
/// Largest message that we take from a server.
const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// Bytes that we read at once; hundreds of connections share a process.
const READ_BYTES: usize = 8 << 10;
/// How long opening may take.
const OPEN_MAX: Duration = Duration::from_secs(5);
/// Longest `Retry-After` that we believe.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// Code for "the connection ended without a close frame" (RFC 6455 §7.1.5).
pub const CODE_LOST: u16 = 1006;

/// A JSON object.
pub type Frame = Map<String, Value>;

/// An open socket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waiting: VecDeque<Frame>,
    watcher: Option<Watcher>,
}

/// What a [`Watcher`] sees.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A new connection begins; ids count from anew.
    Opened,
    /// A message that goes up.
    Sent(&'a str),
    /// A frame that came down.
    Came(&'a Frame),
}

/// Looks at everything that goes over the wire, e.g. to check it.
#[derive(Clone)]
pub struct Watcher(pub Arc<dyn Fn(Seen<'_>) + Send + Sync>);

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// What comes from a socket.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// One frame of the protocol.
    Frame(Frame),
    /// A sign of life.
    Beat,
    /// The end.
    End {
        /// Close code; [`CODE_LOST`] if there was no close frame.
        code: u16,
        /// Reason of the close frame, or what broke.
        reason: String,
    },
}

impl Socket {
    /// Opens a socket to the server at `base`, an `http://` address.
    ///
    /// # Errors
    ///
    /// [`ClientError::Full`] if the server takes no more sockets now, [`ClientError::Broken`] if
    /// it fails otherwise or takes too long.
    pub async fn open(base: &str) -> Result<Self, ClientError> {
        let broken = |why: String| ClientError::Broken { base: base.to_owned(), why };
        let url = format!("ws{}/v1/ws", base.strip_prefix("http").unwrap_or(base));
        let mut request = url.into_client_request().map_err(|err| broken(err.to_string()))?;
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", HeaderValue::from_static(SUBPROTOCOL));
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .read_buffer_size(READ_BYTES);
        let connecting = connect_async_with_config(request, Some(config), true);
        let (stream, _) = tokio::time::timeout(OPEN_MAX, connecting)
            .await
            .map_err(|_| broken(format!("did not open within {} s", OPEN_MAX.as_secs())))?
            .map_err(|err| match err {
                Error::Http(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => {
                    ClientError::Full { base: base.to_owned(), after: retry_after(&answer) }
                }
                err => broken(err.to_string()),
            })?;
        Ok(Self { stream, waiting: VecDeque::new(), watcher: None })
    }

    /// Shows all that comes and goes from now on.
    pub fn watch(&mut self, watcher: Option<Watcher>) {
        self.watcher = watcher;
        self.show(Seen::Opened);
    }

    fn show(&self, seen: Seen<'_>) {
        if let Some(Watcher(look)) = &self.watcher {
            look(seen);
        }
    }

    /// Sends one text message.
    ///
    /// # Errors
    ///
    /// What broke, as text.
    pub async fn send(&mut self, text: String) -> Result<(), String> {
        self.show(Seen::Sent(&text));
        self.stream.send(Message::text(text)).await.map_err(|err| err.to_string())
    }

    /// The next thing that comes. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Incoming {
        loop {
            if let Some(frame) = self.waiting.pop_front() {
                return Incoming::Frame(frame);
            }
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    if let Err(end) = self.split(text.as_str()) {
                        return end;
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Incoming::Beat,
                Some(Ok(Message::Close(frame))) => return end_of(frame),
                Some(Ok(Message::Binary(_) | Message::Frame(_))) => {}
                Some(Err(err)) => {
                    return Incoming::End { code: CODE_LOST, reason: err.to_string() };
                }
                None => {
                    return Incoming::End { code: CODE_LOST, reason: "connection lost".to_owned() };
                }
            }
        }
    }

    fn split(&mut self, text: &str) -> Result<(), Incoming> {
        for line in text.split('\n').filter(|it| !it.is_empty()) {
            let frame = serde_json::from_str(line).map_err(|err| Incoming::End {
                code: CODE_LOST,
                reason: format!("the server sent what is no frame: {err}"),
            })?;
            self.show(Seen::Came(&frame));
            self.waiting.push_back(frame);
        }
        Ok(())
    }

    /// Says goodbye and closes.
    pub async fn close(mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
        let closing = self.stream.close(Some(frame));
        // The other side may be gone; either way we are done.
        drop(tokio::time::timeout(Duration::from_millis(500), closing).await);
    }
}

/// When the server wants to be asked again.
fn retry_after<T>(answer: &Response<T>) -> Duration {
    let seconds = answer.headers().get("Retry-After").and_then(|it| it.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1)).min(RETRY_AFTER_MAX)
}

fn end_of(frame: Option<CloseFrame>) -> Incoming {
    match frame {
        Some(frame) => {
            Incoming::End { code: frame.code.into(), reason: frame.reason.as_str().to_owned() }
        }
        None => Incoming::End { code: 1005, reason: String::new() },
    }
}
