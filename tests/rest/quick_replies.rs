//! Texts that are ready to be sent.

use domain::role::Role;
use serde_json::json;

use crate::support::each_world;

#[actix_web::test]
async fn quick_replies_come_by_role_and_language() {
    each_world(async |world| {
        let rider = world.person(Role::Rider).await;
        let own = world.get("/v1/quick-replies").by(&rider).send().await.expect(200).json;
        assert_eq!((&own["role"], &own["lang"]), (&json!("rider"), &json!("en")));
        let path = "/v1/quick-replies?role=rider&lang=zh-CN";
        let chinese = world.get(path).by(&rider).send().await.expect(200).json;
        assert_eq!(chinese["lang"], "zh");
        let names = |it: &serde_json::Value| -> Vec<_> {
            it["replies"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect()
        };
        assert_eq!(names(&own), names(&chinese));
        assert_ne!(own["replies"][0]["text"], chinese["replies"][0]["text"]);
        let path = "/v1/quick-replies?role=merchant&lang=fr";
        let foreign = world.get(path).by(&rider).send().await.expect(200).json;
        assert_eq!((&foreign["role"], &foreign["lang"]), (&json!("merchant"), &json!("en")));
        let path = "/v1/quick-replies?role=king";
        world.get(path).by(&rider).send().await.problem(422, "bad-input");
        world.get("/v1/quick-replies").send().await.problem(401, "not-signed-in");
    })
    .await;
}
