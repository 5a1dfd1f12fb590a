//! `chat.send` at a fixed rate: how long until `ok`, which comes after the commit.

use std::time::{Duration, Instant};

use clap::Args;
use riderhub::client::socket::{Incoming, Socket};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant as TokioInstant, sleep_until},
};

use crate::{
    Failed,
    cast::{Cast, sign_in},
    spread::spread,
};

/// How long answers may take after the last command.
const DRAIN: Duration = Duration::from_secs(5);

/// Arguments of `hubload chat`.
#[derive(Debug, Args)]
pub(crate) struct ChatArgs {
    /// Messages a second, of all together
    #[arg(long, default_value_t = 2_000.0)]
    rate: f64,
    /// Seconds measured
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// Seconds of load before
    #[arg(long, default_value_t = 2.0)]
    warmup: f64,
    /// Characters of a message
    #[arg(long, default_value_t = 80)]
    chars: usize,
}

/// When one speaker speaks.
#[derive(Clone, Copy)]
struct Plan {
    first: TokioInstant,
    every: Duration,
    measured_from: TokioInstant,
    until: TokioInstant,
}

/// What one speaker saw.
#[derive(Default)]
struct Heard {
    times: Vec<Duration>,
    n_sent: usize,
    n_refused: usize,
    n_unanswered: usize,
    first_refusal: Option<String>,
}

/// Both parties of every order speak in turn, on a fixed schedule.
pub(crate) async fn run(url: &str, cast: &Cast, args: &ChatArgs) -> Result<Value, Failed> {
    let mut speakers = Vec::new();
    for (channel, parties) in &cast.orders {
        for profile in parties {
            let (socket, _) = sign_in(url, cast.token(profile)?, &json!({})).await?;
            speakers.push((channel.clone(), socket));
        }
    }
    if speakers.is_empty() {
        return Err("there are no orders in the fixtures".into());
    }
    let every = Duration::from_secs_f64(speakers.len() as f64 / args.rate);
    let start = TokioInstant::now() + Duration::from_millis(300);
    let measured_from = start + Duration::from_secs_f64(args.warmup);
    let until = measured_from + Duration::from_secs_f64(args.seconds);
    let mut running = JoinSet::new();
    let n_speakers = speakers.len();
    for (index, (channel, socket)) in speakers.into_iter().enumerate() {
        let first = start + every.mul_f64(index as f64 / n_speakers as f64);
        let text = "x".repeat(args.chars);
        running.spawn(speak(socket, channel, text, Plan { first, every, measured_from, until }));
    }
    let mut all = Heard::default();
    while let Some(done) = running.join_next().await {
        let one = done?;
        all.times.extend(one.times);
        all.n_sent += one.n_sent;
        all.n_refused += one.n_refused;
        all.n_unanswered += one.n_unanswered;
        all.first_refusal = all.first_refusal.or(one.first_refusal);
    }
    let ok = all.n_refused == 0 && all.n_unanswered == 0 && !all.times.is_empty();
    let rate = all.times.len() as f64 / args.seconds;
    Ok(json!({"load": "chat", "ok": ok, "connections": n_speakers, "target_rate": args.rate,
        "rate": rate, "sent": all.n_sent, "refused": all.n_refused,
        "unanswered": all.n_unanswered, "first_refusal": all.first_refusal,
        "round_trip_ms": spread(all.times)}))
}

async fn speak(mut socket: Socket, channel: String, text: String, plan: Plan) -> Heard {
    let mut heard = Heard::default();
    let mut due = plan.first;
    let mut waiting: std::collections::HashMap<u64, (Instant, bool)> = Default::default();
    let mut id = 1;
    loop {
        let is_over = due >= plan.until;
        if is_over && (waiting.is_empty() || TokioInstant::now() > plan.until + DRAIN) {
            break;
        }
        let wake = if is_over { plan.until + DRAIN } else { due };
        tokio::select! {
            biased;
            incoming = socket.next() => match incoming {
                Incoming::Frame(frame) => {
                    let answered = frame.get("id").and_then(Value::as_u64);
                    let Some((sent, counts)) = answered.and_then(|it| waiting.remove(&it)) else {
                        continue;
                    };
                    if frame.contains_key("err") {
                        heard.n_refused += 1;
                        heard.first_refusal = Some(format!("{:?}", frame.get("err")));
                    } else if counts {
                        heard.times.push(sent.elapsed());
                    }
                }
                Incoming::Beat => {}
                Incoming::End { code, reason } => {
                    heard.first_refusal = Some(format!("closed: {code} {reason}"));
                    break;
                }
            },
            () = sleep_until(wake) => {
                if is_over {
                    continue;
                }
                id += 1;
                let cid = uuid::Uuid::now_v7().to_string();
                let command = json!({"id": id, "m": "chat.send",
                    "p": {"ch": channel, "cid": cid, "kind": "text", "body": text}});
                // What we are late ourselves counts: the schedule is fixed.
                let counts = due >= plan.measured_from;
                waiting.insert(id, (due.into_std(), counts));
                heard.n_sent += 1;
                if let Err(why) = socket.send(command.to_string()).await {
                    heard.first_refusal = Some(why);
                    break;
                }
                due += plan.every;
            }
        }
    }
    heard.n_unanswered = waiting.len();
    heard
}
