//! The commands of the protocol, by family. They read parameters and call use cases; no rule is here.

use serde::Serialize;
use serde_json::value::RawValue;
use usecases::platform::Done;

use crate::{
    protocol::{answer, with_dup},
    refusal::{Kind, Refusal},
    session::{Plan, Session},
};

pub mod chat;
pub mod connect;
pub mod orders;
pub mod riders;
pub mod subscriptions;

/// What a command answers.
#[derive(Debug, Default)]
pub struct Answer {
    /// The object behind `"ok"`.
    pub json: String,
    /// What is done once the client has the answer.
    pub plans: Vec<Plan>,
}

impl Answer {
    /// An answer of a value that has a JSON form.
    pub fn of<T: Serialize>(value: &T) -> Self {
        Self { json: answer(value), plans: Vec::new() }
    }

    /// An answer that says whether it is the stored one of an earlier time.
    pub fn done<T: Serialize>(done: &Done<T>) -> Self {
        Self { json: with_dup(&answer(&done.value), done.dup), plans: Vec::new() }
    }

    /// Nothing to say but yes.
    pub fn yes() -> Self {
        Self { json: "{}".to_owned(), plans: Vec::new() }
    }
}

/// Whether a command is carried out at once, without waiting for anything.
pub fn is_quick(m: &str) -> bool {
    matches!(m, "loc.put" | "typing" | "unsub")
}

/// Carries out a command that waits for nothing.
///
/// # Errors
///
/// [`Refusal`] as the command gives it.
pub fn run_quick(session: &mut Session, m: &str, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    match m {
        "loc.put" => riders::loc_put(session, p),
        "typing" => chat::typing(session, p),
        "unsub" => subscriptions::unsub(session, p),
        _ => Err(unknown(m)),
    }
}

/// Carries out a command.
///
/// # Errors
///
/// [`Refusal`] as the command gives it.
pub async fn run(session: &mut Session, m: &str, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    match m {
        "sub" => subscriptions::sub(session, p).await,
        "auth.refresh" => connect::auth_refresh(session, p).await,
        "chat.send" => chat::send(session, p).await,
        "ack" => chat::ack(session, p).await,
        "read" => chat::read(session, p).await,
        "history" => chat::history(session, p).await,
        "pub" => chat::publish(session, p).await,
        "order.accept" | "order.start" | "order.ready" | "order.reject" => {
            orders::change(session, m, p).await
        }
        "duty.on" => riders::duty_on(session, m, p).await,
        "duty.break" | "duty.off" => riders::duty_less(session, m, p).await,
        "offer.reply" => riders::offer_reply(session, m, p).await,
        "grab" => riders::grab(session, m, p).await,
        "stop.arrive" | "stop.done" => riders::stop(session, m, p).await,
        "connect" => Err(Refusal::bad("this connection is signed in already")),
        _ => Err(unknown(m)),
    }
}

fn unknown(m: &str) -> Refusal {
    let shown: String = m.chars().take(40).collect();
    Refusal::new(Kind::UnknownCommand, format!("there is no command `{shown}`"))
}
