//! What a judge can find.

use std::fmt;

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is broken.
    pub broken: Broken,
    /// Of which order.
    pub order: String,
    /// When, by the server's clock.
    pub at: i64,
    /// Who and what, for people.
    pub detail: String,
}

/// The rules that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// A line of a story is missing or doubled.
    Hole,
    /// A machine moved from a state that it was not in.
    Jump,
    /// A delivery was given to a rider while another one held it.
    TwoRiders,
    /// A rider holds what neither an offer nor the pool gave him, or was given what he does not hold.
    NotGiven,
    /// Somebody moved a delivery that another one holds.
    WrongHands,
    /// The goods left the store before it accepted, or before they were ready.
    EarlyPickup,
    /// Handed over without having been fetched.
    NotFetched,
    /// An order neither ended nor is anybody's.
    Forgotten,
    /// No rider for so long, and nobody was told, or it did not end.
    NobodyTold,
    /// Two riders were asked about one delivery at the same time.
    TwoOffers,
    /// An offer was accepted at its deadline or after it.
    LateAnswer,
    /// An offer ended by its deadline before that had come.
    EarlyDeadline,
    /// An offer stayed open far beyond its deadline, or was closed twice.
    NotClosedOnce,
    /// Somebody who had said no was asked again too soon.
    AskedAgain,
    /// Somebody who does not work was asked.
    AskedOffDuty,
    /// A rider held more than he can carry.
    OverCapacity,
    /// A rider without a sign of life kept what he had not fetched.
    KeptBySilent,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self.broken {
            Broken::Hole => "its story has a hole",
            Broken::Jump => "moved from a state that it was not in",
            Broken::TwoRiders => "two riders at once",
            Broken::NotGiven => "held and given do not agree",
            Broken::WrongHands => "moved by somebody who does not hold it",
            Broken::EarlyPickup => "picked up too early",
            Broken::NotFetched => "handed over without pickup",
            Broken::Forgotten => "forgotten",
            Broken::NobodyTold => "no rider for long and nobody was told",
            Broken::TwoOffers => "two offers at once",
            Broken::LateAnswer => "accepted after its deadline",
            Broken::EarlyDeadline => "ended before its deadline",
            Broken::NotClosedOnce => "an offer was not closed exactly once",
            Broken::AskedAgain => "asked again too soon",
            Broken::AskedOffDuty => "asked while off duty",
            Broken::OverCapacity => "over capacity",
            Broken::KeptBySilent => "kept by a silent rider",
        };
        write!(f, "{}: {rule} at {}: {}", self.order, self.at, self.detail)
    }
}
