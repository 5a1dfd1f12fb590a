//! People who are away are told, once, and only what no device of theirs has acknowledged.

use std::time::Duration;

use domain::{
    channel::Channel,
    clock::Timestamp,
    ids::{OfferId, OrderId},
    notice::NoticeClass,
    role::Role,
};
use serde_json::{Value, json};
use storage::{
    db::Tx,
    error::StoreError,
    events::{self, Offered, StorePoint},
    notices::DueNotice,
    push::Push,
};
use usecases::{
    chat::{self, Reached, Saying},
    notices::{self, CLAIM, NoticeSettings},
    notifier::Outcome,
    platform::{Changes, Platform},
};

use crate::{
    recorder::{AUTH, P256DH, Recorder, later, look, share_out, subscribe},
    support::{Person, Shop, World, each_world},
};

async fn say(world: &World, platform: &Platform, who: &Person, order: &str, words: &str) -> u64 {
    let saying = Saying {
        channel: Channel::Order(order.parse().unwrap()),
        cid: format!("c-{}-{words}-{}", who.profile, world.platform.now().ms()),
        kind: "text".to_owned(),
        body: words.to_owned(),
        reply_to: None,
        place: None,
        att: None,
    };
    let done = chat::send(platform, who.profile, "Mei", saying).await.unwrap();
    done.positions[0].off
}

async fn reach(world: &World, who: &Person, order: &str, reached: Reached) {
    let channel = Channel::Order(order.parse().unwrap());
    chat::reach(&world.platform, who.profile, &channel, reached).await.unwrap();
}

/// An order whose chat is open, with nobody told of anything yet.
async fn given_chat(world: &World) -> (Person, Shop, String) {
    let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
    let order = world.paid_order(&shop, &customer).await;
    world.act(&order, &shop.merchant, "accept", json!({})).await.expect(200);
    (customer, shop, order)
}

async fn due_later(world: &World) -> Vec<DueNotice> {
    let far = Timestamp::from_ms(i64::MAX);
    storage::notices::due(&mut world.platform.reader(), far).await.unwrap()
}

#[actix_web::test]
async fn nobody_is_told_what_a_device_has_acknowledged() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        subscribe(world, &customer, "phone").await;
        let recorder = Recorder::default();
        for reached in [Reached::Delivered, Reached::Read] {
            let off = say(world, &world.platform, &shop.merchant, &order, "hello").await;
            later(world, 9, &recorder).await;
            assert_eq!(recorder.told(), [], "it is not late yet");
            reach(world, &customer, &order, reached(off)).await;
            later(world, 2, &recorder).await;
            later(world, 60, &recorder).await;
            assert_eq!(recorder.told(), []);
            assert_eq!(due_later(world).await, [], "nothing stays behind");
        }
        say(world, &world.platform, &customer, &order, "my own words").await;
        later(world, 60, &recorder).await;
        assert_eq!(recorder.told(), []);
    })
    .await;
}

#[actix_web::test]
async fn who_is_away_is_told_once_and_again_after_a_pause() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        subscribe(world, &customer, "phone").await;
        let recorder = Recorder::default();
        say(world, &world.platform, &shop.merchant, &order, "no onions left").await;
        later(world, 4, &recorder).await;
        let off = say(world, &world.platform, &shop.merchant, &order, "is leek fine?").await;
        later(world, 7, &recorder).await;
        let told = recorder.told();
        let [(NoticeClass::Chat, 2, body)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((&body["ch"], &body["off"]), (&json!(format!("order:{order}")), &json!(off)));
        assert_eq!(body["items"][0]["from"], "merchant");
        let text = body.to_string();
        assert!(!text.contains("onions") && !text.contains("Mei"), "words leak: {text}");
        later(world, 5, &recorder).await;
        assert_eq!(recorder.told(), [], "told once");

        say(world, &world.platform, &shop.merchant, &order, "hello?").await;
        later(world, 11, &recorder).await;
        assert_eq!(recorder.told(), [], "not so soon after the first");
        later(world, 20, &recorder).await;
        let told = recorder.told();
        assert_eq!((told.len(), told[0].1), (1, 3), "all three, for nothing was read: {told:?}");
        later(world, 60, &recorder).await;
        assert_eq!(recorder.told(), []);
        assert_eq!(due_later(world).await, []);
    })
    .await;
}

