//! One socket: reads frames, carries out commands in order, keeps time, leaves cleanly.
//!
//! While a command waits for the store, nothing more is read from this socket: the client feels
//! it, nobody else does. The writing half is [`Writer`]; what the client hears is in [`Session`],
//! whose end, however it comes, leaves every channel.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, StreamHandler};
use bytes::Bytes;
use bytestring::ByteString;
use domain::ids::ConnectionId;
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    admission::Ticket,
    close::Close,
    commands::{self, Answer},
    frame::{Format, Frame, Lane},
    live::Live,
    messages::{ConnectionState, Observe},
    outbox::{Beat, Note, OUTBOX_BYTES_MAX, Outbox},
    protocol::{self, FRAME_BYTES_MAX},
    rate::{RateLimit, Verdict},
    reader::{Broken, Incoming, Reader},
    refusal::{Kind, Refusal},
    session::Session,
    writer::Writer,
};

mod running;
mod timing;

/// How long the client may take to answer our close frame.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// The reading half of a socket.
pub struct Connection {
    id: ConnectionId,
    live: Arc<Live>,
    outbox: Arc<Outbox>,
    signed_in: SignedIn,
    format: Format,
    /// Frames of one message that wait for the command before them.
    frames: VecDeque<Result<ByteString, Refusal>>,
    rate: RateLimit,
    heard_at: Instant,
    is_leaving: bool,
    /// Its place among the sockets of this node.
    _ticket: Ticket,
}

enum SignedIn {
    No,
    /// A command has the session, and brings it back.
    Busy,
    Yes(Box<Session>),
}

/// What became of a frame.
#[derive(PartialEq, Eq)]
enum Next {
    /// On to the next one.
    Go,
    /// A command waits for something; the next frame waits for it.
    Wait,
}

impl Connection {
    /// Takes over an upgraded socket: reads `first`, which came with the upgrade, and then
    /// `reading`. What is returned must be driven: it writes.
    pub fn open<R, W>(
        live: Arc<Live>,
        ticket: Ticket,
        format: Format,
        first: Bytes,
        reading: R,
        writing: W,
    ) -> Writer<W>
    where
        R: AsyncRead + Unpin + 'static,
        W: AsyncWrite + Unpin,
    {
        let outbox = Outbox::bounded(OUTBOX_BYTES_MAX);
        let writer = Writer::new(outbox.clone(), writing, format);
        Self::create(|ctx| {
            ctx.add_stream(Reader::new(reading, first, FRAME_BYTES_MAX));
            ctx.add_stream(Notes(outbox.clone()));
            let rate = RateLimit::new(live.platform.now());
            Self {
                id: ConnectionId::generate(),
                live,
                outbox,
                signed_in: SignedIn::No,
                format,
                frames: VecDeque::new(),
                rate,
                heard_at: Instant::now(),
                is_leaving: false,
                _ticket: ticket,
            }
        });
        writer
    }

    /// Closes politely: what is queued goes out first, then the reason.
    fn close(&mut self, why: Close, ctx: &mut Context<Self>) {
        self.outbox.close(why);
        self.linger(ctx);
    }

    /// We have said good-bye; the client may answer for a moment.
    fn linger(&mut self, ctx: &mut Context<Self>) {
        self.frames.clear();
        self.signed_in = SignedIn::No;
        if std::mem::replace(&mut self.is_leaving, true) {
            return;
        }
        ctx.run_later(CLOSE_WITHIN, |_, ctx| ctx.stop());
    }

    fn say(&self, frame: Frame) {
        self.outbox.push(Lane::Control, frame);
    }

