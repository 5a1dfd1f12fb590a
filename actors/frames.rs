//! Pushes that the live side makes itself. Texts that came from outside are escaped by serde.

use std::time::Duration;

use domain::channel::Channel;
use schemars::JsonSchema;
use serde::Serialize;
use storage::{events::Latest, push::Push};

use crate::frame::Frame;

/// A frame of any value that has a JSON form; ours all have one.
pub fn json<T: Serialize>(value: &T) -> Frame {
    Frame::json(serde_json::to_string(value).unwrap_or_default())
}

/// The push of a newest value: the body's fields behind the header's.
pub fn latest(value: &Latest) -> Frame {
    let fields = value.body.trim_start().strip_prefix('{').unwrap_or("}");
    let channel = value.channel.to_string();
    let mut out = String::with_capacity(32 + channel.len() + value.body.len());
    out.push_str("{\"push\":\"");
    out.push_str(value.push.as_str());
    out.push_str("\",\"ch\":\"");
    out.push_str(&channel);
    out.push('"');
    if !fields.trim_start().starts_with('}') {
        out.push(',');
    }
    out.push_str(fields);
    Frame::json(out)
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Subscribed<'a> {
    push: Push,
    /// The channel that is heard now.
    ch: String,
    /// The numbering; empty while the channel has no entry.
    ep: &'a str,
    /// The newest entry; what comes later is pushed.
    off: u64,
    /// `false` if what the client knew of the channel is void.
    #[serde(skip_serializing_if = "is_true")]
    recovered: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
const fn is_true(flag: &bool) -> bool {
    *flag
}

/// The connection hears a channel from behind `off` on. Not `recovered`: what it knew is void.
pub fn subscribed(channel: &Channel, epoch: &str, off: u64, recovered: bool) -> Frame {
    json(&Subscribed { push: Push::Subscribed, ch: channel.to_string(), ep: epoch, off, recovered })
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Lag<'a> {
    push: Push,
    /// The channel of which nothing more comes by itself.
    ch: String,
    /// The numbering.
    ep: &'a str,
    /// Everything up to here was sent before or is on its way.
    off: u64,
}

/// Pull mode: the client has everything up to `off` and reads the rest with `history`; pushes come
/// again after `sub` with its position.
pub fn lag(channel: &Channel, epoch: &str, off: u64) -> Frame {
    json(&Lag { push: Push::Lag, ch: channel.to_string(), ep: epoch, off })
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Unsubscribed {
    push: Push,
    /// The channel that is not heard any more.
    ch: String,
}

/// The hub left a channel that it had joined by itself: the client may forget it.
pub fn unsubscribed(channel: &Channel) -> Frame {
    json(&Unsubscribed { push: Push::Unsubscribed, ch: channel.to_string() })
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct HubPush {
    push: Push,
    /// `degraded` while nodes cannot hear each other: entries of other nodes come a second late.
    #[schemars(extend("enum" = ["degraded", "ok"]))]
    state: &'static str,
}

/// The link between the nodes is lost or back.
pub fn hub_state(is_degraded: bool) -> Frame {
    json(&HubPush { push: Push::Hub, state: if is_degraded { "degraded" } else { "ok" } })
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Auth {
    push: Push,
    /// `expiring`: send `auth.refresh` with a new token.
    #[schemars(extend("enum" = ["expiring"]))]
    state: &'static str,
    /// How long the token is still good, in milliseconds.
    expires_in_ms: u64,
}

/// The token runs out; the client should bring a new one.
pub fn token_expiring(within: Duration) -> Frame {
    let expires_in_ms = u64::try_from(within.as_millis()).unwrap_or(0);
    json(&Auth { push: Push::Auth, state: "expiring", expires_in_ms })
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Heartbeat {
    push: Push,
}

/// A ping that a browser shows to its page.
pub fn ping() -> Frame {
    json(&Heartbeat { push: Push::Ping })
}

/// What the push of every newest value begins with; the fields of its body follow.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it only describes what `latest` writes")]
pub(crate) struct LatestHeader {
    push: Push,
    /// The channel.
    ch: String,
}

/// What an operator's map shows when it opens: values as JSON by their keys.
pub fn ops_snapshot(ch: &str, values: &[(String, String)]) -> Frame {
    let fields: Vec<String> =
        values.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    let fields = fields.join(",");
    Frame::json(format!("{{\"push\":\"ops\",\"ch\":\"{ch}\",\"snapshot\":{{{fields}}}}}"))
}

#[cfg(test)]
mod tests {
    use domain::clock::Timestamp;

    use super::*;

    #[test]
    fn a_latest_value_becomes_a_push() {
        for (body, expected) in [
            (r#"{"seq":1}"#, r#"{"push":"loc","ch":"ops:wtw3","seq":1}"#),
            ("{}", r#"{"push":"loc","ch":"ops:wtw3"}"#),
        ] {
            let value = Latest {
                channel: Channel::Ops("wtw3".to_owned()),
                key: "k".to_owned(),
                push: Push::Loc,
                body: body.to_owned(),
                at: Timestamp::from_ms(0),
            };
            assert_eq!(latest(&value).text(), expected);
        }
    }

    #[test]
    fn a_snapshot_is_one_object() {
        let values = [("store:1".to_owned(), r#"{"a":1}"#.to_owned())];
        let text = r#"{"push":"ops","ch":"ops:wtw3","snapshot":{"store:1":{"a":1}}}"#;
        assert_eq!(ops_snapshot("ops:wtw3", &values).text(), text);
    }

    #[test]
    fn a_position_is_told() {
        let channel = Channel::Pool("wtw3sj".to_owned());
        let text = r#"{"push":"subscribed","ch":"pool:wtw3sj","ep":"a1","off":7}"#;
        assert_eq!(subscribed(&channel, "a1", 7, true).text(), text);
        let text = r#"{"push":"unsubscribed","ch":"pool:wtw3sj"}"#;
        assert_eq!(unsubscribed(&channel).text(), text);
    }
}
