//! The day itself: everybody lives through their minutes, many times faster than life.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    LiveArgs, LiveError,
    cast::Cast,
    parts::{Person, Riding, keep_store},
    show::Show,
};
use crate::{
    city::{
        customer::{self, Ended, Habits},
        tally::Tally,
    },
    client::{
        calls::{LatLng, OrderAsk},
        error::ClientError,
        link::{self, Counts, Link, LinkSettings, new_cid},
        log::Kept,
        pace::Pace,
        session::Session,
    },
    replay::{instance::Instance, judge::Diary},
};

/// How long clients go on trying while the server is away, in real time.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// Longest wait before a reconnect: a minute of the day is a second here.
const RECONNECT_WINDOW: Duration = Duration::from_millis(500);
/// The day begins so long after everybody is ready, in real time.
const PRELUDE: Duration = Duration::from_secs(2);
/// After the last order may still be delivered for so many minutes of the day.
const EPILOGUE_MIN: i64 = 240;
/// How long the clocks are watched to learn how fast the server's runs; longer if that is not
/// enough, because answers come late on a busy machine.
const CLOCK_WATCHES: [Duration; 3] =
    [Duration::from_millis(1_500), Duration::from_secs(4), Duration::from_secs(8)];
/// The server's clock may be this much off the speed that was asked for.
const CLOCK_SLACK: f64 = 0.1;
/// How often the bar moves.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// Entries of an ended order may come for so long after its end, in real time.
const SETTLE: Duration = Duration::from_secs(1);
const MINUTE_MS: i64 = 60_000;

/// What the day came to.
pub(super) struct Day {
    pub(super) tally: Arc<Tally>,
    /// One for each order that was played.
    pub(super) orders: Vec<Played>,
    /// Sockets of stores and riders, still open.
    pub(super) links: Vec<Link>,
    /// What the customers' sockets lived through.
    pub(super) customer_counts: Vec<Counts>,
    /// People who had to stop.
    pub(super) faults: Vec<String>,
    /// What riders say of their day.
    pub(super) diaries: Vec<Diary>,
    /// The server's clock.
    pub(super) pace: Pace,
    /// Minute 0 of the day by the server's clock.
    pub(super) zero_ms: i64,
}

/// One order.
pub(super) struct Played {
    /// Index in the instance.
    pub(super) index: usize,
    /// How it ended, or what went wrong.
    pub(super) ended: Result<Ended, String>,
    /// The customer's copy of the order's channel.
    pub(super) copy: Vec<Kept>,
    /// How the customer's copy differed from the journal.
    pub(super) differences: Vec<String>,
}

/// When each order is ready, by the server's id of it.
pub(super) type ReadyTimes = Arc<Mutex<HashMap<String, i64>>>;

#[derive(Clone)]
pub(super) struct Stage {
    pub(super) settings: LinkSettings,
    pub(super) tally: Arc<Tally>,
    pub(super) ready: ReadyTimes,
    pub(super) stop: watch::Receiver<bool>,
    show: Show,
    /// Minute 0 by the server's clock, and that clock.
    zero_ms: i64,
    pace: Pace,
}

impl Stage {
    pub(super) fn at_minute(&self, minute: i64) -> i64 {
        self.zero_ms + minute * MINUTE_MS
    }

    pub(super) async fn wait_for(&self, minute: i64) {
        sleep(self.pace.until(self.at_minute(minute))).await;
    }

    pub(super) fn own_settings(&self) -> LinkSettings {
        LinkSettings { device: LinkSettings::default().device, ..self.settings.clone() }
    }
}

/// Plays the day to its end.
///
/// # Errors
///
/// [`LiveError`] if the server's clock has another speed or nobody gets in.
pub(super) async fn play(
    instance: &Instance,
    args: &LiveArgs,
    cast: Cast,
) -> Result<Day, LiveError> {
    let Cast { stores, riders, customers } = cast;
    let settings = LinkSettings {
        scale: args.speed,
        reconnect_window: Some(RECONNECT_WINDOW),
        patience: PATIENCE,
        ..LinkSettings::default()
    };
    let Some(first) = stores.values().next() else {
        return Err(LiveError::Wrong("the day has no store".to_owned()));
    };
    let pace = watch_clock(&first.merchant, &settings, args.speed).await?;
    let (tell_stop, stop) = watch::channel(false);
    let first_minute = first_minute(instance, args, &customers);
    let begins_at = pace.now_ms() + (PRELUDE.as_secs_f64() * args.speed * 1_000.0) as i64;
    let tally = Tally::keeping_messages();
    let tally = if args.gps.is_some() { tally.with_sights() } else { tally };
    let stage = Stage {
        settings,
        tally: Arc::new(tally),
        ready: Arc::default(),
        stop,
        show: Show::start("orders", customers.len() as u64),
        zero_ms: begins_at - first_minute * MINUTE_MS,
        pace,
    };
    let mut people = JoinSet::new();
    let mut links = Vec::new();
    for (index, shop) in &stores {
        let link = keep_store(shop, *index, &stage, &mut people);
        links.push(link);
    }
    let riding = Riding::new(instance, args)?;
    for (index, session) in riders {
        people.spawn(riding.clone().ride(index, session, instance, stage.clone()));
    }
    let mut ordering = JoinSet::new();
    let all: Vec<usize> = customers.iter().map(|(index, _)| *index).collect();
    for (index, session) in customers {
        let order = &instance.orders[index];
        let Some(shop) = stores.get(&order.store) else { continue };
        let place = instance.on_the_ground(order.at, riding.centre);
        let ask = OrderAsk {
            store: shop.store.clone(),
            lines: vec![(shop.product.clone(), 1)],
            dropoff: LatLng { lat: place.lat(), lng: place.lng() },
            address: format!("door of {}", order.id),
            note: Some(order.id.clone()),
        };
        let times = (order.placed, order.ready);
        ordering.spawn(live_through(index, session, ask, times, stage.clone()));
    }
    let last = instance.orders.iter().map(|it| it.ready.max(it.placed)).max().unwrap_or(0);
    let last = args.until.map_or(last, |it| last.min(it + 60));
    let (mut orders, customer_counts) = finish(ordering, &stage, last + EPILOGUE_MIN).await;
    add_missing(&mut orders, &all);
    // Whoever has ended already does not hear it.
    tell_stop.send_replace(true);
    let (mut faults, mut diaries) = (Vec::new(), Vec::new());
    while let Some(ended) = people.join_next().await {
        match ended {
            Ok(Person { link, fault, diary }) => {
                links.extend(link);
                faults.extend(fault);
                diaries.extend(diary);
            }
            Err(err) => faults.push(format!("a part of the replay failed: {err}")),
        }
    }
    stage.show.end();
    let (zero_ms, pace) = (stage.zero_ms, stage.pace);
    Ok(Day { tally: stage.tally, orders, links, customer_counts, faults, diaries, pace, zero_ms })
}

