//! RFC 6455 on the real socket, byte by byte: what the conformance suite asks, in short.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{City, LIMIT, Node};

/// A frame as a client sends it; its mask is zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = match payload.len() {
        len @ 0..126 => vec![0x80 | len as u8],
        len @ 126..65_536 => [&[0x80 | 126], &(len as u16).to_be_bytes()[..]].concat(),
        len => [&[0x80 | 127], &(len as u64).to_be_bytes()[..]].concat(),
    };
    [&[first], &len[..], &[0; 4], payload].concat()
}

/// A frame as a server sends it.
fn answer(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame(first, payload);
    let n_len = bytes.len() - 4 - payload.len() - 1;
    bytes[1] &= 0x7f;
    bytes.drain(1 + n_len..1 + n_len + 4);
    bytes
}

fn close(code: u16, name: &str) -> Vec<u8> {
    answer(0x88, &[&code.to_be_bytes()[..], name.as_bytes()].concat())
}

async fn open(node: &Node) -> TcpStream {
    let mut tcp = TcpStream::connect(node.addr).await.unwrap();
    let request = "GET /echo HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    tcp
}

/// What the server says until it ends the connection, which it does at once.
async fn all(mut tcp: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(LIMIT, tcp.read_to_end(&mut bytes)).await;
    read.expect("the server ends the connection").unwrap();
    bytes
}

/// What goes in, in one piece and byte by byte, and what must come out before the end.
async fn check(node: &Node, what: &str, sent: Vec<Vec<u8>>, expected: Vec<Vec<u8>>) {
    let (sent, expected) = (sent.concat(), expected.concat());
    for step in [sent.len(), 1] {
        let mut tcp = open(node).await;
        tcp.set_nodelay(true).unwrap();
        for part in sent.chunks(step) {
            if tcp.write_all(part).await.is_err() {
                break;
            }
        }
        let got = all(tcp).await;
        assert_eq!(got, expected, "{what}, {step} bytes at a time");
    }
}

#[actix_web::test]
async fn what_is_right_comes_back() {
    let city = City::new().await;
    let node = city.node().await;
    let end = || frame(0x88, &1000_u16.to_be_bytes());
    let ended = || answer(0x88, &1000_u16.to_be_bytes());
    let (text, long) = ("gr\u{fc}n \u{1f6b2}".as_bytes(), vec![b'x'; 65_536]);
    for (what, sent, expected) in [
        ("an empty text", vec![frame(0x81, b"")], vec![answer(0x81, b"")]),
        ("an empty binary", vec![frame(0x82, b"")], vec![answer(0x82, b"")]),
        ("a text", vec![frame(0x81, text)], vec![answer(0x81, text)]),
        ("a binary", vec![frame(0x82, &[0xff; 126])], vec![answer(0x82, &[0xff; 126])]),
        ("a ping", vec![frame(0x89, &[7; 125])], vec![answer(0x8a, &[7; 125])]),
        ("an unasked pong", vec![frame(0x8a, b"x")], vec![]),
        (
            "parts with a ping between, cut within a character",
            vec![
                frame(0x01, &text[..3]),
                frame(0x89, b"p"),
                frame(0x00, b""),
                frame(0x80, &text[3..]),
            ],
            vec![answer(0x8a, b"p"), answer(0x81, text)],
        ),
    ] {
        let sent = [sent, vec![end()]].concat();
        check(&node, what, sent, [expected, vec![ended()]].concat()).await;
    }
    let mut tcp = open(&node).await;
    tcp.write_all(&[frame(0x82, &long), frame(0x88, b"")].concat()).await.unwrap();
    assert_eq!(all(tcp).await, [answer(0x82, &long), ended()].concat());
    for code in [1001, 1007, 1011, 3000, 4999_u16] {
        let code = code.to_be_bytes();
        check(&node, "a close code", vec![frame(0x88, &code)], vec![answer(0x88, &code)]).await;
    }
}

