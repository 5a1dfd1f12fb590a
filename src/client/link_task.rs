//! The task behind a link: one connection after the other, until the end.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use rand::RngExt as _;
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, interval, sleep_until, timeout},
};

use crate::client::{
    error::ClientError,
    link::{LinkSettings, Order, Queue},
    link_core::{self, Ask, Copies, Core, Event, Purpose, Step},
    pace::Pace,
    receipts::Receipts,
    session::Session,
    socket::{Incoming, Socket},
};

/// How long the answer to `connect` may take.
const HELLO_MAX: Duration = Duration::from_secs(10);
/// How often copies that are behind are looked at.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// A token is renewed after this share of its life.
const TOKEN_SHARE: f64 = 0.6;
/// Shortest life of a token that we plan with.
const TOKEN_MIN: Duration = Duration::from_millis(500);
/// Close codes from here on mean: do not come back.
const CODE_FOR_GOOD: u16 = 4_500;
/// Close code of a server that goes down; its reason says when to come back.
const CODE_DRAIN: u16 = 4_001;
/// Close code and errors that a new token may cure.
const CODE_INVALID_TOKEN: u16 = 4_501;
const ERRORS_OF_TOKENS: [u16; 2] = [120, 121];

/// See the file's head.
#[derive(Debug)]
pub(super) struct Task {
    session: Session,
    settings: LinkSettings,
    core: Core,
    receipts: Receipts,
    copies: Arc<Mutex<Copies>>,
    queue: Arc<Queue>,
    pace: watch::Sender<Option<Pace>>,
    orders: mpsc::WeakSender<Order>,
    reconnect: Reconnect,
    /// Connections that stood, so far.
    n_stood: u32,
    /// Tries that failed since the last connection stood.
    n_failed: u32,
    /// Tokens that were refused since then.
    tokens_refused: u32,
    beats_within: Duration,
    token: String,
    renew_at: Instant,
}

/// How the server wants us to come back.
#[derive(Debug, Clone, Copy)]
struct Reconnect {
    min: Duration,
    max: Duration,
    first: Duration,
}

/// Why a connection is over.
enum End {
    /// Come back, after that long if it is told.
    Again(Option<Duration>),
    /// The token was refused.
    Token(ClientError),
    /// For good.
    Over(u16, String),
}

