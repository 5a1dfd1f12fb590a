//! Carts and the options of products.

use domain::role::Role;
use serde_json::{Value, json};

use crate::support::{Person, Reply, Shop, World, each_world};

/// Lets the shop's product be had in two sizes (one must be chosen) and with up to two toppings.
async fn options(world: &World, shop: &Shop) -> Value {
    let path = format!("/v1/products/{}/options", shop.product);
    let groups = json!({"groups": [
        {"name": "Size", "min": 1, "max": 1, "options": [
            {"name": "Small"}, {"name": "Large", "price_minor": 400}]},
        {"name": "Toppings", "max": 2, "options": [
            {"name": "Egg", "price_minor": 200}, {"name": "葱", "price_minor": 50},
            {"name": "Beef", "price_minor": 900}]}]});
    let said = world.put(&path).by(&shop.merchant).json(&groups).send().await.expect(200);
    said.json["groups"].clone()
}

fn pick(groups: &Value, group: usize, option: usize) -> String {
    groups[group]["options"][option]["option"].as_str().unwrap().to_owned()
}

async fn put(world: &World, shop: &Shop, customer: &Person, body: Value) -> Reply {
    let path = format!("/v1/carts/{}/lines/{}", shop.store, shop.product);
    world.put(&path).by(customer).json(&body).send().await
}

async fn cart(world: &World, shop: &Shop, customer: &Person) -> Value {
    let path = format!("/v1/carts/{}", shop.store);
    world.get(&path).by(customer).send().await.expect(200).json
}

fn codes(cart: &Value) -> Vec<&str> {
    let messages = cart["messages"].as_array().unwrap();
    messages.iter().map(|it| it["code"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn options_are_checked_priced_and_remembered() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(99).await, world.person(Role::Customer).await);
        let groups = options(world, &shop).await;
        let menu = world.get(&format!("/v1/stores/{}/products", shop.store)).send().await;
        assert_eq!(menu.json["products"][0]["choice"]["groups"], groups);
        let (large, egg, leek) = (pick(&groups, 0, 1), pick(&groups, 1, 0), pick(&groups, 1, 1));

        let send = |key: &'static str, options: Value| {
            let mut wish = World::wish(&shop, 2);
            wish["lines"][0]["options"] = options;
            world.post("/v1/orders").by(&customer).key(key).json(&wish).send()
        };
        let none = send("a", Value::Null).await.problem(422, "option-refused");
        assert_eq!((&none.json["group"], &none.json["min"]), (&json!("Size"), &json!(1)));
        let beef = pick(&groups, 1, 2);
        let many = json!([large, egg, leek, beef]);
        send("b", many).await.problem(422, "option-refused");
        let foreign = json!([large, domain::ids::OptionId::generate().to_string()]);
        send("c", foreign).await.problem(422, "option-refused");
        let placed = send("d", json!([egg, large])).await.expect(201);
        let line = &placed.json["lines"][0];
        assert_eq!((&line["unit_minor"], &line["total_minor"]), (&json!(1_850), &json!(3_700)));
        let names: Vec<_> = line["options"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
        assert_eq!(names, ["Large", "Egg"]);

        // The menu changes; what was ordered stays.
        let path = format!("/v1/products/{}/options", shop.product);
        let gone = json!({"groups": [{"group": groups[0]["group"], "name": "Size", "min": 1, "max": 1,
            "options": [{"option": large, "name": "Huge", "price_minor": 500, "is_available": false},
                {"name": "Tiny"}]}]});
        world.put(&path).by(&shop.merchant).json(&gone).send().await.expect(200);
        let shown = world.show(&placed.text("order"), &customer).await;
        assert_eq!(shown.json["lines"][0], *line);
        let unavailable = send("e", json!([large])).await.problem(422, "option-refused");
        assert_eq!(unavailable.json["option"], json!(large));
        let impossible = json!({"groups": [{"name": "Size", "min": 2, "max": 2,
            "options": [{"name": "Tiny"}]}]});
        let refused = world.put(&path).by(&shop.merchant).json(&impossible).send().await;
        refused.problem(422, "bad-input");
    })
    .await;
}

#[actix_web::test]
async fn lines_with_other_options_are_other_lines_and_only_selected_ones_are_ordered() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(99).await, world.person(Role::Customer).await);
        let groups = options(world, &shop).await;
        let (small, large) = (pick(&groups, 0, 0), pick(&groups, 0, 1));
        put(world, &shop, &customer, json!({"quantity": 1})).await.problem(422, "option-refused");
        put(world, &shop, &customer, json!({"quantity": 2, "options": [small]})).await.expect(200);
        let two = json!({"quantity": 1, "options": [large], "selected": false});
        let both = put(world, &shop, &customer, two).await.expect(200);
        assert_eq!(both.json["lines"].as_array().unwrap().len(), 2);
        assert_eq!(
            (&both.json["items_minor"], &both.json["total_minor"]),
            (&json!(2_500), &json!(3_000))
        );

        let mut wish = World::wish(&shop, 1);
        wish.as_object_mut().unwrap().remove("lines");
        let placed = world.post("/v1/orders").by(&customer).key("a").json(&wish).send().await;
        let placed = placed.expect(201);
        assert_eq!(placed.json["lines"].as_array().unwrap().len(), 1);
        assert_eq!(placed.json["lines"][0]["quantity"], json!(2));
        let left = cart(world, &shop, &customer).await;
        assert_eq!(left["lines"].as_array().unwrap().len(), 1, "what was left stays");
        assert_eq!(left["items_minor"], json!(0), "and costs nothing until it is selected");
        let empty = world.post("/v1/orders").by(&customer).key("b").json(&wish).send().await;
        empty.problem(422, "bad-input");
        let again = json!({"quantity": 3, "options": [large], "selected": true});
        let again = put(world, &shop, &customer, again).await.expect(200);
        assert_eq!(again.json["items_minor"], json!(3 * 1_650));
        let out = json!({"quantity": 0, "options": [large]});
        let out = put(world, &shop, &customer, out).await.expect(200);
        assert_eq!(out.json["lines"], json!([]));
    })
    .await;
}