fn first_minute(instance: &Instance, args: &LiveArgs, customers: &[(usize, Session)]) -> i64 {
    let placed = customers.iter().map(|(it, _)| instance.orders[*it].placed).min().unwrap_or(0);
    // Before the first order only riders come on duty; that need not be waited for.
    args.from.unwrap_or_else(|| (placed - 5).max(0))
}

/// Learns the server's time, and makes sure that it runs as fast as ours is meant to.
async fn watch_clock(
    somebody: &Session,
    settings: &LinkSettings,
    speed: f64,
) -> Result<Pace, LiveError> {
    let look = async || {
        let (link, _events) = link::open(somebody.clone(), settings.clone());
        let pace = link.ready().await;
        link.close().await;
        pace
    };
    let first = look().await?;
    let mut found = 0.0;
    for watch in CLOCK_WATCHES {
        sleep(watch).await;
        let second = look().await?;
        found = first.rate_until(&second);
        if (found / speed - 1.0).abs() <= CLOCK_SLACK {
            return Ok(second);
        }
    }
    Err(LiveError::Wrong(format!(
        "the server's clock runs {found:.1} times as fast as life, not {speed}: \
         start it with --time-scale {speed}, or give --speed {found:.0}"
    )))
}

/// Places an order at its minute and follows it to its end.
async fn live_through(
    index: usize,
    session: Session,
    ask: OrderAsk,
    (placed, ready): (i64, i64),
    stage: Stage,
) -> (Played, Counts) {
    stage.wait_for(placed).await;
    let (link, mut events) = link::open(session, stage.own_settings());
    let ready_at = stage.at_minute(ready);
    let know = |order: &str| {
        let mut ready = stage.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.insert(order.to_owned(), ready_at);
    };
    let habits = Habits { talks: 0.8, seed: index as u64 };
    let living = async {
        let session = link.session();
        let order = customer::order(session, &ask, &new_cid(), know, &stage.tally).await?;
        let stop = stage.stop.clone();
        customer::see_through(&link, &mut events, &order, habits, &stage.tally, stop).await
    };
    let ended: Result<Ended, ClientError> = living.await;
    let (mut copy, mut differences) = (Vec::new(), Vec::new());
    if let Ok(ended) = &ended {
        sleep(SETTLE).await;
        let channel = format!("order:{}", ended.order);
        match link.compare(&channel, super::check::CATCH_UP_MAX).await {
            Ok(found) => differences = found,
            Err(err) => differences.push(format!("{channel}: {err}")),
        }
        copy = link.copy(&channel);
    }
    let counts = link.counts();
    link.close().await;
    stage.show.tick();
    let ended = ended.map_err(|err| err.to_string());
    (Played { index, ended, copy, differences }, counts)
}

/// Waits for all customers, until the day is over at `last_minute`.
async fn finish(
    mut ordering: JoinSet<(Played, Counts)>,
    stage: &Stage,
    last_minute: i64,
) -> (Vec<Played>, Vec<Counts>) {
    let (mut orders, mut counts) = (Vec::new(), Vec::new());
    let until = Instant::now() + stage.pace.until(stage.at_minute(last_minute));
    loop {
        tokio::select! {
            ended = ordering.join_next() => match ended {
                None => break,
                Some(Ok((played, count))) => {
                    orders.push(played);
                    counts.push(count);
                }
                Some(Err(_)) => {}
            },
            () = sleep(SHOW_EVERY) => show_time(stage),
            () = sleep_until(until) => break,
        }
    }
    // Customers who still wait have waited too long.
    ordering.shutdown().await;
    (orders, counts)
}

/// Customers of whom nothing was heard count too.
fn add_missing(orders: &mut Vec<Played>, all: &[usize]) {
    let heard: HashSet<usize> = orders.iter().map(|it| it.index).collect();
    orders.extend(all.iter().filter(|it| !heard.contains(it)).map(|index| Played {
        index: *index,
        ended: Err("still open when the day was over".to_owned()),
        copy: Vec::new(),
        differences: Vec::new(),
    }));
    orders.sort_by_key(|it| it.index);
}

fn show_time(stage: &Stage) {
    let minute = (stage.pace.now_ms() - stage.zero_ms).div_euclid(MINUTE_MS);
    let tally = &stage.tally;
    let open = tally.placed.get() - tally.completed.get() - tally.failed.get();
    stage.show.say(&format!(
        "{:02}:{:02}, {open} open, {} completed, {} messages",
        minute.div_euclid(60),
        minute.rem_euclid(60),
        tally.completed.get(),
        tally.messages.get(),
    ));
}
