//! The life of a delivery: the rider's side of an order.
//!
//! It moves forward only, with one exception: before the goods are picked up a rider may be
//! replaced, and then the delivery waits again.

use crate::{text_enum::text_enum, transitions};

text_enum! {
    /// Where a delivery stands.
    pub enum DeliveryState {
        /// Nobody is being asked.
        Waiting => "waiting",
        /// One rider is thinking about it.
        Offering => "offering",
        /// Any rider near may grab it.
        Pooled => "pooled",
        /// A rider has said yes.
        Assigned => "assigned",
        /// That rider is at the store.
        ArrivedPickup => "arrived_pickup",
        /// That rider has the goods.
        PickedUp => "picked_up",
        /// That rider is at the door.
        ArrivedDropoff => "arrived_dropoff",
        /// The customer has the goods. Final.
        Delivered => "delivered",
        /// The goods are on their way back to the store.
        Returning => "returning",
        /// The store has the goods again. Final.
        Returned => "returned",
        /// The goods are lost. Final.
        Failed => "failed",
        /// Called off before pickup. Final.
        Cancelled => "cancelled",
    }
}

text_enum! {
    /// What can happen to a delivery.
    pub enum DeliveryEvent {
        /// The dispatcher asked a rider.
        Offered => "offered",
        /// That rider declined, said nothing in time, or the offer was withdrawn.
        OfferLapsed => "offer_lapsed",
        /// That rider said yes.
        OfferAccepted => "offer_accepted",
        /// The dispatcher opened it to every rider near.
        PutInPool => "put_in_pool",
        /// The dispatcher wants to ask riders one by one again.
        TakenFromPool => "taken_from_pool",
        /// A rider took it from the pool.
        Grabbed => "grabbed",
        /// The rider hands it on, or is taken off it, before pickup.
        RiderLeft => "rider_left",
        /// The rider has reached the store.
        RiderAtStore => "rider_at_store",
        /// The rider has the goods.
        RiderTookGoods => "rider_took_goods",
        /// The rider has reached the customer.
        RiderAtDoor => "rider_at_door",
        /// The customer has the goods.
        HandedOver => "handed_over",
        /// The goods cannot be delivered and go back.
        ReturnStarted => "return_started",
        /// The store has them again.
        BroughtBack => "brought_back",
        /// The goods are gone.
        Lost => "lost",
        /// The order ended before pickup.
        CalledOff => "called_off",
    }
}

/// The event is not allowed in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a delivery that is {from} cannot take `{event}`")]
pub struct IllegalDeliveryTransition {
    /// State it was in.
    pub from: DeliveryState,
    /// Event that was refused.
    pub event: DeliveryEvent,
}

use DeliveryEvent as E;
use DeliveryState as S;

/// Every legal move. A pair that is not here is refused.
#[rustfmt::skip]
pub const TRANSITIONS: &[(DeliveryState, DeliveryEvent, DeliveryState)] = &[
    (S::Waiting,        E::Offered,        S::Offering),
    (S::Waiting,        E::PutInPool,      S::Pooled),
    (S::Waiting,        E::CalledOff,      S::Cancelled),
    (S::Offering,       E::OfferLapsed,    S::Waiting),
    (S::Offering,       E::OfferAccepted,  S::Assigned),
    (S::Offering,       E::CalledOff,      S::Cancelled),
    (S::Pooled,         E::TakenFromPool,  S::Waiting),
    (S::Pooled,         E::Grabbed,        S::Assigned),
    (S::Pooled,         E::CalledOff,      S::Cancelled),
    (S::Assigned,       E::RiderLeft,      S::Waiting),
    (S::Assigned,       E::RiderAtStore,   S::ArrivedPickup),
    (S::Assigned,       E::RiderTookGoods, S::PickedUp),
    (S::Assigned,       E::CalledOff,      S::Cancelled),
    (S::ArrivedPickup,  E::RiderLeft,      S::Waiting),
    (S::ArrivedPickup,  E::RiderTookGoods, S::PickedUp),
    (S::ArrivedPickup,  E::CalledOff,      S::Cancelled),
    (S::PickedUp,       E::RiderAtDoor,    S::ArrivedDropoff),
    (S::PickedUp,       E::HandedOver,     S::Delivered),
    (S::PickedUp,       E::ReturnStarted,  S::Returning),
    (S::PickedUp,       E::Lost,           S::Failed),
    (S::ArrivedDropoff, E::HandedOver,     S::Delivered),
    (S::ArrivedDropoff, E::ReturnStarted,  S::Returning),
    (S::ArrivedDropoff, E::Lost,           S::Failed),
    (S::Returning,      E::BroughtBack,    S::Returned),
    (S::Returning,      E::Lost,           S::Failed),
];

impl DeliveryState {
    /// The state after `event`.
    ///
    /// # Errors
    ///
    /// [`IllegalDeliveryTransition`] if [`TRANSITIONS`] has no row for the pair.
    pub fn on(self, event: DeliveryEvent) -> Result<Self, IllegalDeliveryTransition> {
        transitions::next(TRANSITIONS, self, &event)
            .ok_or(IllegalDeliveryTransition { from: self, event })
    }

    /// No event leads out of a terminal state.
    pub fn is_terminal(self) -> bool {
        transitions::is_terminal(TRANSITIONS, &self)
    }

    /// A rider has the goods with him.
    pub const fn is_on_board(self) -> bool {
        matches!(self, Self::PickedUp | Self::ArrivedDropoff | Self::Returning)
    }

    /// A rider holds it.
    pub const fn has_rider(self) -> bool {
        match self {
            Self::Assigned
            | Self::ArrivedPickup
            | Self::PickedUp
            | Self::ArrivedDropoff
            | Self::Returning => true,
            Self::Waiting
            | Self::Offering
            | Self::Pooled
            | Self::Delivered
            | Self::Returned
            | Self::Failed
            | Self::Cancelled => false,
        }
    }

    /// No rider was found so far, and none is being asked.
    pub const fn is_without_rider(self) -> bool {
        matches!(self, Self::Waiting | Self::Pooled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::assert_sound;

    #[test]
    fn the_table_is_sound() {
        assert_sound(TRANSITIONS, S::ALL, E::ALL, S::Waiting);
    }

    #[test]
    fn exactly_four_states_are_final() {
        let found: Vec<_> = S::ALL.iter().copied().filter(|it| it.is_terminal()).collect();
        assert_eq!(found, [S::Delivered, S::Returned, S::Failed, S::Cancelled]);
    }

    #[test]
    fn nobody_is_replaced_once_the_goods_are_picked_up() {
        for state in [S::PickedUp, S::ArrivedDropoff, S::Returning] {
            assert!(state.on(E::RiderLeft).is_err(), "{state}");
            assert!(state.on(E::CalledOff).is_err(), "{state}");
        }
    }

    #[test]
    fn nothing_is_delivered_that_was_not_picked_up() {
        let before: Vec<_> =
            S::ALL.iter().copied().filter(|it| it.on(E::HandedOver).is_ok()).collect();
        assert_eq!(before, [S::PickedUp, S::ArrivedDropoff]);
    }
}
