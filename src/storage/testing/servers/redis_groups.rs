//! Several Redis servers that belong together: a Cluster, or a master with a replica and a Sentinel.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};

use redis::{ConnectionLike as _, FromRedisValue};

use super::{Port, RedisServer, START_LIMIT, Server, program, redis as single};

/// Masters of a test Cluster.
const MASTERS: u16 = 3;
/// Slots of every Cluster.
const SLOTS: u16 = 16_384;
/// Pause between two looks at servers that come to an agreement.
const AGREE_PAUSE: Duration = Duration::from_millis(20);
/// Name under which the test Sentinel knows its master.
const SERVICE: &str = "main";

/// One answer of a server to one command.
fn ask<T: FromRedisValue>(server: &RedisServer, words: &str) -> T {
    try_to_ask(server, words).unwrap_or_else(|err| panic!("{words}: {err}"))
}

fn try_to_ask<T: FromRedisValue>(server: &RedisServer, words: &str) -> redis::RedisResult<T> {
    let mut connection = redis::Client::open(server.url())?.get_connection()?;
    let mut words = words.split(' ');
    let mut command = redis::cmd(words.next().unwrap_or_default());
    command.arg(words.collect::<Vec<_>>());
    connection.req_command(&command).and_then(|it| Ok(redis::from_redis_value(it)?))
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < START_LIMIT, "not in time: {what}");
        std::thread::sleep(AGREE_PAUSE);
    }
}

/// A server that may become part of a Cluster, which talks on this other port.
fn part_of_a_cluster(bus: &Port) -> RedisServer {
    let command = |home: &Path, port: u16| {
        let mut command = single::command(home, port);
        command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]);
        command.args(["--cluster-port", &bus.number.to_string()]);
        command
    };
    RedisServer { server: Server::start(command, single::pongs) }
}

/// A server of a Cluster that takes its master's place when that dies.
#[derive(Debug)]
pub struct ClusterReplica {
    /// The server.
    pub server: RedisServer,
    _port: Port,
}

/// A Redis Cluster of three masters without replicas.
#[derive(Debug)]
pub struct RedisCluster {
    /// The masters, in the order of their slots.
    pub servers: Vec<RedisServer>,
    ports: Vec<Port>,
}

impl RedisCluster {
    /// Starts an empty Cluster that serves all slots.
    ///
    /// # Panics
    /// When Redis is not installed or the servers do not find together.
    #[must_use]
    pub fn start() -> Self {
        let ports: Vec<Port> = (0..MASTERS).map(|_| Port::reserve()).collect();
        let servers: Vec<RedisServer> = ports.iter().map(part_of_a_cluster).collect();
        for (n, server) in (0..).zip(&servers) {
            let share = SLOTS / MASTERS;
            let last = if n + 1 == MASTERS { SLOTS - 1 } else { (n + 1) * share - 1 };
            let _ok: String = ask(server, &format!("CLUSTER ADDSLOTSRANGE {} {last}", n * share));
            let (first, bus) = (servers[0].server.address().port(), ports[0].number);
            if n > 0 {
                let _ok: String = ask(server, &format!("CLUSTER MEET 127.0.0.1 {first} {bus}"));
            }
        }
        let cluster = Self { servers, ports };
        wait_until("the Cluster agrees", || {
            let agrees = |it| {
                let info: String = ask(it, "CLUSTER INFO");
                info.contains("cluster_state:ok") && info.contains("cluster_size:3")
            };
            cluster.servers.iter().all(agrees)
        });
        cluster
    }

