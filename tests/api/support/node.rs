//! Nodes as child processes of the built binary, so that `kill -9` is real and two nodes are two.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use domain::channel::Channel;
use riderhub::client::log::{Entry, Kept};
use serde_json::Value;
use storage::{
    db::{Db, Durability},
    journal,
    testing::{
        Engine,
        servers::{MariaDbServer, RedisServer},
    },
};
use tempfile::TempDir;

/// How long a node may take to listen; far above what it needs, for a machine that is compiling.
const START_MAX: Duration = Duration::from_secs(30);
/// What a node says when it is ready, before its address.
const LISTENING: &str = "riderhub: listening on ";
/// Lines of a node's log that are shown when it fails.
const LOG_LINES: usize = 40;

/// One node.
pub struct Node {
    /// Its address, `http://…`; the same after a restart.
    pub base: String,
    args: Vec<String>,
    log: PathBuf,
    child: Child,
}

/// Some nodes on a store of their own.
pub struct World {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// How many times faster than life their clock runs.
    pub scale: f64,
    database: String,
    _folder: TempDir,
}

/// Runs `body` on one node over SQLite and on two nodes over MariaDB and Redis.
pub async fn each_world(options: &[&str], body: impl AsyncFn(&World)) {
    for engine in Engine::ALL {
        eprintln!("on {engine:?}");
        let world = World::start(engine, options);
        body(&world).await;
    }
}

impl World {
    /// One node over SQLite, or two over MariaDB and Redis.
    pub fn start(engine: Engine, options: &[&str]) -> Self {
        match engine {
            Engine::Sqlite => Self::set_up(None, options),
            Engine::MariaDb => Self::over(&RedisServer::shared().url(), options),
        }
    }

    /// Two nodes over MariaDB and this Redis.
    pub fn over(redis: &str, options: &[&str]) -> Self {
        Self::set_up(Some(redis), options)
    }

    fn set_up(redis: Option<&str>, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut args: Vec<String> = options.iter().map(|it| (*it).to_owned()).collect();
        let database = match redis {
            None => format!("sqlite:{}", folder.path().join("world.sqlite").display()),
            Some(redis) => {
                let prefix = format!("t{}:", uuid::Uuid::now_v7().simple());
                args.extend(["--redis", redis, "--redis-prefix", &prefix].map(str::to_owned));
                MariaDbServer::shared().fresh_database()
            }
        };
        args.extend(["--database".to_owned(), database.clone()]);
        args.extend(["--data".to_owned(), folder.path().display().to_string()]);
        let n_nodes = if redis.is_some() { 2 } else { 1 };
        let nodes = (0..n_nodes).map(|n| Node::start(&args, folder.path(), n)).collect();
        let scale = options.iter().skip_while(|it| **it != "--time-scale").nth(1);
        let scale = scale.map_or(1.0, |it| it.parse().unwrap());
        Self { nodes, scale, database, _folder: folder }
    }

    /// Addresses of all nodes, beginning with number `first`.
    pub fn bases(&self, first: usize) -> Vec<String> {
        let n = self.nodes.len();
        (0..n).map(|i| self.nodes[(first + i) % n].base.clone()).collect()
    }

    /// The address of the store.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Runs another command on the same store; what it printed.
    pub fn run_beside(&self, command: &[&str]) -> String {
        let done = Command::new(env!("CARGO_BIN_EXE_riderhub"))
            .args(command)
            .args(["--database", &self.database])
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// A channel as it stands in SQL, read past the server.
    pub async fn journal(&self, channel: &str) -> Vec<Kept> {
        let mut db = Db::connect(self.database(), 1, Durability::Normal).await.unwrap();
        let channel: Channel = channel.parse().unwrap();
        let mut all = Vec::new();
        loop {
            let after = all.last().map_or(0, |it: &Kept| it.off);
            let page = journal::read_after(&mut db, &channel, after, 500).await.unwrap();
            if page.is_empty() {
                db.close().await;
                return all;
            }
            all.extend(page.iter().map(|it| {
                let frame: Value = serde_json::from_slice(&journal::frame(it)).unwrap();
                Entry::from_push(frame.as_object().unwrap()).unwrap().keep()
            }));
        }
    }
}

impl Node {
    fn start(args: &[String], folder: &Path, n: usize) -> Self {
        let log = folder.join(format!("node-{n}.log"));
        let (child, base) = spawn(args, "127.0.0.1:0", &log);
        Self { base, args: args.to_vec(), log, child }
    }

    /// Ends the process as a crash does: no goodbye, nothing flushed.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the process to stop, as an orchestrator does.
    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for the end of the process.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        let waiting = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(within, waiting).await.expect("the node ends")
    }

    /// Starts the process again at the same address, on the same data.
    pub fn restart(&mut self) {
        let listen = self.base.trim_start_matches("http://").to_owned();
        (self.child, self.base) = spawn(&self.args, &listen, &self.log);
    }

    /// Whether the process is alive.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be dead already, which is what we want.
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            eprintln!("--- end of {}\n{}", self.log.display(), tail(&self.log));
        }
    }
}

/// Starts a node and waits until it says where it listens.
fn spawn(args: &[String], listen: &str, log: &Path) -> (Child, String) {
    let log_file = File::options().create(true).append(true).open(log).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_riderhub"))
        .arg("serve")
        .args(["--listen", listen])
        .args(args)
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log_file)
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = mpsc::channel();
    // Reads to the end, so that the node never waits for us.
    thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            if let Some(base) = line.strip_prefix(LISTENING) {
                drop(tell.send(base.trim().to_owned()));
            }
        }
    });
    match told.recv_timeout(START_MAX) {
        Ok(base) => (child, base),
        Err(_) => {
            drop(child.kill());
            panic!("the node does not listen; its log ends with\n{}", tail(log));
        }
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}
