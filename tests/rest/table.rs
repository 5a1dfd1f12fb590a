//! The table of permissions: one row for each route of the API document.

use domain::role::Role::{self, Customer, Merchant, Operator, Rider};

/// Whose things somebody sees who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sees {
    /// Those of everybody, as the menu of a store.
    All,
    /// The own ones: a stranger's are not there.
    Own,
    /// The own ones; operators everybody's.
    OwnOrOperator,
}

/// Who may use a route.
#[derive(Debug)]
pub(crate) struct Row {
    /// The `operationId`.
    pub(crate) id: &'static str,
    /// The roles; `None` if a token is not needed.
    pub(crate) roles: Option<&'static [Role]>,
    /// Whose things are seen by an id in the path.
    pub(crate) sees: Sees,
    /// A body that is fine, or a query that begins with `?`.
    pub(crate) body: &'static str,
}

const fn row(
    id: &'static str,
    roles: Option<&'static [Role]>,
    sees: Sees,
    body: &'static str,
) -> Row {
    Row { id, roles, sees, body }
}

/// Whoever is signed in.
const ALL: Option<&[Role]> = Some(&[Customer, Merchant, Rider, Operator]);
const CUS: Option<&[Role]> = Some(&[Customer]);
const MER: Option<&[Role]> = Some(&[Merchant]);
const OPR: Option<&[Role]> = Some(&[Operator]);
/// Also who is not signed in.
const ANY: Option<&[Role]> = None;

