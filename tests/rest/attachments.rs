//! Files beside the words of a chat: sent in pieces, checked, shown to the parties only.

use std::{fs, path::Path, time::Duration};

use domain::{
    attachment::{CHUNK_BYTES_MAX, Checksum, MediaType},
    channel::Channel,
    checked_text::FileName,
    role::Role,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use storage::blobs::Blobs;
use usecases::{
    attachment_ends,
    attachments::{self, Announced},
    blob_place::{self, KnownPlace, Standing},
    chat::{self, ChatError, Saying},
    platform::Platform,
    recall,
};

use crate::support::{Ask, Person, Reply, Shop, World, each_world};

/// A picture of this many bytes; no two of different `salt` are alike.
fn picture(n_bytes: usize, salt: u8) -> Vec<u8> {
    let mut content = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    content.extend((content.len()..n_bytes).map(|n| (n % 251) as u8 ^ salt));
    content
}

fn sum(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An order whose chat is open.
async fn given_chat(world: &World) -> (Person, Shop, String) {
    let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
    let order = world.paid_order(&shop, &customer).await;
    world.act(&order, &shop.merchant, "accept", json!({})).await.expect(200);
    (customer, shop, order)
}

fn about(order: &str, content: &[u8]) -> Value {
    json!({ "order": order, "name": "door äö.png", "media_type": "image/png",
        "bytes": content.len(), "sha256": sum(content) })
}

async fn begin(world: &World, who: &Person, order: &str, content: &[u8]) -> String {
    let body = about(order, content);
    let begun = world.post("/v1/attachments").by(who).json(&body).send().await.expect(201);
    assert_eq!(
        (&begun.json["offset"], &begun.json["chunk_bytes_max"]),
        (&json!(0), &json!(1_048_576))
    );
    begun.text("attachment")
}

fn patch<'w>(world: &'w World, who: &Person, id: &str, off: usize, piece: &[u8]) -> Ask<'w> {
    world
        .patch(&format!("/v1/attachments/{id}"))
        .by(who)
        .header("Upload-Offset", &off.to_string())
        .header("Content-Type", "application/octet-stream")
        .raw(piece)
}

fn header<'r>(reply: &'r Reply, name: &str) -> &'r str {
    reply.headers.get(name).map_or("", |it| it.to_str().unwrap())
}

/// Where an upload stands: bytes that have arrived, and whether it is whole.
async fn standing(world: &World, who: &Person, id: &str) -> (u64, String) {
    let reply = world.head(&format!("/v1/attachments/{id}")).by(who).send().await.expect(204);
    (header(&reply, "upload-offset").parse().unwrap(), header(&reply, "upload-complete").to_owned())
}

async fn send_all(world: &World, who: &Person, id: &str, content: &[u8]) {
    let mut off = 0;
    for piece in content.chunks(CHUNK_BYTES_MAX) {
        patch(world, who, id, off, piece).send().await.expect(204);
        off += piece.len();
    }
}

async fn uploaded(world: &World, who: &Person, order: &str, content: &[u8]) -> String {
    let id = begin(world, who, order, content).await;
    send_all(world, who, &id, content).await;
    id
}

async fn show(world: &World, who: &Person, id: &str) -> Reply {
    world.get(&format!("/v1/attachments/{id}")).by(who).send().await
}

async fn say_with(world: &World, who: &Person, order: &str, id: &str) -> Result<u64, ChatError> {
    let channel = Channel::Order(order.parse().unwrap());
    let plain = Saying::text(channel, format!("c-{id}-{order}"), String::new());
    let saying = Saying { kind: "image".to_owned(), att: Some(id.to_owned()), ..plain };
    let done = chat::send(&world.platform, who.profile, "Somebody", saying).await?;
    Ok(done.positions[0].off)
}

fn n_files(folder: &Path) -> usize {
    let Ok(found) = fs::read_dir(folder) else { return 0 };
    found
        .map(|it| it.unwrap().path())
        .map(
            |it| {
                if it.is_dir() {
                    n_files(&it)
                } else {
                    usize::from(!it.ends_with("riderhub-place"))
                }
            },
        )
        .sum()
}

