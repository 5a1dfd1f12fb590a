//! A day without fault, and every fault that the judge must find in it.

use super::*;

const RULES: Rules = Rules {
    quiet_ms: 300_000,
    alarm_ms: 600_000,
    stop_ms: 3_600_000,
    silent_ms: 300_000,
    ahead_ms: 600_000,
    skew_ms: 1_000,
    slack_ms: 60_000,
};

/// Order `o`, offered to ann, who declines, then to bob, who brings it; it is ready after 60 s.
fn good() -> Evidence {
    let order = |event: &str, from: Option<&str>, to: &str, by: &str, at: i64| {
        line("order", event, from, to, by, at)
    };
    let delivery = |event: &str, from: Option<&str>, to: &str, by: &str, at: i64| {
        line("delivery", event, from, to, by, at)
    };
    let offer =
        |event: &str, to: &str, by: &str, at: i64| line("offer", event, Some("open"), to, by, at);
    let mut lines = vec![
        order("placed", None, "pending_payment", "cus", 0),
        order("payment_confirmed", Some("pending_payment"), "paid", "", 1_000),
        order("store_accepted", Some("paid"), "accepted", "mer", 2_000),
        delivery("created", None, "waiting", "mer", 2_000),
        order("kitchen_started", Some("accepted"), "preparing", "mer", 2_000),
        delivery("offered", Some("waiting"), "offering", "", 10_000),
        offer("turned_down", "declined", "ann", 20_000),
        delivery("offer_lapsed", Some("offering"), "waiting", "ann", 20_000),
        delivery("offered", Some("waiting"), "offering", "", 21_000),
        offer("taken", "accepted", "bob", 30_000),
        delivery("offer_accepted", Some("offering"), "assigned", "bob", 30_000),
        order("kitchen_done", Some("preparing"), "ready", "mer", 60_000),
        delivery("rider_at_store", Some("assigned"), "arrived_pickup", "bob", 70_000),
        order("rider_took_it", Some("ready"), "picked_up", "bob", 80_000),
        delivery("rider_took_goods", Some("arrived_pickup"), "picked_up", "bob", 80_000),
        order("handed_over", Some("picked_up"), "delivered", "bob", 200_000),
        delivery("handed_over", Some("picked_up"), "delivered", "bob", 200_000),
        order("settled", Some("delivered"), "completed", "cus", 210_000),
    ];
    for (line, seq) in lines.iter_mut().zip(1..) {
        line.seq = seq;
    }
    let asked = vec![
        asking("f1", "ann", 10_000, "declined", 20_000),
        asking("f2", "bob", 21_000, "accepted", 30_000),
    ];
    let won = vec![("o".to_owned(), 30_500)];
    let bob = Diary { rider: "bob".to_owned(), capacity: 1, won, ..Diary::default() };
    Evidence { lines, asked, diaries: vec![bob], until: 10_000_000 }
}

fn line(machine: &str, event: &str, from: Option<&str>, to: &str, by: &str, at: i64) -> Line {
    Line {
        order: "o".to_owned(),
        seq: 0,
        machine: machine.to_owned(),
        event: event.to_owned(),
        from: from.map(str::to_owned),
        to: to.to_owned(),
        by: (!by.is_empty()).then(|| by.to_owned()),
        ready_at: Some(60_000),
        at,
    }
}

fn asking(offer: &str, rider: &str, at: i64, state: &str, closed_at: i64) -> Asking {
    Asking {
        offer: offer.to_owned(),
        order: "o".to_owned(),
        rider: rider.to_owned(),
        at,
        expires: at + 30_000,
        closed: vec![(state.to_owned(), closed_at)],
    }
}

/// What is broken after `change`, each once.
fn broken(change: impl FnOnce(&mut Evidence)) -> Vec<Broken> {
    let mut evidence = good();
    change(&mut evidence);
    let mut found: Vec<Broken> = judge(&evidence, &RULES).iter().map(|it| it.broken).collect();
    found.sort_unstable();
    found.dedup();
    found
}

impl Evidence {
    fn at(&mut self, machine: &str, event: &str) -> &mut Line {
        self.lines.iter_mut().rfind(|it| it.machine == machine && it.event == event).unwrap()
    }

    fn position(&self, machine: &str, event: &str) -> usize {
        self.lines.iter().rposition(|it| it.machine == machine && it.event == event).unwrap()
    }