#[actix_web::test]
async fn the_first_that_nobody_acknowledged_decides_when() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        subscribe(world, &customer, "phone").await;
        let recorder = Recorder::default();
        let first = say(world, &world.platform, &shop.merchant, &order, "one").await;
        later(world, 8, &recorder).await;
        say(world, &world.platform, &shop.merchant, &order, "two").await;
        reach(world, &customer, &order, Reached::Delivered(first)).await;
        later(world, 3, &recorder).await;
        assert_eq!(recorder.told(), [], "the second is three seconds old");
        later(world, 8, &recorder).await;
        let told = recorder.told();
        assert_eq!((told.len(), told[0].1), (1, 1), "{told:?}");
    })
    .await;
}

#[actix_web::test]
async fn orders_that_are_placed_later_are_watched_as_well() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        subscribe(world, &customer, "phone").await;
        subscribe(world, &shop.merchant, "till").await;
        let recorder = Recorder::default();
        let order = world.paid_order(&shop, &customer).await;
        later(world, 4, &recorder).await;
        let told = recorder.told();
        let [(NoticeClass::Alarm, 1, body)] = &told[..] else { panic!("{told:?}") };
        assert_eq!(body["items"][0]["order"], json!(order));
        later(world, 60, &recorder).await;
        recorder.told();

        world.act(&order, &shop.merchant, "accept", json!({})).await.expect(200);
        say(world, &world.platform, &shop.merchant, &order, "hello").await;
        say(world, &world.platform, &customer, &order, "hi").await;
        later(world, 11, &recorder).await;
        let sent = recorder.sent();
        let mut to: Vec<_> = sent.iter().map(|(to, it)| (to.as_str(), it.class)).collect();
        to.sort_unstable();
        let chat = NoticeClass::Chat;
        assert_eq!(to, [("phone", NoticeClass::Order), ("phone", chat), ("till", chat)]);
        let (_, notice) = sent.iter().find(|(_, it)| it.class == NoticeClass::Order).unwrap();
        let body: Value = serde_json::from_str(&notice.body).unwrap();
        assert_eq!(body["items"][0]["status"], "preparing", "{body}");

        let other = world.paid_order(&shop, &customer).await;
        world.act(&other, &shop.merchant, "accept", json!({})).await.expect(200);
        later(world, 4, &recorder).await;
        let told = recorder.told();
        assert!(told.iter().all(|it| it.0 != NoticeClass::Alarm), "it was answered: {told:?}");
    })
    .await;
}

#[actix_web::test]
async fn an_offer_is_told_while_it_can_be_taken() {
    each_world(async |world| {
        let rider = world.person(Role::Rider).await;
        subscribe(world, &rider, "phone").await;
        let recorder = Recorder::default();
        let inbox = Channel::Inbox(rider.profile);
        let offer = async |seconds: i64| {
            let expires = world.platform.now().ms() + seconds * 1_000;
            let (offer, into) = (OfferId::generate(), inbox.clone());
            let body = Offered {
                offer: offer.to_string(),
                order: OrderId::generate().to_string(),
                store: StorePoint { id: "s".into(), name: "n".into(), lat: 1.0, lng: 1.0 },
                dropoff_area: "wtw3sj".to_owned(),
                pay_minor: 680,
                bonus_minor: 0,
                currency: "CNY".to_owned(),
                pickup_m: 1,
                trip_m: 1,
                adds_s: 1,
                route: Vec::new(),
                expires,
                also: Vec::new(),
            };
            let write = async move |_: &mut Tx, changes: &mut Changes, _| {
                changes.entries.push(events::entry(into.clone(), Push::Offer, None, &body)?);
                Ok::<_, StoreError>(())
            };
            world.platform.command(None, write).await.unwrap().positions[0].off
        };
        offer(30).await;
        later(world, 3, &recorder).await;
        let sent = recorder.sent();
        let [(_, notice)] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!((notice.class, notice.ttl), (NoticeClass::Offer, Duration::from_secs(27)));

        let off = offer(30).await;
        chat::reach(&world.platform, rider.profile, &inbox, Reached::Delivered(off)).await.unwrap();
        later(world, 3, &recorder).await;
        assert_eq!(recorder.told(), [], "his phone has it");
        offer(30).await;
        later(world, 31, &recorder).await;
        assert_eq!(recorder.told(), [], "too late to be taken");
    })
    .await;
}

