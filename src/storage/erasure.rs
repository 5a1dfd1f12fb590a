//! Forgetting a person: what stands of somebody in accounts, orders and chats. Money stays as it is.

use domain::{
    account::ERASED_NAME,
    ids::{AccountId, OrderId},
    role::Profile,
};
use serde_json::Value;

use crate::{
    args,
    columns::parsed,
    db::{Reader, Tx},
    error::StoreError,
};

/// Orders of one step at most.
const ORDERS_MAX: u32 = 20;
/// Entries of one order's channel that are looked at, at most.
const ENTRIES_MAX: u32 = 5_000;

#[derive(sqlx::FromRow)]
struct OrderRow {
    order_id: String,
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    off: i64,
    body: String,
}

#[derive(sqlx::FromRow)]
struct OneRow {
    #[expect(dead_code, reason = "only that there is one matters")]
    one: i64,
}

/// Whether something is under way for which the person is needed: an open order, a delivery, a store
/// that is open or has orders.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn is_busy(reader: &mut impl Reader, profile: Profile) -> Result<bool, StoreError> {
    let sql = match profile {
        Profile::Customer(_) => {
            "select 1 as one from customer_order
              where customer_id = ? and ended_at_ms is null limit 1"
        }
        Profile::Rider(_) => {
            "select 1 as one from delivery
              where rider_id = ? and state in ('assigned', 'arrived_pickup', 'picked_up',
                    'arrived_dropoff', 'returning') limit 1"
        }
        Profile::Merchant(_) => {
            "select 1 as one from store s
              where s.owner_id = ? and (s.is_open = true or exists (
                    select 1 from customer_order o
                     where o.store_id = s.store_id and o.ended_at_ms is null)) limit 1"
        }
        Profile::Operator(_) => return Ok(false),
    };
    Ok(reader.opt::<OneRow>(sql, args![profile.to_string()]).await?.is_some())
}

/// Takes everything personal out of an account and its sign-ins. Its login is free again.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn forget_account(tx: &mut Tx, account_id: AccountId) -> Result<(), StoreError> {
    tx.exec(
        "update account set login = ?, password_hash = '!', phone = null, email = null, avatar = null
          where account_id = ?",
        args![format!("erased-{account_id}"), account_id],
    )
    .await?;
    let sql = "update profile set name = ? where account_id = ?";
    tx.exec(sql, args![ERASED_NAME, account_id]).await?;
    let sql = "update sign_in set device = null, client = null, device_hash = null
                where account_id = ?";
    tx.exec(sql, args![account_id]).await?;
    tx.exec("delete from external_identity where account_id = ?", args![account_id]).await?;
    Ok(())
}

/// Forgets a person in some of the orders that come after `after`: the door, the note, the name in the
/// chat. Answers the last one, or `None` when there are no more.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn forget_in_orders(
    tx: &mut Tx,
    profile: Profile,
    after: Option<OrderId>,
) -> Result<Option<OrderId>, StoreError> {
    let sql = match profile {
        Profile::Customer(_) => {
            "select order_id from customer_order where customer_id = ? and order_id > ?
              order by order_id limit ?"
        }
        Profile::Rider(_) => {
            "select distinct order_id from delivery where rider_id = ? and order_id > ?
              order by order_id limit ?"
        }
        Profile::Merchant(_) => {
            "select o.order_id from customer_order o
               join store_staff s on s.store_id = o.store_id
              where s.merchant_id = ? and o.order_id > ? order by o.order_id limit ?"
        }
        Profile::Operator(_) => return Ok(None),
    };
    let after = after.map(|it| it.to_string()).unwrap_or_default();
    let rows: Vec<OrderRow> = tx.all(sql, args![profile.to_string(), after, ORDERS_MAX]).await?;
    let mut last = None;
    for row in rows {
        let order_id: OrderId = parsed("customer_order.order_id", &row.order_id)?;
        if matches!(profile, Profile::Customer(_)) {
            let sql =
                "update customer_order set dropoff_address = ?, note = null where order_id = ?";
            tx.exec(sql, args![ERASED_NAME, order_id]).await?;
        }
        forget_in_chat(tx, order_id, &profile.to_string()).await?;
        last = Some(order_id);
    }
    Ok(last)
}

async fn forget_in_chat(tx: &mut Tx, order_id: OrderId, whose: &str) -> Result<(), StoreError> {
    let channel = format!("order:{order_id}");
    let sql = "select off, body from journal where channel = ? order by off limit ?";
    let entries: Vec<EntryRow> = tx.all(sql, args![&channel, ENTRIES_MAX]).await?;
    for entry in entries.iter().filter(|it| it.body.contains(whose)) {
        let Ok(mut body) = serde_json::from_str::<Value>(&entry.body) else { continue };
        if !without_name(&mut body, whose) {
            continue;
        }
        let text = body.to_string();
        let sql = "update journal set body = ? where channel = ? and off = ?";
        tx.exec(sql, args![&text, &channel, entry.off]).await?;
    }
    Ok(())
}

/// Takes the name out of everything that says whose it is; whether there was one.
fn without_name(value: &mut Value, whose: &str) -> bool {
    let mut found = false;
    match value {
        Value::Array(items) => {
            for item in items {
                found |= without_name(item, whose);
            }
        }
        Value::Object(fields) => {
            let is_theirs = fields.get("profile").and_then(Value::as_str) == Some(whose);
            if is_theirs && let Some(name) = fields.get_mut("name") {
                *name = ERASED_NAME.into();
                found = true;
            }
            for field in fields.values_mut() {
                found |= without_name(field, whose);
            }
        }
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_persons_own_name_goes() {
        let mut body = json!({"from": {"profile": "cus_1", "name": "Ann"},
            "list": [{"profile": "cus_2", "name": "Bob"}, {"profile": "cus_1", "name": "Ann"}]});
        assert!(without_name(&mut body, "cus_1"));
        assert_eq!(body["from"]["name"], ERASED_NAME);
        assert_eq!(body["list"][0]["name"], "Bob");
        assert_eq!(body["list"][1]["name"], ERASED_NAME);
        assert!(!without_name(&mut body, "cus_3"));
    }
}
