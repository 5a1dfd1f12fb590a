//! The commands by name: one list for the dispatcher and for the protocol document.

use domain::text_enum::text_enum;

text_enum! {
    /// A command of the protocol. Those that come often are found first.
    pub enum Method {
        /// Writes to a channel of the load generator.
        Pub => "pub",
        /// A rider's position.
        LocPut => "loc.put",
        /// Says something.
        ChatSend => "chat.send",
        /// Everything up to here has arrived at this device.
        Ack => "ack",
        /// Everything up to here has been read by the person.
        Read => "read",
        /// Somebody writes.
        Typing => "typing",
        /// Signs in.
        Connect => "connect",
        /// Hears a channel.
        Sub => "sub",
        /// Stops hearing a channel.
        Unsub => "unsub",
        /// Pages through a channel.
        History => "history",
        /// Takes a message back.
        ChatRecall => "chat.recall",
        /// Takes over publishing the rider's position.
        LocClaim => "loc.claim",
        /// Goes on duty.
        DutyOn => "duty.on",
        /// Takes a break.
        DutyBreak => "duty.break",
        /// Goes off duty.
        DutyOff => "duty.off",
        /// Takes or declines an offer.
        OfferReply => "offer.reply",
        /// Takes a delivery from the pool.
        Grab => "grab",
        /// Hands a delivery on to somebody else.
        DeliveryHandOn => "delivery.hand_on",
        /// Brings goods back that cannot be handed over.
        DeliveryReturn => "delivery.return",
        /// The goods are gone.
        DeliveryLost => "delivery.lost",
        /// Accepts an order.
        OrderAccept => "order.accept",
        /// Starts the kitchen.
        OrderStart => "order.start",
        /// Has it ready.
        OrderReady => "order.ready",
        /// Rejects an order.
        OrderReject => "order.reject",
        /// Is at a stop.
        StopArrive => "stop.arrive",
        /// Has finished a stop.
        StopDone => "stop.done",
        /// Brings a new token.
        AuthRefresh => "auth.refresh",
    }
}
