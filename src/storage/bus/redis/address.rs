//! Where a Redis is: one server, the master that Sentinels name, or the masters of a Cluster.
//!
//! Asked again before every connection, so that a server that has moved is found.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    ProtocolVersion, RedisConnectionInfo, RedisError, RedisResult, Value,
    aio::MultiplexedConnection,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};

use super::{CONNECT_TIMEOUT, PUBLISH_TIMEOUT, slots::SlotMap, within};

/// How long one Sentinel, or one server of a Cluster, may take to say where things are.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(1);
/// Port of a Sentinel unless the address names one.
const SENTINEL_PORT: u16 = 26_379;

/// A checked address.
#[derive(Debug, Clone)]
pub enum Address {
    /// `redis://host:port/` or `unix:///path`.
    Server(ConnectionInfo),
    /// `redis-sentinel://host:port,host:port/service`.
    Sentinel {
        /// Who is asked, in this order.
        sentinels: Vec<ConnectionInfo>,
        /// The name that the Sentinels know the master by.
        service: String,
        /// User, password and database number of the master.
        login: RedisConnectionInfo,
    },
    /// `redis-cluster://host:port,host:port`.
    Cluster {
        /// Servers to ask for the others.
        seeds: Vec<ConnectionInfo>,
        /// User and password of all of them.
        login: RedisConnectionInfo,
    },
}

/// What an address led to.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) map: SlotMap,
    /// Topics are placed by their slot and use the commands for that.
    pub(super) is_sharded: bool,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// What is wrong with it and what to write instead; never the address itself, which may hold a
    /// password.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("redis-sentinel://") {
            return parse_sentinel(rest);
        }
        if let Some(rest) = text.strip_prefix("redis-cluster://") {
            let (user, hosts, path) = parts(rest);
            if !path.is_empty() {
                return Err("redis-cluster://host:port,host:port has no path: a Cluster has no \
                            database numbers"
                    .to_owned());
            }
            let seeds = servers(user, hosts, "", None)?;
            let login = seeds[0].redis_settings().clone();
            return Ok(Self::Cluster { seeds, login });
        }
        if !(text.starts_with("redis://") || text.starts_with("unix://")) {
            return Err(
                "must be redis://host:port/, redis-sentinel://host:port,host:port/service \
                        or redis-cluster://host:port,host:port"
                    .to_owned(),
            );
        }
        server(text).map(Self::Server)
    }

    /// Finds the servers that are to be talked to now.
    pub(super) async fn find(&self) -> RedisResult<Found> {
        match self {
            Self::Server(info) => {
                let map = SlotMap::one(&info.addr().to_string());
                Ok(Found { map, is_sharded: false })
            }
            Self::Sentinel { sentinels, service, .. } => {
                let mut last = Err(unexpected("there is nobody to ask"));
                for sentinel in sentinels {
                    last = within(ASK_TIMEOUT, ask_sentinel(sentinel, service)).await;
                    if last.is_ok() {
                        break;
                    }
                }
                last.map(|map| Found { map, is_sharded: false })
            }
            Self::Cluster { seeds, .. } => {
                let mut last = Err(unexpected("there is nobody to ask"));
                for seed in seeds {
                    last = within(ASK_TIMEOUT, ask_cluster(seed)).await;
                    if last.is_ok() {
                        break;
                    }
                }
                last.map(|map| Found { map, is_sharded: true })
            }
        }
    }

    /// How to connect to one of the servers that were found.
    pub(super) fn server(&self, address: &Arc<str>) -> RedisResult<ConnectionInfo> {
        let (like, login) = match self {
            Self::Server(info) => return Ok(info.clone()),
            Self::Sentinel { sentinels, login, .. } => (&sentinels[0], login),
            Self::Cluster { seeds, login } => (&seeds[0], login),
        };
        let split =
            address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let Some((host, port)) = split else {
            return Err(unexpected("a server's address has no port"));
        };
        let addr = ConnectionAddr::Tcp(host.to_owned(), port);
        Ok(like.clone().set_addr(addr).set_redis_settings(login.clone()))
    }

    /// A server that Sentinels name may have been demoted since.
    pub(super) async fn check(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        if !matches!(self, Self::Sentinel { .. }) {
            return Ok(());
        }
        let role: Vec<Value> = redis::cmd("ROLE").query_async(connection).await?;
        match role.first() {
            Some(Value::BulkString(role)) if role == b"master" => Ok(()),
            _ => Err(unexpected("the server that the Sentinels name is no master")),
        }
    }
}

pub(super) fn unexpected(what: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Client, what))
}

