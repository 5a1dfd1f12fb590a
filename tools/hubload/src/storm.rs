//! A resume storm: everybody is dropped at once, misses something, comes back and catches up.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use rand::RngExt as _;
use riderhub::client::socket::{Frame, Incoming, Socket};
use serde_json::{Map, Value, json};
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};

use crate::{
    Failed,
    cast::{Cast, reply, sign_in},
    spread::{round, spread},
};

/// Clients that hear the same room.
const ROOM: usize = 3;
/// Clients that connect at the same time before the storm.
const AT_ONCE: usize = 100;
/// Messages of the publisher under way.
const PUBLISHED_AT_ONCE: usize = 500;
/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// Arguments of `hubload storm`.
#[derive(Debug, Args)]
pub(crate) struct StormArgs {
    /// How many clients
    #[arg(long, default_value_t = 10_000)]
    clients: usize,
    /// Messages that every client misses
    #[arg(long, default_value_t = 3)]
    gap: u64,
    /// Milliseconds over which clients spread their first attempt; the hub tells them 5000
    #[arg(long, default_value_t = 5_000)]
    window_ms: u64,
}

/// One client between two connections.
struct Client {
    token: String,
    room: String,
    /// Where it stands, as `resume` wants it.
    known: Map<String, Value>,
}

/// What one client saw when it came back.
struct Back {
    /// From the drop until everything was there.
    complete: Duration,
    /// From its own first attempt until everything was there.
    own: Duration,
    n_attempts: u32,
    /// Holes, doubles and replays that were not whole.
    n_wrong: u32,
}

/// Runs the storm.
pub(crate) async fn run(url: &str, cast: &Cast, args: &StormArgs) -> Result<Value, Failed> {
    if cast.in_order.len() <= args.clients {
        return Err(format!("the fixtures must have more than {} accounts", args.clients).into());
    }
    let run = uuid::Uuid::now_v7().simple().to_string();
    let last = cast.in_order.last().ok_or("no accounts")?;
    let (mut publisher, _) = sign_in(url, last, &json!({})).await?;
    let rooms: Vec<String> =
        (0..args.clients.div_ceil(ROOM)).map(|it| format!("bench:log:storm-{run}-{it}")).collect();
    publish(&mut publisher, &rooms, 1).await?;

    let began = Instant::now();
    let clients = first_time(url, cast, &rooms, args.clients).await?;
    let connected_ms = round(began.elapsed());
    let before = counters(url).await?;

    let (sockets, clients): (Vec<_>, Vec<_>) = clients.into_iter().unzip();
    let dropped = Instant::now();
    drop(sockets);
    publish(&mut publisher, &rooms, args.gap).await?;
    let published_ms = round(dropped.elapsed());
    let mut coming = JoinSet::new();
    for client in clients {
        let wait = rand::rng().random_range(0..=args.window_ms);
        let (url, gap) = (url.to_owned(), args.gap);
        coming.spawn(async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            come_back(&url, client, gap, dropped).await
        });
    }
    let mut backs = Vec::with_capacity(args.clients);
    let mut held = Vec::with_capacity(args.clients);
    while let Some(done) = coming.join_next().await {
        let (socket, back) = done?;
        held.extend(socket);
        backs.extend(back);
    }
    let all_ms = round(dropped.elapsed());
    let after = counters(url).await?;
    let n_wrong: u32 = backs.iter().map(|it| it.n_wrong).sum();
    let n_attempts: u32 = backs.iter().map(|it| it.n_attempts).sum();
    let queries: BTreeMap<_, _> = after
        .into_iter()
        .map(|(name, n)| (name.clone(), n - before.get(&name).copied().unwrap_or(0.0)))
        .collect();
    Ok(json!({"load": "storm", "ok": backs.len() == args.clients && n_wrong == 0,
        "clients": args.clients, "complete": backs.len(), "wrong": n_wrong,
        "attempts": n_attempts, "gap": args.gap, "window_ms": args.window_ms,
        "first_connect_ms": connected_ms, "gap_published_ms": published_ms,
        "all_complete_ms": all_ms, "queries": queries,
        "complete_after_drop_ms": spread(backs.iter().map(|it| it.complete).collect()),
        "complete_after_own_attempt_ms": spread(backs.iter().map(|it| it.own).collect())}))
}

