//! An offer and the decisions about it.

use crate::{
    change::{Change, Machine},
    clock::Timestamp,
    ids::{DeliveryId, OfferId, OrderId, RiderId},
    offer_state::{IllegalOfferTransition, OfferEvent, OfferState},
    reason::Reason,
    role::{Actor, ActorRole, Profile},
};

use OfferEvent as E;

/// An offer as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Which offer.
    pub id: OfferId,
    /// Of which delivery.
    pub delivery_id: DeliveryId,
    /// Of which order.
    pub order_id: OrderId,
    /// Who is asked.
    pub rider_id: RiderId,
    /// Where it stands.
    pub state: OfferState,
    /// From this instant on it cannot be accepted any more.
    pub expires_at: Timestamp,
}

/// One accepted event of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferChange {
    /// Which offer moved.
    pub offer_id: OfferId,
    /// Of which delivery.
    pub delivery_id: DeliveryId,
    /// Of which order.
    pub order_id: OrderId,
    /// Who was asked.
    pub rider_id: RiderId,
    /// State before.
    pub from: OfferState,
    /// What happened.
    pub event: OfferEvent,
    /// State after.
    pub to: OfferState,
    /// Who caused it.
    pub by: Actor,
    /// Why, if a reason was given.
    pub reason: Option<Reason>,
    /// When.
    pub at: Timestamp,
}

impl OfferChange {
    /// The same as line `seq` of the order's story.
    pub const fn told_as(&self, seq: i64) -> Change {
        Change {
            order_id: self.order_id,
            seq,
            machine: Machine::Offer,
            event: self.event.as_str(),
            from: Some(self.from.as_str()),
            to: self.to.as_str(),
            by: self.by,
            reason: self.reason,
            at: self.at,
        }
    }
}

/// The offer does not take the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferRefusal {
    /// Somebody answered before, or it was taken back.
    #[error(transparent)]
    Illegal(#[from] IllegalOfferTransition),
    /// The answer came too late.
    #[error("the offer was open until {expires_at}")]
    TooLate {
        /// When it ran out.
        expires_at: Timestamp,
    },
    /// The deadline has not come yet.
    #[error("the offer is open until {expires_at}")]
    TooEarly {
        /// When it runs out.
        expires_at: Timestamp,
    },
    /// Somebody else was asked.
    #[error("a {role} other than the rider who was asked cannot cause `{event}`")]
    WrongActor {
        /// Who tried.
        role: ActorRole,
        /// What was tried.
        event: OfferEvent,
    },
}

impl Offer {
    /// Decides what `event` does to this offer. Changes nothing by itself.
    ///
    /// # Errors
    ///
    /// [`OfferRefusal`] if it may not take the event now, or not from this actor.
    pub fn decide(
        &self,
        event: OfferEvent,
        by: Actor,
        reason: Option<Reason>,
        at: Timestamp,
    ) -> Result<OfferChange, OfferRefusal> {
        let to = self.state.on(event)?;
        let is_asked = by.profile() == Some(Profile::Rider(self.rider_id));
        let is_machine_room = matches!(by.role(), ActorRole::System | ActorRole::Operator);
        let may = match event {
            E::Taken | E::TurnedDown => is_asked,
            E::TimedOut => is_machine_room,
            E::TakenBack => by.role() != ActorRole::Rider,
        };
        if !may {
            return Err(OfferRefusal::WrongActor { role: by.role(), event });
        }
        let (expires_at, is_over) = (self.expires_at, at >= self.expires_at);
        match event {
            E::Taken | E::TurnedDown if is_over => Err(OfferRefusal::TooLate { expires_at }),
            E::TimedOut if !is_over => Err(OfferRefusal::TooEarly { expires_at }),
            E::Taken | E::TurnedDown | E::TimedOut | E::TakenBack => Ok(OfferChange {
                offer_id: self.id,
                delivery_id: self.delivery_id,
                order_id: self.order_id,
                rider_id: self.rider_id,
                from: self.state,
                event,
                to,
                by,
                reason,
                at,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    fn open_until(expires_at: Timestamp) -> Offer {
        Offer {
            id: OfferId::generate(),
            delivery_id: DeliveryId::generate(),
            order_id: OrderId::generate(),
            rider_id: RiderId::generate(),
            state: OfferState::Open,
            expires_at,
        }
    }

    #[test]
    fn an_offer_is_accepted_before_its_deadline_and_expires_from_it_on() {
        let offer = open_until(NOON);
        let rider = Actor::from(offer.rider_id);
        let last = NOON - Duration::from_millis(1);
        assert!(offer.decide(E::Taken, rider, None, last).is_ok());
        let late = Err(OfferRefusal::TooLate { expires_at: NOON });
        assert_eq!(offer.decide(E::Taken, rider, None, NOON), late);
        let early = Err(OfferRefusal::TooEarly { expires_at: NOON });
        assert_eq!(offer.decide(E::TimedOut, Actor::System, None, last), early);
        assert!(offer.decide(E::TimedOut, Actor::System, None, NOON).is_ok());
    }

    #[test]
    fn nobody_answers_for_another_rider() {
        let offer = open_until(NOON);
        let other = Actor::from(RiderId::generate());
        let refused = offer.decide(E::Taken, other, None, NOON - Duration::from_secs(1));
        assert!(matches!(refused, Err(OfferRefusal::WrongActor { .. })));
    }

    #[test]
    fn an_answered_offer_takes_no_second_answer() {
        for state in OfferState::ALL.iter().copied().filter(|it| it.is_terminal()) {
            let offer = Offer { state, ..open_until(NOON) };
            let rider = Actor::from(offer.rider_id);
            let refused = offer.decide(E::Taken, rider, None, NOON - Duration::from_secs(1));
            assert!(matches!(refused, Err(OfferRefusal::Illegal(_))), "{state}");
        }
    }
}
