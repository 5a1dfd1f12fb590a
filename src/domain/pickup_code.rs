//! The code that goes with the goods at the store's counter: how it looks, how it is scanned, and
//! how often a store may try wrong ones.

use std::{fmt, time::Duration};

use crate::{clock::Timestamp, ids::OrderId};

/// Characters of a code.
pub const CODE_CHARS: usize = 5;
/// Characters that a code is made of: none that look alike.
const ALPHABET: &[u8; 25] = b"ACDEFHJKLMNPQRTUVWXY34679";
/// The text of a QR code begins so; the order and the code follow.
const QR_START: &str = "riderhub:pickup:";
/// Wrong codes that a store may try within [`WRONG_CODES_WITHIN`].
pub const WRONG_CODES_MAX: u32 = 20;
/// From the first wrong code on.
pub const WRONG_CODES_WITHIN: Duration = Duration::from_secs(600);

/// The code of an order, unlike those of all others that wait in the same store. Never in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct PickupCode(String);

/// Not a pickup code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pickup code has {CODE_CHARS} letters and digits; scan the QR code or type it again")]
pub struct NoCode;

impl PickupCode {
    /// A code out of 64 random bits.
    pub fn from_dice(dice: u64) -> Self {
        let n = ALPHABET.len() as u64;
        let mut rest = dice;
        let mut next = || {
            let index = usize::try_from(rest % n).unwrap_or(0);
            rest /= n;
            char::from(ALPHABET[index])
        };
        Self((0..CODE_CHARS).map(|_| next()).collect())
    }

    /// Reads what somebody typed: in small letters, with spaces or dashes, as people do.
    ///
    /// # Errors
    ///
    /// [`NoCode`] if it cannot be one.
    pub fn parse(typed: &str) -> Result<Self, NoCode> {
        let chars: String = typed
            .chars()
            .filter(|it| !it.is_whitespace() && *it != '-')
            .map(|it| it.to_ascii_uppercase())
            .collect();
        let is_code =
            chars.len() == CODE_CHARS && chars.bytes().all(|it| it.is_ascii_alphanumeric());
        if is_code { Ok(Self(chars)) } else { Err(NoCode) }
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PickupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PickupCode(…)")
    }
}

/// What a QR code says.
pub fn qr_text(order_id: OrderId, code: &PickupCode) -> String {
    format!("{QR_START}{order_id}:{}", code.0)
}

/// What was scanned or typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// The order, if a QR code named it.
    pub order_id: Option<OrderId>,
    /// The code.
    pub code: PickupCode,
}

impl Scanned {
    /// Reads the text of a QR code, or a code that was typed.
    ///
    /// # Errors
    ///
    /// [`NoCode`] if it is neither.
    pub fn parse(text: &str) -> Result<Self, NoCode> {
        let Some(rest) = text.trim().strip_prefix(QR_START) else {
            return Ok(Self { order_id: None, code: PickupCode::parse(text)? });
        };
        let (order, code) = rest.split_once(':').ok_or(NoCode)?;
        let order_id = order.parse().map_err(|_| NoCode)?;
        Ok(Self { order_id: Some(order_id), code: PickupCode::parse(code)? })
    }
}

/// The wrong codes of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// When the first of them was tried.
    pub since: Timestamp,
    /// How many.
    pub n_wrong: u32,
}

impl Tries {
    /// Nothing was tried so far.
    pub const fn none(at: Timestamp) -> Self {
        Self { since: at, n_wrong: 0 }
    }

    /// Until when no code is taken; `None` if one is.
    pub fn locked_until(self, at: Timestamp) -> Option<Timestamp> {
        let until = self.since + WRONG_CODES_WITHIN;
        (self.n_wrong >= WRONG_CODES_MAX && at < until).then_some(until)
    }

    /// The same after a wrong code.
    #[must_use]
    pub fn after_wrong(self, at: Timestamp) -> Self {
        if self.n_wrong == 0 || at >= self.since + WRONG_CODES_WITHIN {
            return Self { since: at, n_wrong: 1 };
        }
        Self { n_wrong: self.n_wrong.saturating_add(1), ..self }
    }

    /// Tries that are left.
    pub const fn left(self) -> u32 {
        WRONG_CODES_MAX.saturating_sub(self.n_wrong)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    #[test]
    fn what_is_no_code_is_refused() {
        for text in
            ["", "K7Q4", "K7Q4MM", "K7Q4!", "riderhub:pickup:K7Q4M", "riderhub:pickup:ord_1:K7Q4M"]
        {
            assert_eq!(Scanned::parse(text), Err(NoCode), "{text}");
        }
        let code = PickupCode::parse("k7-q4 m").expect("as people type");
        assert_eq!((code.as_str(), format!("{code:?}").contains("K7Q4M")), ("K7Q4M", false));
    }

    proptest! {
        #[test]
        fn codes_have_their_form_and_are_scanned_back(dice in any::<u64>()) {
            let (code, order_id) = (PickupCode::from_dice(dice), OrderId::generate());
            prop_assert_eq!(code.as_str().len(), CODE_CHARS);
            prop_assert!(code.as_str().bytes().all(|it| ALPHABET.contains(&it)));
            let scanned = Scanned::parse(&qr_text(order_id, &code));
            prop_assert_eq!(scanned, Ok(Scanned { order_id: Some(order_id), code: code.clone() }));
            let typed = Scanned::parse(&code.as_str().to_lowercase());
            prop_assert_eq!(typed, Ok(Scanned { order_id: None, code }));
        }

        #[test]
        fn a_store_tries_no_more_wrong_codes_than_it_may(
            waits_s in prop::collection::vec(0..120_u64, 1..120),
        ) {
            let (mut at, mut tries) = (NOON, Tries::none(NOON));
            let mut taken: Vec<Timestamp> = Vec::new();
            for wait in waits_s {
                at = at + Duration::from_secs(wait);
                if tries.locked_until(at).is_none() {
                    tries = tries.after_wrong(at);
                    taken.push(at);
                }
            }
            // In any span of that length there are at most two windows' worth of tries.
            let most = WRONG_CODES_MAX as usize;
            for window in taken.windows(2 * most + 1) {
                let span = window[2 * most].ms_since(window[0]);
                prop_assert!(span >= i64::try_from(WRONG_CODES_WITHIN.as_millis()).unwrap_or(0));
            }
            prop_assert!(tries.left() <= WRONG_CODES_MAX);
        }
    }
}
