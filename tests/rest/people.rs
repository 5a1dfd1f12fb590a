//! What people change about themselves, codes, the address book, and leaving for good.

use std::time::Duration;

use domain::{account::ERASED_NAME, contact::CODE_SPAN, role::Role};
use serde_json::{Value, json};
use storage::journal;
use usecases::chat::{self, Saying};

use crate::support::{Person, Reply, World, each_world};

const PHONE: &str = "+8613800138000";
const MAIL: &str = "ann@example.org";

fn person(session: &Reply) -> Person {
    Person {
        profile: session.text("profile").parse().unwrap(),
        token: session.text("access_token"),
    }
}

async fn register(world: &World, login: &str, roles: Value) {
    let body = json!({"login": login, "password": "correct horse", "name": "Ann", "roles": roles});
    world.post("/v1/accounts").json(&body).send().await.expect(201);
}

async fn sign_in(world: &World, login: &str, password: &str, role: &str) -> Reply {
    let body = json!({"login": login, "password": password, "role": role});
    world.post("/v1/sessions").json(&body).send().await
}

async fn code(world: &World, to: &str, purpose: &str) -> String {
    // Codes are a while apart.
    let from = format!("198.51.100.{}", rand_part());
    let body = json!({"to": to, "purpose": purpose});
    world.platform.rates.forget(key_of(to, 0)).await;
    world.post("/v1/codes").json(&body).from(&from).send().await.expect(202);
    world.outbox.code(to).await
}

fn rand_part() -> u8 {
    domain::ids::AccountId::generate().uuid().as_bytes()[15]
}

fn key_of(to: &str, n: usize) -> String {
    format!("code{n}:{}", storage::commands::fingerprint(&["contact", to]))
}

/// Somebody with a proven contact.
async fn given_ann(world: &World, contact: &str) -> Person {
    register(world, "ann", json!(["customer"])).await;
    let ann = person(&sign_in(world, "ann", "correct horse", "customer").await.expect(200));
    let code = code(world, contact, "verify").await;
    let body = json!({"to": contact, "code": code});
    world.put("/v1/me/contacts").by(&ann).json(&body).send().await.expect(204);
    ann
}

#[actix_web::test]
async fn one_account_becomes_customer_merchant_and_rider() {
    each_world(async |world| {
        register(world, "ann", json!(["customer"])).await;
        let ann = person(&sign_in(world, "ann", "correct horse", "customer").await.expect(200));
        sign_in(world, "ann", "correct horse", "rider").await.problem(401, "wrong-login");
        let ask = |role: &'static str| {
            world.post("/v1/me/profiles").by(&ann).json(&json!({"role": role})).send()
        };
        let made = ask("rider").await.expect(201);
        let again = ask("rider").await.expect(201);
        assert_eq!(made.text("profile"), again.text("profile"));
        assert!(again.is_replay());
        ask("merchant").await.expect(201);
        ask("operator").await.problem(422, "bad-input");
        let rider = sign_in(world, "ann", "correct horse", "rider").await.expect(200);
        assert_eq!(rider.text("profile"), made.text("profile"));
        let me = world.get("/v1/me").by(&ann).send().await.expect(200);
        assert_eq!(me.json["profiles"].as_array().unwrap().len(), 3);

        let name = json!({"name": "Zoë"});
        world.patch("/v1/me").by(&ann).json(&name).send().await.expect(204);
        world
            .patch("/v1/me")
            .by(&ann)
            .json(&json!({"name": " "}))
            .send()
            .await
            .problem(422, "bad-input");
        let rider = sign_in(world, "ann", "correct horse", "rider").await.expect(200);
        assert_eq!(rider.text("name"), "Zoë", "in all roles");
    })
    .await;
}

#[actix_web::test]
async fn a_person_has_a_picture() {
    each_world(async |world| {
        let (ann, bob) = (world.person(Role::Customer).await, world.person(Role::Rider).await);
        let path = format!("/v1/profiles/{}/picture", ann.profile);
        world.get(&path).by(&bob).send().await.problem(404, "not-found");
        let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 100]].concat();
        let put = |content: Vec<u8>| world.put("/v1/me/picture").by(&ann).raw(content).send();
        put(b"<script>".to_vec()).await.problem(422, "content-refused");
        put(vec![b'x'; 600 * 1_024]).await.problem(413, "too-large");
        put(picture.clone()).await.expect(204);
        put(picture.clone()).await.expect(204);
        let seen = world.get(&path).by(&bob).send().await.expect(200);
        assert_eq!((seen.header("Content-Type").as_str(), &seen.bytes), ("image/png", &picture));
        world.delete("/v1/me/picture").by(&ann).send().await.expect(204);
        world.get(&path).by(&bob).send().await.problem(404, "not-found");
        let left = std::fs::read_dir(world.files.path().join("pictures")).into_iter().flatten();
        let n_files: usize =
            left.map(|it| std::fs::read_dir(it.unwrap().path()).unwrap().count()).sum();
        assert_eq!(n_files, 0, "nothing is left behind");
    })
    .await;
}

