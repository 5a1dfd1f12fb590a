//! Amounts of money, held as whole minor units and never as a float.

use std::fmt;

/// A currency we can charge in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Currency {
    /// Renminbi, two decimals.
    Cny,
    /// Euro, two decimals.
    Eur,
    /// United States dollar, two decimals.
    Usd,
    /// Japanese yen, no decimals.
    Jpy,
    /// Kuwaiti dinar, three decimals.
    Kwd,
}

impl Currency {
    /// Every currency.
    pub const ALL: [Self; 5] = [Self::Cny, Self::Eur, Self::Usd, Self::Jpy, Self::Kwd];

    /// Digits after the decimal point.
    pub const fn exponent(self) -> u32 {
        match self {
            Self::Jpy => 0,
            Self::Cny | Self::Eur | Self::Usd => 2,
            Self::Kwd => 3,
        }
    }

    /// The ISO 4217 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cny => "CNY",
            Self::Eur => "EUR",
            Self::Usd => "USD",
            Self::Jpy => "JPY",
            Self::Kwd => "KWD",
        }
    }

    /// Reads an ISO 4217 code; `None` if we do not charge in it.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }
}

/// An amount that cannot lose its currency.
///
/// `minor` counts the smallest coin: cents for EUR, yen for JPY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Two amounts could not be combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The currencies differ.
    #[error("cannot combine {left} with {right}", left = .left.code(), right = .right.code())]
    CurrencyMismatch {
        /// Currency of the first amount.
        left: Currency,
        /// Currency of the second amount.
        right: Currency,
    },
    /// The result does not fit.
    #[error("the amount is too large")]
    Overflow,
}

impl Money {
    /// An amount of `minor` units.
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// The amount in minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// `times` times the amount.
    ///
    /// # Errors
    ///
    /// [`MoneyError::Overflow`] if the product does not fit.
    pub fn checked_mul(self, times: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(times)).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// Adds an amount of the same currency.
    ///
    /// # Errors
    ///
    /// [`MoneyError::CurrencyMismatch`] if the currencies differ,
    /// [`MoneyError::Overflow`] if the sum does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch {
                left: self.currency,
                right: other.currency,
            });
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// Takes off an amount of the same currency.
    ///
    /// # Errors
    ///
    /// As [`Self::checked_add`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        let minor = other.minor.checked_neg().ok_or(MoneyError::Overflow)?;
        self.checked_add(Self { minor, ..other })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = self.currency.exponent() as usize;
        let scale = 10_u64.pow(self.currency.exponent());
        let (whole, part) = (self.minor.unsigned_abs() / scale, self.minor.unsigned_abs() % scale);
        match digits {
            0 => write!(f, "{sign}{whole}")?,
            _ => write!(f, "{sign}{whole}.{part:0digits$}")?,
        }
        write!(f, " {}", self.currency.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_with_the_decimals_of_their_currency() {
        let cases = [
            (1_250, Currency::Eur, "12.50 EUR"),
            (-5, Currency::Eur, "-0.05 EUR"),
            (980, Currency::Jpy, "980 JPY"),
            (1_005, Currency::Kwd, "1.005 KWD"),
            (i64::MIN, Currency::Eur, "-92233720368547758.08 EUR"),
        ];
        for (minor, currency, expected) in cases {
            assert_eq!(Money::from_minor(minor, currency).to_string(), expected);
        }
    }

    #[test]
    fn euros_and_yen_do_not_add_up() {
        let (eur, jpy) = (Money::from_minor(1, Currency::Eur), Money::from_minor(1, Currency::Jpy));
        assert!(matches!(eur.checked_add(jpy), Err(MoneyError::CurrencyMismatch { .. })));
    }
}
