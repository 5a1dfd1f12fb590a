//! Sign-ins: for how long they last, why they end, and what a refresh token that is shown is worth.
//!
//! A refresh token is good once. Whoever shows one that was used has a copy, or is the rightful client
//! whose answer was lost on the way: [`Shown::judge`] tells the two apart.

use std::time::Duration;

use crate::{clock::Timestamp, rate::Quota, text_enum::text_enum};

text_enum! {
    /// Why a sign-in ended.
    pub enum SessionEnd {
        /// The person signed out on the device.
        SignedOut => "signed_out",
        /// The person ended it from another device.
        Removed => "removed",
        /// The person signed out everywhere.
        Everywhere => "everywhere",
        /// An operator ended it.
        Operator => "operator",
        /// The person signed in on more devices than an account may have.
        TooMany => "too_many",
        /// The person signed in again on the same device.
        Replaced => "replaced",
        /// A refresh token came back that had been used before.
        TokenReused => "token_reused",
        /// A refresh token came from another device or program than it was given to.
        OtherDevice => "other_device",
        /// The password was changed.
        PasswordChanged => "password_changed",
        /// The account was closed.
        AccountClosed => "account_closed",
    }
}

impl SessionEnd {
    /// Whether the person is told in the inbox: nobody who did it need be told.
    pub const fn is_told(self) -> bool {
        matches!(self, Self::TooMany | Self::TokenReused | Self::OtherDevice | Self::Operator)
    }
}

/// How sign-ins are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Sign-ins of one account that are open at once; the oldest leaves.
    pub sessions_max: usize,
    /// How long one lasts without being used.
    pub span: Duration,
    /// The same for whoever wants to stay signed in.
    pub stay_span: Duration,
    /// For how long a refresh whose answer was lost may be asked for again, in real time.
    pub repeat_within: Duration,
}

/// Wrong passwords for one login from one address.
pub const TRIES_HERE: Quota = Quota { n: 10, period: Duration::from_secs(15 * 60) };
/// Wrong passwords for one login from everywhere.
pub const TRIES_ANYWHERE: Quota = Quota { n: 100, period: Duration::from_secs(3_600) };
/// Wrong passwords, and logins that were taken, from one address.
pub const FAILURES: Quota = Quota { n: 200, period: Duration::from_secs(3_600) };

const DAY: u64 = 24 * 3_600;

impl SessionPolicy {
    /// What holds unless set otherwise.
    pub const DEFAULT: Self = Self {
        sessions_max: 3,
        span: Duration::from_secs(7 * DAY),
        stay_span: Duration::from_secs(30 * DAY),
        repeat_within: Duration::from_secs(30),
    };

    /// How long a sign-in lasts without being used.
    pub const fn span_of(&self, stays: bool) -> Duration {
        if stays { self.stay_span } else { self.span }
    }
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What is known of a refresh token that somebody shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Whether its sign-in is over.
    pub has_ended: bool,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was exchanged; `None` while it is good.
    pub used_at: Option<Timestamp>,
    /// Whether the token that it was exchanged for has not been used.
    pub successor_is_new: bool,
    /// Whether it comes from the device and program that it was given to.
    pub is_same_client: bool,
}

/// What to do about a refresh token that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Exchange it.
    Exchange,
    /// Answer as before: the first answer was lost.
    Repeat,
    /// End the sign-in: somebody has a copy.
    Stolen(SessionEnd),
    /// Nothing comes of it.
    Worthless,
}

impl Shown {
    /// What to do about it at `now`; `repeat_within` is on the same clock.
    pub fn judge(&self, now: Timestamp, repeat_within: Duration) -> Verdict {
        if self.has_ended || now >= self.expires_at {
            return Verdict::Worthless;
        }
        if !self.is_same_client {
            return Verdict::Stolen(SessionEnd::OtherDevice);
        }
        match self.used_at {
            None => Verdict::Exchange,
            Some(at) if self.successor_is_new && now < at + repeat_within => Verdict::Repeat,
            Some(_) => Verdict::Stolen(SessionEnd::TokenReused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);
    const GRACE: Duration = Duration::from_secs(30);
    const GOOD: Shown = Shown {
        has_ended: false,
        expires_at: Timestamp::from_ms(NOON.ms() + 3_600_000),
        used_at: None,
        successor_is_new: false,
        is_same_client: true,
    };

    fn judge(shown: Shown, seconds: u64) -> Verdict {
        shown.judge(NOON + Duration::from_secs(seconds), GRACE)
    }

    #[test]
    fn a_token_is_good_once_and_not_for_ever() {
        assert_eq!(judge(GOOD, 0), Verdict::Exchange);
        assert_eq!(judge(GOOD, 3_599), Verdict::Exchange);
        assert_eq!(judge(GOOD, 3_600), Verdict::Worthless);
        assert_eq!(judge(Shown { has_ended: true, ..GOOD }, 0), Verdict::Worthless);
    }

    #[test]
    fn a_lost_answer_may_be_asked_for_again_for_a_moment_and_by_the_same_client_only() {
        let used = Shown { used_at: Some(NOON), successor_is_new: true, ..GOOD };
        assert_eq!(judge(used, 29), Verdict::Repeat);
        assert_eq!(judge(used, 30), Verdict::Stolen(SessionEnd::TokenReused));
        let went_on = Shown { successor_is_new: false, ..used };
        assert_eq!(judge(went_on, 1), Verdict::Stolen(SessionEnd::TokenReused));
        let elsewhere = Shown { is_same_client: false, ..used };
        assert_eq!(judge(elsewhere, 1), Verdict::Stolen(SessionEnd::OtherDevice));
    }

    #[test]
    fn a_good_token_from_another_device_is_a_stolen_one() {
        let elsewhere = Shown { is_same_client: false, ..GOOD };
        assert_eq!(judge(elsewhere, 0), Verdict::Stolen(SessionEnd::OtherDevice));
        // Of a sign-in that is over nothing can be stolen any more.
        let over = Shown { has_ended: true, ..elsewhere };
        assert_eq!(judge(over, 0), Verdict::Worthless);
    }
}
