//! How many entries of a list somebody wants at once.

use serde::Deserialize;

/// Entries of one page at most.
pub const PAGE_MAX: u32 = 100;

/// Entries of one page if nothing is said.
const PAGE_DEFAULT: u32 = 50;

/// From 1 to [`PAGE_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct PageLimit(u32);

impl PageLimit {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(PAGE_DEFAULT)
    }
}

impl TryFrom<u32> for PageLimit {
    type Error = String;

    fn try_from(wanted: u32) -> Result<Self, Self::Error> {
        let fits = (1..=PAGE_MAX).contains(&wanted);
        fits.then_some(Self(wanted)).ok_or_else(|| format!("`limit` is 1 to {PAGE_MAX}"))
    }
}
