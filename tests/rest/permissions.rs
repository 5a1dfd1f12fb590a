//! Who may do what: every route of the API document in every role, and things of others are not there.

use std::collections::BTreeSet;

use actix_web::http::Method;
use domain::{ids::AccountId, role::Role};
use serde_json::{Value, json};

use crate::{
    support::{Person, Reply, Shop, World, each_world},
    table::{ROWS, Row, Sees},
};

/// What ids in paths stand for.
struct Things {
    shop: Shop,
    order: String,
    attachment: String,
    session: String,
    entry: String,
    customer: Person,
}

async fn given_things(world: &World) -> Things {
    let (shop, customer) = (world.shop(99).await, world.person(Role::Customer).await);
    let order = world.paid_order(&shop, &customer).await;
    world.act(&order, &shop.merchant, "accept", json!({})).await.expect(200);
    let body = json!({"order": order, "name": "door.png", "media_type": "image/png", "bytes": 100,
        "sha256": "0".repeat(64)});
    let made = world.post("/v1/attachments").by(&customer).json(&body).send().await.expect(201);
    let body = json!({"recipient": "Ann", "address": "Long Street 7", "lat": 31.2, "lng": 121.5});
    let entry = world.post("/v1/addresses").by(&customer).json(&body).send().await.expect(201);
    let devices = world.get("/v1/sessions").by(&customer).send().await.expect(200);
    let session = devices.json["sessions"][0]["session"].as_str().unwrap().to_owned();
    Things {
        shop,
        order,
        attachment: made.text("attachment"),
        session,
        entry: entry.text("entry"),
        customer,
    }
}

impl Things {
    /// The path with the ids of these things in it.
    fn fill(&self, path: &str) -> String {
        let known = [
            ("{store}", self.shop.store.as_str()),
            ("{product}", &self.shop.product),
            ("{order}", &self.order),
            ("{attachment}", &self.attachment),
            ("{session}", &self.session),
            ("{entry}", &self.entry),
            ("{profile}", &self.customer.profile.to_string()),
            ("{alarm}", "no_rider"),
            ("{number}", "1"),
            ("{provider_ref}", "sbx_unknown"),
        ];
        let filled = known.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
        assert!(!filled.contains('{'), "{path}: say in `Things::fill` what its id stands for");
        filled
    }
}

/// The operations of the API document: id, method and path.
fn operations() -> Vec<(String, Method, String)> {
    let document: Value = serde_json::from_str(&riderhub::http::openapi::document()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let Some(id) = operation["operationId"].as_str() else { continue };
            found.push((id.to_owned(), method, path.clone()));
        }
    }
    found
}

fn row(id: &str) -> &'static Row {
    let found = ROWS.iter().find(|it| it.id == id);
    found.unwrap_or_else(|| panic!("`{id}` has no row in tests/rest/table.rs: who may do it?"))
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let routes: BTreeSet<String> = operations().into_iter().map(|it| it.0).collect();
    for id in &routes {
        row(id);
    }
    for row in ROWS {
        assert!(routes.contains(row.id), "`{}` is no route (any more)", row.id);
    }
    let ids: BTreeSet<_> = ROWS.iter().map(|it| it.id).collect();
    assert_eq!(ids.len(), ROWS.len(), "a row stands twice");
}

async fn ask(world: &World, method: &Method, path: &str, body: &str, by: Option<&Person>) -> Reply {
    let key = format!("k-{}", AccountId::generate());
    let (query, body) = if body.starts_with('?') { (body, "") } else { ("", body) };
    let mut ask = world.ask(method.clone(), &format!("{path}{query}")).key(&key);
    // What a piece of a file needs.
    ask = ask.header("Upload-Offset", "0");
    if let Some(person) = by {
        ask = ask.by(person);
    }
    if !body.is_empty() {
        ask = ask.header("Content-Type", "application/json").raw(body);
    }
    ask.send().await
}

#[actix_web::test]
async fn every_route_opens_for_its_roles_and_for_nobody_else() {
    each_world(async |world| {
        let things = given_things(world).await;
        for (id, method, path) in operations() {
            let row = row(&id);
            let path = things.fill(&path);
            let nobody = ask(world, &method, &path, row.body, None).await;
            let is_open = nobody.status != 401;
            assert_eq!(is_open, row.roles.is_none(), "{id} without a token: {nobody:?}");
            for role in Role::ALL {
                // Somebody new each time: some of these routes end a sign-in or an account.
                let person = world.person(*role).await;
                let answer = ask(world, &method, &path, row.body, Some(&person)).await;
                let may = row.roles.is_none_or(|roles| roles.contains(role));
                // Without a body there is only the status.
                let refused = answer.status == 403;
                assert_eq!(refused, !may, "{id} as {role}: {answer:?}");
                assert!(answer.status != 401 && answer.status.as_u16() < 500, "{id}: {answer:?}");
            }
        }
    })
    .await;
}

#[actix_web::test]
async fn what_is_somebody_elses_is_not_found_on_every_route() {
    each_world(async |world| {
        let things = given_things(world).await;
        for (id, method, path) in operations().into_iter().filter(|it| it.2.contains('{')) {
            let row = row(&id);
            let filled = things.fill(&path);
            for role in Role::ALL {
                if row.roles.is_some_and(|roles| !roles.contains(role)) {
                    continue;
                }
                let is_reading = matches!(method, Method::GET | Method::HEAD);
                if *role == Role::Operator && row.sees == Sees::OwnOrOperator && !is_reading {
                    // It would be done.
                    continue;
                }
                let stranger = world.person(*role).await;
                let answer = ask(world, &method, &filled, row.body, Some(&stranger)).await;
                match row.sees {
                    Sees::Own => {
                        assert_eq!(answer.status, 404, "{id} as a strange {role}: {answer:?}");
                    }
                    Sees::All => assert_ne!(answer.status, 403, "{id} as {role}: {answer:?}"),
                    Sees::OwnOrOperator => {
                        let hidden = *role != Role::Operator;
                        assert_eq!(answer.status == 404, hidden, "{id} as {role}: {answer:?}");
                    }
                }
            }
        }
        // Nothing came of all that.
        let order = world.show(&things.order, &things.shop.merchant).await;
        assert_eq!(order.json["state"], "preparing", "{order:?}");
    })
    .await;
}
