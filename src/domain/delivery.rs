//! A delivery and the decisions about it.

use crate::{
    change::{Change, Machine},
    clock::Timestamp,
    delivery_state::{DeliveryEvent, DeliveryState, IllegalDeliveryTransition},
    ids::{DeliveryId, OrderId, RiderId},
    reason::Reason,
    role::{Actor, ActorRole, Profile},
};

use DeliveryEvent as E;

/// A delivery as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Which delivery.
    pub id: DeliveryId,
    /// Whose goods.
    pub order_id: OrderId,
    /// Where it stands.
    pub state: DeliveryState,
    /// Counts accepted events; starts at 0.
    pub version: i64,
    /// Who holds it, or held it last once it has ended; `None` while nobody does.
    pub rider_id: Option<RiderId>,
    /// Since when customer and store know that nobody is found; `None` if they need not know.
    pub no_rider_since: Option<Timestamp>,
}

/// One accepted event of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryChange {
    /// Which delivery moved.
    pub delivery_id: DeliveryId,
    /// Whose goods.
    pub order_id: OrderId,
    /// Version the decision was based on.
    pub based_on: i64,
    /// State before.
    pub from: DeliveryState,
    /// What happened.
    pub event: DeliveryEvent,
    /// State after.
    pub to: DeliveryState,
    /// Who holds it after the change.
    pub rider_id: Option<RiderId>,
    /// Who caused it.
    pub by: Actor,
    /// Why, if a reason was given.
    pub reason: Option<Reason>,
    /// When.
    pub at: Timestamp,
}

impl DeliveryChange {
    /// The same as line `seq` of the order's story.
    pub const fn told_as(&self, seq: i64) -> Change {
        Change {
            order_id: self.order_id,
            seq,
            machine: Machine::Delivery,
            event: self.event.as_str(),
            from: Some(self.from.as_str()),
            to: self.to.as_str(),
            by: self.by,
            reason: self.reason,
            at: self.at,
        }
    }
}

/// The delivery does not take the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryRefusal {
    /// Not in this state.
    #[error(transparent)]
    Illegal(#[from] IllegalDeliveryTransition),
    /// Not by this kind of actor.
    #[error("a {role} cannot cause `{event}`")]
    WrongActor {
        /// Who tried.
        role: ActorRole,
        /// What was tried.
        event: DeliveryEvent,
    },
    /// A rider, but not the one who holds it.
    #[error("only the rider who holds this delivery can do that")]
    NotTheRider,
    /// The event needs a reason, and one of those that are meant for it.
    #[error("`{event}` needs one of its reasons")]
    ReasonNeeded {
        /// What was tried.
        event: DeliveryEvent,
    },
    /// It is not yet time.
    #[error("that is possible from {from} on")]
    TooEarly {
        /// From when it will be possible.
        from: Timestamp,
    },
}

/// The reasons of which a rider must give one for `event`; `None` if it needs no reason.
pub const fn reasons_of_riders(event: DeliveryEvent) -> Option<&'static [Reason]> {
    match event {
        E::RiderLeft => Some(Reason::OF_HANDING_ON),
        E::ReturnStarted => Some(Reason::OF_RETURN),
        E::Lost => Some(Reason::OF_LOSS),
        E::Offered
        | E::OfferLapsed
        | E::OfferAccepted
        | E::PutInPool
        | E::TakenFromPool
        | E::Grabbed
        | E::RiderAtStore
        | E::RiderTookGoods
        | E::RiderAtDoor
        | E::HandedOver
        | E::BroughtBack
        | E::CalledOff => None,
    }
}

impl Delivery {
    /// A delivery that nobody has been asked about yet.
    pub fn new(order_id: OrderId) -> Self {
        Self {
            id: DeliveryId::generate(),
            order_id,
            state: DeliveryState::Waiting,
            version: 0,
            rider_id: None,
            no_rider_since: None,
        }
    }

    /// Whether nobody is on the way for it, and those concerned know that nobody is found.
    pub fn is_given_up(&self) -> bool {
        let is_searched = self.state.is_without_rider() || self.state == DeliveryState::Offering;
        self.no_rider_since.is_some() && is_searched
    }

    /// Decides what `event` does to this delivery. Changes nothing by itself.
    ///
    /// # Errors
    ///
    /// [`DeliveryRefusal`] if it may not take the event now, or not from this actor.
    pub fn decide(
        &self,
        event: DeliveryEvent,
        by: Actor,
        reason: Option<Reason>,
        at: Timestamp,
    ) -> Result<DeliveryChange, DeliveryRefusal> {
        let to = self.state.on(event)?;
        self.check_actor(event, by)?;
        check_reason(event, by, reason)?;
        let rider_id = match (event, by) {
            (E::OfferAccepted | E::Grabbed, Actor::Person(Profile::Rider(rider))) => Some(rider),
            (E::RiderLeft, _) => None,
            _ => self.rider_id,
        };
        Ok(DeliveryChange {
            delivery_id: self.id,
            order_id: self.order_id,
            based_on: self.version,
            from: self.state,
            event,
            to,
            rider_id,
            by,
            reason,
            at,
        })
    }

    /// This delivery after `change`.
    pub fn after(&self, change: &DeliveryChange) -> Self {
        Self {
            state: change.to,
            version: change.based_on + 1,
            rider_id: change.rider_id,
            ..self.clone()
        }
    }

