//! Properties of a logged channel under loss, doubling, disorder and late joiners.

use std::task::{Context, Waker};

use proptest::prelude::*;

use super::*;
use crate::outbox::Batch;

/// A reader with a copy of what it got.
struct Reader {
    id: ConnectionId,
    outbox: Arc<Outbox>,
    /// First offset it must get.
    from: u64,
    /// What it read from the journal and has not said yet.
    upto: u64,
    is_open: bool,
    got: Vec<u64>,
}

impl Reader {
    fn new(from: u64) -> Self {
        let outbox = Outbox::bounded(1_000_000);
        let id = ConnectionId::generate();
        Self { id, outbox, from, upto: from - 1, is_open: false, got: Vec::new() }
    }

    /// What the connection does: reads the journal into its own outbox.
    fn read_journal(&mut self, top: u64) {
        for off in self.upto + 1..=top {
            self.outbox.push(Lane::Chat, entry(off).frame);
        }
        self.upto = top;
    }

    fn drain(&mut self) {
        let mut batch = Batch::default();
        let mut cx = Context::from_waker(Waker::noop());
        let _any = self.outbox.poll_take(&mut cx, usize::MAX, &mut batch);
        self.got.extend(batch.frames.iter().map(|it| it.text().parse::<u64>().unwrap()));
    }
}

fn entry(off: u64) -> Ready {
    Ready { off, frame: Frame::json(off.to_string()), joins: None }
}

/// What may happen, in any order.
#[derive(Debug, Clone)]
enum Event {
    /// An entry is committed; its ring goes to the bag.
    Commit,
    /// One of the rings in the bag arrives; the bag may keep a copy.
    Ring { which: prop::sample::Index, keep: bool },
    /// One of the rings is lost.
    Lose(prop::sample::Index),
    /// Somebody attaches, having seen everything up to some point.
    Attach(prop::sample::Index),
    /// Somebody reads the journal.
    Read(prop::sample::Index),
    /// Somebody who has read asks to be opened.
    Open(prop::sample::Index),
    /// The relay reads what is missing.
    ReadPage,
    /// The relay delivers what it read some time ago.
    Fill,
    /// Somebody leaves.
    Leave(prop::sample::Index),
}

fn event() -> impl Strategy<Value = Event> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        6 => Just(Event::Commit),
        8 => (index(), any::<bool>()).prop_map(|(which, keep)| Event::Ring { which, keep }),
        1 => index().prop_map(Event::Lose),
        2 => index().prop_map(Event::Attach),
        3 => index().prop_map(Event::Read),
        3 => index().prop_map(Event::Open),
        2 => Just(Event::ReadPage),
        2 => Just(Event::Fill),
        1 => index().prop_map(Event::Leave),
    ]
}

struct World {
    log: ChannelLog,
    top: u64,
    bag: Vec<u64>,
    readers: Vec<Reader>,
    /// What the relay has read and not delivered yet.
    page: Vec<Ready>,
}

impl World {
    fn new(top: u64) -> Self {
        let log = new_log();
        Self { log, top, bag: Vec::new(), readers: Vec::new(), page: Vec::new() }
    }

    fn step(&mut self, event: &Event) {
        let (n_rings, n_readers) = (self.bag.len(), self.readers.len());
        match event {
            Event::Commit => {
                self.top += 1;
                self.bag.push(self.top);
            }
            Event::Ring { which, keep } if n_rings > 0 => {
                let at = which.index(n_rings);
                let off = if *keep { self.bag[at] } else { self.bag.swap_remove(at) };
                self.log.ring("e", entry(off), &mut Tally::default());
            }
            Event::Lose(which) if n_rings > 0 => {
                self.bag.swap_remove(which.index(n_rings));
            }
            Event::Attach(from) => {
                let reader = Reader::new(1 + from.index(self.top as usize + 1) as u64);
                self.log.attach(reader.id, reader.outbox.clone());
                self.readers.push(reader);
            }
            Event::Read(who) if n_readers > 0 => {
                let reader = &mut self.readers[who.index(n_readers)];
                if !reader.is_open {
                    reader.read_journal(self.top);
                }
            }
            Event::Open(who) if n_readers > 0 => {
                let reader = &mut self.readers[who.index(n_readers)];
                if !reader.is_open {
                    let answer = self.log.open(reader.id, "e", reader.upto);
                    reader.is_open = answer != Opened::ReadAgain;
                }
            }
            Event::ReadPage => self.read_page(),
            Event::Fill => self.fill(),
            Event::Leave(who) if n_readers > 0 => {
                let reader = self.readers.swap_remove(who.index(n_readers));
                self.log.leave(reader.id);
            }
            _ => {}
        }
    }

    fn read_page(&mut self) {
        if let Some(last) = self.log.standing().last {
            self.page = (last + 1..=self.top).map(entry).collect();
        }
    }

    fn fill(&mut self) {
        let page = std::mem::take(&mut self.page);
        self.log.fill("e", page, &mut Tally::default());
    }

