//! The life of a refund: money on its way back to a customer.

use crate::{text_enum::text_enum, transitions};

text_enum! {
    /// Where a refund stands.
    pub enum RefundState {
        /// Somebody asks for it.
        Requested => "requested",
        /// It will be paid back; the provider does not know yet.
        Approved => "approved",
        /// The provider has been told.
        Processing => "processing",
        /// The customer has the money back. Final.
        Succeeded => "succeeded",
        /// The provider could not; it is tried again under the same number.
        Failed => "failed",
        /// The store or an operator said no. Final.
        Rejected => "rejected",
        /// Whoever asked for it changed their mind. Final.
        Cancelled => "cancelled",
    }
}

text_enum! {
    /// What can happen to a refund.
    pub enum RefundEvent {
        /// The store, an operator or a deadline says yes.
        Agreed => "agreed",
        /// The store or an operator says no.
        TurnedDown => "turned_down",
        /// Whoever asked no longer wants it.
        Withdrawn => "withdrawn",
        /// The provider was told, for the first time or again.
        SentToProvider => "sent_to_provider",
        /// The provider says that the money went back.
        ProviderConfirmed => "provider_confirmed",
        /// The provider says that it could not.
        ProviderRefused => "provider_refused",
    }
}

/// The event is not allowed in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a refund that is {from} cannot take `{event}`")]
pub struct IllegalRefundTransition {
    /// State it was in.
    pub from: RefundState,
    /// Event that was refused.
    pub event: RefundEvent,
}

use RefundEvent as E;
use RefundState as S;

/// Every legal move. A pair that is not here is refused.
#[rustfmt::skip]
pub const TRANSITIONS: &[(RefundState, RefundEvent, RefundState)] = &[
    (S::Requested,  E::Agreed,            S::Approved),
    (S::Requested,  E::TurnedDown,        S::Rejected),
    (S::Requested,  E::Withdrawn,         S::Cancelled),
    (S::Approved,   E::SentToProvider,    S::Processing),
    (S::Failed,     E::SentToProvider,    S::Processing),
    (S::Approved,   E::ProviderConfirmed, S::Succeeded),
    (S::Processing, E::ProviderConfirmed, S::Succeeded),
    (S::Failed,     E::ProviderConfirmed, S::Succeeded),
    (S::Processing, E::ProviderRefused,   S::Failed),
];

impl RefundState {
    /// The state after `event`.
    ///
    /// # Errors
    ///
    /// [`IllegalRefundTransition`] if [`TRANSITIONS`] has no row for the pair.
    pub fn on(self, event: RefundEvent) -> Result<Self, IllegalRefundTransition> {
        transitions::next(TRANSITIONS, self, &event)
            .ok_or(IllegalRefundTransition { from: self, event })
    }

    /// No event leads out of a terminal state.
    pub fn is_terminal(self) -> bool {
        transitions::is_terminal(TRANSITIONS, &self)
    }

    /// The money is promised or gone: it counts against what was paid.
    ///
    /// A failed refund counts too, because it will be tried again.
    pub const fn counts(self) -> bool {
        !matches!(self, Self::Rejected | Self::Cancelled)
    }

    /// Neither finished nor turned down.
    pub fn is_under_way(self) -> bool {
        !self.is_terminal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::assert_sound;

    #[test]
    fn the_table_is_sound() {
        assert_sound(TRANSITIONS, S::ALL, E::ALL, S::Requested);
    }

    #[test]
    fn exactly_three_states_are_final() {
        let found: Vec<_> = S::ALL.iter().copied().filter(|it| it.is_terminal()).collect();
        assert_eq!(found, [S::Succeeded, S::Rejected, S::Cancelled]);
    }
}
