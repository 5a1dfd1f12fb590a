//! Devices of a person: how many, until when, and what happens to a token that somebody has copied.

use std::time::Duration;

use domain::{channel::Channel, clock::SystemClock, role::Role};
use serde_json::{Value, json};
use storage::{db::Tx, error::StoreError, journal, tokens as token_rows};
use usecases::{token_keys, tokens::ACCESS_SPAN};

use crate::support::{NOON, Person, Reply, World, each_world};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const PHONE: &str = "RiderApp/5.1 (iPhone; iOS 19.1)";

/// Somebody with a password; the login.
async fn given_account(world: &World, login: &str) -> String {
    let body = json!({"login": login, "password": "correct horse", "name": "Ann",
        "roles": ["customer", "rider"]});
    world.post("/v1/accounts").json(&body).send().await.expect(201);
    login.to_owned()
}

async fn sign_in(world: &World, login: &str, more: Value) -> Reply {
    let mut body = json!({"login": login, "password": "correct horse", "role": "customer"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let ask = world.post("/v1/sessions").header("User-Agent", PHONE).json(&body);
    ask.send().await.expect(200)
}

fn person(session: &Reply) -> Person {
    Person {
        profile: session.text("profile").parse().unwrap(),
        token: session.text("access_token"),
    }
}

async fn refresh(world: &World, token: &str, agent: &str, more: Value) -> Reply {
    let mut body = json!({"refresh_token": token});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.post("/v1/sessions/refresh").header("User-Agent", agent).json(&body).send().await
}

/// What the inbox says about sign-ins that ended.
async fn told(world: &World, person: &Person) -> Vec<(String, String)> {
    let inbox = Channel::Inbox(person.profile);
    let entries = journal::read_after(&mut world.platform.reader(), &inbox, 0, 100).await.unwrap();
    let read = |body: &str| -> Value { serde_json::from_str(body).unwrap() };
    let of_kind = entries.iter().filter(|it| it.kind.as_str() == "signed_out");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    of_kind.map(|it| read(&it.body)).map(|it| (text(&it["session"]), text(&it["why"]))).collect()
}

#[actix_web::test]
async fn a_stolen_refresh_token_ends_the_sign_in_and_the_account_is_told() {
    each_world(async |world| {
        let ann = given_account(world, "ann").await;
        let phone = sign_in(world, &ann, json!({"device": "Ann's phone"})).await;
        let rider = person(&sign_in(world, &ann, json!({"role": "rider"})).await);
        let stolen = phone.text("refresh_token");
        let next = refresh(world, &stolen, PHONE, json!({})).await.expect(200);
        // The thief comes too late to be taken for a lost answer.
        world.clock.advance(Duration::from_secs(30));
        refresh(world, &stolen, PHONE, json!({})).await.problem(401, "not-signed-in");
        // Everything that came from the sign-in is worthless, also what the rightful client holds.
        let newest = next.text("refresh_token");
        refresh(world, &newest, PHONE, json!({})).await.problem(401, "not-signed-in");
        for session in [&phone, &next] {
            world.get("/v1/me").by(&person(session)).send().await.problem(401, "revoked");
        }
        // The other role's sign-in goes on, and both profiles find a note.
        let devices = world.get("/v1/sessions").by(&rider).send().await.expect(200);
        assert_eq!(devices.json["sessions"].as_array().unwrap().len(), 1, "{devices:?}");
        let note = vec![(phone.text("session"), "token_reused".to_owned())];
        assert_eq!(told(world, &rider).await, note);
        assert_eq!(told(world, &person(&phone)).await, note);
        // Coming again and again tells nothing new.
        refresh(world, &stolen, PHONE, json!({})).await.problem(401, "not-signed-in");
        assert_eq!(told(world, &rider).await.len(), 1);
    })
    .await;
}

#[actix_web::test]
async fn a_thief_who_is_faster_than_the_owner_is_found_out_when_the_owner_comes() {
    each_world(async |world| {
        let ann = given_account(world, "ann").await;
        let phone = sign_in(world, &ann, json!({})).await;
        let token = phone.text("refresh_token");
        let thief = refresh(world, &token, PHONE, json!({})).await.expect(200);
        world.clock.advance(ACCESS_SPAN);
        refresh(world, &token, PHONE, json!({})).await.problem(401, "not-signed-in");
        let kept = thief.text("refresh_token");
        refresh(world, &kept, PHONE, json!({})).await.problem(401, "not-signed-in");
    })
    .await;
}

#[actix_web::test]
async fn a_lost_answer_may_be_asked_for_again_until_its_token_is_used() {
    each_world(async |world| {
        let ann = given_account(world, "ann").await;
        let phone = sign_in(world, &ann, json!({})).await;
        let token = phone.text("refresh_token");
        let asks = (0..8).map(|_| refresh(world, &token, PHONE, json!({})));
        let answers = futures_util::future::join_all(asks).await;
        let next: Vec<_> =
            answers.into_iter().map(|it| it.expect(200).text("refresh_token")).collect();
        assert!(next.iter().all(|it| *it == next[0] && *it != token), "one answer for all");
        world.clock.advance(Duration::from_secs(29));
        let late = refresh(world, &token, PHONE, json!({})).await.expect(200);
        assert_eq!(late.text("refresh_token"), next[0]);
        world.get("/v1/me").by(&person(&late)).send().await.expect(200);
        // Whoever has gone on did get the answer: now the old one is a copy.
        refresh(world, &next[0], PHONE, json!({})).await.expect(200);
        refresh(world, &token, PHONE, json!({})).await.problem(401, "not-signed-in");
        world.get("/v1/me").by(&person(&late)).send().await.problem(401, "revoked");
    })
    .await;
}

#[actix_web::test]
async fn a_refresh_token_is_good_on_its_device_only() {
    each_world(async |world| {
        let ann = given_account(world, "ann").await;
        let newer = "RiderApp/6.0 (iPhone; iOS 20.0)";
        let own = json!({"device_id": "d-1"});
        let other = json!({"device_id": "d-2"});
        let browser = "Mozilla/5.0 (X11; Linux x86_64)";
        for (agent, more, is_fine) in [
            (PHONE, &own, true),
            (newer, &own, true),
            (browser, &own, false),
            (PHONE, &other, false),
            (PHONE, &json!({}), false),
        ] {
            let phone = sign_in(world, &ann, own.clone()).await;
            let token = phone.text("refresh_token");
            let answer = refresh(world, &token, agent, more.clone()).await;
            if is_fine {
                answer.expect(200);
                continue;
            }
            answer.problem(401, "not-signed-in");
            refresh(world, &token, PHONE, own.clone()).await.problem(401, "not-signed-in");
            let last = told(world, &person(&phone)).await.pop();
            assert_eq!(last, Some((phone.text("session"), "other_device".to_owned())));
        }
        // A client may bring a fingerprint of its own in place of the header.
        let phone = sign_in(world, &ann, json!({"fingerprint": "f-1"})).await;
        let mine = json!({"fingerprint": "f-1"});
        let next = refresh(world, &phone.text("refresh_token"), browser, mine).await.expect(200);
        let theirs = json!({"fingerprint": "f-2"});
        let refused = refresh(world, &next.text("refresh_token"), PHONE, theirs).await;
        refused.problem(401, "not-signed-in");
    })
    .await;
}

#[actix_web::test]
async fn a_sign_in_lasts_a_week_without_use_or_a_month_for_who_stays() {
    each_world(async |world| {
        let ann = given_account(world, "ann").await;
        for (stay, days) in [(false, 7), (true, 30)] {
            let session = sign_in(world, &ann, json!({"stay": stay})).await;
            let mut token = session.text("refresh_token");
            for _ in 0..3 {
                // It slides: each use gives the whole span again.
                world.clock.advance(DAY * (days - 1));
                let next = refresh(world, &token, PHONE, json!({})).await.expect(200);
                token = next.text("refresh_token");
            }
            world.clock.advance(DAY * days);
            refresh(world, &token, PHONE, json!({})).await.problem(401, "not-signed-in");
        }
        // What has run out is no theft, and is removed in time.
        let now = world.platform.now() + Duration::from_millis(1);
        let write = async move |tx: &mut Tx| storage::sign_ins::remove_old(tx, now).await;
        let n_removed: u64 = world.platform.store.write(write).await.unwrap();
        assert_eq!(n_removed, 2 * (4 + 1), "four tokens and a row of each");
    })
    .await;
}

#[actix_web::test]
async fn an_account_has_three_devices_and_the_oldest_leaves() {
    each_world(async |world| {
        let ann = given_account(world, "ann").await;
        let mut devices = Vec::new();
        for n in 1..=3 {
            world.clock.advance(Duration::from_secs(1));
            let role = if n == 2 { "rider" } else { "customer" };
            let more = json!({"device": format!("device {n}"), "device_id": format!("d-{n}"),
                "role": role});
            devices.push(sign_in(world, &ann, more).await);
        }
        // The same device again takes its own place.
        world.clock.advance(Duration::from_secs(1));
        let again = json!({"device": "device 3", "device_id": "d-3"});
        let third = sign_in(world, &ann, again).await;
        world.get("/v1/me").by(&person(&devices[2])).send().await.problem(401, "revoked");
        world.get("/v1/me").by(&person(&devices[0])).send().await.expect(200);
        // A fourth one takes that of the oldest.
        world.clock.advance(Duration::from_secs(1));
        let fourth = sign_in(world, &ann, json!({"device": "device 4"})).await;
        world.get("/v1/me").by(&person(&devices[0])).send().await.problem(401, "revoked");
        let gone = devices[0].text("refresh_token");
        refresh(world, &gone, PHONE, json!({"device_id": "d-1"}))
            .await
            .problem(401, "not-signed-in");
        for session in [&devices[1], &third, &fourth] {
            world.get("/v1/me").by(&person(session)).send().await.expect(200);
        }
        let listed = world.get("/v1/sessions").by(&person(&fourth)).send().await.expect(200);
        let listed = listed.json["sessions"].as_array().unwrap().clone();
        let names: Vec<_> = listed.iter().map(|it| it["device"].as_str().unwrap()).collect();
        assert_eq!(names, ["device 4", "device 3", "device 2"]);
        assert_eq!(listed[0]["current"], true);
        assert_eq!((&listed[2]["role"], &listed[2]["client"]), (&json!("rider"), &json!(PHONE)));
        let note = (devices[0].text("session"), "too_many".to_owned());
        assert_eq!(told(world, &person(&fourth)).await, [note]);
    })
    .await;
}

#[actix_web::test]
async fn many_who_sign_in_at_once_are_three_in_the_end() {
    each_world(async |world| {
        let ann = given_account(world, "ann").await;
        let asks = (0..10).map(|_| sign_in(world, &ann, json!({})));
        let sessions = futures_util::future::join_all(asks).await;
        let mut n_good = 0;
        for session in &sessions {
            let answer = world.get("/v1/me").by(&person(session)).send().await;
            n_good += usize::from(answer.status == 200);
        }
        assert_eq!(n_good, 3);
    })
    .await;
}

#[actix_web::test]
async fn a_person_ends_own_sign_ins_and_nobody_elses() {
    each_world(async |world| {
        let (ann, bob) = (given_account(world, "ann").await, given_account(world, "bob").await);
        let phone = sign_in(world, &ann, json!({})).await;
        let tablet = sign_in(world, &ann, json!({"role": "rider"})).await;
        let stranger = sign_in(world, &bob, json!({})).await;
        let path = format!("/v1/sessions/{}", tablet.text("session"));
        world.delete(&path).send().await.problem(401, "not-signed-in");
        world.delete(&path).by(&person(&stranger)).send().await.problem(404, "not-found");
        world.get("/v1/me").by(&person(&tablet)).send().await.expect(200);
        world.delete(&path).by(&person(&phone)).send().await.expect(204);
        world.delete(&path).by(&person(&phone)).send().await.expect(204);
        world.get("/v1/me").by(&person(&tablet)).send().await.problem(401, "revoked");
        let nobodys = "/v1/sessions/ses_0190aaaabbbb7cccaddd000000000001";
        world.delete(nobodys).by(&person(&phone)).send().await.problem(404, "not-found");
        assert!(told(world, &person(&phone)).await.is_empty(), "who did it need not be told");

        let all = json!({"all": true});
        let done = world.post("/v1/sessions/revoke").by(&person(&phone)).json(&all).send().await;
        assert_eq!(done.expect(200).json["sessions"], 1);
        let token = phone.text("refresh_token");
        refresh(world, &token, PHONE, json!({})).await.problem(401, "not-signed-in");
        world.get("/v1/me").by(&person(&stranger)).send().await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn the_key_of_tokens_changes_and_nobody_is_signed_out() {
    each_world(async |world| {
        let ann = given_account(world, "ann").await;
        let before = sign_in(world, &ann, json!({})).await;
        let operator = world.person(Role::Operator).await;
        let refused = world.post("/v1/ops/token-keys").by(&person(&before)).send().await;
        refused.problem(403, "wrong-role");
        let next = world.post("/v1/ops/token-keys").by(&operator).send().await.expect(200);
        let again = world.post("/v1/ops/token-keys").by(&operator).send().await.expect(200);
        assert_eq!(next.text("kid"), again.text("kid"), "one change at a time");

        // Time goes on: the new key is known everywhere and signs.
        let keys = token_rows::list_keys(&mut world.platform.reader()).await.unwrap();
        assert_eq!(keys.len(), 2);
        let ages = [Duration::from_secs(7_200), Duration::from_secs(3_600)];
        let write = async move |tx: &mut Tx| {
            for (key, age) in keys.iter().zip(ages) {
                let signs_from = SystemClock::machine_time() - age;
                token_rows::remove_key(tx, &key.kid).await?;
                let used = token_rows::SigningKey { signs_from, ..key.clone() };
                token_rows::insert_key_if_new(tx, &used, NOON).await?;
            }
            Ok::<_, StoreError>(())
        };
        world.platform.store.write(write).await.unwrap();
        token_keys::refresh(&world.platform).await.unwrap();
        let after = sign_in(world, &ann, json!({})).await;
        let kid =
            |it: &Reply| jsonwebtoken::decode_header(it.text("access_token")).unwrap().kid.unwrap();
        assert_eq!((kid(&before).as_str(), kid(&after).as_str()), ("store-1", "store-2"));
        for session in [&before, &after] {
            world.get("/v1/me").by(&person(session)).send().await.expect(200);
        }
        // The old key is forgotten when its last token has run out; the sign-in itself goes on.
        token_keys::tend(&world.platform, DAY * 36_500).await.unwrap();
        token_keys::refresh(&world.platform).await.unwrap();
        world.get("/v1/me").by(&person(&before)).send().await.problem(401, "not-signed-in");
        let token = before.text("refresh_token");
        let back = refresh(world, &token, PHONE, json!({})).await.expect(200);
        world.get("/v1/me").by(&person(&back)).send().await.expect(200);
    })
    .await;
}
