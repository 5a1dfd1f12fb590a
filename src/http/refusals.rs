//! How the refusals of use cases leave: each with a kind, and a sentence that says what to do.

use std::{fmt, time::Duration};

use domain::{
    cart::CartError, delivery::DeliveryRefusal, options::OptionError, order::OrderRefusal,
    price::PriceError, reason::Reason, role::ActorRole, slots::SlotRefusal,
};
use serde_json::json;
use usecases::error::{AskError, PickupRefusal};

use super::problem::{Kind, Problem, not_found};

pub(super) fn sentence(err: &impl fmt::Display) -> String {
    let text = err.to_string();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => text,
    }
}

impl From<AskError> for Problem {
    fn from(err: AskError) -> Self {
        let said = sentence(&err);
        match err {
            AskError::NotFound { what } => not_found(what),
            AskError::Order(refusal) => order_refusal(refusal, said),
            AskError::Delivery(DeliveryRefusal::NotTheRider) => not_found("delivery"),
            AskError::Delivery(DeliveryRefusal::TooEarly { from }) => {
                let detail = "It is not time for that yet; the facts say from when on.";
                Problem::new(Kind::StateRefused, detail).with("from", from.ms())
            }
            AskError::Delivery(DeliveryRefusal::ReasonNeeded { event }) => {
                let allowed = domain::delivery::reasons_of_riders(event).unwrap_or_default();
                let allowed: Vec<_> = allowed.iter().map(|it| it.as_str()).collect();
                Problem::new(Kind::BadInput, said).with("reasons", json!(allowed))
            }
            AskError::Delivery(_) | AskError::Chat(_) => Problem::new(Kind::StateRefused, said),
            AskError::Offer(_) => Problem::new(Kind::TooLate, said),
            AskError::Cart(CartError::Twice { product_id }) => {
                Problem::new(Kind::BadInput, said).with("product", product_id.to_string())
            }
            AskError::Price(PriceError::BelowMinimum { min, items }) => {
                Problem::new(Kind::BelowMinimum, said)
                    .with("min_order_minor", min.minor())
                    .with("items_minor", items.minor())
            }
            AskError::Cart(_)
            | AskError::Price(_)
            | AskError::Text(_)
            | AskError::Place(_)
            | AskError::OutOfRange { .. } => Problem::new(Kind::BadInput, said),
            AskError::OutOfStock { product_id, name: _, left } => {
                Problem::new(Kind::OutOfStock, format!("{said} Order fewer, or something else."))
                    .with("product", product_id.to_string())
                    .with("left", left)
            }
            AskError::NotSold { product_id } => {
                Problem::new(Kind::NotSold, said).with("product", product_id.to_string())
            }
            AskError::Options { product_id, why } => {
                option_refusal(&why, said).with("product", product_id.to_string())
            }
            AskError::QuoteExpired { expired_at, now } => {
                let detail = format!(
                    "The quote has expired; as things stand it is {now}. Ask for a new one."
                );
                Problem::new(Kind::QuoteRefused, detail)
                    .with("why", "expired")
                    .with("expired_at", expired_at.ms())
                    .with("total_minor", now.minor())
            }
            AskError::QuoteDiffers => {
                let detail = "The quote was made for another store, door, tip or other lines; ask \
                              for a new one, or order what was quoted.";
                Problem::new(Kind::QuoteRefused, detail).with("why", "differs")
            }
            AskError::QuoteUsed => {
                let detail = "A quote is for one order, and this one was used; ask for a new one.";
                Problem::new(Kind::QuoteRefused, detail).with("why", "used")
            }
            AskError::Slot { why } => slot_refusal(why, said),
            AskError::NeedsConsent { fee } => {
                let detail =
                    "The store has to agree; ask with `cancel/request` and the same quote.";
                Problem::new(Kind::StateRefused, detail).with("fee_minor", fee.minor())
            }
            AskError::AskedBefore { answer_by } => {
                let detail = "The store was asked before; wait for its answer.";
                Problem::new(Kind::StateRefused, detail).with("answer_by", answer_by.ms())
            }
            AskError::UrgedEnough { max } => {
                let detail = format!("{said} Write to the store in the order's chat.");
                Problem::new(Kind::StateRefused, detail).with("max", max)
            }
            AskError::NothingToUrge | AskError::NotInKitchen => {
                Problem::new(Kind::StateRefused, said)
            }
            AskError::NothingLeft => {
                let detail = "Nothing of the order would be left; call it off with `sold_out`.";
                Problem::new(Kind::StateRefused, detail)
            }
            AskError::CartMoved { version } => {
                let detail =
                    "Another device has changed the cart; read it again, or merge into it.";
                Problem::new(Kind::ChangedMeanwhile, detail).with("version", version)
            }
            AskError::StoreClosed => {
                Problem::new(Kind::StoreClosed, "Choose another store, or come back later.")
            }
            AskError::TooFar { radius_m, distance_m } => Problem::new(Kind::TooFar, said)
                .with("radius_m", radius_m)
                .with("distance_m", distance_m),
            AskError::LoginTaken => {
                Problem::new(Kind::LoginTaken, "Choose another login, or sign in with this one.")
            }
            AskError::WrongLogin => {
                let detail = "Check login, password and role; we do not say which is wrong.";
                Problem::new(Kind::WrongLogin, detail)
            }
            AskError::WrongCode => {
                let detail = "Check the code, or ask for a new one at POST /v1/codes; we do not say \
                              what is wrong with it.";
                Problem::new(Kind::WrongCode, detail)
            }
            AskError::WrongPassword => {
                Problem::new(Kind::WrongPassword, "Send the password that you sign in with.")
            }
            AskError::StillBusy { role } => {
                Problem::new(Kind::StateRefused, said).with("role", role.as_str())
            }
            AskError::BadToken => {
                Problem::new(Kind::NotSignedIn, "The token is not valid; sign in again.")
            }
            AskError::TokenExpired { .. } => {
                Problem::new(Kind::TokenExpired, "Get a new one at POST /v1/sessions/refresh.")
            }
            AskError::Revoked => {
                Problem::new(Kind::Revoked, "You were signed out on this device; sign in again.")
            }
            AskError::WrongRole { needed } => {
                let detail = format!("Sign in as a {needed}: a token is for one role.");
                Problem::new(Kind::WrongRole, detail).with("needed", needed.as_str())
            }
            AskError::BadNotify { .. } => Problem::new(Kind::BadNotify, said),
            AskError::TooOften { retry_after } => too_often(retry_after),
            AskError::Busy => {
                Problem::new(Kind::Busy, "Nothing was done; send the same request again.")
            }
            AskError::Proof(_) => Problem::new(Kind::StateRefused, said),
            AskError::Attachment(refusal) => (*refusal).into(),
            AskError::Pickup(refusal) => pickup_refusal(refusal, said),
            AskError::Store(err) => err.into(),
            AskError::Gone { .. }
            | AskError::NotPooled { .. }
            | AskError::NotOnDuty
            | AskError::BagFull { .. }
            | AskError::StillCarrying { .. } => Problem::new(Kind::WorkRefused, said),
        }
    }
}