    /// The one Cluster that all tests of this process share; give each test a key prefix of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisCluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// The address of the Cluster as a setting.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.servers.iter().map(|it| it.server.address().to_string()).collect();
        format!("redis-cluster://{}", hosts.join(","))
    }

    /// Starts a replica of one of the masters and waits until it follows.
    ///
    /// # Panics
    /// When Redis does not start or does not follow.
    #[must_use]
    pub fn start_replica_of(&self, master: usize) -> ClusterReplica {
        let port = Port::reserve();
        let server = part_of_a_cluster(&port);
        let first = self.servers[0].server.address().port();
        let bus = self.ports[0].number;
        let _ok: String = ask(&server, &format!("CLUSTER MEET 127.0.0.1 {first} {bus}"));
        let id: String = ask(&self.servers[master], "CLUSTER MYID");
        wait_until("the replica may follow", || {
            try_to_ask::<String>(&server, &format!("CLUSTER REPLICATE {id}")).is_ok()
        });
        wait_until("the replica follows and all know it", || {
            let knows = |it| ask::<String>(it, "CLUSTER NODES").matches(" slave ").count() == 1;
            ask::<String>(&server, "INFO replication").contains("master_link_status:up")
                && self.servers.iter().all(knows)
        });
        ClusterReplica { server, _port: port }
    }

    /// Gives the slot of a key to another server and answers the number of its new one.
    ///
    /// # Panics
    /// When a server does not answer.
    pub fn move_slot_of(&self, key: &str) -> usize {
        let slot: u16 = ask(&self.servers[0], &format!("CLUSTER KEYSLOT {key}"));
        let owner = (0..self.servers.len()).find(|n| {
            let words = format!("SPUBLISH {key} who-has-this-slot");
            try_to_ask::<i64>(&self.servers[*n], &words).is_ok()
        });
        let target = (owner.expect("somebody has the slot") + 1) % self.servers.len();
        let id: String = ask(&self.servers[target], "CLUSTER MYID");
        // The new owner first, so that the slot is never without one.
        for n in 0..self.servers.len() {
            let server = &self.servers[(target + n) % self.servers.len()];
            let _ok: String = ask(server, &format!("CLUSTER SETSLOT {slot} NODE {id}"));
        }
        target
    }
}

/// A master, its replica, and a Sentinel that puts the one in the place of the other.
#[derive(Debug)]
pub struct RedisSentinels {
    /// The master at the start.
    pub master: RedisServer,
    /// The replica at the start.
    pub replica: RedisServer,
    sentinel: RedisServer,
}

impl RedisSentinels {
    /// Starts all three and waits until the Sentinel knows both others.
    ///
    /// # Panics
    /// When Redis is not installed or the servers do not find together.
    #[must_use]
    pub fn start() -> Self {
        let master = RedisServer::start();
        let of = master.server.address().port().to_string();
        let replica = |home: &Path, port: u16| {
            let mut command = single::command(home, port);
            command.args(["--replicaof", "127.0.0.1", &of, "--repl-diskless-sync-delay", "0"]);
            command
        };
        let replica = RedisServer { server: Server::start(replica, single::pongs) };
        wait_until("the replica follows", || {
            ask::<String>(&replica, "INFO replication").contains("master_link_status:up")
        });
        let watch = |home: &Path, port: u16| {
            let config = home.join("sentinel.conf");
            // The Sentinel writes what it learns into its own file.
            if !config.exists() {
                let text = format!(
                    "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {SERVICE} 127.0.0.1 {of} 1\n\
                     sentinel down-after-milliseconds {SERVICE} 1000\n\
                     sentinel failover-timeout {SERVICE} 5000\n",
                    home.display()
                );
                fs::write(&config, text).expect("the Sentinel's file can be written");
            }
            let mut command = Command::new(program("redis-server"));
            command.arg(config).arg("--sentinel");
            command
        };
        let sentinel = RedisServer { server: Server::start(watch, single::pongs) };
        wait_until("the Sentinel knows the replica", || {
            let info: String = ask(&sentinel, "INFO sentinel");
            info.contains("status=ok") && info.contains("slaves=1")
        });
        Self { master, replica, sentinel }
    }

    /// The one group that all tests of this process share; give each test a key prefix of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisSentinels> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// The address of the service as a setting.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis-sentinel://{}/{SERVICE}", self.sentinel.server.address())
    }
}
