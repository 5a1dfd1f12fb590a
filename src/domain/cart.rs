//! What a customer may put together before ordering.

use crate::ids::{OptionId, ProductId};

/// Most different lines in one cart or order.
pub const CART_LINES_MAX: usize = 50;
/// Most pieces of one product in one cart or order.
pub const QUANTITY_MAX: u32 = 99;

/// How many pieces: 1 to [`QUANTITY_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u32);

/// Something of a product, with what was chosen with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartLine {
    /// Which product.
    pub product_id: ProductId,
    /// How many.
    pub quantity: Quantity,
    /// What was chosen with it, in a fixed order.
    pub options: Vec<OptionId>,
}

/// The cart cannot be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    /// Too many or too few pieces.
    #[error("a quantity is from 1 to {QUANTITY_MAX}; this one is {quantity}")]
    Quantity {
        /// What was asked for.
        quantity: i64,
    },
    /// Nothing in it.
    #[error("the cart is empty")]
    Empty,
    /// Above [`CART_LINES_MAX`].
    #[error("at most {CART_LINES_MAX} different products fit; these are {lines}")]
    TooManyLines {
        /// How many were asked for.
        lines: usize,
    },
    /// The same product with the same options twice.
    #[error("product {product_id} is listed twice")]
    Twice {
        /// Which product.
        product_id: ProductId,
    },
}

impl Quantity {
    /// Checks a number of pieces.
    ///
    /// # Errors
    ///
    /// [`CartError::Quantity`] if it is out of range.
    pub fn new(quantity: i64) -> Result<Self, CartError> {
        u32::try_from(quantity)
            .ok()
            .filter(|it| (1..=QUANTITY_MAX).contains(it))
            .map(Self)
            .ok_or(CartError::Quantity { quantity })
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl CartLine {
    /// Pieces of a product with nothing chosen.
    pub const fn plain(product_id: ProductId, quantity: Quantity) -> Self {
        Self { product_id, quantity, options: Vec::new() }
    }

    /// Pieces of a product with `options`, in whatever order they were named.
    pub fn with(product_id: ProductId, quantity: Quantity, mut options: Vec<OptionId>) -> Self {
        options.sort_unstable();
        Self { product_id, quantity, options }
    }

    /// Whether both are the same product with the same options.
    pub fn is_like(&self, other: &Self) -> bool {
        self.product_id == other.product_id && self.options == other.options
    }
}

/// Checks lines that are to be ordered together.
///
/// # Errors
///
/// [`CartError`] if there are none, too many, or one product twice with the same options.
pub fn check_lines(lines: &[CartLine]) -> Result<(), CartError> {
    if lines.is_empty() {
        return Err(CartError::Empty);
    }
    if lines.len() > CART_LINES_MAX {
        return Err(CartError::TooManyLines { lines: lines.len() });
    }
    for (at, line) in lines.iter().enumerate() {
        if lines[..at].iter().any(|it| it.is_like(line)) {
            return Err(CartError::Twice { product_id: line.product_id });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_from_one_to_the_limit() {
        for bad in [i64::MIN, -1, 0, 100, i64::MAX] {
            assert_eq!(Quantity::new(bad), Err(CartError::Quantity { quantity: bad }));
        }
        assert_eq!(Quantity::new(99).map(Quantity::get), Ok(99));
    }

    #[test]
    fn a_cart_has_lines_and_each_product_once() {
        let line = |id| CartLine::plain(id, Quantity(1));
        let twice = ProductId::generate();
        assert_eq!(check_lines(&[]), Err(CartError::Empty));
        assert_eq!(
            check_lines(&[line(twice), line(ProductId::generate()), line(twice)]),
            Err(CartError::Twice { product_id: twice })
        );
        let many: Vec<_> = (0..51).map(|_| line(ProductId::generate())).collect();
        assert_eq!(check_lines(&many), Err(CartError::TooManyLines { lines: 51 }));
        assert_eq!(check_lines(&many[..50]), Ok(()));
    }

    #[test]
    fn a_product_with_other_options_is_another_line() {
        let (product, hot, cold) =
            (ProductId::generate(), OptionId::generate(), OptionId::generate());
        let with = |options: &[OptionId]| CartLine::with(product, Quantity(1), options.to_vec());
        assert_eq!(check_lines(&[with(&[]), with(&[hot]), with(&[hot, cold])]), Ok(()));
        let same = [with(&[hot, cold]), with(&[cold, hot])];
        assert_eq!(check_lines(&same), Err(CartError::Twice { product_id: product }));
    }
}
