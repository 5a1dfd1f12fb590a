//! Registering, signing in, staying signed in.

use std::time::Duration;

use domain::role::Role;
use serde_json::json;

use crate::support::each_world;

#[actix_web::test]
async fn somebody_registers_signs_in_and_stays_signed_in() {
    each_world(async |world| {
        let body = json!({"login": "Ann@example.org", "password": "correct horse", "name": "Ann",
            "roles": ["customer", "rider"]});
        let made = world.post("/v1/accounts").json(&body).send().await.expect(201);
        assert_eq!(made.json["profiles"].as_array().unwrap().len(), 2);
        world.post("/v1/accounts").json(&body).send().await.problem(409, "login-taken");

        let body = json!({"login": "ann@example.org", "password": "correct horse",
            "role": "rider", "device": "phone"});
        let session = world.post("/v1/sessions").json(&body).send().await.expect(200);
        assert!(session.text("profile").starts_with("rid_"));
        let bearer = format!("Bearer {}", session.text("access_token"));
        let me = world.get("/v1/me").header("Authorization", &bearer).send().await.expect(200);
        assert_eq!((me.text("name").as_str(), me.text("role").as_str()), ("Ann", "rider"));

        world.clock.advance(Duration::from_secs(16 * 60));
        let late = world.get("/v1/me").header("Authorization", &bearer).send().await;
        late.problem(401, "token-expired");
        let body = json!({"refresh_token": session.text("refresh_token")});
        let next = world.post("/v1/sessions/refresh").json(&body).send().await.expect(200);
        let bearer = format!("Bearer {}", next.text("access_token"));
        world.get("/v1/me").header("Authorization", &bearer).send().await.expect(200);

        // A token that is used twice takes its whole family with it.
        world.clock.advance(Duration::from_secs(30));
        let twice = world.post("/v1/sessions/refresh").json(&body).send().await;
        twice.problem(401, "not-signed-in");
        let newest = json!({"refresh_token": next.text("refresh_token")});
        let gone = world.post("/v1/sessions/refresh").json(&newest).send().await;
        gone.problem(401, "not-signed-in");
    })
    .await;
}

#[actix_web::test]
async fn a_wrong_login_does_not_say_what_is_wrong() {
    each_world(async |world| {
        let body = json!({"login": "bob", "password": "correct horse", "name": "Bob",
            "roles": ["customer"]});
        world.post("/v1/accounts").json(&body).send().await.expect(201);
        let mut answers = Vec::new();
        for (login, password, role) in [
            ("bob", "wrong horse", "customer"),
            ("nobody", "correct horse", "customer"),
            ("bob", "correct horse", "rider"),
            ("not a login", "correct horse", "customer"),
        ] {
            let body = json!({"login": login, "password": password, "role": role});
            let refused = world.post("/v1/sessions").json(&body).send().await;
            answers.push(refused.problem(401, "wrong-login").said());
        }
        assert!(answers.iter().all(|it| *it == answers[0]), "{answers:?}");
    })
    .await;
}

#[actix_web::test]
async fn nobody_registers_as_an_operator_or_with_a_weak_password() {
    each_world(async |world| {
        for (roles, password) in [
            (json!(["operator"]), "correct horse"),
            (json!([]), "correct horse"),
            (json!(["pilot"]), "correct horse"),
            (json!(["customer"]), "short"),
        ] {
            let body = json!({"login": "eve", "password": password, "name": "Eve", "roles": roles});
            world.post("/v1/accounts").json(&body).send().await.problem(422, "bad-input");
        }
    })
    .await;
}

#[actix_web::test]
async fn a_token_is_for_one_role() {
    each_world(async |world| {
        let customer = world.person(Role::Customer).await;
        let body = json!({"name": "Mine", "lat": 1.0, "lng": 1.0, "currency": "EUR"});
        let refused = world.post("/v1/stores").by(&customer).json(&body).send().await;
        assert_eq!(refused.problem(403, "wrong-role").text("needed"), "merchant");
        world
            .get("/v1/ops/snapshot?region=wtw3")
            .by(&customer)
            .send()
            .await
            .problem(403, "wrong-role");
        world.get("/v1/demo/session").send().await.problem(404, "not-found");
    })
    .await;
}

#[actix_web::test]
async fn an_operator_signs_somebody_out_and_nobody_else_may() {
    each_world(async |world| {
        let rider = world.person(Role::Rider).await;
        let again = world.again(&rider).await;
        let other = world.person(Role::Rider).await;
        let operator = world.person(Role::Operator).await;
        let path = format!("/v1/ops/profiles/{}/revoke", rider.profile);
        world.post(&path).by(&other).send().await.problem(403, "wrong-role");
        world.get("/v1/me").by(&rider).send().await.expect(200);
        let done = world.post(&path).by(&operator).send().await.expect(200);
        assert_eq!(done.json["sessions"], 2, "{done:?}");
        for device in [&rider, &again] {
            world.get("/v1/me").by(device).send().await.problem(401, "revoked");
        }
        world.get("/v1/me").by(&other).send().await.expect(200);
        let back = world.again(&rider).await;
        world.get("/v1/me").by(&back).send().await.expect(200);

        let nobody = "/v1/ops/profiles/rid_0190aaaabbbb7cccaddd000000000001/revoke";
        world.post(nobody).by(&operator).send().await.problem(404, "not-found");
        let half = json!({"all": false});
        let refused = world.post("/v1/sessions/revoke").by(&back).json(&half).send().await;
        refused.problem(422, "bad-input");
    })
    .await;
}