#[actix_web::test]
async fn a_cart_says_what_has_changed_since_it_was_filled() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(5).await, world.person(Role::Customer).await);
        let fine = put(world, &shop, &customer, json!({"quantity": 3})).await.expect(200);
        assert_eq!(codes(&fine.json), Vec::<&str>::new());
        let product = format!("/v1/products/{}", shop.product);
        let change = |body: Value| world.patch(&product).by(&shop.merchant).json(&body).send();
        change(json!({"price_minor": 1_000, "stock": 2})).await.expect(200);
        let changed = cart(world, &shop, &customer).await;
        assert_eq!(codes(&changed), ["price_changed", "few_left"]);
        let news = &changed["messages"][0];
        assert_eq!((&news["was"], &news["now"]), (&json!(1_250), &json!(1_000)));
        assert_eq!(news["line"], changed["lines"][0]["line"]);
        assert_eq!(changed["items_minor"], json!(3_000), "at the price of now");

        let store = format!("/v1/stores/{}", shop.store);
        let shut = json!({"is_open": false, "min_order_minor": 9_000});
        world.patch(&store).by(&shop.merchant).json(&shut).send().await.expect(200);
        change(json!({"stock": 0, "price_minor": 1_250})).await.expect(200);
        let shut = cart(world, &shop, &customer).await;
        assert_eq!(codes(&shut), ["sold_out", "store_closed", "below_minimum"]);
        change(json!({"is_listed": false})).await.expect(200);
        let gone = cart(world, &shop, &customer).await;
        assert_eq!(codes(&gone), ["not_sold", "store_closed"]);
        assert_eq!((&gone["lines"], &gone["gone"]), (&json!([]), &json!([shop.product])));
    })
    .await;
}

#[actix_web::test]
async fn two_devices_share_carts_and_see_each_other() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(99).await, world.person(Role::Customer).await);
        let second = world.shop(99).await;
        let before = put(world, &shop, &customer, json!({"quantity": 1})).await.expect(200);
        assert_eq!(before.json["version"], json!(1));
        assert_eq!(before.json["as_of"]["channel"], format!("inbox:{}", customer.profile));
        let path = format!("/v1/carts/{}", shop.store);
        let lines = |n: i64| json!([{"product": shop.product, "quantity": n}]);
        let write = |version: Value, n: i64| {
            let body = json!({"version": version, "lines": lines(n)});
            world.put(&path).by(&customer).json(&body).send()
        };
        let won = write(json!(1), 5).await.expect(200);
        assert_eq!(
            (&won.json["version"], &won.json["lines"][0]["quantity"]),
            (&json!(2), &json!(5))
        );
        let lost = write(json!(1), 7).await.problem(409, "changed-meanwhile");
        assert_eq!(lost.json["version"], json!(2));
        write(Value::Null, 4).await.expect(200);

        let merge = format!("{path}/merge");
        for _ in 0..2 {
            let merged = json!({"lines": lines(6)});
            let merged = world.post(&merge).by(&customer).json(&merged).send().await.expect(200);
            assert_eq!(merged.json["lines"][0]["quantity"], json!(6), "the larger number, once");
        }
        put(world, &second, &customer, json!({"quantity": 1})).await.expect(200);
        let carts = world.get("/v1/carts").by(&customer).send().await.expect(200);
        assert_eq!(carts.json["carts"].as_array().unwrap().len(), 2);
        world.delete(&path).by(&customer).send().await.expect(204);
        let carts = world.get("/v1/carts").by(&customer).send().await.expect(200);
        assert_eq!(carts.json["carts"][0]["store"], json!(second.store));

        // Each change is told in the inbox, which all the account's devices hear.
        let inbox = world.get("/v1/inbox").by(&customer).send().await.expect(200);
        let told = inbox.json.to_string().matches("\"cart\"").count();
        let off = cart(world, &shop, &customer).await["as_of"]["off"].as_i64().unwrap();
        assert!(told == 7 || off == 7, "{told} {off} {}", inbox.json);
        let stranger = world.person(Role::Merchant).await;
        world.get("/v1/carts").by(&stranger).send().await.problem(403, "wrong-role");
    })
    .await;
}
