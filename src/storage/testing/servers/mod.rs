//! Private MariaDB and Redis servers for tests: own folder, own port, gone when the test process is gone.
//!
//! ```text
//! test process ──orders by pipe──> supervisor (sh) ──parent of──> mariadbd | redis-server
//! ```
//!
//! The supervisor reads its orders from a pipe of which only the test process holds the other end.
//! However that process ends, by return, panic or SIGKILL, the pipe closes; the supervisor then kills the server
//! and removes its folder. Being the parent of the server, it can never signal a stranger under a reused id.
//!
//! All functions block and panic: a test without its server has failed. Linux only, like the servers' host.
//! Folders live in the temporary directory: `TMPDIR=/dev/shm` makes commits cheaper.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod mariadb;
mod redis;
mod redis_groups;

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, File};
use std::hash::BuildHasher as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use self::mariadb::MariaDbServer;
pub use self::redis::RedisServer;
pub use self::redis_groups::{ClusterReplica, RedisCluster, RedisSentinels};

/// Below the range from which Linux takes ports for outgoing connections, so that none of those can take ours.
const PORTS: std::ops::Range<u64> = 18_000..32_000;
/// How long a server may take to answer; far above what it needs, for a machine that is busy compiling.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Starts before giving up: a stranger may take the port between our look and the server's bind.
const START_ATTEMPTS: u32 = 3;
/// How long one connect or one answer may take while we wait for a server.
const PROBE_LIMIT: Duration = Duration::from_secs(2);
/// Pause between two looks at a server that does not answer yet.
const PROBE_PAUSE: Duration = Duration::from_millis(5);
/// How much of a server's log goes into the panic message.
const LOG_LINES: usize = 30;

/// `$1` is the folder to remove at the end, the rest is the command line of the server.
/// A lost reader of the answers must not kill the supervisor before it has cleaned up: hence the ignored SIGPIPE.
const SUPERVISOR: &str = r#"
home=$1
shift
server=
end() {
    if [ -n "$server" ]; then
        kill -9 "$server"
        wait "$server"
        server=
    fi
}
leave() {
    end
    rm -rf "$home"
    exit 0
}
trap '' PIPE
trap leave HUP INT TERM
while read -r order; do
    case $order in
        start)
            "$@" </dev/null >>"$home/server.log" 2>&1 &
            server=$!
            ;;
        kill) end ;;
        freeze) kill -STOP "$server" ;;
        thaw) kill -CONT "$server" ;;
    esac
    echo "${server:-0}"
done
leave
"#;

/// A server process under its supervisor, with the folder and the port that belong to it.
#[derive(Debug)]
struct Server {
    /// First, so that the process is gone before its port is free for others.
    supervisor: Mutex<Supervisor>,
    home: PathBuf,
    port: Port,
    answers: fn(SocketAddr) -> bool,
}

#[derive(Debug)]
struct Supervisor {
    process: Child,
    /// Closing it is the order to end everything; `None` only while dropping.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Starts what `command` builds for a fresh folder and port, and returns when `answers` says it is up.
    fn start(command: impl Fn(&Path, u16) -> Command, answers: fn(SocketAddr) -> bool) -> Self {
        for _ in 1..START_ATTEMPTS {
            let server = Self::prepare(&command, answers);
            server.order("start");
            if server.wait_until_it_answers().is_ok() {
                return server;
            }
        }
        let server = Self::prepare(&command, answers);
        server.launch();
        server
    }

