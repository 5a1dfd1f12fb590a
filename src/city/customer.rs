//! A customer: orders, pays, talks, waits at the door, confirms receipt.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use tokio::sync::watch;

use crate::{
    city::{
        story::{self, Moved},
        tally::Tally,
    },
    client::{
        calls::{self, OrderAsk},
        error::ClientError,
        link::{Event, Events, Link},
        log::Entry,
        pace::Pace,
        rest::Call,
        session::Session,
    },
};

/// Stores near the door whose menus are looked at.
const STORES_LOOKED_AT: usize = 3;
/// How often paying is begun anew after an answer that was lost.
const PAY_TRIES: u32 = 4;
/// How often the state is asked for while nothing comes, in real time.
const ASK_EVERY: Duration = Duration::from_secs(20);

/// How a customer behaves.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// Share of moments in which she says something.
    pub talks: f64,
    /// What the dice start from.
    pub seed: u64,
}

/// How an order ended, by the server's clock in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The order.
    pub order: String,
    /// When it was placed.
    pub placed_at: i64,
    /// When it was handed over, if it was.
    pub delivered_at: Option<i64>,
    /// Its last state.
    pub state: String,
}

/// Looks around as people do before they order: at the stores near the door, at some of their menus, at
/// the chosen store, and at its menu again. What cannot be read is not missed.
pub async fn browse(session: &Session, ask: &OrderAsk) {
    let near = calls::stores_nearby(session, ask.dropoff, STORES_LOOKED_AT).await;
    for store in near.unwrap_or_default() {
        let _seen = calls::products(session, &store.id).await;
    }
    let _seen = session.call(Call::get(format!("/v1/stores/{}", ask.store))).await;
    for _ in 0..2 {
        let _seen = calls::products(session, &ask.store).await;
    }
}

/// Places an order and pays it; answers its id. Repeats itself until the server has said something.
///
/// # Errors
///
/// [`ClientError`] if the server refuses.
pub async fn order(
    session: &Session,
    ask: &OrderAsk,
    key: &str,
    placed: impl FnOnce(&str),
    tally: &Tally,
) -> Result<String, ClientError> {
    let view = calls::place(session, ask, key).await?;
    let order = view.id;
    if let Some(pin) = view.all["handover"]["pin"].as_str() {
        tally.keep_pin(&order, pin);
    }
    tally.placed.add();
    placed(&order);
    pay(session, &order).await?;
    tally.paid.add();
    Ok(order)
}

async fn pay(session: &Session, order: &str) -> Result<(), ClientError> {
    let mut tries = 0;
    loop {
        let Err(err) = calls::pay(session, order).await else { return Ok(()) };
        tries += 1;
        // The answer may have been lost although the money has moved.
        let state = calls::order(session, order).await.map(|it| it.state).unwrap_or_default();
        if !matches!(state.as_str(), "" | "pending_payment" | "paying") {
            return Ok(());
        }
        if tries >= PAY_TRIES {
            return Err(err);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Follows an order to its end: talks a little, confirms receipt when it is delivered.
///
/// Answers with what was last known if told to stop.
///
/// # Errors
///
/// [`ClientError`] if the server closes the socket for good.
pub async fn see_through(
    link: &Link,
    events: &mut Events,
    order: &str,
    habits: Habits,
    tally: &Arc<Tally>,
    mut stop: watch::Receiver<bool>,
) -> Result<Ended, ClientError> {
    let pace: Pace = link.ready().await?;
    let mut dice = StdRng::seed_from_u64(habits.seed);
    let placed_at = pace.now_ms();
    let mut ended =
        Ended { order: order.to_owned(), placed_at, delivered_at: None, state: String::new() };
    let mut asked = Instant::now();
    let mut last_seq = 0;
    watch_rider(link, order, tally).await;
    loop {
        let news = tokio::select! {
            event = events.next() => match event {
                None => return Ok(ended),
                Some(Event::Closed { code, reason }) => {
                    return Err(ClientError::Closed { code, reason });
                }
                Some(Event::Up(_)) => {
                    watch_rider(link, order, tally).await;
                    None
                }
                Some(Event::Push(frame)) => {
                    tally.see(|it| it.on_push(order, &frame));
                    None
                }
                Some(Event::Entry(entry)) => match story::moved(&entry) {
                    Some(moved)
                        if (moved.order, moved.machine) == (order, "order")
                            && moved.seq > last_seq =>
                    {
                        last_seq = moved.seq;
                        Some((moved.to.to_owned(), entry.ts))
                    }
                    moved => {
                        note_sights(&entry, moved, order, tally);
                        None
                    }
                },
                Some(_) => None,
            },
            () = tokio::time::sleep(ASK_EVERY) => None,
            _ = stop.changed() => return Ok(ended),
        };
        if let Some((state, ts)) = news {
            on_state(link, &mut ended, &state, ts, habits, &mut dice, tally).await;
        } else if asked.elapsed() > ASK_EVERY {
            asked = Instant::now();
            // Only to see an end that was missed; if it cannot be asked, the next time tells.
            if let Ok(view) = calls::order(link.session(), order).await
                && story::is_over(&view.state)
            {
                ended.state = view.state;
            }
        }
        if story::is_over(&ended.state) {
            tally.forget_pin(order);
            match ended.state.as_str() {
                "completed" => tally.completed.add(),
                _ => tally.failed.add(),
            }
            return Ok(ended);
        }
    }
}

/// Hears where the rider is, if anybody looks; also after the socket was away.
async fn watch_rider(link: &Link, order: &str, tally: &Tally) {
    if tally.sights.is_some() {
        drop(link.call("sub", json!({ "ch": format!("loc:{order}") })).await);
    }
}

fn note_sights(entry: &Entry, moved: Option<Moved<'_>>, order: &str, tally: &Tally) {
    // The order's channel and the inbox say the same.
    if !entry.channel.starts_with("order:") {
        return;
    }
    if entry.kind == "order.delayed" {
        tally.see(|it| it.n_delays += 1);
    }
    if let Some(moved) = moved
        && (moved.order, moved.machine, moved.to) == (order, "delivery", "arrived_dropoff")
    {
        tally.see(|it| it.on_arrival_at_door(order, entry.ts));
    }
}

async fn on_state(
    link: &Link,
    ended: &mut Ended,
    state: &str,
    ts: i64,
    habits: Habits,
    dice: &mut StdRng,
    tally: &Arc<Tally>,
) {
    state.clone_into(&mut ended.state);
    let words = match state {
        "paid" => {
            ended.placed_at = ended.placed_at.min(ts);
            None
        }
        "accepted" => Some("how long will it take?"),
        "picked_up" => Some("thank you, the door code is 1234"),
        _ => None,
    };
    if let Some(words) = words
        && dice.random_bool(habits.talks)
    {
        // A chat that is closed is no trouble of the customer's.
        drop(tally.say(link, &ended.order, words).await);
    }
    if state == "delivered" {
        ended.delivered_at = Some(ts);
        tally.delivered.add();
        confirm(link, &ended.order).await;
    }
}

/// Confirms receipt; the server's own timer would do it later.
async fn confirm(link: &Link, order: &str) {
    for _ in 0..PAY_TRIES {
        match calls::step(link.session(), order, "confirm", json!({})).await {
            Err(err) if !err.is_refusal() => tokio::time::sleep(Duration::from_millis(500)).await,
            _ => return,
        }
    }
}