    fn check_actor(&self, event: DeliveryEvent, by: Actor) -> Result<(), DeliveryRefusal> {
        let wrong = DeliveryRefusal::WrongActor { role: by.role(), event };
        let allowed = |may: bool| if may { Ok(()) } else { Err(wrong) };
        let is_rider = by.role() == ActorRole::Rider;
        let is_machine_room = matches!(by.role(), ActorRole::System | ActorRole::Operator);
        match event {
            E::Offered | E::PutInPool | E::TakenFromPool => allowed(is_machine_room),
            E::OfferLapsed => allowed(is_machine_room || is_rider),
            E::OfferAccepted | E::Grabbed => allowed(is_rider),
            E::RiderAtStore | E::RiderTookGoods | E::RiderAtDoor | E::HandedOver => {
                self.check_rider(by, wrong)
            }
            E::RiderLeft | E::ReturnStarted | E::Lost if is_machine_room => Ok(()),
            E::RiderLeft | E::ReturnStarted | E::Lost => self.check_rider(by, wrong),
            // Whoever has the goods again says so, not whoever says that he gave them back.
            E::BroughtBack => allowed(is_machine_room || by.role() == ActorRole::Merchant),
            E::CalledOff => allowed(!is_rider && by.role() != ActorRole::Provider),
        }
    }

    fn check_rider(&self, by: Actor, wrong: DeliveryRefusal) -> Result<(), DeliveryRefusal> {
        match by.profile() {
            Some(Profile::Rider(rider)) if self.rider_id == Some(rider) => Ok(()),
            Some(Profile::Rider(_)) => Err(DeliveryRefusal::NotTheRider),
            _ => Err(wrong),
        }
    }
}

fn check_reason(
    event: DeliveryEvent,
    by: Actor,
    reason: Option<Reason>,
) -> Result<(), DeliveryRefusal> {
    match reasons_of_riders(event) {
        Some(allowed) if by.role() == ActorRole::Rider => match reason {
            Some(reason) if allowed.contains(&reason) => Ok(()),
            _ => Err(DeliveryRefusal::ReasonNeeded { event }),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::CustomerId;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    #[test]
    fn the_rider_who_grabs_it_holds_it_and_nobody_else_may_pick_it_up() {
        let (ann, bob) = (RiderId::generate(), RiderId::generate());
        let waiting = Delivery::new(OrderId::generate());
        let pooled = Delivery { state: DeliveryState::Pooled, ..waiting };
        let grabbed = pooled.decide(E::Grabbed, ann.into(), None, NOON).expect("it is free");
        let held = pooled.after(&grabbed);
        assert_eq!(held.rider_id, Some(ann));
        assert!(held.decide(E::Grabbed, bob.into(), None, NOON).is_err());
        let stolen = held.decide(E::RiderTookGoods, bob.into(), None, NOON);
        assert_eq!(stolen, Err(DeliveryRefusal::NotTheRider));
        assert!(held.decide(E::RiderTookGoods, ann.into(), None, NOON).is_ok());
    }

    #[test]
    fn a_delivery_that_is_handed_on_waits_for_another_rider() {
        let ann = RiderId::generate();
        let held = Delivery {
            state: DeliveryState::Assigned,
            rider_id: Some(ann),
            ..Delivery::new(OrderId::generate())
        };
        let why = Some(Reason::RiderHandedOn);
        let change = held.decide(E::RiderLeft, ann.into(), why, NOON).expect("before pickup");
        assert_eq!((change.to, change.rider_id), (DeliveryState::Waiting, None));
        for why in [None, Some(Reason::ChangedMind), Some(Reason::OperatorDecision)] {
            let refused = held.decide(E::RiderLeft, ann.into(), why, NOON);
            assert_eq!(refused, Err(DeliveryRefusal::ReasonNeeded { event: E::RiderLeft }));
        }
        assert!(held.decide(E::RiderLeft, Actor::System, None, NOON).is_ok());
    }

    #[test]
    fn goods_are_back_when_the_store_says_so_and_not_the_rider() {
        let ann = RiderId::generate();
        let returning = Delivery {
            state: DeliveryState::Returning,
            rider_id: Some(ann),
            ..Delivery::new(OrderId::generate())
        };
        assert!(returning.decide(E::BroughtBack, ann.into(), None, NOON).is_err());
        let merchant = crate::ids::MerchantId::generate();
        let change = returning.decide(E::BroughtBack, merchant.into(), None, NOON).expect("it has");
        assert_eq!(change.to, DeliveryState::Returned);
    }

    proptest! {
        #[test]
        fn any_sequence_of_events_keeps_a_delivery_legal(
            events in prop::collection::vec((0..E::ALL.len(), 0..4_usize), 0..60),
        ) {
            let actors: [Actor; 4] = [
                RiderId::generate().into(),
                RiderId::generate().into(),
                Actor::System,
                CustomerId::generate().into(),
            ];
            let mut delivery = Delivery::new(OrderId::generate());
            let mut seen = vec![delivery.state];
            for (event, actor) in events {
                let why = Some(Reason::Other);
                if let Ok(change) = delivery.decide(E::ALL[event], actors[actor], why, NOON) {
                    prop_assert_eq!(delivery.state.on(change.event), Ok(change.to));
                    delivery = delivery.after(&change);
                    seen.push(delivery.state);
                    prop_assert!(!delivery.state.has_rider() || delivery.rider_id.is_some());
                    prop_assert!(!delivery.state.is_without_rider() || delivery.rider_id.is_none());
                }
            }
            let took = seen.iter().position(|it| *it == DeliveryState::PickedUp);
            let gave = seen.iter().position(|it| *it == DeliveryState::Delivered);
            prop_assert!(gave.is_none_or(|gave| took.is_some_and(|took| took < gave)));
            prop_assert_eq!(delivery.version as usize, seen.len() - 1);
        }
    }
}