    fn prepare(command: &impl Fn(&Path, u16) -> Command, answers: fn(SocketAddr) -> bool) -> Self {
        let home = new_home();
        let port = Port::reserve();
        let supervisor = Mutex::new(supervise(&home, &command(&home, port.number)));
        Self { supervisor, home, port, answers }
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port.number))
    }

    /// Starts the process and panics with the end of its log when it does not come up.
    fn launch(&self) {
        self.order("start");
        if let Err(problem) = self.wait_until_it_answers() {
            panic!("{problem}; the end of its log:\n{}", self.log_end());
        }
    }

    /// Ends the process as `kill -9` does. It is gone, and its port closed, on return.
    fn kill(&self) {
        self.order("kill");
    }

    /// Kills the process if it runs and starts it again on the same port and folder.
    fn restart(&self) {
        self.kill();
        self.launch();
    }

    fn freeze(&self) {
        self.order("freeze");
    }

    fn thaw(&self) {
        self.order("thaw");
    }

    /// Gives one order and returns the id of the server process after it, 0 for none.
    fn order(&self, order: &str) -> u32 {
        let mut supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner);
        let orders = supervisor.orders.as_mut().expect("open until dropped");
        writeln!(orders, "{order}").expect("the supervisor of a test server is gone");
        let mut answer = String::new();
        supervisor.answers.read_line(&mut answer).expect("the supervisor answers");
        answer.trim().parse().expect("the supervisor answers with a process id")
    }

    fn wait_until_it_answers(&self) -> Result<(), String> {
        let pid = self.order("show");
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            // Looked at first: an answer counts only from a process that is still ours.
            let answered = (self.answers)(self.address());
            if !is_running(pid) {
                return Err("a test server ended while it started".to_owned());
            }
            if answered {
                return Ok(());
            }
            std::thread::sleep(PROBE_PAUSE);
        }
        Err(format!("a test server did not answer within {} s", START_LIMIT.as_secs()))
    }

    fn log_end(&self) -> String {
        let log = fs::read(self.home.join("server.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.orders.take());
        // Waited for, so that folder and process are gone when the test goes on. A failure leaves nothing to do.
        let _ = self.process.wait();
    }
}

/// A port that no other test process of this user takes while we hold it.
#[derive(Debug)]
struct Port {
    number: u16,
    /// Its lock is released by the system when this process ends.
    _claim: File,
}

impl Port {
    fn reserve() -> Self {
        let folder = root().join("ports");
        make_folder(&folder);
        loop {
            let number = PORTS.start + random() % (PORTS.end - PORTS.start);
            let number = u16::try_from(number).expect("a port has 16 bits");
            let claim =
                File::create(folder.join(number.to_string())).expect("a claim can be written");
            if claim.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
            {
                return Self { number, _claim: claim };
            }
        }
    }
}

/// In a process group of its own: Ctrl-C in a terminal, or a test runner that kills its group, ends the test process;
/// the supervisor cleans up after it.
fn supervise(home: &Path, server: &Command) -> Supervisor {
    let mut process = Command::new("/bin/sh")
        .args(["-c", SUPERVISOR, "test-server"])
        .arg(home)
        .arg(server.get_program())
        .args(server.get_args())
        .current_dir(home)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("/bin/sh starts");
    let orders = process.stdin.take();
    let answers = BufReader::new(process.stdout.take().expect("it was piped"));
    Supervisor { process, orders, answers }
}

/// True for a live process; a dead one stays visible as a zombie until its supervisor collects it.
fn is_running(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn connect(address: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PROBE_LIMIT).ok()?;
    stream.set_read_timeout(Some(PROBE_LIMIT)).ok()?;
    Some(stream)
}

/// The full path of a program; servers are often in a folder that only root searches.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("`{name}` is not installed: run scripts/setup"))
}

/// Where everything of this user's tests lies.
fn root() -> PathBuf {
    let root = std::env::temp_dir().join(format!("riderhub-test-{}", user_id()));
    make_folder(&root);
    let owner = fs::metadata(&root).expect("it was just made").uid();
    assert_eq!(owner, user_id(), "{} belongs to somebody else: set TMPDIR", root.display());
    root
}

fn new_home() -> PathBuf {
    let home = root().join(format!("{}-{:08x}", std::process::id(), random() & 0xffff_ffff));
    make_folder(&home);
    home
}

fn make_folder(path: &Path) {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .unwrap_or_else(|e| panic!("cannot make {}: {e}", path.display()));
}

fn user_id() -> u32 {
    fs::metadata("/proc/self").expect("Linux with /proc").uid()
}

/// Not secret, only different each time.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reservations_never_give_the_same_port() {
        let ports: Vec<Port> = (0..50).map(|_| Port::reserve()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(|port| port.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 50);
    }

    #[test]
    #[should_panic(expected = "run scripts/setup")]
    fn a_missing_program_says_what_to_do() {
        program("no-such-server");
    }
}