    /// Handles the frames that wait, until one has to wait itself.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        while let Some(frame) = self.frames.pop_front() {
            if !self.take(frame, ctx) {
                return;
            }
        }
        self.frames = VecDeque::new();
    }

    /// Handles one frame; `false` if the next one must wait, or has come too late.
    fn take(&mut self, frame: Result<ByteString, Refusal>, ctx: &mut Context<Self>) -> bool {
        let handle = || match frame {
            Ok(frame) => self.handle_frame(&frame, ctx),
            Err(refusal) => self.malformed(&refusal, ctx),
        };
        match catch_unwind(AssertUnwindSafe(handle)) {
            Ok(Next::Go) => {}
            Ok(Next::Wait) => return false,
            Err(_) => {
                self.panicked(ctx);
                return false;
            }
        }
        if !self.outbox.is_open() {
            self.frames.clear();
            return false;
        }
        true
    }

    /// A bug of ours ends this connection, and nothing else.
    fn panicked(&mut self, ctx: &mut Context<Self>) {
        tracing::error!(connection.id = %self.id, "a command panicked; closing");
        self.say(protocol::err(
            None,
            &Refusal::new(Kind::Internal, "something went wrong on our side"),
        ));
        self.close(Close::ServerError, ctx);
    }

    fn handle_frame(&mut self, frame: &ByteString, ctx: &mut Context<Self>) -> Next {
        let command = match protocol::decode(frame) {
            Ok(command) => command,
            Err(refusal) => return self.malformed(&refusal, ctx),
        };
        let id = command.id;
        let session = match &mut self.signed_in {
            SignedIn::Yes(session) => session,
            SignedIn::No if command.m == "connect" => {
                self.connect(id, frame.clone(), ctx);
                return Next::Wait;
            }
            SignedIn::No | SignedIn::Busy => {
                let text = "the first frame must be `connect`";
                self.say(protocol::err(id, &Refusal::new(Kind::Unauthorized, text)));
                self.close(Close::BadProtocol, ctx);
                return Next::Go;
            }
        };
        if command.m == "pub"
            && let Some(answer) = commands::chat::publish_latest(session, command.p)
        {
            self.reply_quick(id, Ok(answer));
            return Next::Go;
        }
        let is_unlimited = command.m == "pub" && self.live.bench_channels;
        if !is_unlimited && let Some(refusal) = self.count(ctx) {
            self.say(protocol::err(id, &refusal));
            return Next::Go;
        }
        let SignedIn::Yes(session) = &mut self.signed_in else { return Next::Go };
        if commands::is_quick(&command.m) {
            let began = Instant::now();
            let outcome = commands::run_quick(session, &command.m, command.p);
            commands::observe(&command.m, began, outcome.as_ref().err());
            self.reply_quick(id, outcome);
            return Next::Go;
        }
        self.run(id, frame.clone(), ctx);
        Next::Wait
    }

    /// A frame that is no command: told, counted, and not forgiven to who has not signed in.
    fn malformed(&mut self, refusal: &Refusal, ctx: &mut Context<Self>) -> Next {
        self.say(protocol::err(None, refusal));
        self.count(ctx);
        if matches!(self.signed_in, SignedIn::No) {
            self.close(Close::BadProtocol, ctx);
        }
        Next::Go
    }

    /// A message of the other kind than this socket speaks.
    fn wrong_kind(&mut self, why: Close, wanted: &str, ctx: &mut Context<Self>) {
        let text = format!("this socket speaks {wanted}; offer another subprotocol to change that");
        self.say(protocol::err(None, &Refusal::bad(text)));
        self.close(why, ctx);
    }

    /// Counts a command; says why it may not run now.
    fn count(&mut self, ctx: &mut Context<Self>) -> Option<Refusal> {
        match self.rate.command(self.live.platform.now()) {
            Verdict::Fine => None,
            Verdict::Wait(after_ms) => {
                let text = format!("{} commands / 10 s", crate::rate::COMMANDS_MAX);
                let refusal = Refusal::new(Kind::RateLimited, text);
                Some(Refusal { after_ms: Some(after_ms), ..refusal })
            }
            Verdict::Enough => {
                self.close(Close::RateLimited, ctx);
                Some(Refusal::new(Kind::RateLimited, "the limit was ignored for too long"))
            }
        }
    }

    /// Answers if the client wants an answer. Mistakes are always told.
    fn reply_quick(&self, id: Option<u32>, outcome: Result<Answer, Refusal>) {
        match (id, outcome) {
            (Some(id), Ok(answer)) => self.say(protocol::ok(id, &answer.json)),
            (None, Ok(_)) => {}
            (id, Err(refusal)) => self.say(protocol::err(id, &refusal)),
        }
    }
}

