//! A private Redis: keeps nothing on disk, so a restarted one is empty.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::{Server, connect, program};

const PONG: &[u8; 7] = b"+PONG\r\n";

/// A Redis server of this test process alone, reachable on loopback without a password.
#[derive(Debug)]
pub struct RedisServer {
    pub(super) server: Server,
}

impl RedisServer {
    /// Starts an empty server. Ends when dropped, or with this process.
    ///
    /// # Panics
    /// When Redis is not installed or does not start; the message holds the end of its log.
    #[must_use]
    pub fn start() -> Self {
        Self { server: Server::start(command, pongs) }
    }

    /// The one server that all tests of this process share; give each test a key prefix of its own.
    /// Whoever wants to kill or freeze one starts his own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// The address of the server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}/", self.server.address())
    }

    /// Ends the server as a crash would: its data are lost, connections are reset, new ones are refused.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Kills the server if it runs and starts an empty one at the same address.
    pub fn restart(&self) {
        self.server.restart();
    }

    /// Stops the process where it is: connections stay open, new ones are taken by the system, nothing answers.
    pub fn freeze(&self) {
        self.server.freeze();
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.server.thaw();
    }
}

pub(super) fn command(home: &Path, port: u16) -> Command {
    let mut command = Command::new(program("redis-server"));
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]).arg(home);
    command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
    command
}

pub(super) fn pongs(address: SocketAddr) -> bool {
    let Some(mut stream) = connect(address) else { return false };
    let mut answer = [0; PONG.len()];
    stream.write_all(b"PING\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && &answer == PONG
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_server_is_gone_and_comes_back_at_the_same_address() {
        let server = RedisServer::start();
        let url = server.url();
        server.kill();
        assert!(!pongs(server.server.address()));
        server.restart();
        assert!(pongs(server.server.address()));
        assert_eq!(server.url(), url);
    }

    #[test]
    fn a_frozen_server_takes_connections_and_answers_after_thawing() {
        let server = RedisServer::start();
        server.freeze();
        assert!(connect(server.server.address()).is_some());
        assert!(!pongs(server.server.address()));
        server.thaw();
        assert!(pongs(server.server.address()));
    }

    #[test]
    fn a_frozen_server_can_be_killed() {
        let server = RedisServer::start();
        server.freeze();
        server.restart();
        assert!(pongs(server.server.address()));
    }
}
