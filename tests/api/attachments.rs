//! Pictures find their way whatever becomes of the node that they were sent to.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use riderhub::{client::link::new_cid, http_client};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use storage::testing::Engine;

use crate::{
    chat::given_chat,
    support::{Person, World},
};

/// Pieces of the picture.
const N_PIECES: usize = 6;
/// Bytes of a piece.
const PIECE: usize = 1_024 * 1_024;

struct Sender<'w> {
    http: Client,
    world: &'w World,
    node: usize,
    token: String,
}

impl Sender<'_> {
    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let base = &self.world.nodes[self.node].base;
        self.http.request(method, format!("{base}{path}")).bearer_auth(&self.token)
    }

    fn piece(&self, path: &str, off: usize, content: &[u8]) -> RequestBuilder {
        let piece = content[off..(off + PIECE).min(content.len())].to_vec();
        self.ask(Method::PATCH, path).header("Upload-Offset", off.to_string()).body(piece)
    }

    /// How many bytes have arrived.
    async fn arrived(&self, path: &str) -> usize {
        let answer = self.ask(Method::HEAD, path).send().await.unwrap();
        assert_eq!(answer.status(), 204);
        answer.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
    }
}

async fn sender<'w>(world: &'w World, person: &Person, node: usize) -> Sender<'w> {
    let http = http_client::builder().build().unwrap();
    Sender { http, world, node, token: person.session.access_token().await }
}

fn picture() -> Vec<u8> {
    let mut content = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01".to_vec();
    content.extend((content.len()..N_PIECES * PIECE - 5).map(|n| (n % 241) as u8));
    content
}

#[tokio::test]
async fn an_upload_survives_the_death_of_its_node() {
    for engine in Engine::ALL {
        eprintln!("on {engine:?}");
        let mut world = World::start(engine, &[]);
        let (customer, shop, order) = given_chat(&world).await;
        let content = picture();
        let hash: String = Sha256::digest(&content).iter().map(|it| format!("{it:02x}")).collect();
        let about = json!({ "order": order, "name": "door.jpg", "media_type": "image/jpeg",
            "bytes": content.len(), "sha256": hash });
        let id = {
            let first = sender(&world, &customer, 0).await;
            let begun = first.ask(Method::POST, "/v1/attachments").json(&about);
            let begun: Value = begun.send().await.unwrap().json().await.unwrap();
            begun["attachment"].as_str().unwrap().to_owned()
        };
        let path = format!("/v1/attachments/{id}");
        // The node dies with a piece under way, again and again.
        let other = world.nodes.len() - 1;
        for round in 0..2 {
            let first = sender(&world, &customer, 0).await;
            let off = first.arrived(&path).await;
            assert_eq!(first.piece(&path, off, &content).send().await.unwrap().status(), 204);
            let lost = tokio::spawn(first.piece(&path, off + PIECE, &content).send());
            tokio::time::sleep(Duration::from_millis(5 * round)).await;
            world.nodes[0].kill();
            drop(lost.await);
            world.nodes[0].restart();
        }
        let rest = sender(&world, &customer, other).await;
        let mut off = rest.arrived(&path).await;
        assert!(off >= 2 * PIECE && off % PIECE == 0, "{off}");
        while off < content.len() {
            assert_eq!(rest.piece(&path, off, &content).send().await.unwrap().status(), 204);
            off = (off + PIECE).min(content.len());
        }
        let p = json!({ "ch": format!("order:{order}"), "cid": new_cid(), "kind": "image",
            "att": id });
        customer.call("chat.send", p).await;
        // Every node shows it.
        for node in 0..world.nodes.len() {
            let merchant = sender(&world, &shop.merchant, node).await;
            let shown = merchant.ask(Method::GET, &path).send().await.unwrap();
            assert_eq!(shown.status(), 200);
            assert!(shown.bytes().await.unwrap() == content, "node {node} shows another picture");
            let ready = merchant.ask(Method::GET, "/readyz").send().await.unwrap();
            let ready: Value = ready.json().await.unwrap();
            assert_eq!(ready["attachments"], "ok", "{ready}");
        }
    }
}
