//! Why riders were asked: the explanation of each offer, as it was at that moment.

use domain::{
    clock::Timestamp,
    ids::{OfferId, OrderId},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    args,
    db::{Reader, Tx},
    error::StoreError,
    events,
    retention::ROWS_MAX,
};

/// Explanations of one order that are shown at most, the newest.
pub const SHOWN_MAX: u32 = 50;

/// How a rider was chosen whom an operator named.
pub const BY_OPERATOR: &str = "operator";

/// Push `ops.why`: why a rider was asked. Costs are minutes of one customer's waiting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The order.
    pub order: String,
    /// The offer that was made.
    pub offer: String,
    /// How riders are chosen.
    #[schemars(extend("enum" = ["instant", "batch", BY_OPERATOR]))]
    pub policy: String,
    /// The rider who was asked.
    pub chosen: Candidate,
    /// The best others, the cheapest first; at most seven.
    pub others: Vec<Candidate>,
    /// Riders whose routes were tried.
    pub n_candidates: u32,
    /// When, in UTC milliseconds.
    pub at: i64,
}

/// A rider who could have got a delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// Who.
    pub rider: String,
    /// What the delivery adds to his route, handicap included, in minutes.
    pub cost_min: f64,
    /// What speaks against him besides his route, in minutes.
    pub handicap_min: f64,
    /// Metres from him to the store.
    pub pickup_m: i64,
    /// Orders that he holds or is asked about.
    pub load: u32,
}

impl Explanation {
    /// One rider, chosen without others; the offer's id is not known yet.
    pub fn of(order_id: OrderId, policy: &str, chosen: Candidate, at: Timestamp) -> Self {
        Self {
            order: order_id.to_string(),
            offer: String::new(),
            policy: policy.to_owned(),
            chosen,
            others: Vec::new(),
            n_candidates: 1,
            at: at.ms(),
        }
    }
}

#[derive(sqlx::FromRow)]
struct BodyRow {
    body: String,
}

#[derive(sqlx::FromRow)]
struct InstantRow {
    at_ms: i64,
}

/// Keeps the explanation of an offer.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert(
    tx: &mut Tx,
    offer_id: OfferId,
    order_id: OrderId,
    it: &Explanation,
    at: Timestamp,
) -> Result<(), StoreError> {
    let body = events::json(it)?;
    tx.exec(
        "insert into offer_why (offer_id, order_id, body, at_ms) values (?, ?, ?, ?)",
        args![offer_id, order_id, &body, at],
    )
    .await?;
    Ok(())
}

/// The explanations of an order's offers, the newest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_for_order(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Vec<Explanation>, StoreError> {
    let sql = format!(
        "select body from offer_why where order_id = ?
          order by at_ms desc, offer_id desc limit {SHOWN_MAX}"
    );
    let rows: Vec<BodyRow> = reader.all(&sql, args![order_id]).await?;
    rows.into_iter()
        .map(|row| {
            serde_json::from_str(&row.body)
                .map_err(|_| StoreError::corrupt("offer_why.body", &row.body))
        })
        .collect()
}

/// Removes the oldest explanations from before `cutoff`; returns how many.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn remove_old(tx: &mut Tx, cutoff: Timestamp) -> Result<u64, StoreError> {
    let last: Option<InstantRow> = tx
        .opt(
            "select at_ms from offer_why where at_ms < ? order by at_ms limit 1 offset ?",
            args![cutoff, ROWS_MAX - 1],
        )
        .await?;
    let before = last.map_or(cutoff, |row| Timestamp::from_ms(row.at_ms + 1).min(cutoff));
    tx.exec("delete from offer_why where at_ms < ?", args![before]).await
}
