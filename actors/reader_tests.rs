//! What is read from the wire, byte by byte or all at once, and what is refused.

use bytes::BufMut;
use futures_util::{FutureExt, StreamExt};
use proptest::prelude::*;

use super::*;
use crate::protocol::FRAME_BYTES_MAX;

/// A masked frame as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut out = vec![first];
    match payload.len() {
        len @ 0..=125 => out.put_u8(MASK_BIT | len as u8),
        len @ 126..=65_535 => {
            out.put_u8(MASK_BIT | 126);
            out.put_u16(len as u16);
        }
        len => {
            out.put_u8(MASK_BIT | 127);
            out.put_u64(len as u64);
        }
    }
    out.extend(mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    out
}

fn parsed(bytes: &[u8], step: usize) -> (Vec<Incoming>, Option<Broken>) {
    let (mut parser, mut found) = (Parser::new(FRAME_BYTES_MAX), Vec::new());
    for mut part in bytes.chunks(step.max(1)) {
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

#[test]
fn messages_are_read_whole_however_the_bytes_arrive() {
    let long = "x".repeat(60_000);
    let bytes = [
        frame(0x81, b"hello"),
        frame(0x01, "gr\u{fc}".as_bytes()),
        frame(0x89, b"beat"),
        frame(0x80, b"n"),
        frame(0x81, long.as_bytes()),
        frame(0x8a, b""),
        frame(0x82, &[0xff]),
        frame(0x88, &[0x03, 0xe9, b'o', b'k']),
    ]
    .concat();
    let expected = [
        Incoming::Text("hello".into()),
        Incoming::Ping(Bytes::from_static(b"beat")),
        Incoming::Text("gr\u{fc}n".into()),
        Incoming::Text(long.into()),
        Incoming::Pong,
        Incoming::Binary(Bytes::from_static(&[0xff])),
        Incoming::Close(1001),
    ];
    for step in [1, 2, 7, 1_000, bytes.len()] {
        assert_eq!(parsed(&bytes, step), (expected.to_vec(), None), "{step} bytes at a time");
    }
}

#[test]
fn what_the_rfc_forbids_is_refused() {
    for (what, bytes, broken) in [
        ("a reserved bit", frame(0xc1, b"x"), Broken::Protocol),
        ("an unknown kind", frame(0x83, b""), Broken::Protocol),
        ("an unknown control kind", frame(0x8b, b""), Broken::Protocol),
        ("no mask", vec![0x81, 0x01, b'x'], Broken::Protocol),
        ("a ping in parts", frame(0x09, b""), Broken::Protocol),
        ("a long ping", frame(0x89, &[0; 126]), Broken::Protocol),
        ("a continuation of nothing", frame(0x80, b""), Broken::Protocol),
        (
            "a message within another",
            [frame(0x01, b""), frame(0x81, b"")].concat(),
            Broken::Protocol,
        ),
        ("half a close code", frame(0x88, &[3]), Broken::Protocol),
        ("a close code of no use", frame(0x88, &[0x03, 0xed]), Broken::Protocol),
        ("a close reason that is no text", frame(0x88, &[0x03, 0xe8, 0xff]), Broken::NotUtf8),
        ("text that is no text", frame(0x81, &[0xc3, 0x28]), Broken::NotUtf8),
        ("a long frame", frame(0x81, &[b'x'; FRAME_BYTES_MAX + 1]), Broken::TooBig),
        (
            "a message that grows too long",
            [frame(0x01, &[b'x'; FRAME_BYTES_MAX]), frame(0x80, b"x")].concat(),
            Broken::TooBig,
        ),
    ] {
        assert_eq!(parsed(&bytes, 1_000), (vec![], Some(broken)), "{what}");
    }
}

#[test]
fn a_length_beyond_all_bounds_is_refused_by_its_header() {
    let header = [0x81, MASK_BIT | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(parsed(&header, 100).1, Some(Broken::TooBig));
}

#[test]
fn what_came_before_a_broken_frame_is_handled() {
    let bytes = [frame(0x81, b"fine"), frame(0xf1, b"broken"), frame(0x81, b"late")].concat();
    let before = vec![Incoming::Text("fine".into())];
    assert_eq!(parsed(&bytes, bytes.len()), (before, Some(Broken::Protocol)));
}

#[test]
fn text_that_cannot_become_text_is_refused_before_its_end() {
    let whole = frame(0x81, b"\xce\xba\xf4\x90\x80\x80rest");
    // Two bytes of header, four of the mask, then as far as the first byte that is wrong.
    assert_eq!(parsed(&whole[..6 + 3], 1), (vec![], None));
    assert_eq!(parsed(&whole[..6 + 4], 1), (vec![], Some(Broken::NotUtf8)));
    let parts = [frame(0x01, b"\xce"), frame(0x00, b"\xba\xed"), frame(0x00, b"\xa0")].concat();
    assert_eq!(parsed(&parts, 3), (vec![], Some(Broken::NotUtf8)));
}

#[tokio::test]
async fn what_is_behind_a_message_is_kept_and_what_is_behind_a_broken_one_is_not() {
    let good = [frame(0x81, b"one"), frame(0x81, b"two"), frame(0x81, b"three")].concat();
    let (first, later) = good.split_at(13);
    let all = [later, &frame(0x83, b""), &frame(0x81, b"late")].concat();
    let mut reader = Reader::new(&all[..], Bytes::copy_from_slice(first), FRAME_BYTES_MAX);
    for text in ["one", "two", "three"] {
        let message = reader.next().now_or_never();
        assert_eq!(message, Some(Some(Ok(Incoming::Text(text.into())))));
    }
    assert_eq!(reader.next().now_or_never(), Some(Some(Err(Broken::Protocol))));
    assert_eq!(reader.next().now_or_never(), Some(None), "the rest is thrown away");
}

proptest! {
    #[test]
    fn valid_frames_give_the_same_messages_however_they_are_cut(
        texts in prop::collection::vec("[a-z\u{e9}\u{1f6b2}]{0,40}", 1..8), step in 1..50_usize,
    ) {
        let mut bytes = Vec::new();
        for text in &texts {
            let (one, two) = text.as_bytes().split_at(text.len() / 2);
            bytes.extend([frame(0x01, one), frame(0x89, b"p"), frame(0x80, two)].concat());
        }
        let (found, broken) = parsed(&bytes, step);
        let found: Vec<String> = found
            .into_iter()
            .filter_map(|it| if let Incoming::Text(text) = it { Some(text.to_string()) } else { None })
            .collect();
        prop_assert_eq!((found, broken), (texts, None));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), step in 1..50_usize) {
        let whole = parsed(&bytes, bytes.len());
        prop_assert_eq!(parsed(&bytes, step), whole);
    }
}