    fn remove(&mut self, machine: &str, event: &str) {
        let place = self.position(machine, event);
        self.lines.remove(place);
        self.renumber();
    }

    fn put_after(&mut self, machine: &str, event: &str, new: Line) {
        let place = self.position(machine, event) + 1;
        self.lines.insert(place, new);
        self.renumber();
    }

    fn renumber(&mut self) {
        for (line, seq) in self.lines.iter_mut().zip(1..) {
            line.seq = seq;
        }
    }

    /// The same order once more, under another name and brought by the same rider.
    fn twice(&mut self) {
        let copy = |it: &Line| Line { order: "p".to_owned(), ..it.clone() };
        let lines: Vec<Line> = self.lines.iter().map(copy).collect();
        self.lines.extend(lines);
        let copy = |it: &Asking| {
            let (order, offer) = ("p".to_owned(), format!("{}p", it.offer));
            Asking { order, offer, ..it.clone() }
        };
        let asked: Vec<Asking> = self.asked.iter().map(copy).collect();
        self.asked.extend(asked);
    }
}

#[test]
fn a_good_day_has_no_fault() {
    assert_eq!(judge(&good(), &RULES), []);
    let unhurried = |it: &mut Evidence| it.lines.reverse();
    assert_eq!(broken(unhurried), [], "the order of the lines is their numbers");
}

#[test]
fn two_riders_with_one_delivery_are_found() {
    let twice = |it: &mut Evidence| {
        let new = line("delivery", "grabbed", Some("assigned"), "assigned", "eve", 40_000);
        it.put_after("delivery", "offer_accepted", new);
        it.diaries.push(Diary { rider: "eve".to_owned(), capacity: 1, ..Diary::default() });
    };
    let found = broken(twice);
    assert!(found.contains(&Broken::TwoRiders), "{found:?}");
    let told_twice = |it: &mut Evidence| {
        let won = vec![("o".to_owned(), 31_000)];
        it.diaries.push(Diary { rider: "eve".to_owned(), capacity: 1, won, ..Diary::default() });
    };
    assert_eq!(broken(told_twice), [Broken::NotGiven], "two riders were told that it is theirs");
    assert_eq!(
        broken(|it| it.asked[1].rider = "ann".to_owned()),
        [Broken::NotGiven, Broken::AskedAgain],
        "given to another one than was asked"
    );
}

#[test]
fn a_forgotten_delivery_is_found() {
    let open = |it: &mut Evidence| it.lines.truncate(8);
    let found = broken(open);
    assert!(found.contains(&Broken::Forgotten), "{found:?}");
    let held = |it: &mut Evidence| it.lines.truncate(11);
    assert_eq!(broken(held), [Broken::Forgotten], "a rider has it and never brought it");
    let left = |it: &mut Evidence| {
        it.lines.truncate(11);
        let new = line("order", "cancelled", Some("preparing"), "cancelled", "", 40_000);
        it.put_after("delivery", "offer_accepted", new);
    };
    assert_eq!(broken(left), [Broken::Forgotten], "the order ended, a rider still has it");
}

#[test]
fn a_search_of_which_nobody_hears_is_found() {
    let late = 700_000;
    let slow = |it: &mut Evidence| {
        let from = it.position("delivery", "offered");
        for line in &mut it.lines[from..] {
            line.at += late;
        }
        it.asked[1] = asking("f2", "bob", 21_000 + late, "accepted", 30_000 + late);
    };
    assert_eq!(broken(slow), [Broken::NobodyTold]);
    let told = |it: &mut Evidence| {
        slow(it);
        let new = line("delivery", "no_rider", Some("waiting"), "waiting", "", 610_000);
        it.put_after("delivery", "offer_lapsed", new);
    };
    assert_eq!(broken(told), []);
    let for_hours = |it: &mut Evidence| {
        told(it);
        let from = it.lines.iter().position(|it| it.at > 700_000).unwrap();
        it.lines[from..].iter_mut().for_each(|it| it.at += 4_000_000);
        it.asked[1] = asking("f2", "bob", 4_721_000, "accepted", 4_730_000);
    };
    assert_eq!(broken(for_hours), [Broken::NobodyTold], "it should have ended after an hour");
}