#[actix_web::test]
async fn of_nodes_that_look_at_once_one_sends() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        subscribe(world, &customer, "phone").await;
        say(world, &world.platform, &shop.merchant, &order, "hello").await;
        let recorder = Recorder::default();
        let sources = notices::sources(&world.platform).await.unwrap();
        let [source] = &sources[..] else { panic!("{sources:?}") };
        let shares = (0..4).map(|_| notices::share_out(&world.platform, source.clone()));
        let shared = futures_util::future::join_all(shares).await;
        assert_eq!(shared.iter().filter(|it| *it.as_ref().unwrap()).count(), 1);
        world.clock.advance(Duration::from_secs(11));
        let due = notices::due(&world.platform).await.unwrap();
        let [due] = &due[..] else { panic!("{due:?}") };
        let tries = (0..6).map(|_| notices::carry(&world.platform, &recorder, due.clone()));
        for tried in futures_util::future::join_all(tries).await {
            tried.unwrap();
        }
        assert_eq!(recorder.told().len(), 1);
    })
    .await;
}

#[actix_web::test]
async fn a_node_that_dies_over_a_notice_is_followed_by_another() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        subscribe(world, &customer, "phone").await;
        say(world, &world.platform, &shop.merchant, &order, "hello").await;
        let dying = Recorder::that_never_hears();
        world.clock.advance(Duration::from_secs(11));
        share_out(&world.platform).await;
        let due = notices::due(&world.platform).await.unwrap().remove(0);
        let carrying = notices::carry(&world.platform, &dying, due);
        let died = tokio::time::timeout(Duration::from_secs(2), carrying).await;
        assert!(died.is_err(), "it waits for an answer");
        let [(_, first)] = &dying.sent()[..] else { panic!("it was sent") };

        let recorder = Recorder::default();
        later(world, 5, &recorder).await;
        assert_eq!(recorder.told(), [], "somebody may still be at it");
        later(world, CLAIM.as_secs(), &recorder).await;
        let sent = recorder.sent();
        let [(_, again)] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!((&again.id, &again.topic), (&first.id, &first.topic), "the same notice");
        later(world, 60, &recorder).await;
        assert_eq!(recorder.told(), []);
    })
    .await;
}

#[actix_web::test]
async fn each_address_is_told_until_it_takes_the_notice() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        subscribe(world, &customer, "phone").await;
        subscribe(world, &customer, "watch").await;
        say(world, &world.platform, &shop.merchant, &order, "hello").await;
        let later_once = Outcome::Later(Some(Duration::from_secs(7)));
        let recorder = Recorder::answering(&[later_once, Outcome::Gone]);
        later(world, 11, &recorder).await;
        let first = recorder.sent();
        assert_eq!(first.len(), 2);
        later(world, 6, &recorder).await;
        assert_eq!(recorder.sent(), [], "seven seconds were asked for");
        later(world, 2, &recorder).await;
        let again = recorder.sent();
        assert_eq!(again.len(), 1, "{again:?}");
        assert_eq!(again[0].0, first[0].0, "the other address is gone");
        assert_eq!(again[0].1.id, first[0].1.id);

        world.clock.advance(Duration::from_secs(120));
        say(world, &world.platform, &shop.merchant, &order, "still there?").await;
        later(world, 11, &recorder).await;
        let to: Vec<_> = recorder.sent().into_iter().map(|it| it.0).collect();
        assert_eq!(to, [first[0].0.clone()]);
    })
    .await;
}

