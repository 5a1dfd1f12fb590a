//! `riderhub fixtures` against real servers: what it makes can be used, and only where it may.

use std::{collections::HashMap, path::Path, process::Stdio};

use riderhub::client::rest::{Call, Rest};
use serde_json::Value;
use storage::testing::Engine;

use crate::support::{World, each_world};

async fn fixtures(base: &str, out: &Path, more: &[&str]) -> (i32, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_riderhub"));
    command.args(["fixtures", "--url", base, "--out", out.to_str().unwrap()]).args(more);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn lines(out: &Path) -> HashMap<String, Vec<Value>> {
    let mut by_kind: HashMap<String, Vec<Value>> = HashMap::new();
    for line in std::fs::read_to_string(out).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        by_kind.entry(line["kind"].as_str().unwrap().to_owned()).or_default().push(line);
    }
    by_kind
}

#[tokio::test]
async fn fixtures_are_people_who_can_sign_in_and_orders_whose_chat_is_open() {
    each_world(&["--fixtures"], async |world| {
        let folder = tempfile::tempdir().unwrap();
        let (out, tokens) = (folder.path().join("out.jsonl"), folder.path().join("tokens"));
        let more = ["--customers", "300", "--merchants", "3", "--riders", "20", "--orders", "5"];
        let with_tokens = ["--tokens", tokens.to_str().unwrap(), "--token-hours", "5"];
        let base = &world.nodes[0].base;
        let (code, said) = fixtures(base, &out, &[&more[..], &with_tokens[..]].concat()).await;
        assert_eq!(code, 0, "{said}");

        let made = lines(&out);
        let count = |kind: &str| made.get(kind).map_or(0, Vec::len);
        assert_eq!(
            [count("run"), count("account"), count("store"), count("order")],
            [1, 323, 3, 5]
        );
        let in_tokens = std::fs::read_to_string(&tokens).unwrap();
        let in_lines: Vec<_> = made["account"].iter().map(|it| it["token"].as_str()).collect();
        assert_eq!(in_tokens.lines().map(Some).collect::<Vec<_>>(), in_lines);

        let rest = Rest::new(&world.bases(0), 0).unwrap();
        let order = &made["order"][4];
        let token_of = |profile: &Value| {
            let whose = made["account"].iter().find(|it| it["profile"] == *profile).unwrap();
            whose["token"].as_str().unwrap().to_owned()
        };
        for party in ["customer", "merchant"] {
            let path = format!("/v1/orders/{}", order["order"].as_str().unwrap());
            let token = token_of(&order[party]);
            let shown = rest.call(&Call::get(path), Some(&token)).await.unwrap();
            assert_eq!(shown["state"], "accepted", "{shown}");
        }
        let rider = made["account"].iter().find(|it| it["role"] == "rider").unwrap();
        let me = Call::get("/v1/me");
        let me = rest.call(&me, rider["token"].as_str()).await.unwrap();
        assert_eq!(me["profile"], rider["profile"]);
        let sign_in = serde_json::json!({"login": rider["login"], "password": rider["password"],
            "role": "rider"});
        let session = rest.call(&Call::post("/v1/sessions", sign_in), None).await.unwrap();
        assert_eq!(session["profile"], rider["profile"]);
        // The tokens outlive a test, the sessions of people do not.
        let (long, short) = (&rider["token_expires_at"], &session["access_expires_at"]);
        assert!(long.as_i64().unwrap() - short.as_i64().unwrap() > 4 * 3_600_000, "{long} {short}");
    })
    .await;
}

#[tokio::test]
async fn a_server_without_the_setting_makes_no_fixtures() {
    let world = World::start(Engine::Sqlite, &[]);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.jsonl");
    let (code, said) = fixtures(&world.nodes[0].base, &out, &["--customers", "1"]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("404") && said.contains("serve --fixtures"), "{said}");
    assert!(!out.exists());
    let (code, said) = fixtures(&world.nodes[0].base, &out, &["--orders", "1"]).await;
    assert_eq!(code, 2, "{said}");
}
