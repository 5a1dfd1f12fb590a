//! A new socket, from its first byte to its end: `TOKEN` in the input becomes a good token.

#![no_main]

use std::{
    cell::RefCell,
    sync::{Arc, Mutex},
    time::Duration,
};

use actors::{
    admission::{Admission, SocketLimits},
    bridge::Bridge,
    catch_up::CatchUp,
    connection::Connection,
    fleet::Fleet,
    frame::Format,
    hub::Hub,
    interest::Interest,
    live::{Live, Pace},
};
use bytes::Bytes;
use domain::{
    checked_text::{Login, PersonName},
    clock::SystemClock,
    ids::{AccountId, NodeId, SessionId},
    role::{Profile, Role},
};
use libfuzzer_sys::fuzz_target;
use storage::{
    accounts,
    bus::in_process::InProcessBus,
    db::Tx,
    error::StoreError,
    testing::{Engine, FreshStore, fresh_store},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use usecases::{
    platform::{Platform, PlatformSettings},
    tokens::Subject,
};

/// One node, for all runs.
struct Node {
    system: actix_rt::SystemRunner,
    live: Arc<Live>,
    token: String,
    _store: FreshStore,
}

thread_local! {
    static NODE: RefCell<Node> = RefCell::new(node());
}

fn node() -> Node {
    let system = actix_rt::System::new();
    let (live, token, store) = system.block_on(async {
        let store = fresh_store(Engine::Sqlite).await;
        let (bus, events) = InProcessBus::default().link();
        let hub = Hub::new(Interest::new(bus.clone()));
        let bridge = Bridge::start(NodeId::generate(), hub.clone(), bus, events);
        let clock = Arc::new(SystemClock::real_time());
        let settings = PlatformSettings::default();
        let platform = Platform::open(store.store.clone(), clock, bridge.clone(), settings);
        let platform = platform.await.expect("a platform");
        let token = token(&platform).await;
        let live = Live {
            platform,
            hub,
            bridge,
            positions: Arc::new(|_, _, _| {}),
            fleet: Arc::new(Mutex::new(Fleet::default())),
            admission: Admission::new(SocketLimits::default()),
            pace: Pace { connect_within: Duration::from_millis(50), ..Pace::default() },
            catch_up: CatchUp::start(store.store.clone()),
            receipts: Default::default(),
            publishers: Default::default(),
            one_device: Vec::new(),
            presence: Mutex::default(),
            bench_channels: true,
        };
        (Arc::new(live), token, store)
    });
    Node { system, live, token, _store: store }
}

async fn token(platform: &Platform) -> String {
    let (account, profile) = (AccountId::generate(), Profile::generate(Role::Customer));
    let at = platform.now();
    let login = Login::parse(&format!("{account}@example.org")).expect("a login");
    let name = PersonName::parse("Ann").expect("a name");
    let write = async move |tx: &mut Tx| {
        accounts::insert_account(tx, account, &login, "none", at).await?;
        accounts::insert_profile(tx, account, profile, &name, at).await?;
        Ok::<_, StoreError>(())
    };
    platform.store.write(write).await.expect("an account");
    let session_id = SessionId::generate();
    let subject = Subject { profile, account_id: account, name: "Ann", session_id };
    // Good for a year: one run may take hours.
    let span = Duration::from_secs(31_536_000);
    platform.tokens.issue_for(subject, at, span).expect("a token").0
}

/// A frame as a client sends it; its mask is zero.
fn frame(payload: &[u8]) -> Vec<u8> {
    let n = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    let payload = &payload[..usize::from(n)];
    [&[0x81, 0xfe][..], &n.to_be_bytes(), &[0; 4], payload].concat()
}

/// The first byte chooses: as it is, or text put into a frame; JSON or MessagePack.
fn input(bytes: &[u8], token: &str) -> (Format, Vec<u8>) {
    let (how, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let format = if how & 2 == 0 { Format::Json } else { Format::MessagePack };
    if how & 1 == 0 {
        return (format, bytes.to_vec());
    }
    let text = String::from_utf8_lossy(bytes).replace("TOKEN", token);
    (format, frame(text.as_bytes()))
}

fuzz_target!(|bytes: &[u8]| {
    NODE.with_borrow(|node| {
        node.system.block_on(async {
            let (format, sent) = input(bytes, &node.token);
            let ticket = node.live.admission.admit(None, std::time::Instant::now()).expect("a place");
            let (mut ours, theirs) = tokio::io::duplex(1 << 20);
            let (reading, writing) = tokio::io::split(theirs);
            let live = node.live.clone();
            let writer = Connection::open(live, ticket, format, Bytes::new(), reading, writing);
            let writing = actix_rt::spawn(writer);
            ours.write_all(&sent).await.expect("room for what is sent");
            // Time for an answer; then the client goes away.
            tokio::time::sleep(Duration::from_millis(1)).await;
            ours.shutdown().await.expect("an end");
            let mut told = Vec::new();
            let end = tokio::time::timeout(Duration::from_secs(5), ours.read_to_end(&mut told)).await;
            end.expect("the connection ends").expect("its bytes can be read");
            writing.await.expect("the writer did not panic");
            let told = String::from_utf8_lossy(&told);
            let is_in = told.contains("\"connection\":\"con_");
            assert!(!is_in || bytes.windows(5).any(|it| it == b"TOKEN"), "signed in without a token");
            assert!(!told.contains("\"code\":100"), "a mistake of ours: {told}");
        });
    });
});
