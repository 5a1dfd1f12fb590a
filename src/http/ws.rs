//! The upgrade of a request to a socket: version, origin, hand over to [`Connection`].

use std::{sync::Arc, time::Instant};

use actix_codec::{Encoder, Framed};
use actix_http::{
    ConnectionType, Request, RequestHead, Response,
    body::{BodySize, BoxBody, MessageBody},
    h1::{Codec, Message},
    ws::handshake,
};
use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::header::{self, HeaderMap},
    rt::{net::TcpStream, spawn},
};
use actors::{
    admission::{Refused, Ticket},
    connection::Connection,
    echo,
    frame::Format,
    live::Live,
    protocol::{SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK},
};
use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;

use crate::http::problem::{Kind, Problem};

/// Where the sockets are.
pub const PATH: &str = "/v1/ws";
/// Where what one sends comes back, for conformance tests.
const ECHO_PATH: &str = "/echo";

/// What a socket needs to be opened.
pub struct SocketDoor {
    /// What all connections share.
    pub live: Arc<Live>,
    /// Browser origins that may open sockets, besides the server's own.
    pub origins: Vec<String>,
    /// Whether `/echo` is there. Never in production.
    pub echo: bool,
}

/// What an upgrade leads to.
enum Way {
    Hub(Format, Ticket),
    Echo,
}

/// Upgrades a request to a socket, which is served from then on. It says who it is in its first
/// frame, not here.
///
/// # Errors
///
/// What the system says about the connection.
pub async fn upgrade(
    door: Arc<SocketDoor>,
    req: Request,
    framed: Framed<TcpStream, Codec>,
) -> Result<(), actix_web::Error> {
    let mut parts = framed.into_parts();
    let opened = door.open(req.head());
    drop(req);
    let (answer, way) = match opened {
        Ok((answer, way)) => (answer, Some(way)),
        Err(problem) => (refusal(&problem), None),
    };
    parts.io.write_all(&encode(&mut parts.codec, answer)?).await?;
    let Some(way) = way else { return Ok(parts.io.shutdown().await?) };
    let first = Bytes::copy_from_slice(&parts.read_buf);
    let (reading, writing) = parts.io.into_split();
    // A task of its own: with this one everything ends that HTTP keeps for a connection.
    match way {
        Way::Hub(format, ticket) => {
            let live = Arc::clone(&door.live);
            spawn(Connection::open(live, ticket, format, first, reading, writing));
        }
        Way::Echo => {
            spawn(echo::serve(first, reading, writing));
        }
    }
    Ok(())
}

/// `GET /v1/ws` without an upgrade.
///
/// # Errors
///
/// `no-upgrade`, always.
pub async fn no_upgrade(req: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(handshake(req.head()).map_or_else(
        |err| not_a_handshake(&err),
        |_| Problem::new(Kind::NoUpgrade, "Open a WebSocket of version 13 here."),
    ))
}

impl SocketDoor {
    /// Who may come in, and which way.
    fn open(&self, head: &RequestHead) -> Result<(Response<BoxBody>, Way), Problem> {
        let is_echo = self.echo && head.uri.path() == ECHO_PATH;
        if head.uri.path() != PATH && !is_echo {
            let detail = format!("There is no socket at {}; open {PATH}.", head.uri.path());
            return Err(Problem::new(Kind::UnknownRoute, detail));
        }
        if !is_known_origin(&head.headers, &self.origins) {
            let detail = "This origin is not on the allow-list of the server (setting `origins`).";
            return Err(Problem::new(Kind::ForeignOrigin, detail));
        }
        let mut answer = handshake(head).map_err(|err| not_a_handshake(&err))?;
        if is_echo {
            return Ok((answer.finish().map_into_boxed_body(), Way::Echo));
        }
        let (format, named) = chosen_format(&head.headers)?;
        if let Some(name) = named {
            answer.insert_header((header::SEC_WEBSOCKET_PROTOCOL, name));
        }
        let address = head.peer_addr.map(|it| it.ip());
        let ticket = self.live.admission.admit(address, Instant::now()).map_err(no_place)?;
        Ok((answer.finish().map_into_boxed_body(), Way::Hub(format, ticket)))
    }
}

