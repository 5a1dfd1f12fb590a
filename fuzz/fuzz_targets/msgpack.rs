//! Commands in MessagePack.

#![no_main]

use actors::{
    msgpack::{of_json, take_json},
    protocol::{decode, msgpack_frames},
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    for frame in msgpack_frames(bytes).into_iter().flatten() {
        // A number may have another spelling (1.0 and 1e0), but not another value.
        let value: Value = serde_json::from_str(&frame).expect("what was taken is JSON");
        let packed = of_json(&frame);
        let back = take_json(&mut &packed[..]).expect("what was packed can be taken");
        assert_eq!(serde_json::from_str::<Value>(&back).expect("JSON"), value);
        let _refused_or_not = decode(&frame);
    }
});
