//! The listening server: requests go to the application, sockets leave HTTP behind.
//!
//! It is put together by hand instead of by `HttpServer` because only so an upgrade gets the bare
//! connection: a socket then costs no request, no response body and no buffers of the HTTP side.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use actix_http::{Request, Response, body::MessageBody};
use actix_server::Server;
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::{Error, dev::AppConfig, rt::net::TcpStream};
use socket2::SockRef;

use crate::http::ws::{self, SocketDoor};

/// How long idle connections may linger once all requests have ended.
const SHUTDOWN_TIMEOUT_S: u64 = 1;
/// How long a peer may leave what we sent unacknowledged, or its window closed.
const UNWRITABLE_MAX: Duration = Duration::from_secs(20);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 4_096;
/// Connections that one worker serves at most.
const CONNECTIONS_PER_WORKER: usize = 50_000;

/// Listens on `addr` (port 0: a free one) with `n_workers` threads (0: one for each core). The
/// server must be driven to run.
///
/// # Errors
///
/// What the system says about the address.
pub fn listen<F, I, S, B>(
    addr: SocketAddr,
    n_workers: usize,
    door: SocketDoor,
    app: F,
) -> std::io::Result<(SocketAddr, Server)>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let server = Server::build()
        .backlog(BACKLOG)
        .max_concurrent_connections(CONNECTIONS_PER_WORKER)
        // We let the clients go before the server stops.
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_TIMEOUT_S);
    let server = if n_workers == 0 { server } else { server.workers(n_workers) };
    let socket = std::net::TcpListener::from(bind(addr)?);
    let addr = socket.local_addr()?;
    let (door, stopping) = (Arc::new(door), server.graceful_shutdown_signal());
    let server = server.listen("http", socket, move || {
        let (door, stopping) = (Arc::clone(&door), stopping.clone());
        let app = app().into_factory().map_err(|err: S::Error| err.into().error_response());
        actix_http::HttpService::build()
            .local_addr(addr)
            // Idle connections end at once when the server stops.
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            // Without it small frames wait for the peer's acknowledgement, up to 40 ms.
            .tcp_nodelay(true)
            // Any other value leaves connections open for seconds after an answer that ends them.
            .client_disconnect_timeout(Duration::ZERO)
            .on_connect_ext(|io: &TcpStream, _| limit_unwritable(io))
            .upgrade(fn_service(move |(req, framed)| ws::upgrade(Arc::clone(&door), req, framed)))
            .finish(map_config(app, |()| AppConfig::default()))
            .tcp()
    })?;
    Ok((addr, server.run()))
}

fn bind(addr: SocketAddr) -> std::io::Result<socket2::Socket> {
    let (domain, kind) = (socket2::Domain::for_address(addr), socket2::Type::STREAM);
    let socket = socket2::Socket::new(domain, kind, Some(socket2::Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    Ok(socket)
}

/// Lets the kernel end a connection whose peer takes nothing: no close frame would get through.
fn limit_unwritable(tcp: &TcpStream) {
    // Without it the connection ends all the same, hours later.
    let _best_effort = SockRef::from(tcp).set_tcp_user_timeout(Some(UNWRITABLE_MAX));
}