/// Writes `n` messages to each room and waits until all are committed.
async fn publish(socket: &mut Socket, rooms: &[String], n: u64) -> Result<(), Failed> {
    let all: Vec<&String> = (0..n).flat_map(|_| rooms).collect();
    let mut id = 1;
    for some in all.chunks(PUBLISHED_AT_ONCE) {
        let frames: Vec<String> = some
            .iter()
            .map(|room| {
                id += 1;
                json!({"id": id, "m": "pub", "p": {"ch": room, "body": {"s": "gap"}}}).to_string()
            })
            .collect();
        // Frames joined in one message, as far as a message may go.
        for joined in frames.chunks(100) {
            socket.send(joined.join("\n")).await?;
        }
        timeout(PATIENCE, reply(socket, id, |_| {})).await??;
    }
    Ok(())
}

/// Everybody connects and hears a room.
async fn first_time(
    url: &str,
    cast: &Cast,
    rooms: &[String],
    n: usize,
) -> Result<Vec<(Socket, Client)>, Failed> {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut connecting = JoinSet::new();
    for (index, token) in cast.in_order.iter().take(n).enumerate() {
        let (turns, url) = (Arc::clone(&turns), url.to_owned());
        let (token, room) = (token.clone(), rooms[index / ROOM].clone());
        connecting.spawn(async move {
            let _turn = turns.acquire_owned().await?;
            let (mut socket, channels) = sign_in(&url, &token, &json!({})).await?;
            let sub = json!({"id": 2, "m": "sub", "p": {"ch": room}});
            socket.send(sub.to_string()).await?;
            let ok = reply(&mut socket, 2, |_| {}).await?;
            let mut known = Map::new();
            for (name, position) in channels.as_object().into_iter().flatten() {
                known.insert(name.clone(), json!({"ep": position["ep"], "off": position["to"]}));
            }
            known.insert(room.clone(), json!({"ep": ok["ep"], "off": 1}));
            Ok::<_, Failed>((socket, Client { token, room, known }))
        });
    }
    let mut clients = Vec::with_capacity(n);
    while let Some(done) = connecting.join_next().await {
        clients.push(done??);
    }
    Ok(clients)
}

/// Comes back until everything that was missed has arrived.
async fn come_back(
    url: &str,
    client: Client,
    gap: u64,
    dropped: Instant,
) -> (Option<Socket>, Option<Back>) {
    let began = Instant::now();
    let mut n_attempts = 0;
    let resume = Value::Object(client.known);
    while began.elapsed() < PATIENCE {
        n_attempts += 1;
        let attempt = timeout(PATIENCE, catch_up(url, &client.token, &client.room, gap, &resume));
        if let Ok(Ok((socket, n_wrong))) = attempt.await {
            let back =
                Back { complete: dropped.elapsed(), own: began.elapsed(), n_attempts, n_wrong };
            return (Some(socket), Some(back));
        }
        let pause = rand::rng().random_range(200..2_000);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    (None, None)
}

/// One connection, until the last of the gap has arrived.
async fn catch_up(
    url: &str,
    token: &str,
    room: &str,
    gap: u64,
    resume: &Value,
) -> Result<(Socket, u32), Failed> {
    let (mut socket, channels) = sign_in(url, token, resume).await?;
    let mut n_wrong = u32::from(channels[room]["recovered"] != true);
    let mut next = 2;
    while next <= 1 + gap {
        match socket.next().await {
            Incoming::Frame(frame) if is_of(&frame, room) => {
                let off = frame.get("off").and_then(Value::as_u64).unwrap_or(0);
                n_wrong += u32::from(off != next);
                next = off + 1;
            }
            Incoming::Frame(_) | Incoming::Beat => {}
            Incoming::End { code, reason } => return Err(format!("{code} {reason}").into()),
        }
    }
    Ok((socket, n_wrong))
}

fn is_of(frame: &Frame, room: &str) -> bool {
    frame.get("ch").and_then(Value::as_str) == Some(room)
        && frame.get("push").and_then(Value::as_str) == Some("msg")
}

/// The counters of the server that tell what a storm costs it.
async fn counters(url: &str) -> Result<BTreeMap<String, f64>, Failed> {
    let text = riderhub::http_client::builder()
        .no_proxy()
        .build()?
        .get(format!("{url}/metrics"))
        .send()
        .await?
        .text()
        .await?;
    let ours = ["riderhub_journal_queries_total", "riderhub_resumes_total"];
    let lines = text.lines().filter(|line| ours.iter().any(|it| line.starts_with(it)));
    Ok(lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, n)| Some((name.to_owned(), n.parse().ok()?)))
        .collect())
}
