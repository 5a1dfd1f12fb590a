//! Notices: what is pushed to people who are away, how soon, and for how long it is worth something.
//!
//! A notice is due when no device has acknowledged an entry within its class's delay. [`Watch`] is
//! the whole of the decision for one address: told, acknowledged, or still to be told.

use std::time::Duration;

use crate::{clock::Timestamp, text_enum::text_enum};

text_enum! {
    /// What a notice is about.
    pub enum NoticeClass {
        /// An offer to a rider.
        Offer => "offer",
        /// The bell of a store.
        Alarm => "alarm",
        /// A change of an order that somebody else caused.
        Order => "order",
        /// An order that will be late.
        Delay => "delay",
        /// Something said in an order's chat.
        Chat => "chat",
    }
}

text_enum! {
    /// How much a device may be disturbed, in the words of RFC 8030.
    pub enum Urgency {
        /// Also on a low battery, at once.
        High => "high",
        /// When the device is reachable anyway.
        Normal => "normal",
    }
}

/// What holds for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeRules {
    /// How long a connected device has to acknowledge before others are told.
    pub delay: Duration,
    /// For how long it is worth being told.
    pub ttl: Duration,
    /// How much it may disturb.
    pub urgency: Urgency,
    /// Shortest time between two notices of the same class and channel to one address.
    pub pause: Duration,
}

impl NoticeClass {
    /// The table of classes.
    pub const fn rules(self) -> NoticeRules {
        const fn rules(delay_s: u64, ttl_s: u64, urgency: Urgency, pause_s: u64) -> NoticeRules {
            NoticeRules {
                delay: Duration::from_secs(delay_s),
                ttl: Duration::from_secs(ttl_s),
                urgency,
                pause: Duration::from_secs(pause_s),
            }
        }
        match self {
            Self::Offer => rules(2, 60, Urgency::High, 0),
            Self::Alarm => rules(3, 10 * 60, Urgency::High, 0),
            Self::Order => rules(5, 4 * 3_600, Urgency::Normal, 0),
            Self::Delay => rules(5, 3_600, Urgency::Normal, 0),
            Self::Chat => rules(10, 24 * 3_600, Urgency::Normal, 30),
        }
    }
}

/// Pause before a failed notice is tried again; doubles each time.
pub const RETRY_MIN: Duration = Duration::from_secs(2);
/// Longest pause before a failed notice is tried again, whatever the other side asks for.
pub const RETRY_MAX: Duration = Duration::from_secs(300);
/// Tries of one notice at most.
pub const ATTEMPTS_MAX: u32 = 12;

/// What one address was told of one class in one channel, and what is still to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// Everything up to here was told, or was acknowledged.
    pub told: u64,
    /// The newest entry that may be worth a notice.
    pub upto: u64,
    /// When to look at it next.
    pub due: Timestamp,
    /// Tries of the notice that is due.
    pub attempt: u32,
}

/// What to do about a [`Watch`] that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Everything is told or acknowledged: forget it.
    Forget,
    /// Nothing is late yet: look again then.
    Wait(Timestamp),
    /// Tell it now.
    Tell,
    /// It is not worth being told any more, or was tried too often: forget it.
    GiveUp,
}

impl Watch {
    /// An entry was written that may be worth a notice: begins a watch, or goes on with one.
    #[must_use]
    pub fn extended(
        known: Option<Self>,
        first: u64,
        last: u64,
        at: Timestamp,
        class: NoticeClass,
    ) -> Self {
        let late = at + class.rules().delay;
        match known {
            None => Self { told: first.saturating_sub(1), upto: last, due: late, attempt: 0 },
            // It rests after a notice: what is new waits for the end of the pause.
            Some(it) if it.told >= it.upto => {
                Self { told: it.told, upto: it.upto.max(last), due: it.due.max(late), attempt: 0 }
            }
            Some(it) => Self { upto: it.upto.max(last), ..it },
        }
    }

    /// What to do at `now`, with everything up to `acknowledged` on a device and `oldest` and
    /// `newest` the times of the first and last entry above that which still matters.
    pub fn step(
        self,
        acknowledged: u64,
        matters: Option<(Timestamp, Timestamp)>,
        class: NoticeClass,
        now: Timestamp,
    ) -> Step {
        let Some((oldest, newest)) = matters else { return Step::Forget };
        if acknowledged >= self.upto || self.told >= self.upto {
            return Step::Forget;
        }
        let rules = class.rules();
        if now >= newest + rules.ttl || self.attempt >= ATTEMPTS_MAX {
            return Step::GiveUp;
        }
        let late = oldest + rules.delay;
        if late > now { Step::Wait(late) } else { Step::Tell }
    }

