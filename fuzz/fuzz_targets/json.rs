//! Commands in JSON.

#![no_main]

use actors::protocol::{decode, key};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(command) = decode(text) else { return };
    let again = serde_json::json!({ "id": command.id, "m": command.m, "p": command.p }).to_string();
    let same = decode(&again).expect("what was read can be written");
    assert_eq!((command.id, &command.m), (same.id, &same.m));
    // The same command has the same key, however it is spelt; a bad one is refused alike.
    let keys = [command.p, same.p].map(|it| key("cus_1", &command.m, it).map(|it| it.body_hash).ok());
    assert_eq!(keys[0], keys[1]);
});