impl Task {
    pub(super) fn new(
        session: Session,
        settings: LinkSettings,
        copies: Arc<Mutex<Copies>>,
        queue: Arc<Queue>,
        pace: watch::Sender<Option<Pace>>,
        orders: mpsc::WeakSender<Order>,
    ) -> Self {
        let reconnect = Reconnect {
            min: Duration::from_millis(200),
            max: Duration::from_secs(15),
            first: Duration::from_secs(1),
        };
        Self {
            core: Core::new(Arc::clone(&copies)),
            receipts: Receipts::default(),
            session,
            settings,
            copies,
            queue,
            pace,
            orders,
            reconnect,
            n_stood: 0,
            n_failed: 0,
            tokens_refused: 0,
            beats_within: Duration::from_secs(30),
            token: String::new(),
            renew_at: Instant::now(),
        }
    }

    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let (code, reason) = loop {
            match self.one_connection(&mut orders).await {
                End::Over(code, reason) => break (code, reason),
                End::Token(err) if self.tokens_refused >= 2 => {
                    break (CODE_INVALID_TOKEN, err.to_string());
                }
                End::Token(_) => {
                    self.tokens_refused += 1;
                    // If that fails too, the next try says so.
                    drop(self.session.renew(&self.token).await);
                }
                End::Again(after) => {
                    let pause = after.unwrap_or_else(|| self.pause());
                    if !self.stay_away(pause, &mut orders).await {
                        break (1000, "bye".to_owned());
                    }
                }
            }
        };
        self.core.give_up(&ClientError::Closed { code, reason: reason.clone() });
        self.queue.put(Event::Closed { code, reason });
        self.queue.end();
    }

    /// Full jitter: anything between nothing and a limit that doubles.
    fn pause(&mut self) -> Duration {
        let first = self.settings.reconnect_window.unwrap_or(self.reconnect.first);
        let limit = match self.n_failed {
            0 => first,
            n => self.reconnect.min.saturating_mul(1 << n.min(10)).max(first),
        };
        self.n_failed += 1;
        limit.min(self.reconnect.max).mul_f64(rand::rng().random_range(0.0..1.0))
    }

    /// Waits, keeping what is asked meanwhile; `false` if nobody wants the link any more.
    async fn stay_away(&mut self, pause: Duration, orders: &mut mpsc::Receiver<Order>) -> bool {
        let until = Instant::now() + pause;
        loop {
            tokio::select! {
                () = sleep_until(until) => return true,
                order = orders.recv() => match order {
                    Some(Order::Ask(ask)) => self.core.keep(ask),
                    Some(Order::Tell(..) | Order::Cut(_)) => {}
                    Some(Order::Close) | None => return false,
                },
            }
        }
    }

    async fn one_connection(&mut self, orders: &mut mpsc::Receiver<Order>) -> End {
        let base = self.session.rest().base().to_owned();
        let mut socket = match Socket::open(&base).await {
            Ok(socket) => socket,
            Err(err) => {
                self.session.rest().next_base();
                return match err {
                    // All who were turned away together must not come back together.
                    ClientError::Full { after, .. } => End::Again(Some(after + self.pause())),
                    _ => End::Again(None),
                };
            }
        };
        socket.watch(self.settings.watcher.clone());
        self.token = self.session.access_token().await;
        let hello = match timeout(HELLO_MAX, self.hello(&mut socket)).await {
            Ok(Ok(hello)) => hello,
            Ok(Err(end)) => return end,
            Err(_) => return End::Again(None),
        };
        self.take_hello(&hello);
        self.queue.put(Event::Up(self.n_stood > 1));
        let steps = self.core.connected(hello.get("channels").and_then(Value::as_object));
        let end = match self.carry_out(&mut socket, steps).await {
            Ok(()) => self.serve(&mut socket, orders).await,
            Err(end) => end,
        };
        self.core.lost();
        self.queue.put(Event::Down);
        match end {
            End::Over(1000, reason) => {
                socket.close().await;
                End::Over(1000, reason)
            }
            end => end,
        }
    }

    /// Sends `connect` and waits for the answer; pushes do not come before it.
    async fn hello(&mut self, socket: &mut Socket) -> Result<Value, End> {
        let (id, text) = self.core.connect(&self.token, &self.settings.device);
        socket.send(text).await.map_err(|_| End::Again(None))?;
        let mut refused = None;
        loop {
            match socket.next().await {
                Incoming::Frame(mut frame) if frame.get("id") == Some(&id.into()) => {
                    if let Some(ok) = frame.remove("ok") {
                        return Ok(ok);
                    }
                    // How it is closed says whether to come back.
                    let err = frame.remove("err").unwrap_or_default();
                    refused = Some(link_core::refusal("connect", err));
                }
                Incoming::Frame(_) | Incoming::Beat => {}
                Incoming::End { code, reason } => {
                    return Err(match (end_of(code, reason), refused) {
                        (End::Again(None), Some(err)) if is_of_token(&err) => End::Token(err),
                        (end, _) => end,
                    });
                }
            }
        }
    }

    fn take_hello(&mut self, hello: &Value) {
        self.n_failed = 0;
        self.tokens_refused = 0;
        self.n_stood += 1;
        self.receipts.say_again();
        link_core::lock(&self.copies).counts.resumes += u64::from(self.n_stood > 1);
        let ms =
            |path: &str| hello.pointer(path).and_then(Value::as_u64).map(Duration::from_millis);
        let beat = ms("/ping/every_ms").zip(ms("/ping/timeout_ms"));
        self.beats_within = beat.map_or(self.beats_within, |(every, wait)| every + wait);
        self.reconnect = Reconnect {
            min: ms("/reconnect/min_ms").unwrap_or(self.reconnect.min),
            max: ms("/reconnect/max_ms").unwrap_or(self.reconnect.max),
            first: ms("/reconnect/first_window_ms").unwrap_or(self.reconnect.first),
        };
        let time = hello.get("time").and_then(Value::as_i64).unwrap_or(0);
        self.pace.send_replace(Some(Pace::new(time, self.settings.scale)));
        self.token_lasts(hello.get("token_exp").and_then(Value::as_i64));
    }

    fn token_lasts(&mut self, until_ms: Option<i64>) {
        let pace = *self.pace.borrow();
        let left = pace.zip(until_ms).map_or(Duration::from_secs(60), |(pace, at)| pace.until(at));
        self.renew_at = Instant::now() + left.mul_f64(TOKEN_SHARE).max(TOKEN_MIN);
    }

    async fn serve(&mut self, socket: &mut Socket, orders: &mut mpsc::Receiver<Order>) -> End {
        let mut look = interval(LOOK_AROUND);
        let mut heard = Instant::now();
        loop {
            let steps = tokio::select! {
                incoming = socket.next() => {
                    heard = Instant::now();
                    match incoming {
                        Incoming::Frame(frame) => self.core.on_frame(frame),
                        Incoming::Beat => continue,
                        Incoming::End { code, reason } => {
                            if code == CODE_DRAIN {
                                self.session.rest().next_base();
                            }
                            return end_of(code, reason);
                        }
                    }
                }
                order = orders.recv() => match order {
                    Some(Order::Ask(ask)) => vec![self.core.ask(ask)],
                    Some(Order::Tell(method, params)) => {
                        vec![Step::Send(Core::tell(method, &params))]
                    }
                    Some(Order::Cut(away)) => return End::Again(Some(away)),
                    Some(Order::Close) | None => return End::Over(1000, "bye".to_owned()),
                },
                () = sleep_until(self.renew_at) => vec![Step::RenewToken],
                _ = look.tick() => {
                    if heard.elapsed() > self.beats_within {
                        return End::Again(None);
                    }
                    let mut steps = self.core.look_around();
                    steps.extend(self.receipts());
                    steps
                }
            };
            if let Err(end) = self.carry_out(socket, steps).await {
                return end;
            }
        }
    }

    fn receipts(&mut self) -> Vec<Step> {
        if !self.settings.acks {
            return Vec::new();
        }
        let due = self.receipts.due(&link_core::lock(&self.copies));
        let ack = |params| Ask { method: "ack".to_owned(), params, purpose: Purpose::Receipt };
        due.into_iter().map(|params| self.core.ask(ack(params))).collect()
    }

    async fn carry_out(&mut self, socket: &mut Socket, steps: Vec<Step>) -> Result<(), End> {
        for step in steps {
            match step {
                Step::Send(text) => socket.send(text).await.map_err(|_| End::Again(None))?,
                Step::Tell(event) => self.queue.put(event),
                Step::TokenLasts(token, at_ms) => {
                    self.token = token;
                    self.token_lasts(Some(at_ms));
                }
                Step::RenewToken => self.renew_token(),
            }
        }
        Ok(())
    }

    /// Takes new tokens beside the socket's traffic and shows them to the server.
    fn renew_token(&mut self) {
        // Until the answer moves it: not again for a while.
        self.renew_at = Instant::now() + Duration::from_secs(5);
        let (session, orders, used) =
            (self.session.clone(), self.orders.clone(), self.token.clone());
        tokio::spawn(async move {
            let Ok(token) = session.renew(&used).await else { return };
            let params = serde_json::json!({ "token": token });
            let purpose = Purpose::Token(token);
            let ask = Ask { method: "auth.refresh".to_owned(), params, purpose };
            if let Some(orders) = orders.upgrade() {
                // If the link has ended meanwhile nobody needs the token.
                drop(orders.send(Order::Ask(ask)).await);
            }
        });
    }
}