    fn settle(&mut self) {
        for reader in self.readers.iter_mut().filter(|it| !it.is_open) {
            reader.read_journal(self.top);
            let answer = self.log.open(reader.id, "e", reader.upto);
            assert!(matches!(answer, Opened::Open | Opened::OthersMissed), "{answer:?}");
            reader.is_open = true;
        }
        self.read_page();
        self.fill();
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        for reader in &mut self.readers {
            reader.drain();
            let expected: Vec<u64> = (reader.from..=self.top).collect();
            prop_assert_eq!(&reader.got, &expected);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn everybody_gets_each_entry_once_and_in_order(
        before in 0..5_u64,
        events in prop::collection::vec(event(), 0..120),
    ) {
        let mut world = World::new(before);
        for event in &events {
            world.step(event);
            for reader in &mut world.readers {
                reader.drain();
                let n_got = reader.got.len() as u64;
                let so_far: Vec<u64> = (reader.from..reader.from + n_got).collect();
                prop_assert_eq!(&reader.got, &so_far, "without holes at every moment");
            }
        }
        world.settle();
        world.check()?;
    }
}

fn open_reader(log: &mut ChannelLog, upto: u64) -> Reader {
    let reader = Reader::new(upto + 1);
    log.attach(reader.id, reader.outbox.clone());
    assert_eq!(log.open(reader.id, "e", upto), Opened::Open);
    reader
}

fn new_log() -> ChannelLog {
    ChannelLog::new(Channel::BenchLog("x".to_owned()), Lane::Chat, "".into())
}

#[test]
fn a_ring_out_of_order_waits_for_the_one_before() {
    let mut log = new_log();
    let mut reader = open_reader(&mut log, 4);
    let mut tally = Tally::default();
    assert_eq!(log.ring("e", entry(6), &mut tally), Heard::Hole);
    assert!(log.has_hole());
    assert_eq!(log.ring("e", entry(5), &mut tally), Heard::Delivered);
    assert_eq!(log.ring("e", entry(5), &mut tally), Heard::Old);
    reader.drain();
    assert_eq!(reader.got, [5, 6]);
    assert_eq!((tally.n_queued, tally.n_repaired), (2, 0));
}

#[test]
fn who_falls_behind_what_is_kept_reads_again() {
    let mut log = new_log();
    let _somebody = open_reader(&mut log, 0);
    let reader = Reader::new(1);
    log.attach(reader.id, reader.outbox.clone());
    for off in 1..=RECENT_MAX as u64 + 1 {
        log.ring("e", entry(off), &mut Tally::default());
    }
    assert_eq!(log.open(reader.id, "e", 0), Opened::ReadAgain);
    assert_eq!(log.open(reader.id, "e", 1), Opened::Open);
    assert_eq!(log.recent.capacity(), 0, "nobody is held, so nothing is kept");
}

#[test]
fn another_numbering_is_noticed_and_told() {
    let mut log = new_log();
    let mut reader = open_reader(&mut log, 40);
    assert_eq!(log.ring("new", entry(3), &mut Tally::default()), Heard::NewEpoch);
    log.restart("new".into(), 3, &Frame::json("3000"));
    assert_eq!(log.ring("new", entry(4), &mut Tally::default()), Heard::Delivered);
    reader.drain();
    assert_eq!(reader.got, [3000, 4]);
    let late = Reader::new(1);
    log.attach(late.id, late.outbox.clone());
    assert_eq!(log.open(late.id, "e", 44), Opened::ReadAgain, "it read the old numbering");
}

#[test]
fn a_slow_reader_is_told_where_it_stands_and_pulls_until_it_asks_again() {
    let (mut log, mut tally) = (new_log(), Tally::default());
    let (id, slow) = (ConnectionId::generate(), Outbox::bounded(1_000));
    let quick = open_reader(&mut log, 0);
    log.attach(id, slow.clone());
    assert_eq!(log.open(id, "e", 0), Opened::Open);
    let entry = |off: u64| Ready { off, frame: Frame::json(format!("{off:0100}")), joins: None };
    for off in 1..=12 {
        assert_eq!(log.ring("e", entry(off), &mut tally), Heard::Delivered);
    }
    assert_eq!(tally.n_lagging, 1, "it is told once");
    let mut batch = Batch::default();
    let _any = slow.poll_take(&mut Context::from_waker(Waker::noop()), usize::MAX, &mut batch);
    let texts: Vec<&str> = batch.frames.iter().map(Frame::text).collect();
    assert_eq!(texts[0], r#"{"push":"lag","ch":"bench:log:x","ep":"e","off":8}"#);
    assert_eq!(texts[1..], (1..=8).map(|off| format!("{off:0100}")).collect::<Vec<_>>()[..]);

    log.ring("e", entry(13), &mut tally);
    assert_eq!(slow.n_bytes(), 0, "it has room, but it pulls");
    log.attach(id, slow.clone());
    log.ring("e", entry(14), &mut tally);
    assert_eq!(log.open(id, "e", 13), Opened::Open);
    log.ring("e", entry(15), &mut tally);
    assert_eq!(slow.n_bytes(), 200, "14 and 15");
    assert_eq!(quick.outbox.n_bytes(), 1_500, "the other one heard everything");
}