#[actix_web::test]
async fn what_is_wrong_ends_the_connection_after_what_was_right() {
    let city = City::new().await;
    let node = city.node().await;
    let (protocol, text) = (|| close(1002, "protocol_error"), || close(1007, "not_utf8"));
    for (what, wrong, expected) in [
        ("reserved bits", vec![frame(0xf1, b"x")], protocol()),
        ("a reserved kind", vec![frame(0x83, b"")], protocol()),
        ("a reserved control kind", vec![frame(0x8b, b"")], protocol()),
        ("no mask", vec![vec![0x81, 1, b'x']], protocol()),
        ("a ping in parts", vec![frame(0x09, b"")], protocol()),
        ("a long ping", vec![frame(0x89, &[0; 126])], protocol()),
        ("a continuation of nothing", vec![frame(0x80, b"x")], protocol()),
        ("a message in a message", vec![frame(0x01, b"x"), frame(0x81, b"y")], protocol()),
        ("half a close code", vec![frame(0x88, &[3])], protocol()),
        ("a close code of no use", vec![frame(0x88, &1005_u16.to_be_bytes())], protocol()),
        ("a close reason that is no text", vec![frame(0x88, &[3, 0xe8, 0xff])], text()),
        ("no text", vec![frame(0x81, &[0xc3, 0x28])], text()),
        ("no text, in parts", vec![frame(0x01, &[0xf4]), frame(0x00, &[0x90])], text()),
        ("half a character at the end", vec![frame(0x81, &[0xe2, 0x82])], text()),
    ] {
        let before = vec![frame(0x81, b"fine"), frame(0x89, b"p")];
        let sent = [before, wrong, vec![frame(0x81, b"late")]].concat();
        let mut tcp = open(&node).await;
        tcp.write_all(&sent.concat()).await.unwrap();
        let got = all(tcp).await;
        // A pong may overtake what waits.
        let right = [answer(0x81, b"fine"), answer(0x8a, b"p"), expected.clone()].concat();
        let overtaken = [answer(0x8a, b"p"), answer(0x81, b"fine"), expected].concat();
        assert!(got == right || got == overtaken, "{what}: {got:x?}");
    }
}

#[actix_web::test]
async fn text_that_cannot_become_text_is_not_waited_for() {
    let city = City::new().await;
    let node = city.node().await;
    let mut tcp = open(&node).await;
    // Ten bytes are announced, three are sent, the last of them is wrong already.
    let mut start = frame(0x81, &[0; 10]);
    start.truncate(6);
    tcp.write_all(&[&start[..], &[0xce, 0xba, 0xff]].concat()).await.unwrap();
    assert_eq!(all(tcp).await, close(1007, "not_utf8"));
    let mut tcp = open(&node).await;
    tcp.write_all(&[0xc1]).await.unwrap();
    assert_eq!(all(tcp).await, close(1002, "protocol_error"), "the first byte tells it");
    let mut tcp = open(&node).await;
    tcp.write_all(&[0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 1]).await.unwrap();
    assert_eq!(all(tcp).await, close(1009, "too_big"), "the header tells it");
}

#[actix_web::test]
async fn what_is_no_upgrade_is_told_so() {
    let city = City::new().await;
    let node = city.node().await;
    for (request, status) in [
        ("GET /nowhere HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n\r\n", "404"),
        ("GET /v1/ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n\r\n", "426"),
        (
            "POST /v1/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
            "426",
        ),
        ("CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n", "404"),
    ] {
        let mut tcp = TcpStream::connect(node.addr).await.unwrap();
        tcp.write_all(request.as_bytes()).await.unwrap();
        let text = String::from_utf8(all(tcp).await).unwrap();
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {text}");
        assert!(text.contains("application/problem+json"), "{text}");
        assert!(text.contains("\"code\":"), "{text}");
    }
}
