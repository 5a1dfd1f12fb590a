//! An order and the decisions about it: who may do what, and until when.

use crate::{
    change::{Change, Machine},
    clock::Timestamp,
    delivery::Delivery,
    handover::Mode,
    ids::{CustomerId, OrderId, StoreId},
    money::Money,
    order_state::{IllegalTransition, OrderEvent, OrderState},
    policy::{COLLECT_WAIT, OrderPolicy},
    reason::Reason,
    role::{Actor, ActorRole, Profile},
};

use OrderEvent as E;
use OrderState as S;

/// An order as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Which order.
    pub id: OrderId,
    /// Who ordered.
    pub customer_id: CustomerId,
    /// Who makes it.
    pub store_id: StoreId,
    /// Where it stands.
    pub state: OrderState,
    /// Counts accepted events of this machine; starts at 0.
    pub version: i64,
    /// Number of the last line of the order's story, of whatever machine.
    pub seq: i64,
    /// What the customer pays.
    pub total: Money,
    /// From when on the kitchen is to work on it; `None` for at once.
    pub release_at: Option<Timestamp>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When the provider confirmed the money; `None` before.
    pub paid_at: Option<Timestamp>,
    /// When the store accepted; `None` before.
    pub accepted_at: Option<Timestamp>,
    /// When the kitchen is, or was, to be done; `None` before the store accepted.
    pub ready_at: Option<Timestamp>,
    /// When the customer got it; `None` before.
    pub delivered_at: Option<Timestamp>,
    /// When it reached a final state; `None` before.
    pub ended_at: Option<Timestamp>,
}

/// Something that is asked of an order, with all that the answer depends on.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// What should happen.
    pub event: OrderEvent,
    /// Who asks. That a merchant belongs to the order's store was checked when it was loaded.
    pub by: Actor,
    /// Why, if a reason was given.
    pub reason: Option<Reason>,
    /// When.
    pub at: Timestamp,
    /// Who carries it from the store.
    pub mode: Mode,
    /// The order's transport, if there is one by now.
    pub delivery: Option<&'a Delivery>,
    /// Deadlines.
    pub policy: &'a OrderPolicy,
    /// Whether the customer was promised that it may be called off, or the store has agreed.
    pub is_granted: bool,
}

/// One accepted event: all that storage and listeners need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateChange {
    /// Which order moved.
    pub order_id: OrderId,
    /// Version the decision was based on.
    pub based_on: i64,
    /// Number of this line of the order's story.
    pub seq: i64,
    /// State before.
    pub from: OrderState,
    /// What happened.
    pub event: OrderEvent,
    /// State after.
    pub to: OrderState,
    /// Who caused it.
    pub by: Actor,
    /// Why, if a reason was given.
    pub reason: Option<Reason>,
    /// When.
    pub at: Timestamp,
}

impl StateChange {
    /// The same as a line of the order's story.
    pub const fn told(&self) -> Change {
        Change {
            order_id: self.order_id,
            seq: self.seq,
            machine: Machine::Order,
            event: self.event.as_str(),
            from: Some(self.from.as_str()),
            to: self.to.as_str(),
            by: self.by,
            reason: self.reason,
            at: self.at,
        }
    }
}

/// The order does not take the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefusal {
    /// Not in this state.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// Not by this kind of actor.
    #[error("a {role} cannot cause `{event}` on an order that is {state}")]
    WrongActor {
        /// Who tried.
        role: ActorRole,
        /// What was tried.
        event: OrderEvent,
        /// State the order is in.
        state: OrderState,
    },
    /// A rider, but not the one who holds the delivery.
    #[error("only the rider who holds this delivery can do that")]
    NotTheRider,
    /// It was possible until a moment ago.
    #[error("that was possible until {until}")]
    TooLate {
        /// Since when it is not possible any more.
        until: Timestamp,
    },
    /// It is not yet time.
    #[error("that is possible from {from} on")]
    TooEarly {
        /// From when it will be possible.
        from: Timestamp,
    },
    /// The event needs a reason, and one of those that this actor may give.
    #[error("that needs one of the reasons that a {role} may give")]
    ReasonNeeded {
        /// Who tried.
        role: ActorRole,
    },
    /// It is made and waits at the counter.
    #[error(
        "the order is ready to be collected; only the store or an operator can call it off now"
    )]
    WaitsAtCounter,
    /// A rider is on the way for it.
    #[error("a rider has this order already")]
    RiderFound,
}

