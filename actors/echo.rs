//! What one sends comes back: our reader and writer without a hub, for conformance tests.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{
    StreamExt,
    future::{Either, select},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use crate::{
    close::Close,
    connection::CLOSE_WITHIN,
    frame::{Format, Frame, Lane},
    outbox::{Beat, Outbox},
    reader::{Broken, Incoming, Reader},
    writer::Writer,
};

/// Bytes of one message.
pub const ECHO_BYTES_MAX: usize = 16 << 20;
/// Bytes that may wait: two messages of the largest size.
const WAITING_BYTES_MAX: usize = 2 * ECHO_BYTES_MAX;

/// Sends back what comes, until one side closes.
pub async fn serve<R, W>(first: Bytes, reading: R, writing: W)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let outbox = Outbox::bounded(WAITING_BYTES_MAX);
    let writer = Writer::new(outbox.clone(), writing, Format::Plain);
    let echoing = Box::pin(echo(Reader::new(reading, first, ECHO_BYTES_MAX), outbox));
    match select(writer, echoing).await {
        // What still comes is read: a socket closed over unread bytes takes our close frame back.
        Either::Left(((), echoing)) => drop(timeout(CLOSE_WITHIN, echoing).await),
        Either::Right(((), writer)) => writer.await,
    }
}

async fn echo<R: AsyncRead + Unpin>(mut reader: Reader<R>, outbox: Arc<Outbox>) {
    let why = loop {
        match reader.next().await {
            Some(Ok(Incoming::Text(text))) => {
                outbox.push(Lane::Chat, Frame::json(text));
            }
            Some(Ok(Incoming::Binary(bytes))) => {
                outbox.push(Lane::Chat, Frame::binary(bytes));
            }
            Some(Ok(Incoming::Ping(payload))) => outbox.beat(Beat::Pong(payload)),
            Some(Ok(Incoming::Pong)) => {}
            Some(Ok(Incoming::Close(code))) => return outbox.close(Close::Answered(code)),
            Some(Err(Broken::Gone)) | None => return outbox.end(),
            Some(Err(Broken::Protocol)) => break Close::ProtocolError,
            Some(Err(Broken::NotUtf8)) => break Close::NotUtf8,
            Some(Err(Broken::TooBig)) => break Close::TooBig,
        }
        outbox.room_or_cut_off().await;
    };
    outbox.close(why);
    let until = Instant::now() + CLOSE_WITHIN;
    let left = || until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    // The rest is read and thrown away until the client has seen our close.
    while let Ok(Some(Ok(message))) = timeout(left(), reader.next()).await {
        if matches!(message, Incoming::Close(_)) {
            break;
        }
    }
    outbox.end();
}
