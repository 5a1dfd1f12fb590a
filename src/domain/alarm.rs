//! What operators are alarmed about.

use crate::text_enum::text_enum;

text_enum! {
    /// Why operators are alarmed about an order.
    pub enum AlarmKind {
        /// No rider has been found for long.
        NoRider => "no_rider",
        /// The goods cannot be handed over and go back.
        Undeliverable => "undeliverable",
        /// The goods are gone.
        GoodsLost => "goods_lost",
        /// The customer's PIN was wrong too often at the door.
        ProofLocked => "proof_locked",
    }
}
