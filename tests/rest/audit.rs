//! Who changed what can be read by operators, and each request has a name.

use domain::role::Role;
use serde_json::json;

use crate::support::each_world;

#[actix_web::test]
async fn operators_read_who_changed_what() {
    each_world(async |world| {
        let (ann, operator) =
            (world.person(Role::Merchant).await, world.person(Role::Operator).await);
        let store = json!({"name": "Noodles", "lat": 31.2, "lng": 121.5, "currency": "CNY"});
        let made = world.post("/v1/stores").by(&ann).header("X-Request-Id", "req-7").json(&store);
        let made = made.send().await.expect(201);
        let path = format!("/v1/stores/{}", made.text("store"));
        world.patch(&path).by(&ann).json(&json!({"is_open": false})).send().await.expect(200);
        // What reads, and what was refused, changed nothing.
        world.get(&path).by(&ann).send().await.expect(200);
        world
            .patch(&path)
            .by(&ann)
            .json(&json!({"colour": 1}))
            .send()
            .await
            .problem(400, "bad-json");
        let all = json!({"all": true});
        world.post("/v1/sessions/revoke").by(&ann).json(&all).send().await.expect(200);

        let log = format!("/v1/ops/audit?profile={}", ann.profile);
        let back = world.again(&ann).await;
        world.get(&log).by(&back).send().await.problem(403, "wrong-role");
        let page = world.get(&log).by(&operator).send().await.expect(200);
        let entries = page.json["entries"].as_array().unwrap();
        let lines: Vec<_> = entries
            .iter()
            .map(|it| {
                format!("{} {}", it["method"].as_str().unwrap(), it["path"].as_str().unwrap())
            })
            .collect();
        assert_eq!(
            lines,
            ["POST /v1/sessions/revoke", &format!("PATCH {path}"), "POST /v1/stores"]
        );
        assert_eq!(entries[2]["request_id"], "req-7");
        // Page by page.
        let mut seen = Vec::new();
        let mut next = String::new();
        loop {
            let page = world.get(&format!("{log}&limit=2{next}")).by(&operator).send().await;
            let page = page.expect(200);
            seen.extend(page.json["entries"].as_array().unwrap().clone());
            let Some(before) = page.json["next"].as_str() else { break };
            next = format!("&before={before}");
        }
        assert_eq!(&seen, entries);
        world.get("/v1/ops/audit?before=x").by(&operator).send().await.problem(400, "bad-query");
    })
    .await;
}

#[actix_web::test]
async fn a_request_has_a_name_in_its_answer_and_its_problem() {
    each_world(async |world| {
        let named = world.get("/v1/me").header("X-Request-Id", "mine-1").send().await;
        let named = named.problem(401, "not-signed-in");
        assert_eq!(
            (named.header("X-Request-Id"), named.text("request_id")),
            ("mine-1".into(), "mine-1".into())
        );
        let made = world.get("/healthz").send().await.expect(200).header("X-Request-Id");
        assert_eq!(made.len(), 32);
        for bad in ["with space", "", "<b>", &"x".repeat(65)] {
            let other = world.get("/healthz").header("X-Request-Id", bad).send().await;
            assert_ne!(other.header("X-Request-Id"), bad);
        }
    })
    .await;
}