fn slot_refusal(why: SlotRefusal, said: String) -> Problem {
    let problem = Problem::new(Kind::SlotRefused, said).with("why", why.name());
    match why {
        SlotRefusal::NoSlot { nearest } => problem.with("nearest", nearest.ms()),
        SlotRefusal::TooSoon { earliest } => problem.with("earliest", earliest.ms()),
        SlotRefusal::TooFarAhead { latest } => problem.with("latest", latest.ms()),
        SlotRefusal::NotOffered | SlotRefusal::Full => problem,
    }
}

fn option_refusal(why: &OptionError, said: String) -> Problem {
    let detail = format!("{said} Read the menu again and choose from what is on it.");
    let problem = Problem::new(Kind::OptionRefused, detail);
    match why {
        OptionError::Count { group, min, max, n } => problem
            .with("group", group.as_str())
            .with("min", *min)
            .with("max", *max)
            .with("chosen", *n),
        OptionError::Unknown { option_id }
        | OptionError::Unavailable { option_id, .. }
        | OptionError::Twice { option_id } => problem.with("option", option_id.to_string()),
        OptionError::Groups { .. } => Problem::new(Kind::BadInput, said),
    }
}

/// 429, with the time to wait in whole seconds.
pub(super) fn too_often(retry_after: Duration) -> Problem {
    let seconds = u64::try_from(retry_after.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1);
    let detail = format!("Nothing was done; try again in {seconds} s.");
    Problem::new(Kind::TooMany, detail).retry_after(seconds).with("retry_after_s", seconds)
}

fn pickup_refusal(refusal: PickupRefusal, said: String) -> Problem {
    match refusal {
        PickupRefusal::NoCode(_) | PickupRefusal::CodeNeeded => Problem::new(Kind::BadInput, said),
        PickupRefusal::WrongCode { left } => Problem::new(Kind::WrongCode, said).with("left", left),
        PickupRefusal::Locked { until } => {
            Problem::new(Kind::CodesLocked, said).with("until", until.ms())
        }
        PickupRefusal::NoRider => Problem::new(Kind::StateRefused, said),
    }
}

fn order_refusal(refusal: OrderRefusal, said: String) -> Problem {
    match refusal {
        OrderRefusal::TooLate { until } => {
            let detail = "The time for that is over; the facts say since when.";
            Problem::new(Kind::TooLate, detail).with("until", until.ms())
        }
        OrderRefusal::TooEarly { from } => {
            let detail = "It is not time for that yet; the facts say from when on.";
            Problem::new(Kind::StateRefused, detail).with("from", from.ms())
        }
        OrderRefusal::ReasonNeeded { role } => {
            let allowed = match role {
                ActorRole::Customer => Reason::OF_CUSTOMER,
                _ => Reason::OF_STORE,
            };
            let allowed: Vec<_> = allowed.iter().map(|it| it.as_str()).collect();
            let detail = format!("A {role} gives one of these reasons: {}.", allowed.join(", "));
            Problem::new(Kind::BadInput, detail).with("reasons", json!(allowed))
        }
        OrderRefusal::Illegal(illegal) => {
            Problem::new(Kind::StateRefused, said).with("state", illegal.from.as_str())
        }
        OrderRefusal::WrongActor { state, .. } => {
            Problem::new(Kind::StateRefused, said).with("state", state.as_str())
        }
        OrderRefusal::NotTheRider | OrderRefusal::RiderFound | OrderRefusal::WaitsAtCounter => {
            Problem::new(Kind::StateRefused, said)
        }
    }
}
