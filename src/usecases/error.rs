//! Why a request was not carried out, sorted by what the caller can do about it.

use std::time::Duration;

use domain::{
    cart::CartError,
    chat::ChatRefusal,
    checked_text::TextError,
    clock::Timestamp,
    delivery::DeliveryRefusal,
    geo::PlaceError,
    handover::ProofRefusal,
    ids::ProductId,
    money::{Money, MoneyError},
    offer::OfferRefusal,
    options::OptionError,
    order::OrderRefusal,
    pickup_code::NoCode,
    price::PriceError,
    role::Role,
    slots::SlotRefusal,
};
use storage::error::{Failure, StoreError};

use crate::attachments::AttachmentError;

/// A use case did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no such thing, or it is somebody else's.
    #[error("no such {what}")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
    },
    /// The order does not take it now, or not from this actor.
    #[error(transparent)]
    Order(#[from] OrderRefusal),
    /// The delivery does not take it now, or not from this actor.
    #[error(transparent)]
    Delivery(#[from] DeliveryRefusal),
    /// The offer does not take it now, or not from this actor.
    #[error(transparent)]
    Offer(#[from] OfferRefusal),
    /// The chat does not take the message.
    #[error(transparent)]
    Chat(#[from] ChatRefusal),
    /// The cart cannot be ordered.
    #[error(transparent)]
    Cart(#[from] CartError),
    /// The order cannot be priced.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// A text is not acceptable.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A place is not on earth.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A value is out of its range.
    #[error("{what}")]
    OutOfRange {
        /// What is allowed, as a sentence.
        what: &'static str,
    },
    /// Fewer pieces are left than were asked for.
    #[error("only {left} of `{name}` are left")]
    OutOfStock {
        /// Which product.
        product_id: ProductId,
        /// What it is called.
        name: String,
        /// How many are left.
        left: i64,
    },
    /// The store does not sell this, or not any more.
    #[error("the store does not sell {product_id}")]
    NotSold {
        /// Which product.
        product_id: ProductId,
    },
    /// What was chosen does not fit the product.
    #[error("{why}")]
    Options {
        /// Which product.
        product_id: ProductId,
        /// What does not fit.
        #[source]
        why: OptionError,
    },
    /// The price that was promised does not hold any more.
    #[error("the quote held until {expired_at}")]
    QuoteExpired {
        /// Since when it does not hold.
        expired_at: Timestamp,
        /// What the order costs now.
        now: Money,
    },
    /// Something else is asked for than what was quoted.
    #[error("the quote was made for something else")]
    QuoteDiffers,
    /// The quote was used before.
    #[error("the quote was used before")]
    QuoteUsed,
    /// It cannot be ordered for then.
    #[error(transparent)]
    Slot {
        /// What is wrong with it.
        #[from]
        why: SlotRefusal,
    },
    /// The store has to agree before the order is called off.
    #[error("the store has to agree; it costs {fee}")]
    NeedsConsent {
        /// What the customer pays all the same.
        fee: Money,
    },
    /// The store was asked and has not answered.
    #[error("the store was asked before, and may answer until {answer_by}")]
    AskedBefore {
        /// From when on silence is agreement.
        answer_by: Timestamp,
    },
    /// Nobody can hurry.
    #[error("nobody can hurry with an order that is not under way")]
    NothingToUrge,
    /// The customer has urged as often as may be.
    #[error("an order is urged {max} times at most")]
    UrgedEnough {
        /// How often that is.
        max: u32,
    },
    /// The order is not being made.
    #[error("the order is not being made")]
    NotInKitchen,
    /// Nothing of the order would be left.
    #[error("nothing of the order would be left")]
    NothingLeft,
    /// Another device has changed the cart.
    #[error("the cart has changed; its version is {version} now")]
    CartMoved {
        /// How often it has changed.
        version: i64,
    },
    /// The store takes no orders now.
    #[error("the store is closed")]
    StoreClosed,
    /// The door is too far from the store.
    #[error("the store delivers up to {radius_m} m away; this is {distance_m} m away")]
    TooFar {
        /// How far it delivers.
        radius_m: u32,
        /// How far the door is.
        distance_m: u32,
    },
    /// Somebody has this login.
    #[error("this login is taken")]
    LoginTaken,
    /// Wrong login or password, or no profile in that role. Never says which.
    #[error("login, password or role are wrong")]
    WrongLogin,
    /// The code is wrong, used, too old, or for something else. Never says which.
    #[error("the code is wrong or too old")]
    WrongCode,
    /// It is not the password of whoever is signed in.
    #[error("the password is wrong")]
    WrongPassword,
    /// Something is under way for which the person is needed.
    #[error("something is still under way for you as a {role}: finish open orders, close stores")]
    StillBusy {
        /// In which role.
        role: Role,
    },
    /// The token is forged, unknown, used or too old.
    #[error("the token is not valid")]
    BadToken,
    /// The token was valid until a while ago.
    #[error("the token expired at {expired_at}")]
    TokenExpired {
        /// Since when it is not valid any more.
        expired_at: Timestamp,
    },
    /// The sign-in of this token was ended, on this device or from elsewhere.
    #[error("this sign-in has ended")]
    Revoked,
    /// Signed in, but not in the role that may do this.
    #[error("only a {needed} may do that")]
    WrongRole {
        /// The role that may.
        needed: Role,
    },
    /// A provider's message is forged, stale or unreadable.
    #[error("the message of the provider is not acceptable: {why}")]
    BadNotify {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The offer or the pooled delivery went to somebody else, or its time is over.
    #[error("it is gone: {state}")]
    Gone {
        /// What became of it.
        state: &'static str,
    },
    /// The delivery is not for everybody.
    #[error("the delivery is {state}, not in the pool: grab what a push `pool` shows as open")]
    NotPooled {
        /// Where it stands.
        state: &'static str,
    },
    /// The rider does not take work.
    #[error("go on duty first (`duty.on`)")]
    NotOnDuty,
    /// The rider's bag has no room.
    #[error("you carry {load} of at most {capacity} orders; deliver one first")]
    BagFull {
        /// What he carries.
        load: usize,
        /// What he can carry.
        capacity: u32,
    },
    /// The handover is not proven.
    #[error(transparent)]
    Proof(#[from] ProofRefusal),
    /// The photo cannot be used.
    #[error(transparent)]
    Attachment(Box<AttachmentError>),
    /// What was scanned or typed at the store's counter will not do.
    #[error(transparent)]
    Pickup(#[from] PickupRefusal),
    /// The rider still carries something.
    #[error("you still carry {load} orders; deliver them first")]
    StillCarrying {
        /// What he carries.
        load: usize,
    },
    /// Too often in too short a time; nothing was done.
    #[error("too often; try again in {} s", .retry_after.as_secs() + 1)]
    TooOften {
        /// When it may be tried again.
        retry_after: Duration,
    },
    /// Too much of the same at once; nothing was done.
    #[error("too many requests of this kind are waiting")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store cannot give the goods out against this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PickupRefusal {
    /// Neither a code nor the text of a QR code.
    #[error(transparent)]
    NoCode(#[from] NoCode),
    /// The customer's code is needed.
    #[error("ask the customer for the pickup code: a customer who collects must show it")]
    CodeNeeded,
    /// No order that waits here has this code.
    #[error("no order that waits here has this code; tries left: {left}. Scan or type it again")]
    WrongCode {
        /// Tries left.
        left: u32,
    },
    /// Too many codes were wrong.
    #[error("too many codes were wrong: wait, or ask an operator to do without the code")]
    Locked {
        /// Until when no code is taken.
        until: Timestamp,
    },
    /// No rider has it, so there is nobody to give it to.
    #[error("no rider has this order now; do not give it out")]
    NoRider,
}

impl AskError {
    /// No such thing, or somebody else's.
    pub const fn not_found(what: &'static str) -> Self {
        Self::NotFound { what }
    }
}

impl From<AttachmentError> for AskError {
    fn from(err: AttachmentError) -> Self {
        match err {
            AttachmentError::Store(err) => Self::Store(err),
            refusal => Self::Attachment(Box::new(refusal)),
        }
    }
}

impl From<MoneyError> for AskError {
    fn from(err: MoneyError) -> Self {
        Self::Price(err.into())
    }
}

impl Failure for AskError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(err) => Some(err),
            _ => None,
        }
    }
}