fn no_place(refused: Refused) -> Problem {
    let detail = match refused {
        Refused::Draining => "This node is going down; another one takes you.",
        Refused::Address => "Too many sockets are open from this address.",
        Refused::Full | Refused::TooFast | Refused::Profile => {
            "This node takes no more sockets now."
        }
    };
    Problem::new(Kind::Busy, detail).retry_after(refused.retry_after_s())
}

fn not_a_handshake(err: &dyn std::fmt::Display) -> Problem {
    Problem::new(Kind::NoUpgrade, format!("Open a WebSocket of version 13 here: {err}."))
}

/// A refusal ends the connection: what follows it may be anything.
fn refusal(problem: &Problem) -> Response<BoxBody> {
    let mut answer = Response::from(problem.error_response());
    answer.head_mut().set_connection_type(ConnectionType::Close);
    answer
}

/// The bytes of an answer.
fn encode(codec: &mut Codec, answer: Response<BoxBody>) -> std::io::Result<BytesMut> {
    let (head, body) = answer.into_parts();
    let body = body.try_into_bytes().unwrap_or_default();
    let size = if body.is_empty() { BodySize::None } else { BodySize::Sized(body.len() as u64) };
    let mut bytes = BytesMut::new();
    codec.encode(Message::Item((head, size)), &mut bytes)?;
    if !body.is_empty() {
        codec.encode(Message::Chunk(Some(body)), &mut bytes)?;
    }
    Ok(bytes)
}

/// The first of the offered formats that we speak; JSON if none is named.
fn chosen_format(headers: &HeaderMap) -> Result<(Format, Option<&'static str>), Problem> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).filter_map(|it| it.to_str().ok());
    let mut names = offered.flat_map(|it| it.split(',')).map(str::trim).filter(|it| !it.is_empty());
    let ours = [(SUBPROTOCOL_JSON, Format::Json), (SUBPROTOCOL_MSGPACK, Format::MessagePack)];
    let Some(first) = names.next() else { return Ok((Format::Json, None)) };
    for name in std::iter::once(first).chain(names) {
        if let Some((name, format)) = ours.into_iter().find(|(it, _)| *it == name) {
            return Ok((format, Some(name)));
        }
    }
    let detail = format!("Offer `{SUBPROTOCOL_JSON}`, `{SUBPROTOCOL_MSGPACK}`, or none.");
    Err(Problem::new(Kind::WrongSubprotocol, detail))
}

/// Pages of this server, of the allow-list, and whatever is no page (it sends no origin).
fn is_known_origin(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let own_host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let host_of_page = origin.split_once("://").map(|(_, host)| host);
    (own_host.is_some() && own_host == host_of_page) || allowed.iter().any(|it| it == origin)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_foreign_page_may_not_open_a_socket() {
        let allowed = ["https://console.example".to_owned()];
        for (origin, may) in [
            (None, true),
            (Some("http://hub.local:8080"), true),
            (Some("https://console.example"), true),
            (Some("https://console.example.evil"), false),
            (Some("null"), false),
        ] {
            let mut req = TestRequest::default().insert_header((header::HOST, "hub.local:8080"));
            if let Some(origin) = origin {
                req = req.insert_header((header::ORIGIN, origin));
            }
            let req = req.to_http_request();
            assert_eq!(is_known_origin(req.headers(), &allowed), may, "{origin:?}");
        }
    }

    #[test]
    fn the_first_format_that_we_speak_is_chosen() {
        let json = (Format::Json, Some(SUBPROTOCOL_JSON));
        let msgpack = (Format::MessagePack, Some(SUBPROTOCOL_MSGPACK));
        for (offered, chosen) in [
            (None, Some((Format::Json, None))),
            (Some("riderhub.v1.json"), Some(json)),
            (Some("riderhub.v1.msgpack, riderhub.v1.json"), Some(msgpack)),
            (Some("riderhub.v9.json,riderhub.v1.json"), Some(json)),
            (Some("riderhub.v9.json"), None),
        ] {
            let mut req = TestRequest::default();
            if let Some(offered) = offered {
                req = req.insert_header((header::SEC_WEBSOCKET_PROTOCOL, offered));
            }
            let req = req.to_http_request();
            assert_eq!(chosen_format(req.headers()).ok(), chosen, "{offered:?}");
        }
    }
}
