//! What an outbox promises.

use std::task::{Context, Poll, Waker};

use super::*;

fn frame(text: &str) -> Frame {
    Frame::json(text.to_owned())
}

fn take(outbox: &Outbox, bytes_max: usize) -> (Vec<String>, Option<Close>) {
    let mut batch = Batch::default();
    let mut cx = Context::from_waker(Waker::noop());
    let _any = outbox.poll_take(&mut cx, bytes_max, &mut batch);
    (batch.frames.iter().map(|it| it.text().to_owned()).collect(), batch.close)
}

fn take_all(outbox: &Outbox) -> Vec<String> {
    take(outbox, usize::MAX).0
}

#[test]
fn urgent_frames_overtake_and_lanes_keep_their_order() {
    let outbox = Outbox::bounded(1_000);
    let slot = Slot(1, 1);
    outbox.push(Lane::Ephemeral, frame("typing"));
    outbox.push_latest(slot, frame("loc"));
    outbox.push(Lane::Chat, frame("msg 1"));
    outbox.push(Lane::Chat, frame("msg 2"));
    outbox.push(Lane::Critical, frame("offer"));
    outbox.push(Lane::Control, frame("ok"));
    let expected = ["ok", "offer", "msg 1", "msg 2", "loc", "typing"];
    assert_eq!(take_all(&outbox), expected);
    assert_eq!(outbox.n_bytes(), 0);
}

#[test]
fn only_the_newest_value_of_a_slot_waits() {
    let outbox = Outbox::bounded(1_000);
    assert_eq!(outbox.push_latest(Slot(1, 1), frame("a1")), Pushed::Queued);
    assert_eq!(outbox.push_latest(Slot(2, 2), frame("b1")), Pushed::Queued);
    assert_eq!(outbox.push_latest(Slot(1, 1), frame("a two")), Pushed::Conflated);
    assert_eq!(outbox.n_bytes(), 7);
    assert_eq!(take_all(&outbox), ["a two", "b1"]);
    assert_eq!(outbox.push_latest(Slot(1, 1), frame("a3")), Pushed::Queued);
}

#[test]
fn extras_are_dropped_before_the_connection_is() {
    let outbox = Outbox::bounded(100);
    let ten = "0123456789";
    for _ in 0..5 {
        assert_eq!(outbox.push(Lane::Chat, frame(ten)), Pushed::Queued);
    }
    assert_eq!(outbox.push(Lane::Ephemeral, frame(ten)), Pushed::Dropped);
    assert_eq!(outbox.push_latest(Slot(1, 1), frame(ten)), Pushed::Queued);
    for _ in 0..2 {
        assert_eq!(outbox.push(Lane::Chat, frame(ten)), Pushed::Queued);
    }
    assert_eq!(outbox.push_latest(Slot(2, 1), frame(ten)), Pushed::Dropped);
    for _ in 0..2 {
        assert_eq!(outbox.push(Lane::Control, frame(ten)), Pushed::Queued);
    }
    assert_eq!(outbox.push(Lane::Chat, frame(ten)), Pushed::Full);
    assert_eq!(outbox.push(Lane::Control, frame(ten)), Pushed::Gone);
    assert_eq!(take(&outbox, 1_000), (vec![], Some(Close::Slow)), "nothing but the close");
}

#[test]
fn chats_of_a_slow_reader_are_left_to_the_journal_and_its_offers_are_not() {
    let outbox = Outbox::bounded(100);
    let ten = "0123456789";
    for _ in 0..8 {
        assert_eq!(outbox.push_entry(Lane::Chat, frame(ten)), Pushed::Queued);
    }
    assert_eq!(outbox.push_entry(Lane::Chat, frame(ten)), Pushed::Lagging);
    assert_eq!(outbox.n_bytes(), 80, "nothing was queued");
    assert_eq!(outbox.push_entry(Lane::Critical, frame(ten)), Pushed::Queued);
    assert_eq!(outbox.push(Lane::Control, frame(ten)), Pushed::Queued);
    assert_eq!(outbox.push_entry(Lane::Critical, frame(ten)), Pushed::Full);
}

#[test]
fn an_empty_queue_takes_a_frame_of_any_size() {
    let outbox = Outbox::bounded(10);
    let snapshot = "x".repeat(1_000);
    assert_eq!(outbox.push(Lane::Control, frame(&snapshot)), Pushed::Queued);
    assert_eq!(take_all(&outbox), [snapshot]);
}

#[test]
fn a_taker_with_little_room_gets_the_rest_later() {
    let outbox = Outbox::bounded(1_000);
    for n in 0..5 {
        outbox.push(Lane::Chat, frame(&format!("msg {n}")));
    }
    outbox.push_latest(Slot(1, 1), frame("loc"));
    assert_eq!(take(&outbox, 10).0, ["msg 0", "msg 1"]);
    assert_eq!(take(&outbox, 1).0, ["msg 2"], "at least one");
    assert_eq!(take(&outbox, 100).0, ["msg 3", "msg 4", "loc"]);
}

#[test]
fn an_owner_hears_notes_until_the_end() {
    let outbox = Outbox::bounded(1_000);
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(outbox.poll_note(&mut cx), Poll::Pending);
    let note = Note::Join(Channel::Pool("wtw3sj".to_owned()));
    outbox.tell(note.clone());
    assert_eq!(outbox.poll_note(&mut cx), Poll::Ready(Some(note)));
    outbox.end();
    assert_eq!(outbox.poll_note(&mut cx), Poll::Ready(None));
    assert_eq!(outbox.push(Lane::Control, frame("x")), Pushed::Gone);
}

#[test]
fn memory_returns_after_a_burst() {
    let outbox = Outbox::bounded(1_000_000);
    for n in 0..10_000 {
        outbox.push(Lane::Chat, frame("0123456789"));
        outbox.push_latest(Slot(n, n), frame("0123456789"));
    }
    while !take_all(&outbox).is_empty() {}
    let state = outbox.state();
    assert!(state.queue.capacity() <= 4 * 16, "{}", state.queue.capacity());
}