#[actix_web::test]
async fn a_picture_is_sent_in_pieces_and_shown_to_the_parties_once_it_was_said() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        let content = picture(2 * CHUNK_BYTES_MAX + 77, 1);
        let id = begin(world, &customer, &order, &content).await;
        assert_eq!(standing(world, &customer, &id).await, (0, "?0".to_owned()));
        send_all(world, &customer, &id, &content).await;
        assert_eq!(standing(world, &customer, &id).await, (content.len() as u64, "?1".to_owned()));
        assert_eq!(n_files(world.files.path()), 1, "the pieces are gone");

        show(world, &shop.merchant, &id).await.problem(404, "not-found");
        assert_eq!(show(world, &customer, &id).await.expect(200).bytes, content);
        say_with(world, &customer, &order, &id).await.unwrap();
        let seen = show(world, &shop.merchant, &id).await.expect(200);
        assert_eq!(seen.bytes, content);
        for (name, value) in [
            ("content-type", "image/png"),
            ("x-content-type-options", "nosniff"),
            ("content-disposition", "attachment; filename*=UTF-8''door%20%C3%A4%C3%B6.png"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cache-control", "private, no-cache"),
            ("accept-ranges", "bytes"),
        ] {
            assert_eq!(header(&seen, name), value, "{name}");
        }
        let stranger = world.person(Role::Customer).await;
        for who in [&stranger, &world.person(Role::Rider).await] {
            show(world, who, &id).await.problem(404, "not-found");
            let path = format!("/v1/attachments/{id}");
            assert_eq!(world.head(&path).by(who).send().await.status, 404);
            patch(world, who, &id, 0, b"x").send().await.problem(404, "not-found");
        }
        world.get(&format!("/v1/attachments/{id}")).send().await.problem(401, "not-signed-in");
        show(world, &world.person(Role::Operator).await, &id).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_file_for_another_order_or_without_content_is_refused_in_clear_words() {
    each_world(async |world| {
        let (customer, _shop, order) = given_chat(world).await;
        let stranger = world.person(Role::Customer).await;
        let ask =
            |who: &Person, body: Value| world.post("/v1/attachments").by(who).json(&body).send();
        let foreign = ask(&stranger, about(&order, b"x")).await.problem(404, "not-found");
        assert!(foreign.text("detail").contains("order"), "{foreign:?}");
        let empty = ask(&customer, about(&order, b"")).await.problem(422, "bad-input");
        assert!(empty.text("detail").contains("1 byte"), "{empty:?}");
    })
    .await;
}

#[actix_web::test]
async fn a_part_of_a_picture_can_be_asked_for() {
    each_world(async |world| {
        let (customer, _shop, order) = given_chat(world).await;
        let content = picture(1_000, 1);
        let id = uploaded(world, &customer, &order, &content).await;
        let path = format!("/v1/attachments/{id}");
        let ask = |range: &str| world.get(&path).by(&customer).header("Range", range);
        for (range, expected) in [
            ("bytes=0-9", 0..10),
            ("bytes=990-2000", 990..1_000),
            ("bytes=-5", 995..1_000),
            ("bytes=500-", 500..1_000),
        ] {
            let reply = ask(range).send().await.expect(206);
            let told = format!("bytes {}-{}/1000", expected.start, expected.end - 1);
            assert_eq!(header(&reply, "content-range"), told);
            assert_eq!(reply.bytes, content[expected]);
        }
        let beyond = ask("bytes=1000-").send().await.expect(416);
        assert_eq!(header(&beyond, "content-range"), "bytes */1000");
        for whole in ["bytes=0-1,5-6", "lines=1-2"] {
            assert_eq!(ask(whole).send().await.expect(200).bytes, content, "{whole}");
        }
        let tag = format!("\"{}\"", sum(&content));
        let known = world.get(&path).by(&customer).header("If-None-Match", &tag).send().await;
        assert_eq!((known.status.as_u16(), known.bytes.len()), (304, 0));
        let other = ask("bytes=0-9").header("If-Range", "\"another\"").send().await;
        assert_eq!(other.expect(200).bytes, content);
    })
    .await;
}

#[actix_web::test]
async fn a_lost_answer_a_double_and_a_gap_do_no_harm() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        let content = picture(300, 1);
        let id = begin(world, &customer, &order, &content).await;
        patch(world, &customer, &id, 0, &content[..100]).send().await.expect(204);
        // The answer was lost: the same again is refused with the place to go on from.
        for off in [0, 50, 200] {
            let again = patch(world, &customer, &id, off, &content[off..off + 100]).send().await;
            assert_eq!(again.problem(409, "wrong-offset").json["received"], 100, "{off}");
        }
        // Two at once: one is taken.
        let piece = &content[100..200];
        let (one, two) = tokio::join!(
            patch(world, &customer, &id, 100, piece).send(),
            patch(world, &customer, &id, 100, piece).send()
        );
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
        assert_eq!(standing(world, &customer, &id).await, (200, "?0".to_owned()));
        // Unfinished, it goes with no message.
        let early = say_with(world, &customer, &order, &id).await.unwrap_err();
        assert!(early.to_string().contains("200 of 300"), "{early}");
        assert_eq!(
            show(world, &customer, &id).await.problem(409, "state-refused").json["received"],
            200
        );

        let beyond = patch(world, &customer, &id, 200, &[7; 101]).send().await;
        beyond.problem(413, "too-large");
        patch(world, &customer, &id, 200, b"").send().await.problem(413, "too-large");
        patch(world, &customer, &id, 200, &content[200..]).send().await.expect(204);
        // Asked to check again, it is whole already.
        patch(world, &customer, &id, 300, b"").send().await.expect(204);
        assert_eq!(n_files(world.files.path()), 1, "what lost the race is gone too");
        say_with(world, &customer, &order, &id).await.unwrap();
        assert_eq!(show(world, &shop.merchant, &id).await.expect(200).bytes, content);
    })
    .await;
}

