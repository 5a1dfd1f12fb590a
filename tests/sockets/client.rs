//! A client of the protocol, frame by frame.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU32, Ordering},
};

use actors::protocol::SUBPROTOCOL_JSON;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use crate::support::LIMIT;

/// A client of the protocol.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) format: &'static str,
    pub(crate) frames: VecDeque<Value>,
    /// Pushes that were read and not asked for yet.
    pub(crate) seen: Vec<Value>,
    pub(crate) last_id: AtomicU32,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed(pub(crate) u16, pub(crate) String);

impl Client {
    pub(crate) async fn raw(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends a command and waits for its reply; what is pushed meanwhile is kept.
    pub(crate) async fn ask(&mut self, m: &str, p: Value) -> Result<Value, Value> {
        let id = self.send(m, p).await;
        self.reply(id).await
    }

    pub(crate) async fn send(&mut self, m: &str, p: Value) -> u32 {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let command = json!({ "id": id, "m": m, "p": p });
        let message = match self.format {
            SUBPROTOCOL_JSON => Message::text(command.to_string()),
            _ => Message::binary(rmp_serde::to_vec(&command).unwrap()),
        };
        self.socket.send(message).await.unwrap();
        id
    }

    pub(crate) async fn reply(&mut self, id: u32) -> Result<Value, Value> {
        loop {
            let mut frame = self.next().await.expect("the connection is open");
            if frame["id"] != json!(id) {
                self.seen.push(frame);
            } else if frame["ok"].is_object() {
                return Ok(frame["ok"].take());
            } else {
                return Err(frame["err"].take());
            }
        }
    }

    /// The next frame that `wanted` likes; others are kept.
    pub(crate) async fn expect(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.seen.iter().position(&wanted) {
            return self.seen.remove(at);
        }
        loop {
            let frame = self.next().await;
            let frame = frame.unwrap_or_else(|it| panic!("closed {it:?}; seen {:?}", self.seen));
            if wanted(&frame) {
                return frame;
            }
            self.seen.push(frame);
        }
    }

    pub(crate) async fn push(&mut self, name: &str) -> Value {
        self.expect(|it| it["push"] == name).await
    }

    /// `n` entries of a channel, in the order in which they came.
    pub(crate) async fn entries(&mut self, channel: &str, n: usize) -> Vec<Value> {
        let mut found = Vec::new();
        while found.len() < n {
            found.push(self.expect(|it| it["ch"] == channel && it["off"].is_u64()).await);
        }
        found
    }

    /// The next frame, or how it ended.
    pub(crate) async fn next(&mut self) -> Result<Value, Closed> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(frame);
            }
            let message = tokio::time::timeout(LIMIT, self.socket.next()).await;
            match message.expect("a message in time") {
                Some(Ok(Message::Binary(bytes))) => {
                    assert_ne!(self.format, SUBPROTOCOL_JSON);
                    let mut rest = &bytes[..];
                    while !rest.is_empty() {
                        self.frames.push_back(rmp_serde::from_read(&mut rest).unwrap());
                    }
                }
                Some(Ok(Message::Text(text))) => {
                    assert_eq!(self.format, SUBPROTOCOL_JSON);
                    let frames = text.split('\n').map(|it| serde_json::from_str(it).unwrap());
                    self.frames.extend(frames);
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    return Err(Closed(close.code.into(), close.reason.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(err)) => return Err(Closed(0, err.to_string())),
                None => return Err(Closed(0, "ended".to_owned())),
            }
        }
    }

    /// Waits for the end.
    pub(crate) async fn closed(&mut self) -> Closed {
        loop {
            match self.next().await {
                Ok(frame) => self.seen.push(frame),
                Err(closed) => return closed,
            }
        }
    }

    /// Frames that were pushed and not asked for.
    pub(crate) fn seen(&self) -> &[Value] {
        &self.seen
    }
}

/// A new command id.
pub(crate) fn cid() -> String {
    uuid::Uuid::now_v7().to_string()
}
