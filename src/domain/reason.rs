//! Why something happened: stable codes for apps, statistics and the audit trail.

use crate::text_enum::text_enum;

text_enum! {
    /// The reason of a change.
    pub enum Reason {
        /// The store closes before it could be made.
        ClosingEarly => "closing_early",
        /// The store has too much to do.
        Busy => "busy",
        /// Something needed for it is missing.
        IngredientUnavailable => "ingredient_unavailable",
        /// A product is sold out.
        SoldOut => "sold_out",
        /// The customer no longer wants it.
        ChangedMind => "changed_mind",
        /// The customer made a mistake in the order.
        OrderedByMistake => "ordered_by_mistake",
        /// It takes too long.
        TooSlow => "too_slow",
        /// No rider could be found.
        NoRiderFound => "no_rider_found",
        /// The customer could not be reached, or the address does not exist.
        Undeliverable => "undeliverable",
        /// Nobody paid in time.
        UnpaidInTime => "unpaid_in_time",
        /// The store did not answer in time.
        NotAcceptedInTime => "not_accepted_in_time",
        /// The money came after the order had ended.
        LatePayment => "late_payment",
        /// The order was paid before, by another attempt.
        PaidTwice => "paid_twice",
        /// The provider said no.
        RefusedByProvider => "refused_by_provider",
        /// The order ended.
        OrderEnded => "order_ended",
        /// The rider did not arrive in time.
        RiderLate => "rider_late",
        /// The rider handed it on.
        RiderHandedOn => "rider_handed_on",
        /// The rider said no.
        RiderDeclined => "rider_declined",
        /// The rider said nothing in time.
        RiderSilent => "rider_silent",
        /// Another rider had become much better.
        Overtaken => "overtaken",
        /// Something else.
        Other => "other",
    }
}

impl Reason {
    /// Reasons a store may give for saying no, before or after it accepted.
    pub const OF_STORE: &'static [Self] =
        &[Self::ClosingEarly, Self::Busy, Self::IngredientUnavailable, Self::SoldOut, Self::Other];

    /// Reasons a customer may give for calling an order off.
    pub const OF_CUSTOMER: &'static [Self] = &[
        Self::ChangedMind,
        Self::OrderedByMistake,
        Self::TooSlow,
        Self::NoRiderFound,
        Self::Other,
    ];
}
