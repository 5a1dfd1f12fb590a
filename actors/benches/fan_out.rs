//! What one delivery costs inside the hub, without the socket, by the members of a channel.

#![allow(missing_docs, reason = "a bench has no readers but its author")]

use std::{
    sync::Arc,
    task::{Context, Waker},
};

use actors::{
    channel_log::Ready,
    fan_out::FanOut,
    frame::Frame,
    outbox::{Batch, Outbox},
};
use divan::{Bencher, counter::ItemsCount};
use domain::{
    channel::Channel,
    ids::{ConnectionId, OrderId},
};

fn main() {
    divan::main();
}

/// Entries between two readings of the outboxes.
const BURST: u64 = 16;
const QUEUE_BYTES: usize = 262_144;
const TAKE_BYTES: usize = 65_536;

#[divan::bench(args = [3, 100, 1_000])]
fn deliver(bencher: Bencher<'_, '_>, n_members: usize) {
    let channel = Channel::Order(OrderId::generate());
    let mut fan_out = FanOut::default();
    let outboxes: Vec<Arc<Outbox>> = (0..n_members).map(|_| Outbox::bounded(QUEUE_BYTES)).collect();
    for outbox in &outboxes {
        let id = ConnectionId::generate();
        fan_out.attach(&channel, id, Arc::clone(outbox));
        fan_out.open(&channel, id, "e", 0);
    }
    let frame = Frame::json("x".repeat(200));
    let mut off = 0;
    bencher.counter(ItemsCount::new(n_members as u64 * BURST)).bench_local(|| {
        for _ in 0..BURST {
            off += 1;
            fan_out.ring(&channel, "e", Ready { off, frame: frame.clone(), joins: None });
        }
        let mut cx = Context::from_waker(Waker::noop());
        for outbox in &outboxes {
            let mut batch = Batch::default();
            let _ready = outbox.poll_take(&mut cx, TAKE_BYTES, &mut batch);
            drop(batch);
        }
    });
}
