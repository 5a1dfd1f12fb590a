//! JSON and MessagePack: the same shapes, and nothing of one where the other was agreed.

use actors::protocol::{SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK};
use domain::role::Role;
use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{City, Closed, cid};

const ROOM: &str = "bench:log:formats";

#[actix_web::test]
async fn both_formats_carry_the_same_frames() {
    let city = City::new().await;
    let node = city.node().await;
    let ann = node.person("Ann", Role::Customer).await;
    let (mut text, connected) = node.connect(&ann).await;
    let mut packed = node.socket_of(SUBPROTOCOL_MSGPACK).await;
    let p = json!({ "token": ann.token });
    let also_connected = packed.ask("connect", p).await.unwrap();
    for field in ["profile", "role", "limits", "channels", "reconnect", "token_exp"] {
        assert_eq!(connected[field], also_connected[field], "{field}");
    }
    for client in [&mut text, &mut packed] {
        client.ask("sub", json!({ "ch": ROOM })).await.unwrap();
    }
    let body =
        json!({ "n": 7, "half": 0.5, "big": u64::MAX, "list": [null, true, "é\n\u{1f6b2}"] });
    for client in [&mut text, &mut packed] {
        let p = json!({ "ch": ROOM, "cid": cid(), "body": body });
        client.ask("pub", p).await.unwrap();
    }
    let (one, two) = (text.entries(ROOM, 2).await, packed.entries(ROOM, 2).await);
    assert_eq!(one, two);
    assert_eq!(one[1]["list"], body["list"], "{one:?}");
    assert_eq!(one[1]["big"], body["big"], "{one:?}");

    let refused = packed.ask("sub", json!({ "ch": "nonsense" })).await.unwrap_err();
    assert_eq!(refused["code"], 130);
}

#[actix_web::test]
async fn several_packed_commands_in_one_message_are_answered_in_order() {
    let city = City::new().await;
    let node = city.node().await;
    let ann = node.person("Ann", Role::Customer).await;
    let mut client = node.socket_of(SUBPROTOCOL_MSGPACK).await;
    client.ask("connect", json!({ "token": ann.token })).await.unwrap();
    let ch = format!("inbox:{}", ann.profile);
    let mut message = Vec::new();
    for id in 100..110 {
        let command = json!({ "id": id, "m": "history", "p": { "ch": ch } });
        message.extend(rmp_serde::to_vec(&command).unwrap());
    }
    // What cannot be read comes last: nobody could find what follows it.
    message.extend([0xc1, 0x01]);
    client.socket.send(Message::binary(message)).await.unwrap();
    for id in 100..110 {
        assert_eq!(client.next().await.unwrap()["id"], id);
    }
    let told = client.next().await.unwrap();
    assert_eq!((&told["id"], &told["err"]["code"]), (&json!(null), &json!(110)), "{told}");
    assert!(client.ask("history", json!({ "ch": ch })).await.is_ok(), "it still works");
}

#[actix_web::test]
async fn what_is_not_of_the_agreed_format_is_refused() {
    let city = City::new().await;
    let node = city.node().await;
    let ann = node.person("Ann", Role::Customer).await;
    for (format, name, message) in [
        (SUBPROTOCOL_JSON, "text_only", Message::binary(vec![0xc0])),
        (SUBPROTOCOL_MSGPACK, "binary_only", Message::text("{}")),
    ] {
        let mut client = node.socket_of(format).await;
        client.ask("connect", json!({ "token": ann.token })).await.unwrap();
        client.socket.send(message).await.unwrap();
        let told = client.expect(|it| it["err"].is_object()).await;
        assert_eq!(told["err"]["code"], 110, "{told}");
        assert_eq!(client.closed().await, Closed(1003, name.to_owned()));
    }
    for bytes in
        [vec![0xc1], vec![0x91; 60_000], vec![0xdf, 0xff, 0xff, 0xff, 0xff], vec![0x82, 0xa2]]
    {
        let mut client = node.socket_of(SUBPROTOCOL_MSGPACK).await;
        client.socket.send(Message::binary(bytes.clone())).await.unwrap();
        assert_eq!(client.next().await.unwrap()["err"]["code"], 110, "{:x?}", &bytes[..1]);
        assert_eq!(client.closed().await, Closed(4500, "bad_protocol".to_owned()));
    }
    let mut client = node.socket_of(SUBPROTOCOL_MSGPACK).await;
    let _may_fail = client.socket.send(Message::binary(vec![0; 65_537])).await;
    assert_eq!(client.next().await.unwrap()["err"]["code"], 112);
    assert_eq!(client.closed().await, Closed(1009, "too_big".to_owned()));
}
