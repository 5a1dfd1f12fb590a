//! Commands in JSON.

#![no_main]

use actors::protocol::{Command, decode, key};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(command) = decode(text) else { return };
    let again = written(&command).expect("what was read can be written");
    let same = decode(&again).expect("what was written can be read");
    assert_eq!((command.id, &command.m), (same.id, &same.m));
    // The same command has the same key, however it is spelt; a bad one is refused alike.
    let keys = [command.p, same.p].map(|it| key("cus_1", &command.m, it).map(|it| it.body_hash).ok());
    assert_eq!(keys[0], keys[1]);
});

/// Spelt by us, with its parameters as they came: they may be numbers that only their reader refuses.
fn written(command: &Command<'_>) -> Result<String, serde_json::Error> {
    let (id, m) = (serde_json::to_string(&command.id)?, serde_json::to_string(&command.m)?);
    let p = serde_json::to_string(&command.p)?;
    Ok(format!("{{ \"id\": {id}, \"m\": {m}, \"p\": {p} }}"))
}
