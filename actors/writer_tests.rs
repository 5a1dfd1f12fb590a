//! What goes out looks as it should, is joined, and survives a socket that takes a byte at a time.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, DuplexStream, duplex};

use super::*;
use crate::frame::Lane;

struct Ends {
    outbox: Arc<Outbox>,
    writer: Writer<DuplexStream>,
    peer: DuplexStream,
}

fn ends(format: Format, room: usize) -> Ends {
    let outbox = Outbox::bounded(100_000);
    let (ours, peer) = duplex(room);
    Ends { writer: Writer::new(outbox.clone(), ours, format), outbox, peer }
}

impl Ends {
    /// Lets the writer work, then reads what has come out. `true` if it has ended.
    async fn written(&mut self) -> (Vec<u8>, bool) {
        let (mut all, mut buffer) = (Vec::new(), vec![0; 70_000]);
        loop {
            // Else the runtime finds after a while that we have done enough for now.
            tokio::task::yield_now().await;
            let has_ended = (&mut self.writer).now_or_never().is_some();
            let read = self.peer.read(&mut buffer).now_or_never();
            match read {
                Some(Ok(n)) if n > 0 => all.extend_from_slice(&buffer[..n]),
                _ => return (all, has_ended),
            }
            if has_ended {
                return (all, true);
            }
        }
    }
}

#[tokio::test]
async fn what_is_ready_goes_out_in_one_message() {
    for (format, expected) in [
        (Format::Json, &b"\x81\x0f{\"n\":2}\n{\"n\":1}"[..]),
        (Format::MessagePack, b"\x82\x08\x81\xa1n\x02\x81\xa1n\x01"),
        (Format::Plain, b"\x81\x07{\"n\":2}\x81\x07{\"n\":1}"),
    ] {
        let mut ends = ends(format, 100_000);
        ends.outbox.push(Lane::Chat, Frame::json("{\"n\":1}"));
        ends.outbox.push(Lane::Control, Frame::json("{\"n\":2}"));
        assert_eq!(ends.written().await, (expected.to_vec(), false), "{format:?}");
        assert_eq!(ends.written().await.0, b"", "{format:?}");
    }
}

#[tokio::test]
async fn bytes_go_out_as_they_are() {
    let mut ends = ends(Format::Plain, 100);
    ends.outbox.push(Lane::Chat, Frame::binary(Bytes::from_static(&[0xff, 0])));
    assert_eq!(ends.written().await.0, [0x82, 2, 0xff, 0]);
}

#[tokio::test]
async fn long_messages_have_long_headers_and_go_out_bit_by_bit() {
    for (len, header) in [
        (125, vec![0x81, 125]),
        (126, vec![0x81, 126, 0, 126]),
        (65_535, vec![0x81, 126, 255, 255]),
        (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        for room in [1_000, 100_000] {
            let mut ends = ends(Format::Json, room);
            ends.outbox.push(Lane::Chat, Frame::json("x".repeat(len)));
            let bytes = ends.written().await.0;
            assert!(bytes.starts_with(&header), "{len}: {:?}", &bytes[..10]);
            assert_eq!(bytes.len(), header.len() + len);
        }
    }
}

#[tokio::test]
async fn the_close_frame_is_the_last_thing() {
    let mut ends = ends(Format::Json, 1_000);
    ends.outbox.push(Lane::Control, Frame::json("{}"));
    ends.outbox.beat(Beat::Pong(Bytes::from_static(b"hi")));
    ends.outbox.close(Close::Drain(Duration::from_millis(7)));
    let (bytes, has_ended) = ends.written().await;
    assert_eq!(bytes, b"\x8a\x02hi\x81\x02{}\x88\x0f\x0f\xa1drain;after=7");
    assert!(!has_ended, "the client may answer the close");
    ends.outbox.end();
    assert!(ends.written().await.1, "the writer has ended");
}

#[tokio::test]
async fn a_message_is_not_joined_beyond_its_limit() {
    let mut ends = ends(Format::Json, 100_000);
    for _ in 0..4 {
        ends.outbox.push(Lane::Chat, Frame::json("x".repeat(JOIN_BYTES_MAX / 2)));
    }
    let bytes = ends.written().await.0;
    let one = JOIN_BYTES_MAX + 5;
    assert_eq!(bytes.len(), 2 * one);
    assert_eq!(bytes[0], bytes[one]);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_takes_nothing_for_too_long_is_cut_off() {
    let mut ends = ends(Format::Json, 10);
    ends.outbox.push(Lane::Chat, Frame::json("x".repeat(100)));
    let writing = tokio::spawn(ends.writer);
    for _ in 0..3 {
        // As long as something is taken now and then it may go on.
        tokio::time::sleep(STALL_MAX.mul_f64(0.7)).await;
        assert_eq!(ends.outbox.closing(), None);
        ends.peer.read_exact(&mut [0; 10]).await.unwrap();
    }
    tokio::time::sleep(STALL_MAX.mul_f64(1.1)).await;
    assert_eq!(ends.outbox.closing(), Some(Close::Slow));
    ends.outbox.end();
    writing.await.unwrap();
}

#[tokio::test]
async fn a_peer_that_goes_ends_the_writer_and_the_connection() {
    let mut ends = ends(Format::Json, 10);
    ends.outbox.push(Lane::Chat, Frame::json("x".repeat(100)));
    assert!((&mut ends.writer).now_or_never().is_none());
    drop(ends.peer);
    assert!((&mut ends.writer).now_or_never().is_some());
    drop(ends.writer);
    assert!(!ends.outbox.is_open());
}
