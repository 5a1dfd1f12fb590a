//! The bridge: what was committed goes to this node's hub at once, and to the other nodes by the bus.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use domain::{channel::Channel, clock::SystemClock, ids::NodeId};
use futures_util::FutureExt;
use metrics::histogram;
use storage::{
    bus::{Bus, BusEvent, BusEvents},
    events::Latest,
    journal::Entry,
};
use usecases::{
    cache::Stale,
    platform::{Announcer, Nudge},
};

use crate::{
    channel_log::Ready,
    envelope::{Envelope, Kind},
    frame::Frame,
    frames,
    hub::Hub,
    interest::topic,
    relay::ready,
};

/// The topic that every node listens to.
pub const NODES_TOPIC: &str = "nodes";
/// The kind of a control message that carries a [`Nudge`].
pub const NUDGE: &str = "nudge";

/// The kind of a control message that names what a commit made old, between spaces.
pub const STALE: &str = "stale";
/// Said on this node alone: commits of others may have been missed.
pub const LINK_CHANGED: &str = "link_changed";

/// The kind of a control message: its node's link was lost, others may lack what it committed.
const MISSED: &str = "missed";

/// Hears control messages of one kind: of this node at once, of others by the bus.
pub type Listener = Box<dyn Fn(&str) + Send + Sync>;

/// This node's end of the bus, and the announcer of its use cases.
pub struct Bridge {
    node_id: NodeId,
    hub: Arc<Hub>,
    bus: Arc<dyn Bus>,
    listeners: Mutex<HashMap<&'static str, Arc<[Listener]>>>,
}

impl Bridge {
    /// Starts to follow the bus. Needs a tokio runtime; ends when the bus link is dropped.
    pub fn start(
        node_id: NodeId,
        hub: Arc<Hub>,
        bus: Arc<dyn Bus>,
        events: BusEvents,
    ) -> Arc<Self> {
        bus.subscribe(&[NODES_TOPIC.into()]);
        if !bus.is_up() {
            hub.link_lost();
        }
        let listeners = Mutex::default();
        let bridge = Arc::new(Self { node_id, hub, bus, listeners });
        let its_hub = bridge.hub.clone();
        let weak = Arc::downgrade(&bridge);
        bridge.listen(
            MISSED,
            Box::new(move |_| {
                its_hub.want_check_of_all();
                if let Some(bridge) = weak.upgrade() {
                    bridge.hear(LINK_CHANGED, "");
                }
            }),
        );
        tokio::spawn(bridge.clone().follow(events));
        bridge
    }

    /// Calls `listener` with the body of each control message of this kind, from any node.
    ///
    /// It is called on the announcing thread: it must be quick and must not wait.
    pub fn listen(&self, kind: &'static str, listener: Listener) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        // Listeners are set at the start, a handful; a new list keeps calls free of locks.
        let old = listeners.remove(kind);
        let shared = old.into_iter().map(|it| Box::new(move |body: &str| call(&it, body)) as _);
        listeners.insert(kind, shared.chain([listener]).collect());
    }

    /// Says something to every node, this one included.
    pub fn tell_nodes(&self, kind: &'static str, body: String) {
        self.hear(kind, &body);
        self.say_to_others(kind, body);
    }

    fn say_to_others(&self, kind: &'static str, body: String) {
        if self.bus.reaches_others() {
            let envelope = Envelope {
                kind: Kind::Control,
                node: self.node_id.uuid(),
                at_ms: now_ms(),
                off: 0,
                epoch: String::new(),
                label: kind.to_owned(),
                frame: Bytes::from(body),
            };
            self.bus.publish(NODES_TOPIC, envelope.encode());
        }
    }

    /// Whether the link to the other nodes is lost, or back and still catching up.
    pub fn is_degraded(&self) -> bool {
        self.hub.is_degraded()
    }

    /// Hands an entry to this node's hub and to the other nodes.
    fn announce_one(&self, entry: &Entry) {
        let Some(ready) = ready(entry) else { return };
        let frame = ready.frame.clone();
        self.hub.ring(&entry.channel, &entry.epoch, ready);
        if self.bus.reaches_others() {
            let envelope = Envelope {
                kind: Kind::Entry,
                node: self.node_id.uuid(),
                at_ms: now_ms(),
                off: entry.off,
                epoch: entry.epoch.clone(),
                label: entry.joins.as_ref().map(Channel::to_string).unwrap_or_default(),
                frame: frame.into_bytes(),
            };
            self.bus.publish(&topic(&entry.channel), envelope.encode());
        }
    }

