//! A private MariaDB: its data folder is a copy of a template that is made once per machine.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Server, connect, program, root, user_id};

/// The shape of the data files: template and server must agree. Small, because it is copied for each server.
const FILES: [&str; 3] = [
    "--innodb-data-file-path=ibdata1:4M:autoextend",
    "--innodb-autoextend-increment=1",
    "--innodb-log-file-size=8M",
];

/// Small and quick to start, yet with the durability and the collation that production has.
const SETTINGS: [&str; 14] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--socket=server.sock",
    "--pid-file=server.pid",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_bin",
    "--max-connections=400",
    "--innodb-buffer-pool-size=32M",
    "--innodb-buffer-pool-dump-at-shutdown=0",
    "--innodb-buffer-pool-load-at-startup=0",
    "--key-buffer-size=1M",
    "--aria-pagecache-buffer-size=1M",
    "--performance-schema=0",
    "--skip-log-bin",
];

/// The first byte of a greeting: version of the client protocol.
const PROTOCOL_VERSION: u8 = 10;
/// Length and number in front of each packet.
const PACKET_HEADER: usize = 4;

/// A MariaDB server of this test process alone, reachable on loopback as `root` without a password.
#[derive(Debug)]
pub struct MariaDbServer {
    server: Server,
    databases: AtomicU32,
}

impl MariaDbServer {
    /// Starts a server with no databases in it. Ends when dropped, or with this process.
    ///
    /// # Panics
    /// When MariaDB is not installed or does not start; the message holds the end of its log.
    #[must_use]
    pub fn start() -> Self {
        let template = template();
        let command = |home: &Path, port| {
            let data = home.join("data");
            copy_folder(&template, &data);
            let mut command = Command::new(program("mariadbd"));
            command.arg("--no-defaults").args(FILES).args(SETTINGS).args(user());
            command
                .arg(format!("--port={port}"))
                .arg(option("--datadir", &data))
                .arg(option("--tmpdir", home));
            command
        };
        Self { server: Server::start(command, greets), databases: AtomicU32::new(0) }
    }

    /// The one server that all tests of this process share; give each test a database of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDbServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// The address of a database on this server; it need not exist.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("mysql://root@{}/{database}", self.server.address())
    }

    /// Creates an empty database.
    ///
    /// # Panics
    /// When it exists already, or when the name has other characters than `a-z`, `0-9` and `_`.
    pub fn create_database(&self, name: &str) {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(!name.is_empty() && name.bytes().all(plain), "not a database name: `{name}`");
        let output = Command::new(program("mariadb"))
            .args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=root"])
            .arg(format!("--port={}", self.server.address().port()))
            .arg(format!("--execute=create database {name}"))
            .stdin(Stdio::null())
            .output()
            .expect("the MariaDB client starts");
        assert!(
            output.status.success(),
            "database {name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Creates an empty database with a name no other call gets, and returns its address.
    #[must_use]
    pub fn fresh_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.create_database(&name);
        self.url(&name)
    }

    /// Ends the server as a crash would; committed rows are there after [`restart`](Self::restart).
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Kills the server if it runs and starts it again with the same address and data.
    pub fn restart(&self) {
        self.server.restart();
    }

    /// Stops the process where it is: connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.server.freeze();
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.server.thaw();
    }
}

/// The server speaks first, and only once it takes statements.
fn greets(address: SocketAddr) -> bool {
    let Some(mut stream) = connect(address) else { return false };
    let mut greeting = [0; PACKET_HEADER + 1];
    stream.read_exact(&mut greeting).is_ok() && greeting[PACKET_HEADER] == PROTOCOL_VERSION
}

/// An initialised data folder for this version of MariaDB, made by the first process that needs it.
fn template() -> PathBuf {
    let template = root().join(format!("mariadb-{:016x}", fingerprint()));
    if template.exists() {
        return template;
    }
    let lock = File::create(root().join("mariadb.lock")).expect("the lock can be written");
    lock.lock().expect("the lock can be waited for");
    if !template.exists() {
        let unfinished = template.with_extension("new");
        // Left behind by a process that was killed here, or absent.
        let _ = fs::remove_dir_all(&unfinished);
        initialise(&unfinished);
        fs::rename(&unfinished, &template).expect("the template moves into its place");
    }
    template
}

fn fingerprint() -> u64 {
    let version = Command::new(program("mariadbd"))
        .arg("--version")
        .output()
        .expect("mariadbd tells its version");
    let mut hasher = DefaultHasher::new();
    (version.stdout, FILES).hash(&mut hasher);
    hasher.finish()
}

fn initialise(data: &Path) {
    let output = Command::new(program("mariadb-install-db"))
        .arg("--no-defaults")
        .args(["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"])
        .args(FILES)
        .args(user())
        .arg(option("--datadir", data))
        .stdin(Stdio::null())
        .output()
        .expect("mariadb-install-db starts");
    assert!(
        output.status.success(),
        "mariadb-install-db: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// MariaDB refuses to run as root unless told so.
fn user() -> Option<&'static str> {
    (user_id() == 0).then_some("--user=root")
}

fn option(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

fn copy_folder(from: &Path, to: &Path) {
    super::make_folder(to);
    for entry in fs::read_dir(from).expect("the template can be read") {
        let entry = entry.expect("the template can be read");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its kind is known").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the template can be copied");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crashed_server_comes_back_with_its_databases() {
        let server = MariaDbServer::start();
        let url = server.fresh_database();
        assert!(url.ends_with("/test_0"), "{url}");
        server.kill();
        assert!(!greets(server.server.address()));
        server.restart();
        let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            server.create_database("test_0")
        }));
        assert!(again.is_err(), "the database must have outlived the crash");
    }

    #[test]
    fn a_dropped_server_leaves_no_folder() {
        let server = MariaDbServer::start();
        let home = server.server.home.clone();
        assert!(home.exists());
        drop(server);
        assert!(!home.exists());
    }
}
