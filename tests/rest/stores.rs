//! Stores, products and carts.

use domain::role::Role;
use serde_json::json;

use crate::support::each_world;

#[actix_web::test]
async fn the_nearest_store_comes_first_and_far_ones_not_at_all() {
    each_world(async |world| {
        let merchant = world.person(Role::Merchant).await;
        for (name, lat) in [("Far", 31.5), ("Second", 31.22), ("First", 31.201)] {
            let body = json!({"name": name, "lat": lat, "lng": 121.5, "currency": "CNY",
                "is_open": name != "Second"});
            world.post("/v1/stores").by(&merchant).json(&body).send().await.expect(201);
        }
        let found = world.get("/v1/stores?lat=31.2&lng=121.5").send().await.expect(200);
        let stores = found.json["stores"].as_array().unwrap();
        let names: Vec<_> = stores.iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["First", "Second"]);
        assert_eq!(stores[0]["distance_m"], 111);
        assert_eq!(stores[1]["is_open"], false);
        let mine = world.get("/v1/stores/mine").by(&merchant).send().await.expect(200);
        assert_eq!(mine.json["stores"].as_array().unwrap().len(), 3);
        let regions = world.get("/v1/regions").send().await.expect(200);
        let counted: u64 =
            regions.json.as_array().unwrap().iter().map(|it| it["stores"].as_u64().unwrap()).sum();
        assert_eq!(counted, 3);
    })
    .await;
}

#[actix_web::test]
async fn the_date_line_and_the_poles_hide_no_store() {
    each_world(async |world| {
        let merchant = world.person(Role::Merchant).await;
        for (name, lat, lng) in [("Line", 0.0, 179.9999), ("Pole", 89.9999, 10.0)] {
            let body = json!({"name": name, "lat": lat, "lng": lng, "currency": "CNY"});
            world.post("/v1/stores").by(&merchant).json(&body).send().await.expect(201);
        }
        for (query, name) in [
            ("lat=0&lng=-179.9999&radius_m=1000", "Line"),
            ("lat=0&lng=179.9998&radius_m=1000", "Line"),
            ("lat=89.9999&lng=-170&radius_m=1000", "Pole"),
        ] {
            let found = world.get(&format!("/v1/stores?{query}")).send().await.expect(200);
            assert_eq!(found.json["stores"][0]["name"], name, "{query}");
        }
    })
    .await;
}

#[actix_web::test]
async fn only_a_stores_own_staff_change_it() {
    each_world(async |world| {
        let shop = world.shop(5).await;
        let stranger = world.person(Role::Merchant).await;
        let store = format!("/v1/stores/{}", shop.store);
        let body = json!({"is_open": false, "prep_min": 25});
        world.patch(&store).by(&stranger).json(&body).send().await.problem(404, "not-found");
        let changed = world.patch(&store).by(&shop.merchant).json(&body).send().await.expect(200);
        assert_eq!(
            (&changed.json["is_open"], &changed.json["prep_min"]),
            (&json!(false), &json!(25))
        );

        let product = format!("/v1/products/{}", shop.product);
        let body = json!({"stock": 3, "price_minor": 990});
        world.patch(&product).by(&stranger).json(&body).send().await.problem(404, "not-found");
        let changed = world.patch(&product).by(&shop.merchant).json(&body).send().await.expect(200);
        assert_eq!(
            (&changed.json["stock"], &changed.json["price_minor"]),
            (&json!(3), &json!(990))
        );
        let body = json!({"price_minor": -1});
        world.patch(&product).by(&shop.merchant).json(&body).send().await.problem(422, "bad-input");
    })
    .await;
}

#[actix_web::test]
async fn a_cart_shows_the_prices_of_now_and_is_empty_after_the_order() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let line = format!("/v1/carts/{}/lines/{}", shop.store, shop.product);
        let three = json!({"quantity": 3});
        let cart = world.put(&line).by(&customer).json(&three).send().await.expect(200);
        assert_eq!(cart.json["items_minor"], 3_750);
        assert_eq!(cart.json["total_minor"], 4_250);
        world
            .put(&line)
            .by(&customer)
            .json(&json!({"quantity": 100}))
            .send()
            .await
            .problem(422, "bad-input");
        let other = world.shop(1).await;
        let foreign = format!("/v1/carts/{}/lines/{}", shop.store, other.product);
        world.put(&foreign).by(&customer).json(&three).send().await.problem(409, "not-sold");

        let price = json!({"price_minor": 1000});
        let product = format!("/v1/products/{}", shop.product);
        world.patch(&product).by(&shop.merchant).json(&price).send().await.expect(200);
        let order = json!({"store": shop.store,
            "dropoff": {"lat": 31.21, "lng": 121.51, "address": "Long Street 7"}});
        let placed =
            world.post("/v1/orders").by(&customer).key("k-1").json(&order).send().await.expect(201);
        assert_eq!(placed.json["price"]["items_minor"], 3_000);
        assert_eq!(placed.json["price"]["total_minor"], 3_500);
        let cart = world.get(&format!("/v1/carts/{}", shop.store)).by(&customer).send().await;
        assert_eq!(cart.expect(200).json["lines"], json!([]));
        world
            .post("/v1/orders")
            .by(&customer)
            .key("k-2")
            .json(&order)
            .send()
            .await
            .problem(422, "bad-input");
        world.delete(&format!("/v1/carts/{}", shop.store)).by(&customer).send().await.expect(204);
    })
    .await;
}
