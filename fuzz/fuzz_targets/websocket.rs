//! The reader of WebSocket frames: the first byte says how the rest is cut.

#![no_main]

use actors::reader::{Broken, Incoming, Parser};
use libfuzzer_sys::fuzz_target;

/// Bytes of a message, small so that the limit is met often.
const MESSAGE_MAX: usize = 1_000;

fn read(bytes: &[u8], step: usize) -> (Vec<Incoming>, Option<Broken>) {
    let (mut parser, mut found) = (Parser::new(MESSAGE_MAX), Vec::new());
    for mut part in bytes.chunks(step) {
        loop {
            match parser.read(&mut part) {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break,
                Err(broken) => return (found, Some(broken)),
            }
        }
    }
    (found, None)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((step, bytes)) = bytes.split_first() else { return };
    let (found, broken) = read(bytes, usize::from(*step).max(1));
    for message in &found {
        let len = match message {
            Incoming::Text(text) => text.len(),
            Incoming::Binary(bytes) => bytes.len(),
            Incoming::Ping(payload) => payload.len() * 8,
            Incoming::Pong | Incoming::Close(_) => 0,
        };
        assert!(len <= MESSAGE_MAX, "{len} bytes came through");
    }
    assert_eq!(read(bytes, bytes.len().max(1)), (found, broken), "the cut made a difference");
});
