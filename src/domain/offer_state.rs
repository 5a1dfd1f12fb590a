//! The life of an offer: one delivery, one rider, one deadline.

use crate::text_enum::text_enum;

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
        TRANSITIONS
            .iter()
            .find(|(from, on, _)| (*from, *on) == (self, event))
            .map(|&(_, _, to)| to)
            .ok_or(IllegalOfferTransition { from: self, event })
    }

    /// No event leads out of a terminal state.
    pub fn is_terminal(self) -> bool {
        TRANSITIONS.iter().all(|(from, ..)| *from != self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_pair_has_two_outcomes() {
        let pairs: HashSet<_> = TRANSITIONS.iter().map(|(from, on, _)| (from, on)).collect();
        assert_eq!(pairs.len(), TRANSITIONS.len());
    }

    #[test]
    fn an_answered_offer_is_final() {
        let found: Vec<_> = S::ALL.iter().copied().filter(|it| it.is_terminal()).collect();
        assert_eq!(found, [S::Accepted, S::Declined, S::Expired, S::Withdrawn]);
    }

    #[test]
    fn every_state_is_reachable() {
        let mut seen = HashSet::from([S::Open]);
        while let Some((.., to)) =
            TRANSITIONS.iter().find(|(from, _, to)| seen.contains(from) && !seen.contains(to))
        {
            seen.insert(*to);
        }
        assert_eq!(seen.len(), S::ALL.len());
    }

    #[test]
    fn every_event_is_used() {
        for event in E::ALL {
            assert!(TRANSITIONS.iter().any(|(_, on, _)| on == event), "{event} leads nowhere");
        }
    }
}
