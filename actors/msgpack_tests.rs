//! What goes out as MessagePack comes back the same; what comes in is never trusted.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn back(bytes: &[u8]) -> Value {
    let mut rest = bytes;
    let text = take_json(&mut rest).unwrap();
    assert!(rest.is_empty());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_frame_looks_as_the_specification_says() {
    let bytes = of_json(r#"{"id":7,"ok":{"a":[1,-1,300,null,true],"b":"é"}}"#);
    let expected =
        b"\x82\xa2id\x07\xa2ok\x82\xa1a\x95\x01\xff\xcd\x01\x2c\xc0\xc3\xa1b\xa2\xc3\xa9";
    assert_eq!(bytes[..], expected[..]);
    let theirs: Value = rmp_serde::from_slice(&bytes).unwrap();
    assert_eq!(theirs, json!({"id":7,"ok":{"a":[1,-1,300,null,true],"b":"é"}}));
}

#[test]
fn large_maps_and_arrays_have_their_length_before_them() {
    for n in [0, 15, 16, 70_000] {
        let array: Vec<_> = (0..n).collect();
        let map: serde_json::Map<_, _> =
            (0..n).map(|it| (it.to_string(), json!([it, "x"]))).collect();
        for value in [json!(array), Value::Object(map)] {
            let bytes = of_json(&value.to_string());
            assert_eq!(back(&bytes), value, "{n}");
            assert_eq!(rmp_serde::from_slice::<Value>(&bytes).unwrap(), value, "{n}");
        }
    }
}

#[test]
fn several_values_are_taken_one_by_one() {
    let both = [of_json("{\"m\":\"a\"}"), of_json("{\"m\":\"b\"}")].concat();
    let mut rest = &both[..];
    assert_eq!(take_json(&mut rest).unwrap(), "{\"m\":\"a\"}");
    assert_eq!(take_json(&mut rest).unwrap(), "{\"m\":\"b\"}");
    assert!(rest.is_empty());
}

#[test]
fn what_is_wrong_is_said() {
    let deep = [vec![0x91; DEPTH_MAX + 1], vec![0xc0]].concat();
    for (bytes, wrong) in [
        (&b""[..], Malformed::Cut),
        (b"\x82\xa1a\x01", Malformed::Cut),
        (b"\xdb\xff\xff\xff\xffx", Malformed::Cut),
        (b"\xdd\xff\xff\xff\xff\x01", Malformed::Cut),
        (b"\xdf\xff\xff\xff\xff\xa1a\x01", Malformed::Cut),
        (b"\xa1\xff", Malformed::NotUtf8),
        (b"\x81\x01\x01", Malformed::Key),
        (b"\xc4\x01x", Malformed::NoJson),
        (b"\xd6\xff\x00\x00\x00\x00", Malformed::NoJson),
        (b"\xc1", Malformed::NoJson),
        (b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", Malformed::NoJson),
        (&deep, Malformed::Deep),
    ] {
        assert_eq!(take_json(&mut &bytes[..]), Err(wrong), "{bytes:x?}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|it| Value::from(f64::from(it) / 64.0)),
        any::<f64>().prop_filter("JSON has no others", |it| it.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..20)
                .prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_goes_out_comes_back(value in any_json()) {
        let bytes = of_json(&value.to_string());
        prop_assert_eq!(back(&bytes), value.clone());
        prop_assert_eq!(rmp_serde::from_slice::<Value>(&bytes).unwrap(), value);
    }

    #[test]
    fn no_bytes_make_it_panic_and_what_it_takes_is_json(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let Ok(text) = take_json(&mut rest) else { break };
            prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
        }
    }
}
