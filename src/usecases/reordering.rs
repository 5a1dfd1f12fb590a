//! Ordering the same again: what is still sold goes into the cart, what is not is named.

use domain::{
    cart::CartLine,
    clock::Timestamp,
    ids::{CustomerId, OrderId},
    role::Profile,
};
use serde::{Deserialize, Serialize};
use storage::{
    carts,
    commands::CommandKey,
    db::Tx,
    order_lines::{self, StoredLine},
};

use crate::{
    cart_moves::{self, WantedItem},
    error::AskError,
    order_case::OrderCase,
    platform::{Changes, Done, Platform},
};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reordered {
    /// In whose cart it is.
    pub store: String,
    /// What is not sold any more, or not so.
    pub left_out: Vec<LeftOut>,
}

/// Something that is not sold any more, or not so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which product.
    pub product: String,
    /// What it was called.
    pub name: String,
    /// Why, as a sentence.
    pub why: String,
}

/// Puts what was ordered into the cart of its store, beside what is there.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Cart`] if it does not fit.
pub async fn reorder(
    platform: &Platform,
    by: CustomerId,
    order_id: OrderId,
    key: Option<CommandKey>,
) -> Result<Done<Reordered>, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let case = OrderCase::read(tx, order_id).await?;
        case.only_for(tx, Profile::Customer(by)).await?;
        let lines = order_lines::list(tx, order_id).await?;
        let version = carts::count_change(tx, by, case.store.id, at).await?;
        let items: Vec<_> = lines.iter().map(item).collect();
        let refused = cart_moves::put_beside(tx, by, &case.store, &items, at).await?;
        let left_out = refused.iter().map(|(line, why)| left_out(&lines, line, why)).collect();
        cart_moves::tell(tx, changes, by, case.store.id, version).await?;
        Ok::<_, AskError>(Reordered { store: case.store.id.to_string(), left_out })
    };
    platform.command(key, work).await
}

fn item(line: &StoredLine) -> WantedItem {
    let options = line.options.iter().map(|it| it.id).collect();
    let line = CartLine::with(line.product_id, line.quantity, options);
    WantedItem { line, is_selected: Some(true) }
}

fn left_out(lines: &[StoredLine], line: &CartLine, why: &AskError) -> LeftOut {
    let was = lines.iter().find(|it| it.product_id == line.product_id);
    let why = match why {
        AskError::NotSold { .. } => "The store does not sell this any more.".to_owned(),
        other => format!("What was chosen cannot be had now ({other}); choose again on the menu."),
    };
    let name = was.map(|it| it.name.clone()).unwrap_or_default();
    LeftOut { product: line.product_id.to_string(), name, why }
}
