//! The slip of an order for the kitchen.

use domain::{
    ids::OrderId,
    order_number::local_time,
    role::{Profile, Role},
    ticket::{Ticket, TicketLine},
};
use storage::{
    order_lines::{self, StoredLine},
    shortages::{self, Shortage, ShortageState},
};

use crate::{error::AskError, order_case::OrderCase, platform::Platform};

/// The slip of an order, for the store's staff and operators.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::WrongRole`] for customers and riders.
pub async fn ticket(
    platform: &Platform,
    by: Profile,
    order_id: OrderId,
) -> Result<Ticket, AskError> {
    if !matches!(by.role(), Role::Merchant | Role::Operator) {
        return Err(AskError::WrongRole { needed: Role::Merchant });
    }
    let mut reader = platform.reader();
    let case = OrderCase::read(&mut reader, order_id).await?;
    case.only_for(&mut reader, by).await?;
    let lines = order_lines::list(&mut reader, order_id).await?;
    let missing = shortages::list(&mut reader, order_id).await?;
    let (stored, place) = (case.stored, case.store.place);
    let parts = [
        ("Items", stored.parts.items),
        ("Packing", stored.parts.packing),
        ("Delivery", stored.parts.delivery_fee),
        ("Discount", stored.parts.discount),
        ("Tip", stored.parts.tip),
    ];
    let contact: Vec<_> =
        stored.contact_name.iter().chain(&stored.contact_phone).cloned().collect();
    let number = stored.number.map(|it| it.to_string());
    Ok(Ticket {
        store: case.store.name,
        number: number.unwrap_or_else(|| order_id.to_string()),
        placed: local_time(place, stored.order.placed_at),
        wanted: stored.scheduled_for.map(|it| local_time(place, it)),
        lines: to_cook(&lines, &missing),
        parts: parts.into_iter().filter(|(_, it)| it.minor() != 0).collect(),
        total: stored.order.total,
        cutlery: stored.cutlery,
        note: stored.note,
        contact: (!contact.is_empty()).then(|| contact.join(" ")),
        address: stored.dropoff_address,
    })
}

/// What is to be cooked: without what is sold out, with what is made instead.
fn to_cook(lines: &[StoredLine], missing: &[Shortage]) -> Vec<TicketLine> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let its = missing.iter().filter(|it| it.line_no as usize == at + 1);
        let gone: u32 =
            its.clone().filter(|it| it.state != ShortageState::Lapsed).map(|it| it.missing).sum();
        if line.quantity.get() > gone {
            found.push(row(line, line.quantity.get() - gone));
        }
        for it in its.filter(|it| it.state == ShortageState::Substituted) {
            found.extend(it.substitute.as_ref().map(|it| row(it, it.quantity.get())));
        }
    }
    found
}

fn row(line: &StoredLine, quantity: u32) -> TicketLine {
    let options = line.options.iter().map(|it| it.name.clone()).collect();
    let total = line.unit.checked_mul(quantity).unwrap_or(line.total);
    TicketLine { quantity, name: line.name.clone(), options, total }
}