/// User and password, hosts, and the path with what follows it.
fn parts(rest: &str) -> (&str, &str, &str) {
    let (user, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    (user, hosts, path)
}

fn parse_sentinel(rest: &str) -> Result<Address, String> {
    let (user, hosts, path) = parts(rest);
    let (service, db) = path.split_once('/').unwrap_or((path, ""));
    if service.is_empty() {
        return Err(
            "redis-sentinel://host:port,host:port/service lacks the service: the name that \
                    the Sentinels know the master by"
                .to_owned(),
        );
    }
    let login = servers(user, "localhost", db, None)?[0].redis_settings().clone();
    let sentinels = servers("", hosts, "", Some(SENTINEL_PORT))?;
    Ok(Address::Sentinel { sentinels, service: service.to_owned(), login })
}

fn servers(
    user: &str,
    hosts: &str,
    db: &str,
    port: Option<u16>,
) -> Result<Vec<ConnectionInfo>, String> {
    let at = if user.is_empty() { "" } else { "@" };
    let url = |host: &str| match port {
        Some(port) if !host.contains(':') => format!("redis://{user}{at}{host}:{port}/{db}"),
        _ => format!("redis://{user}{at}{host}/{db}"),
    };
    let hosts: Vec<&str> = hosts.split(',').collect();
    if hosts.iter().any(|it| it.is_empty()) {
        return Err("a list of servers is host:port,host:port".to_owned());
    }
    hosts.into_iter().map(|host| server(&url(host))).collect()
}

fn server(url: &str) -> Result<ConnectionInfo, String> {
    let info = url.into_connection_info().map_err(|err| err.to_string())?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(3));
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive)
        .set_user_timeout(Duration::from_secs(10));
    // Messages come as pushes beside the answers, which the older protocol cannot do.
    let login = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_tcp_settings(tcp).set_redis_settings(login))
}

async fn ask_sentinel(sentinel: &ConnectionInfo, service: &str) -> RedisResult<SlotMap> {
    let mut connection = connect(sentinel.clone(), None).await?;
    let mut ask = redis::cmd("SENTINEL");
    ask.arg("get-master-addr-by-name").arg(service);
    let answer: Option<(String, u16)> = ask.query_async(&mut connection).await?;
    let (host, port) = answer.ok_or_else(|| unexpected("the Sentinels know no such service"))?;
    Ok(SlotMap::one(&format!("{host}:{port}")))
}

async fn ask_cluster(seed: &ConnectionInfo) -> RedisResult<SlotMap> {
    let mut connection = connect(seed.clone(), None).await?;
    let mut ask = redis::cmd("CLUSTER");
    let answer: Value = ask.arg("SLOTS").query_async(&mut connection).await?;
    let host = match seed.addr() {
        ConnectionAddr::Tcp(host, _) => host,
        _ => return Err(unexpected("a Cluster needs addresses with ports")),
    };
    let map = SlotMap::read(&answer, host);
    let map = map.ok_or_else(|| unexpected("the Cluster's slots cannot be read"))?;
    match map.gap() {
        None => Ok(map),
        Some(_) => Err(unexpected("the Cluster has slots that no server serves")),
    }
}

/// What the server says beside its answers.
pub(super) type OnPush = Box<dyn Fn(redis::PushInfo) + Send + Sync>;

/// Opens a connection.
pub(super) async fn connect(
    info: ConnectionInfo,
    on_push: Option<OnPush>,
) -> RedisResult<MultiplexedConnection> {
    let mut config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(PUBLISH_TIMEOUT));
    if let Some(on_push) = on_push {
        config = config.set_push_sender(move |push| {
            on_push(push);
            Ok::<(), ()>(())
        });
    }
    let client = Client::open(info)?;
    within(CONNECT_TIMEOUT, client.get_multiplexed_async_connection_with_config(&config)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_all_kinds_are_read() {
        let text = "redis-sentinel://me:p%40ss@one:26001,two/main/3";
        let Ok(Address::Sentinel { sentinels, service, login }) = Address::parse(text) else {
            panic!("{text}");
        };
        let hosts: Vec<_> = sentinels.iter().map(|it| it.addr().to_string()).collect();
        assert_eq!(hosts, ["one:26001", "two:26379"]);
        assert_eq!((&*service, login.db()), ("main", 3));
        assert_eq!((login.username(), login.password()), (Some("me"), Some("p@ss")));
        assert_eq!(sentinels[0].redis_settings().password(), None);

        let text = "redis-cluster://:secret@one:7000,two:7001";
        let Ok(Address::Cluster { seeds, login }) = Address::parse(text) else { panic!("{text}") };
        assert_eq!(seeds.len(), 2);
        assert_eq!(login.password(), Some("secret"));
        assert!(matches!(Address::parse("redis://localhost/"), Ok(Address::Server(_))));
    }

    #[test]
    fn a_wrong_address_says_what_to_write() {
        for (text, says) in [
            ("http://x", "redis-cluster://host:port"),
            ("redis-sentinel://one:26379", "lacks the service"),
            ("redis-sentinel://one:26379,,two/main", "host:port,host:port"),
            ("redis-cluster://", "host:port,host:port"),
            ("redis-cluster://one:7000/2", "no path"),
            ("redis-cluster://:hunter2@one:port", ""),
        ] {
            let err = Address::parse(text).unwrap_err();
            assert!(err.contains(says), "{text}: {err}");
            assert!(!err.contains("hunter2"), "{err}");
        }
    }
}
