//! The upgrade of a request to a socket: version, origin, hand over to [`Connection`].

use std::{sync::Arc, time::Instant};

use actix_http::ws::handshake;
use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodyStream, MessageBody},
    http::header,
    web::{Data, Payload},
};
use actors::{admission::Refused, connection::Connection, live::Live, protocol::SUBPROTOCOL_JSON};

use crate::http::problem::{Kind, Problem};

/// What a socket needs to be opened.
pub struct SocketDoor {
    /// What all connections share.
    pub live: Arc<Live>,
    /// Browser origins that may open sockets, besides the server's own.
    pub origins: Vec<String>,
}

/// `GET /v1/ws`: upgrades to a socket. It says who it is in its first frame, not here.
///
/// # Errors
///
/// `no-upgrade`, `wrong-subprotocol`, `foreign-origin`, `busy`.
pub async fn open(
    req: HttpRequest,
    payload: Payload,
    door: Data<SocketDoor>,
) -> Result<HttpResponse, Problem> {
    if !is_known_origin(&req, &door.origins) {
        let detail = "This origin is not on the allow-list of the server (setting `origins`).";
        return Err(Problem::new(Kind::ForeignOrigin, detail));
    }
    let offered = offered_protocols(&req);
    let is_json = offered.iter().any(|it| it == SUBPROTOCOL_JSON);
    if !offered.is_empty() && !is_json {
        let detail = format!("Offer `{SUBPROTOCOL_JSON}`, or none.");
        return Err(Problem::new(Kind::WrongSubprotocol, detail));
    }
    let address = req.peer_addr().map(|it| it.ip());
    let ticket = door.live.admission.admit(address, Instant::now()).map_err(no_place)?;
    let mut response = handshake(req.head()).map_err(|err| no_upgrade(&err))?;
    if is_json {
        response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL_JSON));
    }
    let writer = Connection::open(Arc::clone(&door.live), ticket, payload.into_inner());
    let body = BodyStream::new(writer).boxed();
    response.message_body(body).map(HttpResponse::from).map_err(|err| no_upgrade(&err))
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

fn no_upgrade(err: &dyn std::fmt::Display) -> Problem {
    Problem::new(Kind::NoUpgrade, format!("Open a WebSocket of version 13 here: {err}."))
}

/// Pages of this server, of the allow-list, and whatever is no page (it sends no origin).
fn is_known_origin(req: &HttpRequest, allowed: &[String]) -> bool {
    let Some(origin) = req.headers().get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let own_host = req.headers().get(header::HOST).and_then(|it| it.to_str().ok());
    let host_of_page = origin.split_once("://").map(|(_, host)| host);
    (own_host.is_some() && own_host == host_of_page) || allowed.iter().any(|it| it == origin)
}

fn offered_protocols(req: &HttpRequest) -> Vec<String> {
    let headers = req.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let texts = headers.filter_map(|it| it.to_str().ok());
    let names = texts.flat_map(|it| it.split(',')).map(str::trim);
    names.filter(|it| !it.is_empty()).map(str::to_owned).collect()
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
            assert_eq!(is_known_origin(&req.to_http_request(), &allowed), may, "{origin:?}");
        }
    }
}
