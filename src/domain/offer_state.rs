//! The life of an offer: one delivery, one rider, one deadline.

use crate::{text_enum::text_enum, transitions};

text_enum! {
    /// Where an offer stands.
    pub enum OfferState {
        /// The rider may answer.
        Open => "open",
        /// The rider said yes in time. Final.
        Accepted => "accepted",
        /// The rider said no. Final.
        Declined => "declined",
        /// The rider said nothing in time. Final.
        Expired => "expired",
        /// It was taken back. Final.
        Withdrawn => "withdrawn",
    }
}

text_enum! {
    /// What can happen to an offer.
    pub enum OfferEvent {
        /// The rider says yes.
        Taken => "taken",
        /// The rider says no.
        TurnedDown => "turned_down",
        /// The deadline has passed.
        TimedOut => "timed_out",
        /// The order ended, or the dispatcher changed its plan.
        TakenBack => "taken_back",
    }
}

/// The event is not allowed in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an offer that is {from} cannot take `{event}`")]
pub struct IllegalOfferTransition {
    /// State it was in.
    pub from: OfferState,
    /// Event that was refused.
    pub event: OfferEvent,
}

use OfferEvent as E;
use OfferState as S;

/// Every legal move. A pair that is not here is refused.
#[rustfmt::skip]
pub const TRANSITIONS: &[(OfferState, OfferEvent, OfferState)] = &[
    (S::Open, E::Taken,      S::Accepted),
    (S::Open, E::TurnedDown, S::Declined),
    (S::Open, E::TimedOut,   S::Expired),
    (S::Open, E::TakenBack,  S::Withdrawn),
];

impl OfferState {
    /// The state after `event`.
    ///
    /// # Errors
    ///
    /// [`IllegalOfferTransition`] if [`TRANSITIONS`] has no row for the pair.
    pub fn on(self, event: OfferEvent) -> Result<Self, IllegalOfferTransition> {
        transitions::next(TRANSITIONS, self, &event)
            .ok_or(IllegalOfferTransition { from: self, event })
    }

    /// No event leads out of a terminal state.
    pub fn is_terminal(self) -> bool {
        transitions::is_terminal(TRANSITIONS, &self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::assert_sound;

    #[test]
    fn the_table_is_sound() {
        assert_sound(TRANSITIONS, S::ALL, E::ALL, S::Open);
    }

    #[test]
    fn an_answered_offer_is_final() {
        let found: Vec<_> = S::ALL.iter().copied().filter(|it| it.is_terminal()).collect();
        assert_eq!(found, [S::Accepted, S::Declined, S::Expired, S::Withdrawn]);
    }
}
