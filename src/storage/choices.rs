//! What can be chosen with products, and what was: kept as JSON, read and written as a whole.

use std::collections::HashMap;

use domain::{
    ids::ProductId,
    money::{Currency, Money},
    options::{Chosen, OptionGroup, ProductOption},
};
use serde::{Deserialize, Serialize};

use crate::{
    args,
    columns::{any_of, parsed},
    db::{Reader, Tx},
    dialect,
    error::StoreError,
    events,
};

/// What belongs to a product beside its price.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// What the packing of one piece costs, in minor units of the store's currency.
    pub packing_minor: i64,
    /// What can be chosen with it.
    pub groups: Vec<OptionGroup>,
}

#[derive(Serialize, Deserialize)]
struct GroupText {
    id: String,
    name: String,
    min: u32,
    max: u32,
    options: Vec<OptionText>,
}

#[derive(Serialize, Deserialize)]
struct OptionText {
    id: String,
    name: String,
    price: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    out: bool,
}

#[derive(Serialize, Deserialize)]
struct ChosenText {
    id: String,
    group: String,
    name: String,
    price: i64,
}

#[derive(sqlx::FromRow)]
struct ChoiceRow {
    product_id: String,
    packing_minor: i64,
    option_groups: String,
}

const GROUPS: &str = "product_choice.option_groups";
const OPTIONS: &str = "order_line.options";

fn read_group(text: GroupText, currency: Currency) -> Result<OptionGroup, StoreError> {
    let option = |it: OptionText| {
        Ok(ProductOption {
            id: parsed(GROUPS, &it.id)?,
            name: it.name,
            price: Money::from_minor(it.price, currency),
            is_available: !it.out,
        })
    };
    Ok(OptionGroup {
        id: parsed(GROUPS, &text.id)?,
        name: text.name,
        min: text.min,
        max: text.max,
        options: text.options.into_iter().map(option).collect::<Result<_, StoreError>>()?,
    })
}

fn write_group(group: &OptionGroup) -> GroupText {
    let option = |it: &ProductOption| OptionText {
        id: it.id.to_string(),
        name: it.name.clone(),
        price: it.price.minor(),
        out: !it.is_available,
    };
    GroupText {
        id: group.id.to_string(),
        name: group.name.clone(),
        min: group.min,
        max: group.max,
        options: group.options.iter().map(option).collect(),
    }
}

/// What was chosen, as it is kept with a line; `None` for nothing.
pub(crate) fn write_chosen(chosen: &[Chosen]) -> Result<Option<String>, StoreError> {
    if chosen.is_empty() {
        return Ok(None);
    }
    let text = |it: &Chosen| ChosenText {
        id: it.id.to_string(),
        group: it.group.clone(),
        name: it.name.clone(),
        price: it.price.minor(),
    };
    events::json(&chosen.iter().map(text).collect::<Vec<_>>()).map(Some)
}

/// What was chosen with a line.
pub(crate) fn read_chosen(
    stored: Option<&str>,
    currency: Currency,
) -> Result<Vec<Chosen>, StoreError> {
    let Some(stored) = stored else { return Ok(Vec::new()) };
    let texts: Vec<ChosenText> =
        events::read_json(stored.as_bytes()).ok_or_else(|| StoreError::corrupt(OPTIONS, stored))?;
    let chosen = |it: ChosenText| {
        Ok(Chosen {
            id: parsed(OPTIONS, &it.id)?,
            group: it.group,
            name: it.name,
            price: Money::from_minor(it.price, currency),
        })
    };
    texts.into_iter().map(chosen).collect()
}

/// What belongs to those of `products` for which something was said.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(
    reader: &mut impl Reader,
    products: &[ProductId],
    currency: Currency,
) -> Result<HashMap<ProductId, Choice>, StoreError> {
    if products.is_empty() {
        return Ok(HashMap::new());
    }
    let (marks, values) = any_of(products);
    let sql = format!(
        "select product_id, packing_minor, option_groups from product_choice
          where product_id in ({marks})"
    );
    let rows: Vec<ChoiceRow> = reader.all(&sql, &values).await?;
    let choice = |row: ChoiceRow| {
        let texts: Vec<GroupText> = events::read_json(row.option_groups.as_bytes())
            .ok_or_else(|| StoreError::corrupt(GROUPS, &row.option_groups))?;
        let groups = texts.into_iter().map(|it| read_group(it, currency));
        let groups = groups.collect::<Result<_, StoreError>>()?;
        let product_id = parsed("product_choice.product_id", &row.product_id)?;
        Ok((product_id, Choice { packing_minor: row.packing_minor, groups }))
    };
    rows.into_iter().map(choice).collect()
}

/// Says what belongs to a product.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save(tx: &mut Tx, product_id: ProductId, choice: &Choice) -> Result<(), StoreError> {
    let groups = events::json(&choice.groups.iter().map(write_group).collect::<Vec<_>>())?;
    let tail = dialect::or_update(tx.is_mysql(), "product_id", &["packing_minor", "option_groups"]);
    let sql = format!(
        "insert into product_choice (product_id, packing_minor, option_groups) values (?, ?, ?){tail}"
    );
    tx.exec(&sql, args![product_id, choice.packing_minor, groups]).await?;
    Ok(())
}
