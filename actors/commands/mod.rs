//! The commands of the protocol, by family. They read parameters and call use cases; no rule is here.

use std::time::Instant;

use metrics::histogram;
use serde::Serialize;
use serde_json::value::RawValue;
use usecases::platform::Done;

use crate::{
    method::Method,
    protocol::{answer, with_dup},
    refusal::{Kind, Refusal},
    session::{Plan, Session},
};

pub mod chat;
pub mod connect;
pub mod deliveries;
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

/// Counts a command and how long it took, by its name and what came of it.
pub fn observe(m: &str, began: Instant, refusal: Option<&Refusal>) {
    // Names that clients made up count as one.
    let m = Method::from_text(m).map_or("unknown", Method::as_str);
    let outcome = refusal.map_or("ok", |it| it.kind.as_str());
    histogram!("riderhub_command_seconds", "m" => m, "outcome" => outcome).record(began.elapsed());
}

/// Whether a command is carried out at once, without waiting for anything.
pub fn is_quick(m: &str) -> bool {
    matches!(Method::from_text(m), Some(Method::LocPut | Method::Typing | Method::Unsub))
}

/// Carries out a command that waits for nothing.
///
/// # Errors
///
/// [`Refusal`] as the command gives it.
pub fn run_quick(session: &mut Session, m: &str, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    match Method::from_text(m) {
        Some(Method::LocPut) => riders::loc_put(session, p),
        Some(Method::Typing) => chat::typing(session, p),
        Some(Method::Unsub) => subscriptions::unsub(session, p),
        _ => Err(unknown(m)),
    }
}

/// Carries out a command.
///
/// # Errors
///
/// [`Refusal`] as the command gives it.
pub async fn run(session: &mut Session, m: &str, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    // Every method has its arm here, and its row in the protocol document.
    match Method::from_text(m).ok_or_else(|| unknown(m))? {
        Method::Sub => subscriptions::sub(session, p).await,
        Method::AuthRefresh => connect::auth_refresh(session, p).await,
        Method::ChatSend => chat::send(session, p).await,
        Method::ChatRecall => chat::take_back(session, p).await,
        Method::Ack => chat::ack(session, p).await,
        Method::Read => chat::read(session, p).await,
        Method::History => chat::history(session, p).await,
        Method::Pub => chat::publish(session, p).await,
        Method::OrderAccept | Method::OrderStart | Method::OrderReady | Method::OrderReject => {
            orders::change(session, m, p).await
        }
        Method::LocClaim => riders::loc_claim(session, m, p).await,
        Method::DutyOn => riders::duty_on(session, m, p).await,
        Method::DutyBreak | Method::DutyOff => riders::duty_less(session, m, p).await,
        Method::OfferReply => riders::offer_reply(session, m, p).await,
        Method::Grab => riders::grab(session, m, p).await,
        Method::StopArrive => riders::arrive(session, m, p).await,
        Method::StopDone => riders::finish(session, m, p).await,
        Method::DeliveryHandOn => deliveries::hand_on(session, m, p).await,
        Method::DeliveryReturn => deliveries::bring_back(session, m, p).await,
        Method::DeliveryLost => deliveries::lose(session, m, p).await,
        Method::LocPut | Method::Typing | Method::Unsub => run_quick(session, m, p),
        Method::Connect => Err(Refusal::bad("this connection is signed in already")),
    }
}

fn unknown(m: &str) -> Refusal {
    let shown: String = m.chars().take(40).collect();
    Refusal::new(Kind::UnknownCommand, format!("there is no command `{shown}`"))
}