#[actix_web::test]
async fn an_address_book_has_a_default_and_a_limit() {
    each_world(async |world| {
        let (ann, bob) = (world.person(Role::Customer).await, world.person(Role::Customer).await);
        let entry = |name: &str, default: bool| {
            json!({"recipient": name, "address": "Long Street 7", "lat": 31.2, "lng": 121.5,
                "phone": "+86 138 0013 8000", "label": "Home", "default": default})
        };
        let add = async |name: &str, default: bool| {
            world.post("/v1/addresses").by(&ann).json(&entry(name, default)).send().await
        };
        let names = async || {
            let book = world.get("/v1/addresses").by(&ann).send().await.expect(200);
            let of =
                |it: &Value| (it["recipient"].as_str().unwrap().to_owned(), it["default"] == true);
            book.json["addresses"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
        };
        let named = |list: &[(&str, bool)]| {
            list.iter().map(|it| (it.0.to_owned(), it.1)).collect::<Vec<_>>()
        };
        let first = add("One", false).await.expect(201);
        assert_eq!(
            (first.json["default"].clone(), first.text("phone").as_str()),
            (json!(true), PHONE)
        );
        world.clock.advance(Duration::from_secs(1));
        let second = add("Two", true).await.expect(201);
        world.clock.advance(Duration::from_secs(1));
        add("Three", false).await.expect(201);
        assert_eq!(names().await, named(&[("Two", true), ("Three", false), ("One", false)]));

        let path = format!("/v1/addresses/{}", first.text("entry"));
        let changed =
            json!({"recipient": "Uno", "address": "x", "lat": 1.0, "lng": 2.0, "default": true});
        world.put(&path).by(&bob).json(&changed).send().await.problem(404, "not-found");
        world.put(&path).by(&ann).json(&changed).send().await.expect(200);
        assert_eq!(names().await, named(&[("Uno", true), ("Three", false), ("Two", false)]));
        world.delete(&path).by(&bob).send().await.problem(404, "not-found");
        world.delete(&path).by(&ann).send().await.expect(204);
        assert_eq!(names().await, named(&[("Three", true), ("Two", false)]));
        drop(second);

        // The same request twice is one address.
        let ask =
            || world.post("/v1/addresses").by(&ann).key("k").json(&entry("Once", false)).send();
        let (once, twice) = (ask().await.expect(201), ask().await.expect(201));
        assert!(once.text("entry") == twice.text("entry") && twice.is_replay());
        for _ in 3..20 {
            add("More", false).await.expect(201);
        }
        add("One too many", false).await.problem(422, "bad-input");
        let nowhere = json!({"recipient": "A", "address": "x", "lat": 91.0, "lng": 0.0});
        world.post("/v1/addresses").by(&bob).json(&nowhere).send().await.problem(422, "bad-input");
    })
    .await;
}

#[actix_web::test]
async fn another_password_signs_the_other_devices_out() {
    each_world(async |world| {
        register(world, "ann", json!(["customer"])).await;
        let phone = sign_in(world, "ann", "correct horse", "customer").await.expect(200);
        let tablet = sign_in(world, "ann", "correct horse", "customer").await.expect(200);
        let change = |old: &'static str, new: &'static str| {
            let body = json!({"proof": {"password": old}, "password": new});
            world.put("/v1/me/password").by(&person(&phone)).json(&body).send()
        };
        change("wrong horse", "battery staple").await.problem(422, "wrong-password");
        change("correct horse", "short").await.problem(422, "bad-input");
        let changed = change("correct horse", "battery staple").await.expect(200);
        assert_eq!(changed.json["sessions"], 1);
        world.get("/v1/me").by(&person(&phone)).send().await.expect(200);
        world.get("/v1/me").by(&person(&tablet)).send().await.problem(401, "revoked");
        sign_in(world, "ann", "correct horse", "customer").await.problem(401, "wrong-login");
        sign_in(world, "ann", "battery staple", "customer").await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_forgotten_password_is_replaced_by_code_and_nobody_learns_who_is_here() {
    each_world(async |world| {
        let ann = given_ann(world, MAIL).await;
        let ask = |to: &'static str, from: &'static str| {
            let body = json!({"to": to, "purpose": "reset"});
            world.post("/v1/codes").json(&body).from(from).send()
        };
        world.platform.rates.forget(key_of(MAIL, 0)).await;
        let known = ask(MAIL, "198.51.100.1").await.expect(202);
        let code = world.outbox.code(MAIL).await;
        let unknown = ask("nobody@example.org", "198.51.100.1").await.expect(202);
        assert_eq!(known.json, unknown.json);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(world.outbox.is_empty(), "nobody is written to who is not here");

        let reset = |to: &'static str, code: String, password: &'static str| {
            let body = json!({"to": to, "code": code, "password": password});
            world.post("/v1/password-resets").json(&body).send()
        };
        let wrong = reset(MAIL, "000000x".to_owned(), "battery staple").await;
        let wrong = wrong.problem(422, "wrong-code");
        let nobody = reset("nobody@example.org", code.clone(), "battery staple").await;
        assert_eq!(wrong.said(), nobody.problem(422, "wrong-code").said());
        reset(MAIL, code.clone(), "short").await.problem(422, "bad-input");
        reset(MAIL, code.clone(), "battery staple").await.expect(204);
        reset(MAIL, code, "battery staple").await.problem(422, "wrong-code");
        world.get("/v1/me").by(&ann).send().await.problem(401, "revoked");
        sign_in(world, "ann", "battery staple", "customer").await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_code_is_good_once_for_a_while_and_not_guessed() {
    each_world(async |world| {
        let use_code = |code: String, role: &'static str| {
            let body = json!({"to": PHONE, "code": code, "role": role, "name": "Mei"});
            world.post("/v1/sessions/code").json(&body).send()
        };
        // Who is new becomes a customer, and nothing else.
        let first = code(world, PHONE, "sign_in").await;
        use_code(first.clone(), "rider").await.problem(422, "wrong-code");
        let first = code(world, PHONE, "sign_in").await;
        let mei = use_code(first.clone(), "customer").await.expect(200);
        assert_eq!(mei.text("name"), "Mei");
        use_code(first, "customer").await.problem(422, "wrong-code");
        let again = code(world, PHONE, "sign_in").await;
        let back = use_code(format!(" {again} "), "customer").await.expect(200);
        assert_eq!(back.text("profile"), mei.text("profile"), "the same person");
        let me = world.get("/v1/me").by(&person(&back)).send().await.expect(200);
        assert_eq!(me.text("phone"), PHONE);

        // One for something else, an old one, and one that was guessed at are worth nothing.
        let other = code(world, PHONE, "verify").await;
        use_code(other, "customer").await.problem(422, "wrong-code");
        let old = code(world, PHONE, "sign_in").await;
        world.clock.advance(CODE_SPAN);
        use_code(old, "customer").await.problem(422, "wrong-code");
        let right = code(world, PHONE, "sign_in").await;
        for n in 0..5 {
            use_code(format!("x{n}"), "customer").await.problem(422, "wrong-code");
        }
        use_code(right, "customer").await.problem(422, "wrong-code");
        // They are a while apart, whoever asks.
        let body = json!({"to": PHONE, "purpose": "sign_in"});
        let refused = world.post("/v1/codes").json(&body).from("203.0.113.77").send().await;
        refused.problem(429, "too-many-requests");
        for bad in ["12345", "ann@", "+86 x"] {
            let body = json!({"to": bad, "purpose": "sign_in"});
            world.post("/v1/codes").json(&body).send().await.problem(422, "bad-input");
        }
    })
    .await;
}

#[actix_web::test]
async fn a_number_that_changed_hands_belongs_to_whoever_proves_it() {
    each_world(async |world| {
        given_ann(world, PHONE).await;
        register(world, "bob", json!(["customer"])).await;
        let bob = person(&sign_in(world, "bob", "correct horse", "customer").await.expect(200));
        let put = |code: String| {
            world.put("/v1/me/contacts").by(&bob).json(&json!({"to": PHONE, "code": code})).send()
        };
        put("000000x".to_owned()).await.problem(422, "wrong-code");
        let code = code(world, PHONE, "verify").await;
        put(code).await.expect(204);
        let me = world.get("/v1/me").by(&bob).send().await.expect(200);
        assert_eq!(me.text("phone"), PHONE);
        let ann = person(&sign_in(world, "ann", "correct horse", "customer").await.expect(200));
        assert!(world.get("/v1/me").by(&ann).send().await.expect(200).json["phone"].is_null());
    })
    .await;
}

#[actix_web::test]
async fn a_closed_account_waits_for_an_operator() {
    each_world(async |world| {
        let ann = given_ann(world, MAIL).await;
        let close = |password: &'static str| {
            world.post("/v1/me/deactivate").by(&ann).json(&json!({"password": password})).send()
        };
        close("wrong horse").await.problem(422, "wrong-password");
        close("correct horse").await.expect(204);
        world.get("/v1/me").by(&ann).send().await.problem(401, "revoked");
        sign_in(world, "ann", "correct horse", "customer").await.problem(401, "wrong-login");
        let code = code(world, MAIL, "sign_in").await;
        let body = json!({"to": MAIL, "code": code, "role": "merchant"});
        world.post("/v1/sessions/code").json(&body).send().await.problem(422, "wrong-code");
        let operator = world.person(Role::Operator).await;
        let path = format!("/v1/ops/profiles/{}/reopen", ann.profile);
        world.post(&path).by(&operator).send().await.expect(204);
        sign_in(world, "ann", "correct horse", "customer").await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn who_is_erased_leaves_orders_and_money_and_no_trace_of_the_person() {
    each_world(async |world| {
        let (shop, ann) = (world.shop(9).await, given_ann(world, PHONE).await);
        let address =
            json!({"recipient": "Ann", "address": "Secret Lane 1", "lat": 31.2, "lng": 121.5});
        world.post("/v1/addresses").by(&ann).json(&address).send().await.expect(201);
        let mut wish = World::wish(&shop, 2);
        wish["dropoff"]["address"] = json!("Secret Lane 1");
        wish["note"] = json!("ring at Ann's");
        let placed =
            world.post("/v1/orders").by(&ann).key("k").json(&wish).send().await.expect(201);
        let order = placed.text("order");
        let payment = world.start_paying(&order, &ann).await.expect(201);
        world.pay_at_sandbox(&payment.text("provider_ref")).await.expect(200);
        world.act(&order, &shop.merchant, "accept", json!({})).await.expect(200);
        let channel: domain::channel::Channel = format!("order:{order}").parse().unwrap();
        let saying = Saying::text(channel.clone(), "c-1".to_owned(), "hello".to_owned());
        chat::send(&world.platform, ann.profile, "Ann Secret", saying).await.unwrap();

        let erase = async || {
            let body = json!({"password": "correct horse"});
            world.post("/v1/me/erase").by(&ann).json(&body).send().await
        };
        let busy = erase().await.problem(409, "state-refused");
        assert_eq!(busy.text("role"), "customer");
        let operator = world.person(Role::Operator).await;
        let reason = json!({"reason": "other"});
        world.act(&order, &operator, "cancel", reason).await.expect(200);
        erase().await.expect(204);

        let seen = world.show(&order, &shop.merchant).await;
        let text = seen.json.to_string();
        assert!(!text.contains("Secret") && !text.contains("ring at"), "{text}");
        assert_eq!(seen.json["total_minor"], placed.json["total_minor"], "money stays");
        let entries = journal::read_after(&mut world.platform.reader(), &channel, 0, 200).await;
        let said: Vec<String> = entries.unwrap().into_iter().map(|it| it.body).collect();
        assert!(said.iter().all(|it| !it.contains("Ann Secret")), "{said:?}");
        assert!(said.iter().any(|it| it.contains(ERASED_NAME) && it.contains("hello")), "{said:?}");
        world.get("/v1/me").by(&ann).send().await.problem(401, "revoked");
        sign_in(world, "ann", "correct horse", "customer").await.problem(401, "wrong-login");
        let reopen = format!("/v1/ops/profiles/{}/reopen", ann.profile);
        world.post(&reopen).by(&operator).send().await.problem(404, "not-found");
        // Login and number are free for somebody new, who finds nothing of the old.
        register(world, "ann", json!(["customer"])).await;
        let new = person(&sign_in(world, "ann", "correct horse", "customer").await.expect(200));
        let book = world.get("/v1/addresses").by(&new).send().await.expect(200);
        assert!(book.json["addresses"].as_array().unwrap().is_empty());
        let orders = world.get("/v1/orders").by(&new).send().await.expect(200);
        assert!(orders.json["orders"].as_array().unwrap().is_empty(), "{orders:?}");
    })
    .await;
}
