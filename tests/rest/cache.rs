//! What is read through the cache: true for whoever writes, tagged, and seldom read from SQL.

use domain::role::Role;
use serde_json::json;

use crate::support::{Reply, Shop, each_world};

fn menu_of(shop: &Shop) -> String {
    format!("/v1/stores/{}/products", shop.store)
}

fn tag(reply: &Reply) -> String {
    reply.headers.get("etag").unwrap().to_str().unwrap().to_owned()
}

#[actix_web::test]
async fn whoever_writes_reads_it_at_once() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let (store, menu) = (format!("/v1/stores/{}", shop.store), menu_of(&shop));
        for n in 1..=3 {
            assert_eq!(world.stock(&shop).await, 9 - 2 * (n - 1));
            world.get(&store).send().await.expect(200);
            let (name, price) =
                (json!({"name": format!("Noodles {n}")}), json!({"price_minor": n}));
            world.patch(&store).by(&shop.merchant).json(&name).send().await.expect(200);
            let product = format!("/v1/products/{}", shop.product);
            world.patch(&product).by(&shop.merchant).json(&price).send().await.expect(200);
            assert_eq!(world.get(&store).send().await.json["name"], format!("Noodles {n}"));
            assert_eq!(world.get(&menu).send().await.json["products"][0]["price_minor"], n);
            world.order(&shop, &customer).await;
        }
        let more = json!({"name": "Dumplings", "price_minor": 900, "stock": 3});
        world.post(&menu).by(&shop.merchant).json(&more).send().await.expect(201);
        let shown = world.get(&menu).send().await.expect(200);
        assert_eq!(shown.json["products"].as_array().unwrap().len(), 2);
        let hidden = json!({"is_listed": false});
        let product = format!("/v1/products/{}", shop.product);
        world.patch(&product).by(&shop.merchant).json(&hidden).send().await.expect(200);
        let shown = world.get(&menu).send().await.expect(200);
        assert_eq!(shown.json["products"].as_array().unwrap().len(), 1);

        let nobody = domain::ids::StoreId::generate();
        for _ in 0..2 {
            let menu = format!("/v1/stores/{nobody}/products");
            world.get(&menu).send().await.problem(404, "not-found");
            world.get(&format!("/v1/stores/{nobody}")).send().await.problem(404, "not-found");
        }
    })
    .await;
}

#[actix_web::test]
async fn what_a_client_has_is_not_sent_again_until_it_changes() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.order(&shop, &customer).await;
        let (store, menu) = (format!("/v1/stores/{}", shop.store), menu_of(&shop));
        let near = "/v1/stores?lat=31.2&lng=121.5".to_owned();
        let shown = format!("/v1/orders/{order}");
        for path in [&store, &menu, &near, &shown, &"/v1/orders".to_owned()] {
            let ask = || world.get(path).by(&customer);
            let first = ask().send().await.expect(200);
            let known = tag(&first);
            for same in [known.clone(), format!("W/{known}"), format!("\"x\", {known}")] {
                let again = ask().header("If-None-Match", &same).send().await.expect(304);
                assert_eq!((again.bytes.len(), tag(&again)), (0, known.clone()), "{path}");
            }
            ask().header("If-None-Match", "\"x\"").send().await.expect(200);
        }
        let known = tag(&world.get(&shown).by(&customer).send().await);
        world.act(&order, &customer, "cancel", json!({})).await.expect(200);
        let changed = world.get(&shown).by(&customer).header("If-None-Match", &known).send().await;
        assert_eq!(changed.expect(200).text("state"), "closed");
        let known = tag(&world.get(&menu).send().await);
        world.order(&shop, &customer).await;
        let changed = world.get(&menu).header("If-None-Match", &known).send().await.expect(200);
        assert_eq!(changed.json["products"][0]["stock"], 7);
    })
    .await;
}

/// A day in small: whoever comes looks at the nearest stores, at three menus, and at one of them again;
/// every fifth orders, and now and then a price changes. Some stores are visited more than others.
#[actix_web::test]
async fn of_a_days_reads_nine_in_ten_need_no_sql() {
    const STORES: usize = 8;
    const VISITS: usize = 250;
    each_world(async |world| {
        let mut shops = Vec::new();
        for _ in 0..STORES {
            shops.push(world.shop(900).await);
        }
        let customer = world.person(Role::Customer).await;
        for visit in 0..VISITS {
            // Two thirds of all visits are to a third of the stores.
            let favourite =
                if visit % 3 == 0 { visit / 3 % STORES } else { visit % (STORES / 3 + 1) };
            for look in [0, 1, 2, 0] {
                let shop = &shops[(favourite + look) % STORES];
                world.get(&menu_of(shop)).send().await.expect(200);
            }
            let shop = &shops[favourite];
            world.get(&format!("/v1/stores/{}", shop.store)).send().await.expect(200);
            if visit % 5 == 0 {
                world.order(shop, &customer).await;
            }
            if visit % 50 == 0 {
                let price = json!({"price_minor": 1_000 + visit});
                let product = format!("/v1/products/{}", shop.product);
                world.patch(&product).by(&shop.merchant).json(&price).send().await.expect(200);
            }
        }
        let caches = &world.platform.caches;
        let (known, read) = (caches.menus.counts(), caches.stores.counts());
        let (known, read) = (known.0 + read.0, known.1 + read.1);
        let rate = known as f64 / (known + read) as f64;
        eprintln!("of {} reads {read} needed SQL: hit rate {rate:.3}", known + read);
        assert!(rate >= 0.9, "of {} reads {read} needed SQL", known + read);
    })
    .await;
}