    /// Hands a value to this node's hub and to the other nodes; `except` does not hear of it.
    pub fn publish(
        &self,
        channel: &Channel,
        key: &str,
        frame: &Frame,
        except: Option<domain::ids::ConnectionId>,
    ) {
        self.hub.latest(channel, key, frame, except);
        if self.bus.reaches_others() {
            let envelope = Envelope {
                kind: Kind::Value,
                node: self.node_id.uuid(),
                at_ms: now_ms(),
                off: 0,
                epoch: String::new(),
                label: key.to_owned(),
                frame: frame.clone().into_bytes(),
            };
            self.bus.publish(&topic(channel), envelope.encode());
        }
    }

    async fn follow(self: Arc<Self>, mut events: BusEvents) {
        while let Some(event) = events.recv().await {
            let handled = AssertUnwindSafe(async { self.handle(event) }).catch_unwind().await;
            if handled.is_err() {
                tracing::error!("a bus event caused a panic; the bridge goes on");
            }
        }
    }

    fn handle(&self, event: BusEvent) {
        if matches!(event, BusEvent::Up | BusEvent::Lagged | BusEvent::Down) {
            self.hear(LINK_CHANGED, "");
        }
        match event {
            BusEvent::Message { topic, payload } => self.receive(&topic, payload),
            BusEvent::Subscribed(topics) => {
                // Something may have been published between the attach and now.
                let channels = topics.iter().filter_map(|it| it.parse::<Channel>().ok());
                self.hub.want_check(channels.filter(Channel::is_logged));
            }
            // Old news if it is lost again already.
            BusEvent::Up if !self.bus.is_up() => {}
            BusEvent::Up => {
                self.hub.link_back();
                // What was committed here meanwhile nobody else has heard of.
                self.say_to_others(MISSED, String::new());
            }
            // Whatever was dropped may have been `Up` or `Down`.
            BusEvent::Lagged if self.bus.is_up() => self.hub.link_back(),
            BusEvent::Lagged | BusEvent::Down => self.hub.link_lost(),
        }
    }

    fn receive(&self, topic: &str, payload: Bytes) {
        let Some(Envelope { kind, node, at_ms, off, epoch, label, frame }) =
            Envelope::decode(payload)
        else {
            return;
        };
        if node == self.node_id.uuid() {
            return;
        }
        // Clocks of two machines differ by a little: then it seems to come before it was sent.
        let late = Duration::from_millis(now_ms().saturating_sub(at_ms));
        histogram!("riderhub_bus_lag_seconds").record(late);
        if kind == Kind::Control {
            if let Ok(body) = std::str::from_utf8(&frame) {
                self.hear(&label, body);
            }
            return;
        }
        let (Ok(channel), Some(frame)) = (topic.parse::<Channel>(), Frame::from_bytes(frame))
        else {
            return;
        };
        if kind == Kind::Entry {
            let joins = label.parse().ok();
            self.hub.ring(&channel, &epoch, Ready { off, frame, joins });
        } else {
            self.hub.latest(&channel, &label, &frame, None);
        }
    }

    fn hear(&self, kind: &str, body: &str) {
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = listeners.get(kind).cloned();
        drop(listeners);
        if let Some(ours) = ours {
            call(&ours, body);
        }
    }
}

fn now_ms() -> u64 {
    u64::try_from(SystemClock::machine_time().ms()).unwrap_or(0)
}

fn call(listeners: &[Listener], body: &str) {
    for listener in listeners {
        listener(body);
    }
}

impl Announcer for Bridge {
    fn announce(&self, entries: Vec<Entry>) {
        for entry in &entries {
            self.announce_one(entry);
        }
    }

    fn latest(&self, values: Vec<Latest>) {
        for value in &values {
            self.publish(&value.channel, &value.key, &frames::latest(value), None);
        }
    }

    fn nudge(&self, nudge: Nudge) {
        if let Ok(body) = serde_json::to_string(&nudge) {
            self.tell_nodes(NUDGE, body);
        }
    }

    fn forget(&self, stale: &[Stale]) {
        let names: Vec<_> = stale.iter().map(Stale::to_string).collect();
        self.say_to_others(STALE, names.join(" "));
    }

    fn hears_others(&self) -> bool {
        !self.is_degraded()
    }
}