fn is_of_token(err: &ClientError) -> bool {
    err.code().is_some_and(|it| ERRORS_OF_TOKENS.contains(&it))
}

/// What a close code asks of us.
fn end_of(code: u16, reason: String) -> End {
    match code {
        CODE_INVALID_TOKEN => {
            let err = ClientError::Closed { code, reason };
            End::Token(err)
        }
        CODE_FOR_GOOD..=4_999 => End::Over(code, reason),
        CODE_DRAIN => End::Again(drain_pause(&reason)),
        4_009 => End::Token(ClientError::Closed { code, reason }),
        _ => End::Again(None),
    }
}

/// `drain;after=1500`: when to come back.
fn drain_pause(reason: &str) -> Option<Duration> {
    let ms = reason.split("after=").nth(1)?.parse().ok()?;
    Some(Duration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_say_whether_to_come_back() {
        let is_over = |code| matches!(end_of(code, String::new()), End::Over(..));
        assert!([4_500, 4_502, 4_503, 4_504, 4_506, 4_999].into_iter().all(is_over));
        assert!(![1_000, 1_006, 1_009, 4_001, 4_004, 4_005, 4_009, 4_499].into_iter().any(is_over));
        let drained = end_of(4_001, "drain;after=70".to_owned());
        assert!(matches!(drained, End::Again(Some(pause)) if pause.as_millis() == 70));
    }
}