/// The table.
#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    row("create_account", ANY, Sees::All, "{}"),
    row("create_session", ANY, Sees::All, "{}"),
    row("refresh_session", ANY, Sees::All, "{}"),
    row("get_demo_session", ANY, Sees::All, ""),
    row("get_me", ALL, Sees::Own, ""),
    row("list_sessions", ALL, Sees::Own, ""),
    row("remove_session", ALL, Sees::Own, ""),
    row("end_session", ALL, Sees::Own, ""),
    row("revoke_sessions", ALL, Sees::Own, r#"{"all":true}"#),
    row("create_code", ANY, Sees::All, "{}"),
    row("create_code_session", ANY, Sees::All, "{}"),
    row("reset_password", ANY, Sees::All, "{}"),
    row("change_me", ALL, Sees::Own, r#"{"name":"Ann"}"#),
    row("create_profile", ALL, Sees::Own, r#"{"role":"customer"}"#),
    row("put_contact", ALL, Sees::Own, r#"{"to":"a@b.cd","code":"1"}"#),
    row("put_password", ALL, Sees::Own, r#"{"proof":{"password":"x"},"password":"correct horse"}"#),
    row("deactivate_me", ALL, Sees::Own, r#"{"password":"x"}"#),
    row("erase_me", ALL, Sees::Own, r#"{"password":"x"}"#),
    row("put_picture", ALL, Sees::Own, ""),
    row("delete_picture", ALL, Sees::Own, ""),
    row("get_picture", ALL, Sees::All, ""),
    row("reopen_profile", OPR, Sees::All, ""),
    row("list_addresses", CUS, Sees::Own, ""),
    row("create_address", CUS, Sees::Own, "{}"),
    row("put_address", CUS, Sees::Own, r#"{"recipient":"B","address":"x","lat":1.0,"lng":1.0}"#),
    row("delete_address", CUS, Sees::Own, ""),
    row("list_audit", OPR, Sees::All, ""),
    row("revoke_profile", OPR, Sees::All, ""),
    row("rotate_token_key", OPR, Sees::All, ""),

    row("find_stores", ANY, Sees::All, ""),
    row("get_store", ANY, Sees::All, ""),
    row("list_products", ANY, Sees::All, ""),
    row("create_store", MER, Sees::Own, "{}"),
    row("list_my_stores", MER, Sees::Own, ""),
    row("change_store", MER, Sees::Own, r#"{"is_open":false}"#),
    row("create_product", MER, Sees::Own, r#"{"name":"Soup","price_minor":1,"stock":1}"#),
    row("change_product", MER, Sees::Own, r#"{"price_minor":2}"#),
    row("get_stock", MER, Sees::Own, ""),
    row("change_stock", MER, Sees::Own, r#"{"set":5,"reason":"delivery"}"#),
    row("verify_pickup", MER, Sees::Own, r#"{"code":"ACDEF"}"#),
    row("list_store_orders", MER, Sees::Own, ""),
    row("get_cart", CUS, Sees::All, ""),
    row("clear_cart", CUS, Sees::All, ""),
    row("put_cart_line", CUS, Sees::All, r#"{"quantity":1}"#),

    row("list_carts", CUS, Sees::Own, ""),
    row("put_cart", CUS, Sees::All, r#"{"lines":[]}"#),
    row("merge_cart", CUS, Sees::All, r#"{"lines":[]}"#),
    row("get_product_options", ANY, Sees::All, ""),
    row("put_product_options", MER, Sees::Own, r#"{"packing_minor":0}"#),
    row("get_store_fees", ANY, Sees::All, ""),
    row("put_store_fees", MER, Sees::Own, r#"{"packing_minor":0}"#),
    row("create_quote", CUS, Sees::Own, "{}"),
    row("list_store_slots", ANY, Sees::All, ""),
    row("put_store_slots", MER, Sees::Own, r#"{"minutes":30,"capacity":1}"#),

    row("create_order", CUS, Sees::Own, "{}"),
    row("list_orders", ALL, Sees::Own, ""),
    row("get_order", ALL, Sees::OwnOrOperator, ""),
    row("get_track", ALL, Sees::OwnOrOperator, ""),
    row("accept_order", MER, Sees::Own, ""),
    row("start_order", MER, Sees::Own, ""),
    row("ready_order", MER, Sees::Own, ""),
    row("reject_order", MER, Sees::Own, r#"{"reason":"busy"}"#),
    row("returned_order", MER, Sees::Own, ""),
    row("cancel_order", ALL, Sees::OwnOrOperator, ""),
    row("urge_order", CUS, Sees::Own, ""),
    row("quote_cancel", CUS, Sees::Own, ""),
    row("request_cancel", CUS, Sees::Own, ""),
    row("agree_cancel", MER, Sees::Own, ""),
    row("refuse_cancel", MER, Sees::Own, ""),
    row("raise_shortage", MER, Sees::Own, r#"{"line":1,"quantity":1}"#),
    row("answer_shortage", CUS, Sees::Own, r#"{"accept":true}"#),
    row("get_ticket", Some(&[Merchant, Operator]), Sees::OwnOrOperator, ""),
    row("reorder", CUS, Sees::Own, ""),
    row("confirm_order", CUS, Sees::Own, ""),
    row("create_payment", CUS, Sees::Own, r#"{"provider":"sandbox"}"#),
    row("sandbox_pay", ANY, Sees::All, r#"{"outcome":"failed"}"#),
    row("sandbox_notify", ANY, Sees::All, "{}"),

    row("create_attachment", ALL, Sees::Own, "{}"),
    row("append_attachment", ALL, Sees::Own, ""),
    row("ask_attachment", ALL, Sees::Own, ""),
    row("get_attachment", ALL, Sees::Own, ""),
    row("list_quick_replies", ALL, Sees::Own, ""),
    row("get_inbox", ALL, Sees::Own, ""),
    row("get_push_key", ANY, Sees::All, ""),
    row("put_push_subscription", ALL, Sees::Own, "{}"),
    row("delete_push_subscription", ALL, Sees::Own, ""),

    row("get_demand", Some(&[Rider, Operator]), Sees::All, "?region=wtw3"),
    row("list_regions", ANY, Sees::All, ""),
    row("get_ops_snapshot", OPR, Sees::All, ""),
    row("get_ops_travel", OPR, Sees::All, "?region=wtw3"),
    row("list_alarms", OPR, Sees::All, ""),
    row("resolve_alarm", OPR, Sees::All, ""),
    row("reassign_order", OPR, Sees::All, ""),
    row("waive_proof", OPR, Sees::All, r#"{"reason":"code_not_at_hand"}"#),
    row("get_order_why", OPR, Sees::All, ""),
];
