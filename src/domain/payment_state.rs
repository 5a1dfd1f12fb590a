//! The life of one attempt to pay an order.
//!
//! A customer may try several times; each attempt is a payment of its own.

use crate::{text_enum::text_enum, transitions};

text_enum! {
    /// Where an attempt to pay stands.
    pub enum PaymentState {
        /// We know of it; the provider does not.
        Created => "created",
        /// The customer is at the provider.
        Processing => "processing",
        /// The money is there. Final.
        Succeeded => "succeeded",
        /// The provider said no.
        Failed => "failed",
        /// We stopped waiting for it.
        Closed => "closed",
    }
}

text_enum! {
    /// What can happen to an attempt to pay.
    pub enum PaymentEvent {
        /// The provider knows of it now.
        SentToProvider => "sent_to_provider",
        /// The provider says that the money is there.
        ProviderConfirmed => "provider_confirmed",
        /// The provider says that there is no money.
        ProviderRefused => "provider_refused",
        /// The order ended, or another attempt replaced this one.
        GivenUp => "given_up",
    }
}

/// The event is not allowed in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payment that is {from} cannot take `{event}`")]
pub struct IllegalPaymentTransition {
    /// State it was in.
    pub from: PaymentState,
    /// Event that was refused.
    pub event: PaymentEvent,
}

use PaymentEvent as E;
use PaymentState as S;

/// Every legal move. A pair that is not here is refused.
#[rustfmt::skip]
pub const TRANSITIONS: &[(PaymentState, PaymentEvent, PaymentState)] = &[
    (S::Created,    E::SentToProvider,    S::Processing),
    (S::Created,    E::ProviderConfirmed, S::Succeeded),
    (S::Processing, E::ProviderConfirmed, S::Succeeded),
    (S::Failed,     E::ProviderConfirmed, S::Succeeded),
    (S::Closed,     E::ProviderConfirmed, S::Succeeded),
    (S::Created,    E::ProviderRefused,   S::Failed),
    (S::Processing, E::ProviderRefused,   S::Failed),
    (S::Created,    E::GivenUp,           S::Closed),
    (S::Processing, E::GivenUp,           S::Closed),
];

impl PaymentState {
    /// The state after `event`.
    ///
    /// # Errors
    ///
    /// [`IllegalPaymentTransition`] if [`TRANSITIONS`] has no row for the pair.
    pub fn on(self, event: PaymentEvent) -> Result<Self, IllegalPaymentTransition> {
        transitions::next(TRANSITIONS, self, &event)
            .ok_or(IllegalPaymentTransition { from: self, event })
    }

    /// No event leads out of a terminal state.
    pub fn is_terminal(self) -> bool {
        transitions::is_terminal(TRANSITIONS, &self)
    }

    /// The customer may still be about to pay this attempt.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Processing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::assert_sound;

    #[test]
    fn the_table_is_sound() {
        assert_sound(TRANSITIONS, S::ALL, E::ALL, S::Created);
    }

    #[test]
    fn only_money_that_is_there_is_final() {
        let found: Vec<_> = S::ALL.iter().copied().filter(|it| it.is_terminal()).collect();
        assert_eq!(found, [S::Succeeded]);
    }

    #[test]
    fn money_that_comes_late_is_never_denied() {
        for state in [S::Created, S::Processing, S::Failed, S::Closed] {
            assert_eq!(state.on(E::ProviderConfirmed), Ok(S::Succeeded), "from {state}");
        }
    }

    #[test]
    fn a_late_refusal_does_not_take_money_back() {
        assert!(S::Succeeded.on(E::ProviderRefused).is_err());
        assert!(S::Succeeded.on(E::GivenUp).is_err());
    }
}
