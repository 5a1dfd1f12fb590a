//! Deadlines and limits of the business, each with a name and a default.

use std::time::Duration;

use crate::{escalation::SearchPolicy, handover::HandoverPolicy};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// The settings that the rules about orders obey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderPolicy {
    /// An order that is not paid for this long after it was placed is closed.
    pub unpaid: Duration,
    /// An order that the store does not answer for this long after payment is rejected.
    pub unaccepted: Duration,
    /// For this long after the store accepted, the customer may still call the order off.
    pub cancel_free: Duration,
    /// An order is completed this long after delivery if the customer says nothing.
    pub auto_complete: Duration,
    /// The order's chat stays open this long after the order ended.
    pub chat_after_end: Duration,
    /// The author may take a message back for this long after saying it.
    pub chat_recall: Duration,
    /// How long a rider may think about an offer.
    pub offer_open: Duration,
    /// Offers made one by one before the delivery goes to the pool.
    pub offers_before_pool: u32,
    /// After this long without a rider the delivery goes to the pool, whatever was offered.
    pub wait_before_pool: Duration,
    /// What is done while no rider is found.
    pub search: SearchPolicy,
    /// What proves that an order was handed over.
    pub handover: HandoverPolicy,
    /// A rider who holds a delivery and has neither position nor connection for this long loses it.
    pub rider_silent: Duration,
    /// A rider who does not come closer to the store for this long loses the delivery.
    pub rider_standing: Duration,
    /// A price that was promised holds for this long.
    pub quote: Duration,
    /// What calling an order off costs, once it was said, holds for this long.
    pub cancel_quote: Duration,
    /// A store that is asked to let an order go and says nothing for this long agrees.
    pub cancel_consent: Duration,
    /// The share of the goods, in percent, that a customer pays who calls an order off late, before
    /// the kitchen has begun.
    pub cancel_fee_accepted: u32,
    /// The same once the kitchen has begun.
    pub cancel_fee_preparing: u32,
    /// Nothing is paid for if the kitchen is this much later than it said.
    pub cancel_free_when_late: Duration,
    /// How often a customer may urge about one order.
    pub urges_max: u32,
    /// Shortest time between two times.
    pub urge_pause: Duration,
    /// How long a customer may think about a substitute.
    pub substitution: Duration,
    /// The store's bell rings again after this long, until somebody acts.
    pub remind: Duration,
    /// The same for a kitchen that is later than it said.
    pub remind_late: Duration,
    /// Kitchen time in minutes when neither the store nor the merchant says otherwise.
    pub prep_default_min: u32,
}

/// How long a rider waits at a door where nobody opens before he may bring the goods back.
pub const DOOR_WAIT: Duration = MINUTE.saturating_mul(5);

/// How long an order waits at the counter for its customer before the store may end it.
pub const COLLECT_WAIT: Duration = HOUR.saturating_mul(2);

/// Longest kitchen time a store may announce, in minutes.
pub const PREP_MIN_MAX: u32 = 240;

impl OrderPolicy {
    /// What holds when no setting says otherwise.
    pub const DEFAULT: Self = Self {
        unpaid: MINUTE.saturating_mul(15),
        unaccepted: MINUTE.saturating_mul(10),
        cancel_free: MINUTE,
        auto_complete: HOUR.saturating_mul(24),
        chat_after_end: HOUR.saturating_mul(24),
        chat_recall: MINUTE.saturating_mul(2),
        offer_open: Duration::from_secs(30),
        offers_before_pool: 3,
        wait_before_pool: MINUTE.saturating_mul(3),
        search: SearchPolicy::DEFAULT,
        handover: HandoverPolicy::DEFAULT,
        rider_silent: MINUTE.saturating_mul(5),
        rider_standing: MINUTE.saturating_mul(8),
        quote: MINUTE.saturating_mul(10),
        cancel_quote: MINUTE.saturating_mul(3),
        cancel_consent: MINUTE.saturating_mul(15),
        cancel_fee_accepted: 10,
        cancel_fee_preparing: 50,
        cancel_free_when_late: MINUTE.saturating_mul(15),
        urges_max: 3,
        urge_pause: MINUTE.saturating_mul(5),
        substitution: MINUTE.saturating_mul(5),
        remind: MINUTE,
        remind_late: MINUTE.saturating_mul(5),
        prep_default_min: 15,
    };
}

impl Default for OrderPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}