#[actix_web::test]
async fn what_is_not_as_announced_is_refused() {
    each_world(async |world| {
        let (customer, _shop, order) = given_chat(world).await;
        let content = picture(64, 1);
        let mut other = content.clone();
        other[60] ^= 1;
        let id = begin(world, &customer, &order, &content).await;
        patch(world, &customer, &id, 0, &other).send().await.problem(422, "content-refused");
        assert_eq!(
            world.head(&format!("/v1/attachments/{id}")).by(&customer).send().await.status,
            422
        );
        assert!(say_with(world, &customer, &order, &id).await.is_err());
        // A page in the clothes of a picture, at once and after a first piece of two bytes.
        let page = b"<!DOCTYPE html><script>alert(1)</script>".to_vec();
        let id = begin(world, &customer, &order, &page).await;
        patch(world, &customer, &id, 0, &page[..20]).send().await.problem(422, "content-refused");
        let id = begin(world, &customer, &order, &page).await;
        patch(world, &customer, &id, 0, &page[..2]).send().await.expect(204);
        patch(world, &customer, &id, 2, &page[2..]).send().await.problem(422, "content-refused");
        assert_eq!(n_files(world.files.path()), 0);

        for (change, status, code) in [
            (json!({ "bytes": 0 }), 422, "bad-input"),
            (json!({ "bytes": 10_485_761 }), 413, "too-large"),
            (json!({ "media_type": "image/svg+xml" }), 422, "bad-input"),
            (json!({ "sha256": "abc" }), 422, "bad-input"),
            (json!({ "name": " " }), 422, "bad-input"),
            (json!({ "order": "ord_1" }), 422, "bad-input"),
        ] {
            let mut body = about(&order, &content);
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let reply = world.post("/v1/attachments").by(&customer).json(&body).send().await;
            reply.problem(status, code);
        }
        let stranger = world.person(Role::Customer).await;
        let body = about(&order, &content);
        let reply = world.post("/v1/attachments").by(&stranger).json(&body).send().await;
        reply.problem(404, "not-found");
        let id = begin(world, &customer, &order, &content).await;
        let large = vec![7; CHUNK_BYTES_MAX + 1];
        patch(world, &customer, &id, 0, &large).send().await.problem(413, "too-large");
        world
            .patch(&format!("/v1/attachments/{id}"))
            .by(&customer)
            .send()
            .await
            .problem(400, "bad-piece");
        // The same request again begins the same upload.
        let again =
            async || world.post("/v1/attachments").by(&customer).key("k1").json(&body).send().await;
        assert_eq!(again().await.expect(201).text("attachment"), again().await.text("attachment"));
    })
    .await;
}