    /// After everything up to `upto` was told; `None` if nothing is left to remember.
    pub fn after_told(self, upto: u64, class: NoticeClass, now: Timestamp) -> Option<Self> {
        let pause = class.rules().pause;
        let told = self.told.max(upto);
        if told >= self.upto && pause.is_zero() {
            return None;
        }
        Some(Self { told, due: now + pause, attempt: 0, ..self })
    }

    /// After a try that came to nothing.
    #[must_use]
    pub fn after_failure(self, asked: Option<Duration>, now: Timestamp) -> Self {
        let n_failures = self.attempt.saturating_sub(1).min(10);
        let doubled = RETRY_MIN.saturating_mul(1 << n_failures);
        let wait = asked.unwrap_or(doubled).clamp(RETRY_MIN, RETRY_MAX);
        Self { due: now + wait, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);
    const CHAT: NoticeClass = NoticeClass::Chat;

    fn after(seconds: u64) -> Timestamp {
        NOON + Duration::from_secs(seconds)
    }

    #[test]
    fn what_a_device_acknowledged_is_never_told() {
        let watch = Watch::extended(None, 5, 5, NOON, CHAT);
        assert_eq!((watch.told, watch.due), (4, after(10)));
        assert_eq!(watch.step(5, None, CHAT, after(10)), Step::Forget);
        assert_eq!(watch.step(9, Some((NOON, NOON)), CHAT, after(10)), Step::Forget);
        assert_eq!(watch.step(4, Some((NOON, NOON)), CHAT, after(10)), Step::Tell);
        assert_eq!(watch.step(4, None, CHAT, after(10)), Step::Forget, "nothing that matters");
    }

    #[test]
    fn the_delay_counts_from_the_first_entry_that_nobody_acknowledged() {
        let watch = Watch::extended(None, 5, 5, NOON, CHAT);
        let watch = Watch::extended(Some(watch), 6, 6, after(8), CHAT);
        assert_eq!((watch.upto, watch.due), (6, after(10)), "the first one's delay");
        let step = watch.step(5, Some((after(8), after(8))), CHAT, after(10));
        assert_eq!(step, Step::Wait(after(18)));
    }

    #[test]
    fn several_messages_are_one_notice_and_the_next_one_waits_for_the_pause() {
        let watch = Watch::extended(None, 5, 7, NOON, CHAT);
        let told = watch.after_told(7, CHAT, after(11)).expect("it rests");
        assert_eq!(told.step(4, Some((NOON, NOON)), CHAT, after(41)), Step::Forget);
        let more = Watch::extended(Some(told), 8, 8, after(12), CHAT);
        assert_eq!((more.told, more.due), (7, after(41)));
        let late = Watch::extended(Some(told), 8, 8, after(40), CHAT);
        assert_eq!(late.due, after(50));
        assert_eq!(Watch { told: 4, ..watch }.after_told(7, NoticeClass::Offer, NOON), None);
    }

    #[test]
    fn an_entry_that_arrives_while_a_notice_is_sent_is_told_later() {
        let watch = Watch::extended(None, 5, 7, NOON, NoticeClass::Order);
        let rest = watch.after_told(6, NoticeClass::Order, after(6)).expect("7 is not told");
        assert_eq!((rest.told, rest.upto, rest.due), (6, 7, after(6)));
    }

    #[test]
    fn failures_wait_longer_each_time_and_end() {
        let mut watch = Watch::extended(None, 5, 5, NOON, CHAT);
        let mut waits = Vec::new();
        for _ in 0..ATTEMPTS_MAX {
            assert_eq!(watch.step(0, Some((NOON, NOON)), CHAT, after(3_000)), Step::Tell);
            watch.attempt += 1;
            watch = watch.after_failure(None, NOON);
            waits.push(watch.due.ms_since(NOON) / 1_000);
        }
        assert_eq!(waits[..4], [2, 4, 8, 16]);
        assert!(waits.iter().all(|it| *it <= 300));
        assert_eq!(watch.step(0, Some((NOON, NOON)), CHAT, after(3_000)), Step::GiveUp);
        let fresh = Watch { attempt: 1, ..watch };
        assert_eq!(fresh.step(0, Some((NOON, NOON)), CHAT, after(24 * 3_600)), Step::GiveUp);
        let asked = fresh.after_failure(Some(Duration::from_secs(90)), NOON);
        assert_eq!(asked.due, after(90));
    }
}
