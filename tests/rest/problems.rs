//! Nonsense gets a clear answer, and the next request is served as if nothing had happened.

use domain::role::Role;
use serde_json::json;

use crate::support::each_world;

#[actix_web::test]
async fn nonsense_is_answered_with_a_problem_that_says_what_to_do() {
    each_world(async |world| {
        let merchant = world.person(Role::Merchant).await;
        world.get("/v1/nothing").send().await.problem(404, "unknown-route");
        world.delete("/v1/orders").send().await.problem(405, "wrong-method");
        world.get("/v1/stores/sto_1").send().await.problem(400, "bad-path");
        let rider = domain::ids::RiderId::generate();
        world.get(&format!("/v1/stores/{rider}")).send().await.problem(400, "bad-path");
        world.get("/v1/stores?lat=x").send().await.problem(400, "bad-query");
        world.get("/v1/stores?lat=91&lng=0").send().await.problem(422, "bad-input");

        let send = |body: &'static str| {
            let json = "application/json";
            world.post("/v1/stores").by(&merchant).header("Content-Type", json).raw(body).send()
        };
        send("{\"name\":").await.problem(400, "bad-json");
        send("").await.problem(400, "bad-json");
        send("[1,2]").await.problem(400, "bad-json");
        let unknown =
            send("{\"name\":\"x\",\"lat\":1,\"lng\":1,\"currency\":\"EUR\",\"colour\":1}");
        let unknown = unknown.await.problem(400, "bad-json");
        assert!(unknown.text("detail").contains("colour"), "{unknown:?}");
        send("{\"name\":\"x\",\"lat\":1,\"lng\":1,\"currency\":\"DOGE\"}")
            .await
            .problem(422, "bad-input");
        send("{\"name\":\" \",\"lat\":1,\"lng\":1,\"currency\":\"EUR\"}")
            .await
            .problem(422, "bad-input");

        let form = world.post("/v1/stores").by(&merchant).header("Content-Type", "text/plain");
        form.raw("name=x").send().await.problem(415, "wrong-media-type");
        let huge = world.post("/v1/stores").by(&merchant).raw(vec![b' '; 70_000]);
        huge.send().await.problem(413, "too-large");
        world.get("/healthz").send().await.expect(200);
        world.get("/readyz").send().await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn tokens_that_are_missing_or_forged_open_nothing() {
    each_world(async |world| {
        world.get("/v1/me").send().await.problem(401, "not-signed-in");
        for forged in ["Bearer x", "Basic YTpi", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer "] {
            let refused = world.get("/v1/me").header("Authorization", forged).send().await;
            refused.problem(401, "not-signed-in");
        }
    })
    .await;
}

#[actix_web::test]
async fn an_order_needs_an_idempotency_key_and_a_key_is_for_one_request() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let wish = crate::support::World::wish(&shop, 1);
        let send = |key: Option<String>, body: serde_json::Value| {
            let ask = world.post("/v1/orders").by(&customer).json(&body);
            match key {
                Some(key) => ask.key(&key).send(),
                None => ask.send(),
            }
        };
        send(None, wish.clone()).await.problem(400, "idempotency-key-missing");
        send(Some("x".repeat(256)), wish.clone()).await.problem(400, "idempotency-key-invalid");
        send(Some(" ".to_owned()), wish.clone()).await.problem(400, "idempotency-key-invalid");

        let first = send(Some("k".to_owned()), wish.clone()).await.expect(201);
        let second = send(Some("k".to_owned()), wish.clone()).await.expect(201);
        assert!(!first.is_replay() && second.is_replay());
        assert_eq!(first.text("order"), second.text("order"));
        let other = crate::support::World::wish(&shop, 2);
        send(Some("k".to_owned()), other).await.problem(422, "idempotency-key-reused");
        assert_eq!(world.stock(&shop).await, 8, "the stock was taken once");

        // A key belongs to whoever sent it.
        let stranger = world.person(Role::Customer).await;
        let theirs = world.post("/v1/orders").by(&stranger).key("k").json(&wish).send().await;
        assert!(!theirs.expect(201).is_replay());
    })
    .await;
}

#[actix_web::test]
async fn the_sandbox_can_be_shut() {
    each_world(async |world| {
        let doors = riderhub::http::state::Doors::default();
        let state = riderhub::http::state::HttpState::new(world.platform.clone(), doors);
        let app = actix_web::App::new().configure(|cfg| riderhub::http::routes(cfg, &state));
        let app = actix_web::test::init_service(app).await;
        let ask = actix_web::test::TestRequest::post()
            .uri("/v1/sandbox/sbx_1/pay")
            .set_json(json!({"outcome": "succeeded"}));
        let answer = actix_web::test::call_service(&app, ask.to_request()).await;
        assert_eq!(answer.status().as_u16(), 404);
    })
    .await;
}
