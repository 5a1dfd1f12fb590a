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
        /// The rider did not move towards the store.
        RiderNotMoving => "rider_not_moving",
        /// The rider's vehicle does not go.
        VehicleTrouble => "vehicle_trouble",
        /// The rider had an accident.
        Accident => "accident",
        /// The rider has waited at the store for too long.
        StoreTooSlow => "store_too_slow",
        /// An operator decided so.
        OperatorDecision => "operator_decision",
        /// The customer neither opens nor answers.
        CustomerUnreachable => "customer_unreachable",
        /// The customer does not take the goods.
        CustomerRefused => "customer_refused",
        /// The address does not exist, or is another one.
        WrongAddress => "wrong_address",
        /// The goods cannot be handed over as they are.
        GoodsDamaged => "goods_damaged",
        /// The goods are gone.
        GoodsLost => "goods_lost",
        /// The customer did not come to collect it.
        NotCollected => "not_collected",
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
    /// Reasons for ending an order that waited for a customer who collects.
    pub const OF_COUNTER: &'static [Self] = &[Self::NotCollected];

    /// Reasons a rider may give for handing a delivery on before pickup.
    pub const OF_HANDING_ON: &'static [Self] = &[
        Self::RiderHandedOn,
        Self::VehicleTrouble,
        Self::Accident,
        Self::StoreTooSlow,
        Self::Other,
    ];

    /// Reasons for bringing goods back to the store.
    pub const OF_RETURN: &'static [Self] = &[
        Self::CustomerUnreachable,
        Self::CustomerRefused,
        Self::WrongAddress,
        Self::GoodsDamaged,
        Self::VehicleTrouble,
        Self::Other,
    ];

    /// Reasons for goods that never come back.
    pub const OF_LOSS: &'static [Self] =
        &[Self::GoodsLost, Self::GoodsDamaged, Self::Accident, Self::Other];

    /// Whether goods that come back, or stay, for this reason are paid for all the same: nothing was wrong
    /// with them, and they can be sold to nobody else.
    pub const fn is_customers_doing(self) -> bool {
        matches!(
            self,
            Self::CustomerUnreachable
                | Self::CustomerRefused
                | Self::WrongAddress
                | Self::NotCollected
        )
    }
}