impl Order {
    /// Until when it may be paid.
    pub fn pay_until(&self, policy: &OrderPolicy) -> Timestamp {
        self.placed_at + policy.unpaid
    }

    /// Until when the store may answer; `None` while it is not paid. An order for later waits until
    /// the kitchen is to work on it.
    pub fn accept_until(&self, policy: &OrderPolicy) -> Option<Timestamp> {
        let from = |paid: Timestamp| self.release_at.map_or(paid, |it| it.max(paid));
        self.paid_at.map(|paid| from(paid) + policy.unaccepted)
    }

    /// Whether it is for later, and the kitchen is not to work on it yet.
    pub fn is_upcoming(&self, at: Timestamp) -> bool {
        self.release_at.is_some_and(|from| at < from)
    }

    /// Decides what is done with `ask`. Changes nothing by itself.
    ///
    /// # Errors
    ///
    /// [`OrderRefusal`] if the order may not take the event now, or not from this actor.
    pub fn decide(&self, ask: Ask<'_>) -> Result<StateChange, OrderRefusal> {
        let to = self.state.on(ask.event)?;
        self.check(&ask)?;
        Ok(StateChange {
            order_id: self.id,
            based_on: self.version,
            seq: self.seq + 1,
            from: self.state,
            event: ask.event,
            to,
            by: ask.by,
            reason: ask.reason,
            at: ask.at,
        })
    }

    /// This order after `change`. What the store announces (`ready_at`) is up to the caller.
    pub fn after(&self, change: &StateChange) -> Self {
        let mut next = Self {
            state: change.to,
            version: change.based_on + 1,
            seq: change.seq,
            ..self.clone()
        };
        let stamp = Some(change.at);
        match change.event {
            E::PaymentConfirmed => next.paid_at = stamp,
            E::StoreAccepted => next.accepted_at = stamp,
            E::KitchenDone => next.ready_at = stamp,
            E::HandedOver => next.delivered_at = stamp,
            E::PaymentStarted
            | E::PaymentFailed
            | E::PaymentExpired
            | E::StoreRejected
            | E::KitchenStarted
            | E::RiderTookIt
            | E::StoreGaveIt
            | E::BroughtBack
            | E::GoodsLost
            | E::Settled
            | E::Cancelled => {}
        }
        if change.to.is_terminal() {
            next.ended_at = Some(change.at);
        }
        next
    }

    /// The guards: one row for each event.
    fn check(&self, ask: &Ask<'_>) -> Result<(), OrderRefusal> {
        use ActorRole as A;
        match (ask.event, ask.by.role()) {
            (E::PaymentStarted, A::Customer) => {
                self.check_owner(ask)?;
                before(self.pay_until(ask.policy), ask.at)
            }
            (E::PaymentFailed, A::Provider | A::System) => Ok(()),
            (E::PaymentConfirmed, A::Provider) => Ok(()),
            (E::PaymentExpired, A::System) => not_before(self.pay_until(ask.policy), ask.at),
            (E::StoreAccepted, A::Merchant) => Ok(()),
            (E::StoreRejected, A::Merchant) => needs_reason(ask, Reason::OF_STORE),
            (E::StoreRejected, A::System) => match self.accept_until(ask.policy) {
                Some(until) => not_before(until, ask.at),
                None => Ok(()),
            },
            (E::KitchenStarted, A::Merchant) => match self.release_at {
                Some(from) => not_before(from, ask.at),
                None => Ok(()),
            },
            (E::KitchenDone, A::Merchant) => Ok(()),
            (E::RiderTookIt | E::HandedOver | E::GoodsLost, A::Rider)
                if ask.mode == Mode::Delivery =>
            {
                check_rider(ask)
            }
            (E::StoreGaveIt | E::HandedOver, A::Merchant) if ask.mode == Mode::Pickup => Ok(()),
            (E::BroughtBack, A::Merchant | A::Operator) => Ok(()),
            (E::Settled, A::Customer) => self.check_owner(ask),
            (E::Settled, A::System) => match self.delivered_at {
                Some(delivered) => not_before(delivered + ask.policy.auto_complete, ask.at),
                None => Ok(()),
            },
            (E::Cancelled, _) => self.check_cancel(ask),
            _ => Err(self.wrong_actor(ask)),
        }
    }