impl Actor for Connection {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_later(self.live.pace.connect_within, |it, ctx| {
            if matches!(it.signed_in, SignedIn::No) && it.outbox.is_open() {
                it.close(Close::ConnectTimeout, ctx);
            }
        });
        ctx.run_interval(self.live.pace.ping_every, Self::beat);
    }

    fn stopped(&mut self, _ctx: &mut Self::Context) {
        self.outbox.end();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Also where the actor never got as far as `stopped`.
        self.outbox.end();
    }
}

impl StreamHandler<Result<Incoming, Broken>> for Connection {
    fn handle(&mut self, message: Result<Incoming, Broken>, ctx: &mut Self::Context) {
        self.heard_at = Instant::now();
        if !self.outbox.is_open() {
            // We have closed: only the client's answer, or its end, matters.
            if matches!(message, Ok(Incoming::Close(_)) | Err(Broken::Gone)) {
                ctx.stop();
            }
            return;
        }
        match message {
            Ok(Incoming::Text(text)) if self.format == Format::Json => {
                if text.contains('\n') {
                    let lines = text.split('\n').filter(|it| !it.trim().is_empty());
                    self.frames.extend(lines.map(|it| Ok(text.slice_ref(it))));
                    self.pump(ctx);
                } else if self.frames.is_empty() {
                    // The usual case: nothing is kept for it.
                    self.take(Ok(text), ctx);
                } else {
                    self.frames.push_back(Ok(text));
                }
            }
            Ok(Incoming::Binary(bytes)) if self.format == Format::MessagePack => {
                self.frames.extend(protocol::msgpack_frames(&bytes));
                self.pump(ctx);
            }
            Ok(Incoming::Text(_)) => {
                self.wrong_kind(Close::NotBinary, "MessagePack in binary messages", ctx);
            }
            Ok(Incoming::Binary(_)) => {
                self.wrong_kind(Close::NotText, "JSON in text messages", ctx);
            }
            Ok(Incoming::Ping(payload)) => self.outbox.beat(Beat::Pong(payload)),
            Ok(Incoming::Pong) => {}
            Ok(Incoming::Close(code)) => {
                self.outbox.close(Close::Answered(code));
                ctx.stop();
            }
            Err(Broken::TooBig) => {
                let text = format!("a frame has at most {FRAME_BYTES_MAX} bytes");
                self.say(protocol::err(None, &Refusal::new(Kind::TooBig, text)));
                self.close(Close::TooBig, ctx);
            }
            Err(Broken::NotUtf8) => self.close(Close::NotUtf8, ctx),
            Err(Broken::Protocol) => self.close(Close::ProtocolError, ctx),
            Err(Broken::Gone) => ctx.stop(),
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// What the hub tells a connection, until the outbox closes.
struct Notes(Arc<Outbox>);

impl Stream for Notes {
    type Item = Note;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Note>> {
        self.0.poll_note(cx)
    }
}

impl StreamHandler<Note> for Connection {
    fn handle(&mut self, note: Note, ctx: &mut Self::Context) {
        match note {
            Note::Join(channel) => self.join(channel, ctx),
            Note::Close(why) => self.close(why, ctx),
        }
    }

    /// The outbox is closing: by us, or by the hub because the client reads too slowly.
    fn finished(&mut self, ctx: &mut Self::Context) {
        self.linger(ctx);
    }
}

impl Handler<Observe<ConnectionState>> for Connection {
    type Result = ConnectionState;

    fn handle(
        &mut self,
        _msg: Observe<ConnectionState>,
        _ctx: &mut Self::Context,
    ) -> ConnectionState {
        let n_channels = match &self.signed_in {
            SignedIn::Yes(session) => session.channels().count(),
            SignedIn::No | SignedIn::Busy => 0,
        };
        ConnectionState {
            is_signed_in: matches!(self.signed_in, SignedIn::Yes(_)),
            n_channels,
            n_bytes_waiting: self.outbox.n_bytes(),
        }
    }
}