#[test]
fn a_late_answer_and_an_early_deadline_are_found() {
    let late = |ms: i64| {
        move |it: &mut Evidence| {
            let at = it.asked[1].expires + ms;
            it.asked[1].closed[0].1 = at;
            it.at("delivery", "offer_accepted").at = at;
            it.at("order", "kitchen_done").at = at;
        }
    };
    assert_eq!(broken(late(-1)), []);
    assert_eq!(broken(late(0)), [Broken::LateAnswer]);
    assert_eq!(broken(late(5)), [Broken::LateAnswer]);
    let early = |it: &mut Evidence| it.asked[0].closed[0].0 = "expired".to_owned();
    assert_eq!(broken(early), [Broken::EarlyDeadline]);
}

#[test]
fn offers_that_overlap_or_never_close_are_found() {
    let overlap = |it: &mut Evidence| it.asked[1].at = 15_000;
    assert_eq!(broken(overlap), [Broken::TwoOffers]);
    let open = |it: &mut Evidence| it.asked[0].closed.clear();
    assert_eq!(broken(open), [Broken::TwoOffers, Broken::NotClosedOnce]);
    let twice = |it: &mut Evidence| it.asked[0].closed.push(("accepted".to_owned(), 22_000));
    assert_eq!(broken(twice), [Broken::NotClosedOnce]);
    let unknown = |it: &mut Evidence| drop(it.asked.remove(0));
    assert_eq!(
        broken(unknown),
        [Broken::NotClosedOnce],
        "the story tells of an offer that is not there"
    );
}

#[test]
fn who_said_no_is_left_alone() {
    let again = |it: &mut Evidence| it.asked[0].rider = "bob".to_owned();
    assert_eq!(broken(again), [Broken::AskedAgain]);
    let later = |it: &mut Evidence| {
        again(it);
        it.asked[0].at -= 290_000;
        it.asked[0].expires -= 290_000;
        it.asked[0].closed[0].1 -= 290_000;
    };
    assert_eq!(broken(later), [Broken::AskedAgain], "five minutes from his answer");
    let off = |it: &mut Evidence| it.diaries[0].off_duty.push((5_000, 60_000));
    assert_eq!(broken(off), [Broken::AskedOffDuty]);
    let back = |it: &mut Evidence| it.diaries[0].off_duty.push((5_000, 21_500));
    assert_eq!(broken(back), [], "he came back that very moment");
}

#[test]
fn a_rider_over_his_capacity_is_found() {
    assert_eq!(broken(Evidence::twice), [Broken::OverCapacity]);
    let room = |it: &mut Evidence| {
        it.twice();
        it.diaries[0].capacity = 2;
    };
    assert_eq!(broken(room), []);
}

#[test]
fn goods_that_leave_too_early_or_are_never_fetched_are_found() {
    assert_eq!(
        broken(|it| it.remove("order", "kitchen_done")),
        [Broken::Jump, Broken::EarlyPickup]
    );
    assert_eq!(
        broken(|it| it.remove("delivery", "rider_took_goods")),
        [Broken::Jump, Broken::NotFetched]
    );
    let stolen = |it: &mut Evidence| it.at("delivery", "handed_over").by = Some("ann".to_owned());
    assert_eq!(broken(stolen), [Broken::WrongHands]);
}

#[test]
fn a_hole_in_a_story_is_found() {
    let hole = |it: &mut Evidence| drop(it.lines.remove(12));
    assert!(broken(hole).contains(&Broken::Hole));
    let doubled = |it: &mut Evidence| it.lines.push(it.lines[4].clone());
    assert!(broken(doubled).contains(&Broken::Hole));
    let jump =
        |it: &mut Evidence| it.at("delivery", "rider_at_store").from = Some("offering".to_owned());
    assert_eq!(broken(jump), [Broken::Jump]);
}

#[test]
fn a_silent_rider_keeps_only_what_he_has_fetched() {
    let silent = |from: i64, until: i64| {
        move |it: &mut Evidence| {
            for name in ["rider_at_store", "rider_took_goods", "handed_over"] {
                it.at("delivery", name).at += 500_000;
            }
            for name in ["rider_took_it", "handed_over", "settled"] {
                it.at("order", name).at += 500_000;
            }
            it.diaries[0].silent.push((from, until));
        }
    };
    assert_eq!(broken(silent(40_000, 560_000)), [Broken::KeptBySilent]);
    assert_eq!(broken(silent(40_000, 390_000)), [], "not yet so long");
    assert_eq!(broken(silent(560_000, 2_000_000)), [], "he has fetched it");
}