#[actix_web::test]
async fn who_never_asked_costs_nothing_and_is_told_only_through_the_webhook() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        let recorder = Recorder::default();
        say(world, &world.platform, &shop.merchant, &order, "hello").await;
        assert_eq!(notices::sources(&world.platform).await.unwrap(), []);
        subscribe(world, &customer, "phone").await;
        let path = "/v1/push-subscriptions?device=phone";
        world.delete(path).by(&customer).send().await.expect(204);
        world.delete(path).by(&customer).send().await.expect(204);
        say(world, &world.platform, &shop.merchant, &order, "hello?").await;
        later(world, 60, &recorder).await;
        assert_eq!(recorder.told(), []);
        assert_eq!(due_later(world).await, []);

        let settings = NoticeSettings { webhook: true, ..NoticeSettings::default() };
        let platform = Platform { notices: settings, ..world.platform.clone() };
        say(world, &platform, &shop.merchant, &order, "now?").await;
        world.clock.advance(Duration::from_secs(11));
        look(&platform, &recorder).await;
        let sent = recorder.sent();
        let [(to, notice)] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!(to, "webhook");
        assert!(notice.body.contains(&customer.profile.to_string()), "{}", notice.body);
    })
    .await;
}

#[actix_web::test]
async fn who_signs_out_is_told_nothing_more() {
    each_world(async |world| {
        let ann = world.person(Role::Customer).await;
        let devices = async || {
            let mut reader = world.platform.reader();
            let found = storage::push_addresses::list(&mut reader, &[ann.profile]).await.unwrap();
            found.into_iter().map(|it| it.device).collect::<Vec<_>>()
        };
        let (phone, tablet) = (world.again(&ann).await, world.again(&ann).await);
        subscribe(world, &phone, "phone").await;
        subscribe(world, &tablet, "tablet").await;
        world.delete("/v1/sessions/current").by(&phone).send().await.expect(204);
        assert_eq!(devices().await, ["tablet"]);
        let everywhere = world.post("/v1/sessions/revoke").by(&tablet).json(&json!({"all": true}));
        everywhere.send().await.expect(200);
        assert_eq!(devices().await, Vec::<String>::new());
    })
    .await;
}

#[actix_web::test]
async fn an_address_is_checked_and_belongs_to_whoever_gave_it_last() {
    each_world(async |world| {
        let (ann, bob) = (world.person(Role::Customer).await, world.person(Role::Rider).await);
        let key = world.get("/v1/push-key").send().await.expect(200).text("key");
        assert_eq!(key.len(), 87, "a point of 65 bytes: {key}");
        let keys = json!({"p256dh": P256DH, "auth": AUTH});
        let good = json!({"device": "d-1", "endpoint": "https://push.example.com/x", "keys": keys});
        for (field, value) in [
            ("endpoint", json!("http://push.example.com/x")),
            ("endpoint", json!("nonsense")),
            ("endpoint", json!(format!("https://push.example.com/{}", "x".repeat(1_100)))),
            ("device", json!("")),
            ("device", json!("a phone")),
            ("keys", json!({"p256dh": "abc", "auth": AUTH})),
            ("keys", json!({"p256dh": P256DH, "auth": "abc"})),
        ] {
            let mut body = good.clone();
            body[field] = value;
            let answer = world.put("/v1/push-subscriptions").by(&ann).json(&body).send().await;
            answer.problem(422, "bad-input");
        }
        let put = async |who: &Person| {
            let answer = world.put("/v1/push-subscriptions").by(who).json(&good).send().await;
            answer.expect(200).text("subscription")
        };
        let first = put(&ann).await;
        assert_eq!(put(&ann).await, first, "the same device");
        put(&bob).await;
        let mut reader = world.platform.reader();
        let of = async |reader: &mut _, who: &Person| {
            storage::push_addresses::list(reader, &[who.profile]).await.unwrap().len()
        };
        assert_eq!((of(&mut reader, &ann).await, of(&mut reader, &bob).await), (0, 1));
        for n in 0..12 {
            world.clock.advance(Duration::from_secs(1));
            subscribe(world, &ann, &format!("d-{n}")).await;
        }
        let kept = storage::push_addresses::list(&mut reader, &[ann.profile]).await.unwrap();
        let mut devices: Vec<_> = kept.iter().map(|it| it.device.as_str()).collect();
        devices.sort_unstable();
        assert_eq!(devices.len(), 10);
        assert!(!devices.contains(&"d-0") && devices.contains(&"d-11"), "{devices:?}");
        world.put("/v1/push-subscriptions").json(&good).send().await.problem(401, "not-signed-in");
    })
    .await;
}
