//! Identifiers. One type per kind of thing, so that two ids cannot be swapped.

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// The text was not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id of the form `{prefix}_<uuid>`")]
pub struct ParseIdError {
    /// The prefix that the text should have carried.
    pub prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// The text form starts with this and an underscore. It is the same
            /// in URLs, logs, Redis keys and SQL columns.
            pub const PREFIX: &'static str = $prefix;

            /// A fresh id. Ids made later sort later (UUID version 7).
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id without its prefix.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", Self::PREFIX, self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|raw| raw.len() == 32)
                    .and_then(|raw| Uuid::try_parse(raw).ok())
                    .map(Self)
                    .ok_or(ParseIdError { prefix: Self::PREFIX })
            }
        }
    };
}

id!(
    /// A person who can sign in. One account has a profile for each of its roles.
    AccountId,
    "acc"
);
id!(
    /// Somebody's role as a customer.
    CustomerId,
    "cus"
);
id!(
    /// Somebody's role as a merchant (owner or staff of stores).
    MerchantId,
    "mer"
);
id!(
    /// Somebody's role as a rider.
    RiderId,
    "rid"
);
id!(
    /// Somebody's role as an operator.
    OperatorId,
    "opr"
);
id!(
    /// A place that cooks or sells.
    StoreId,
    "sto"
);
id!(
    /// Something a store sells.
    ProductId,
    "prd"
);
id!(
    /// Several options of a product of which some are chosen.
    OptionGroupId,
    "grp"
);
id!(
    /// Something that can be chosen with a product.
    OptionId,
    "opt"
);
id!(
    /// A price that was promised for some minutes.
    QuoteId,
    "quo"
);
id!(
    /// A customer's order.
    OrderId,
    "ord"
);
id!(
    /// One attempt to pay an order.
    PaymentId,
    "pay"
);
id!(
    /// Money on its way back.
    RefundId,
    "ref"
);
id!(
    /// The transport of one order.
    DeliveryId,
    "dlv"
);
id!(
    /// An exclusive, timed proposal to one rider.
    OfferId,
    "off"
);
id!(
    /// A file beside the words of a chat.
    AttachmentId,
    "att"
);
id!(
    /// One sign-in on one device, and every token that comes from it. Later sign-ins sort later.
    SessionId,
    "ses"
);
id!(
    /// An address in a customer's book.
    AddressId,
    "adr"
);
id!(
    /// Where notices for one device go.
    PushAddressId,
    "psh"
);
id!(
    /// One open socket on one node.
    ConnectionId,
    "con"
);
id!(
    /// One running process.
    NodeId,
    "nod"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_being_written_and_read_back() {
        let id = OrderId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_rider_id_is_not_an_order_id() {
        let rider = RiderId::generate().to_string();
        assert_eq!(rider.parse::<OrderId>(), Err(ParseIdError { prefix: "ord" }));
    }

    #[test]
    fn only_one_spelling_of_an_id_is_read() {
        let id = OrderId::generate();
        let hyphenated = format!("ord_{}", id.uuid().hyphenated());
        assert!(hyphenated.parse::<OrderId>().is_err());
    }
}
