//! How a person is reached: telephone numbers and mail addresses, and the codes that prove them.

use std::{fmt, time::Duration};

use crate::{checked_text::TextError, clock::Timestamp, rate::Quota, text_enum::text_enum};

/// A telephone number in the form of E.164, as `+8613800138000`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl Phone {
    /// Digits after the plus.
    pub const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

    /// Reads a number with its country; blanks, dashes and brackets are left out.
    ///
    /// # Errors
    ///
    /// [`TextError`] says what is wrong with it.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        const WHAT: &str = "a telephone number, as +8613800138000,";
        let kept: String = raw.chars().filter(|it| !matches!(it, ' ' | '-' | '(' | ')')).collect();
        let digits = kept.strip_prefix('+').unwrap_or_default();
        if let Some(found) = digits.chars().find(|it| !it.is_ascii_digit()) {
            return Err(TextError::Character { what: WHAT, found });
        }
        let chars = digits.len();
        if chars < *Self::DIGITS.start() || digits.starts_with('0') {
            return Err(TextError::TooShort { what: WHAT, min: *Self::DIGITS.start(), chars });
        }
        if chars > *Self::DIGITS.end() {
            return Err(TextError::TooLong { what: WHAT, max: *Self::DIGITS.end(), chars });
        }
        Ok(Self(kept))
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What may be shown to people who are not its owner: the last two digits.
    pub fn tail(&self) -> &str {
        &self.0[self.0.len() - 2..]
    }
}

/// A mail address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Most characters.
    pub const CHARS_MAX: usize = 120;

    /// Reads an address; the case of letters does not count.
    ///
    /// # Errors
    ///
    /// [`TextError`] says what is wrong with it.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        const WHAT: &str = "a mail address, as name@example.org,";
        let text = raw.trim().to_lowercase();
        let chars = text.chars().count();
        if chars > Self::CHARS_MAX {
            return Err(TextError::TooLong { what: WHAT, max: Self::CHARS_MAX, chars });
        }
        let is_fine =
            |it: &char| it.is_ascii_alphanumeric() || "@.!#$%&'*+/=?^_`{|}~-".contains(*it);
        if let Some(found) = text.chars().find(|it| !is_fine(it)) {
            return Err(TextError::Character { what: WHAT, found });
        }
        let parts = text.split_once('@').filter(|(name, host)| {
            !name.is_empty() && !host.contains('@') && host.split('.').count() > 1
        });
        match parts {
            Some((_, host)) if host.split('.').all(|it| !it.is_empty()) => Ok(Self(text)),
            _ => Err(TextError::Blank { what: "a mail address with a name and a host" }),
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a code goes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Contact {
    /// By SMS.
    Phone(Phone),
    /// By mail.
    Email(Email),
}

impl Contact {
    /// Reads whichever it is.
    ///
    /// # Errors
    ///
    /// [`TextError`] says what is wrong with it.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        if raw.contains('@') {
            return Email::parse(raw).map(Self::Email);
        }
        Phone::parse(raw).map(Self::Phone)
    }

    /// The number or address.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(it) => it.as_str(),
            Self::Email(it) => it.as_str(),
        }
    }
}

macro_rules! hide {
    ($($name:ident),*) => { $(
        /// Never shows it: it is personal, and debug output ends up in logs.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )* };
}
hide!(Phone, Email, Contact);

text_enum! {
    /// What a code is for; one for something else is worth nothing.
    pub enum CodePurpose {
        /// Signing in without a password.
        SignIn => "sign_in",
        /// Choosing a new password.
        Reset => "reset",
        /// Proving that a number or address is one's own.
        Verify => "verify",
    }
}

/// Digits of a code.
pub const CODE_DIGITS: usize = 6;
/// For how long a code is good.
pub const CODE_SPAN: Duration = Duration::from_secs(10 * 60);
/// Wrong codes after which none is taken any more.
pub const CODE_TRIES_MAX: i64 = 5;
/// Codes that go to one number or address at once, and in an hour.
pub const CODES_TO_ONE: [Quota; 2] = [
    Quota { n: 1, period: Duration::from_secs(30) },
    Quota { n: 6, period: Duration::from_secs(3_600) },
];
/// Codes that one address of the network may ask for.
pub const CODES_FROM_ONE: Quota = Quota { n: 30, period: Duration::from_secs(3_600) };

/// A code as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptCode {
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// How many times a wrong one came.
    pub n_tries: i64,
}

impl KeptCode {
    /// Whether it is worth comparing at `now`.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at && self.n_tries < CODE_TRIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_many_ways_and_kept_in_one() {
        for text in ["+86 138-0013-8000", "+8613800138000", " +86 (138) 00138000"] {
            assert_eq!(Phone::parse(text).unwrap().as_str(), "+8613800138000");
        }
        for bad in [
            "13800138000",
            "+",
            "+12",
            "+0123456789",
            "+1234567890123456",
            "+1234567x9",
            "+１２３４５６７８",
        ] {
            assert!(Phone::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Phone::parse("+8613800138042").unwrap().tail(), "42");
    }

    #[test]
    fn mail_addresses_have_a_name_and_a_host() {
        assert_eq!(Email::parse(" Ann@Example.ORG ").unwrap().as_str(), "ann@example.org");
        for bad in [
            "ann",
            "@example.org",
            "ann@",
            "ann@host",
            "a@b@c.d",
            "a@b..c",
            "a b@c.d",
            "a@c.d\r\nBcc: x",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn neither_shows_up_in_logs() {
        let contact = Contact::parse("ann@example.org");
        assert!(!format!("{contact:?}").contains("ann"));
    }

    #[test]
    fn a_code_dies_of_age_and_of_guesses() {
        let noon = Timestamp::from_ms(1_790_000_000_000);
        let kept = KeptCode { expires_at: noon + CODE_SPAN, n_tries: 0 };
        assert!(kept.is_alive(noon) && !kept.is_alive(noon + CODE_SPAN));
        assert!(!KeptCode { n_tries: CODE_TRIES_MAX, ..kept }.is_alive(noon));
    }
}