    /// Who may call an order off, and until when.
    fn check_cancel(&self, ask: &Ask<'_>) -> Result<(), OrderRefusal> {
        use ActorRole as A;
        if ask.by.role() == A::Customer && ask.reason.is_some() {
            needs_reason(ask, Reason::OF_CUSTOMER)?;
        }
        if ask.reason == Some(Reason::NotCollected) {
            return self.check_not_collected(ask);
        }
        match (self.state, ask.by.role()) {
            (S::PendingPayment | S::Paying, A::Customer) => self.check_owner(ask),
            (S::Paid, A::Customer) => self.check_owner(ask),
            (S::Paid, A::Operator | A::System) => Ok(()),
            (S::Accepted | S::Preparing | S::Ready, A::Customer)
                if ask.delivery.is_some_and(Delivery::is_given_up) =>
            {
                self.check_owner(ask)
            }
            (S::Accepted, A::Customer) if self.is_upcoming(ask.at) => self.check_owner(ask),
            (S::Accepted | S::Preparing | S::Ready, A::Customer) if ask.is_granted => {
                self.check_owner(ask)
            }
            (S::Accepted | S::Preparing | S::Ready, A::Merchant | A::System) if ask.is_granted => {
                Ok(())
            }
            (S::Accepted | S::Preparing, A::Customer) => {
                self.check_owner(ask)?;
                match self.accepted_at {
                    Some(accepted) => before(accepted + ask.policy.cancel_free, ask.at),
                    None => Ok(()),
                }
            }
            (S::Accepted | S::Preparing, A::Merchant) => needs_reason(ask, Reason::OF_STORE),
            (S::Accepted | S::Preparing, A::Operator | A::System) => Ok(()),
            (S::Ready, A::Operator | A::System) if ask.mode == Mode::Pickup => Ok(()),
            (S::Ready, A::Merchant) if ask.mode == Mode::Pickup => {
                needs_reason(ask, Reason::OF_STORE)
            }
            (S::Ready, A::Customer) if ask.mode == Mode::Pickup => {
                self.check_owner(ask)?;
                Err(OrderRefusal::WaitsAtCounter)
            }
            (S::Ready, A::Customer | A::Operator | A::System) => {
                if ask.by.role() == A::Customer {
                    self.check_owner(ask)?;
                }
                match ask.delivery {
                    Some(delivery) if delivery.state.is_without_rider() => Ok(()),
                    _ => Err(OrderRefusal::RiderFound),
                }
            }
            _ => Err(self.wrong_actor(ask)),
        }
    }

    /// Nobody says that the customer did not come before the order has waited for long.
    fn check_not_collected(&self, ask: &Ask<'_>) -> Result<(), OrderRefusal> {
        use ActorRole as A;
        let may = matches!(ask.by.role(), A::Merchant | A::Operator | A::System);
        match self.ready_at {
            _ if !may => Err(self.wrong_actor(ask)),
            Some(ready) if ask.mode == Mode::Pickup && self.state == S::Ready => {
                not_before(ready + COLLECT_WAIT, ask.at)
            }
            _ => Err(OrderRefusal::ReasonNeeded { role: ask.by.role() }),
        }
    }

    fn check_owner(&self, ask: &Ask<'_>) -> Result<(), OrderRefusal> {
        let is_owner = ask.by.profile() == Some(Profile::Customer(self.customer_id));
        if is_owner { Ok(()) } else { Err(self.wrong_actor(ask)) }
    }

    fn wrong_actor(&self, ask: &Ask<'_>) -> OrderRefusal {
        OrderRefusal::WrongActor { role: ask.by.role(), event: ask.event, state: self.state }
    }
}

fn check_rider(ask: &Ask<'_>) -> Result<(), OrderRefusal> {
    let holder = ask.delivery.and_then(|it| it.rider_id).map(Profile::Rider);
    if holder.is_some() && holder == ask.by.profile() {
        Ok(())
    } else {
        Err(OrderRefusal::NotTheRider)
    }
}

fn before(until: Timestamp, at: Timestamp) -> Result<(), OrderRefusal> {
    if at < until { Ok(()) } else { Err(OrderRefusal::TooLate { until }) }
}

fn not_before(from: Timestamp, at: Timestamp) -> Result<(), OrderRefusal> {
    if at >= from { Ok(()) } else { Err(OrderRefusal::TooEarly { from }) }
}

fn needs_reason(ask: &Ask<'_>, allowed: &[Reason]) -> Result<(), OrderRefusal> {
    match ask.reason {
        Some(reason) if allowed.contains(&reason) => Ok(()),
        _ => Err(OrderRefusal::ReasonNeeded { role: ask.by.role() }),
    }
}

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a table with a default is readable")]
#[path = "order_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "order_table_tests.rs"]
mod table_tests;
