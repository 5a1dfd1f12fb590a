//! Who asks too often is asked to wait, and nobody else has to.

use domain::{role::Role, session::TRIES_HERE};
use riderhub::http::guard::Limits;
use serde_json::json;

use crate::support::{Reply, World, each_world};

async fn try_to_sign_in(world: &World, login: &str, password: &str, from: &str) -> Reply {
    let body = json!({"login": login, "password": password, "role": "customer"});
    world.post("/v1/sessions").json(&body).from(from).send().await
}

#[actix_web::test]
async fn who_guesses_a_password_has_to_wait_and_learns_nothing() {
    each_world(async |world| {
        let body = json!({"login": "ann", "password": "correct horse", "name": "Ann",
            "roles": ["customer"]});
        world.post("/v1/accounts").json(&body).send().await.expect(201);
        let (thief, home) = ("198.51.100.7", "203.0.113.5");
        // The right password in between begins anew.
        for password in ["wrong horse", "wrong horse", "correct horse"] {
            try_to_sign_in(world, "ann", password, thief).await;
        }
        let mut answers = Vec::new();
        for login in ["ann", "nobody"] {
            for _ in 0..TRIES_HERE.n {
                let refused = try_to_sign_in(world, login, "wrong horse", thief).await;
                refused.problem(401, "wrong-login");
            }
            let refused = try_to_sign_in(world, login, "correct horse", thief).await;
            let refused = refused.problem(429, "too-many-requests");
            let seconds: u64 = refused.header("Retry-After").parse().unwrap();
            assert!((1..=90).contains(&seconds), "{seconds}");
            answers.push((refused.text("type"), refused.text("title")));
        }
        assert_eq!(answers[0], answers[1], "whether there is such a login or not");
        // Upper case is the same login; another address, where the owner sits, is not held up.
        try_to_sign_in(world, " ANN ", "x", thief).await.problem(429, "too-many-requests");
        try_to_sign_in(world, "ann", "correct horse", home).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn an_answer_says_how_many_are_left_and_too_many_are_429() {
    each_world(async |world| {
        world.limits.set(Limits { address_per_min: 3, ..Limits::default() });
        for left in [2, 1, 0] {
            let answer = world.get("/v1/regions?lat=1&lng=1").send().await;
            let header = |name: &str| answer.header(name);
            assert_eq!(header("RateLimit-Limit"), "3");
            assert_eq!(header("RateLimit-Remaining"), left.to_string());
            assert_eq!(header("RateLimit-Policy"), "\"address\";q=3;w=60");
            assert!(header("RateLimit").starts_with(&format!("\"address\";r={left};t=")));
        }
        let refused = world.get("/v1/me").send().await.problem(429, "too-many-requests");
        let wait: u64 = refused.header("Retry-After").parse().unwrap();
        assert!((1..=20).contains(&wait), "{wait}");
        assert_eq!(refused.header("RateLimit-Remaining"), "0");
        // Another address is not concerned, and neither is whoever looks whether we are alive.
        world.get("/v1/me").from("192.0.2.2").send().await.problem(401, "not-signed-in");
        world.get("/healthz").send().await.expect(200);
        // What changes something is counted by all nodes together, apart from what only reads.
        for _ in 0..3 {
            world.post("/v1/sessions/refresh").send().await.problem(400, "bad-json");
        }
        world.post("/v1/sessions/refresh").send().await.problem(429, "too-many-requests");
    })
    .await;
}

#[actix_web::test]
async fn an_account_has_a_limit_of_its_own_and_orders_have_another() {
    each_world(async |world| {
        let (shop, ann) = (world.shop(99).await, world.person(Role::Customer).await);
        let bob = world.person(Role::Customer).await;
        world.limits.set(Limits { account_per_min: 4, orders_per_min: 2, ..Limits::default() });
        let order = |key: &'static str, who| {
            world.post("/v1/orders").by(who).key(key).json(&World::wish(&shop, 1)).send()
        };
        order("k1", &ann).await.expect(201);
        let answer = order("k2", &ann).await.expect(201);
        assert_eq!(answer.header("RateLimit-Policy"), "\"orders\";q=2;w=60", "the nearest one");
        let refused = order("k3", &ann).await.problem(429, "too-many-requests");
        assert_eq!(refused.header("RateLimit-Limit"), "2");
        assert_eq!(world.stock(&shop).await, 97, "nothing was done");
        order("k1", &bob).await.expect(201);
        for _ in 0..4 {
            world.get("/v1/me").by(&ann).from("198.51.100.9").send().await.expect(200);
        }
        let refused = world.get("/v1/me").by(&ann).from("198.51.100.10").send().await;
        refused.problem(429, "too-many-requests");
        world.get("/v1/me").by(&bob).send().await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn who_registers_and_signs_in_all_the_time_has_to_wait() {
    each_world(async |world| {
        world.limits.set(Limits { entry_per_min: 2, ..Limits::default() });
        let sign_in = |from: &'static str| try_to_sign_in(world, "x-y-z", "wrong horse", from);
        sign_in("192.0.2.1").await.problem(401, "wrong-login");
        world.post("/v1/accounts").send().await.problem(400, "bad-json");
        sign_in("192.0.2.1").await.problem(429, "too-many-requests");
        sign_in("192.0.2.2").await.problem(401, "wrong-login");
        // A household's addresses are one.
        sign_in("2001:db8::1").await.problem(401, "wrong-login");
        sign_in("2001:db8::2").await.problem(401, "wrong-login");
        sign_in("2001:db8::3").await.problem(429, "too-many-requests");
    })
    .await;
}