#[actix_web::test]
async fn a_picture_goes_with_one_message_of_its_sender_in_its_order() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        let elsewhere = world.paid_order(&shop, &customer).await;
        world.act(&elsewhere, &shop.merchant, "accept", json!({})).await.expect(200);
        let id = uploaded(world, &customer, &order, &picture(64, 1)).await;
        for (who, order) in [(&shop.merchant, &order), (&customer, &elsewhere)] {
            let refused = say_with(world, who, order, &id).await.unwrap_err();
            assert!(refused.to_string().contains("no such attachment"), "{refused}");
        }
        let off = say_with(world, &customer, &order, &id).await.unwrap();
        assert_eq!(say_with(world, &customer, &order, &id).await.unwrap(), off, "the same command");
        let channel = Channel::Order(order.parse().unwrap());
        let again = Saying {
            kind: "image".to_owned(),
            att: Some(id.clone()),
            ..Saying::text(channel.clone(), "another".to_owned(), String::new())
        };
        let used = chat::send(&world.platform, customer.profile, "Ann", again).await.unwrap_err();
        assert!(used.to_string().contains("already"), "{used}");

        // Taken back, it is shown to nobody at once, and gone a moment later.
        let by = customer.profile;
        recall::recall(&world.platform, by, channel, "recall-1".to_owned(), off).await.unwrap();
        for who in [&customer, &shop.merchant] {
            show(world, who, &id).await.problem(404, "not-found");
        }
        world.pass(Duration::ZERO).await;
        assert_eq!(n_files(world.files.path()), 0);
    })
    .await;
}

#[actix_web::test]
async fn what_nobody_uses_is_removed_and_what_was_said_stays() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        let content = picture(400, 1);
        let half = begin(world, &customer, &order, &content).await;
        patch(world, &customer, &half, 0, &content[..200]).send().await.expect(204);
        let unused = uploaded(world, &customer, &order, &picture(64, 2)).await;
        let said = uploaded(world, &customer, &order, &picture(64, 3)).await;
        say_with(world, &customer, &order, &said).await.unwrap();
        // What a dying node wrote and no row names.
        let left = world.files.path().join(format!("parts/{said}"));
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("000000000000-dead"), b"left").unwrap();
        assert_eq!(n_files(world.files.path()), 4);

        world.pass(domain::attachment::UPLOAD_WITHIN - Duration::from_secs(1)).await;
        assert_eq!(n_files(world.files.path()), 4);
        world.pass(Duration::from_secs(1)).await;
        assert_eq!(n_files(world.files.path()), 1);
        let (customer, merchant) =
            (world.again(&customer).await, world.again(&shop.merchant).await);
        for gone in [half, unused] {
            let path = format!("/v1/attachments/{gone}");
            assert_eq!(world.head(&path).by(&customer).send().await.status, 404);
        }
        show(world, &merchant, &said).await.expect(200);
        // With its order it is forgotten too.
        let (order_id, at) = (order.parse().unwrap(), world.platform.now());
        let forget = async move |tx: &mut storage::db::Tx| {
            attachment_ends::forget_order(tx, order_id, at).await
        };
        world.platform.store.write(forget).await.unwrap();
        world.pass(Duration::ZERO).await;
        show(world, &merchant, &said).await.problem(404, "not-found");
        assert_eq!(n_files(world.files.path()), 0);
    })
    .await;
}

#[actix_web::test]
async fn a_node_whose_folder_the_others_do_not_share_takes_no_files() {
    each_world(async |world| {
        let (customer, _shop, order) = given_chat(world).await;
        assert_eq!(world.platform.known_place.standing(), Standing::Unknown);
        uploaded(world, &customer, &order, &picture(64, 1)).await;
        assert_eq!(world.platform.known_place.standing(), Standing::Shared);
        let folder = tempfile::tempdir().unwrap();
        let node = |folder: &Path| Platform {
            blobs: Blobs::folder(folder).unwrap(),
            known_place: KnownPlace::default(),
            ..world.platform.clone()
        };
        let again = blob_place::look(&node(world.files.path())).await.unwrap();
        assert_eq!(again, Standing::Shared);
        let other = node(folder.path());
        let is_cluster = world.platform.store.db().is_mysql();
        let expected = if is_cluster { Standing::Foreign } else { Standing::Shared };
        assert_eq!(blob_place::look(&other).await.unwrap(), expected, "an embedded store has one");
        let file = Announced {
            order_id: order.parse().unwrap(),
            name: FileName::parse("a.png").unwrap(),
            media_type: MediaType::Png,
            bytes: 10,
            sha256: Checksum::of_hash(&[0; 32]),
        };
        let begun = attachments::begin(&other, customer.profile, file, None).await;
        assert_eq!(begun.is_err(), is_cluster, "{begun:?}");
        let seen = blob_place::peek(&mut other.reader(), &other.blobs).await.unwrap();
        assert_eq!(seen, expected, "doctor sees the same");
    })
    .await;
}
