//! What is promised of stocks, whatever happens to them.

use proptest::prelude::*;

use super::*;

const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

#[test]
fn nobody_gets_more_than_is_left() {
    let stock = Stock::counted(3);
    assert_eq!(stock.reserve(4), Err(StockError::Short { left: 3 }));
    let change = stock.reserve(3).expect("there are three");
    assert_eq!(stock.after(&change).reserve(1), Err(StockError::Short { left: 0 }));
    let endless = stock.keep(StockMode::Unlimited, None, NOON);
    assert_eq!(endless.reserve(99).map(|it| it.left), Ok(0));
}

#[test]
fn a_day_begins_at_its_minute() {
    let daily = Daily { per_day: 40, resets_min: 16 * 60 };
    let day = Timestamp::from_ms(20_700 * DAY_MS);
    let four = day + Duration::from_secs(16 * 3_600);
    assert_eq!(daily.began(four), four);
    assert_eq!(daily.began(four - Duration::from_millis(1)), four - DAY);
    assert_eq!(daily.next(four), four + DAY);
    assert_eq!(Daily { resets_min: 0, ..daily }.began(four), day);
}

#[test]
fn midnight_follows_the_sun() {
    for (lng, minutes) in [(121.5, 960), (0.0, 0), (-74.0, 300), (179.9, 720), (-179.9, 720)] {
        let place = Place::new(31.2, lng).expect("a place");
        assert_eq!(midnight_min(place), minutes, "{lng}");
    }
}

#[test]
fn yesterdays_pieces_do_not_come_back_today() {
    let daily = Some(Daily { per_day: 10, resets_min: 0 });
    let yesterday = Stock::counted(10).keep(StockMode::Daily, daily, NOON - DAY);
    let held = yesterday.after(&yesterday.reserve(4).expect("there are ten"));
    let (today, change) = held.reset(NOON).expect("a new day");
    let today = today.after(&change);
    assert_eq!((today.left, today.reserved), (10, 4));
    assert!(today.reset(NOON).is_none(), "once a day");
    let after = today.after(&today.release(4, HoldState::Reserved, NOON - DAY));
    assert_eq!((after.left, after.reserved), (10, 0));
}

/// Something that may happen to a stock.
#[derive(Debug, Clone, Copy)]
enum Step {
    Reserve(i64),
    Confirm(usize),
    Release(usize),
    Set(i64),
    Adjust(i64),
    Keep(StockMode),
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_i64..30).prop_map(Step::Reserve),
        3 => (0_usize..40).prop_map(Step::Confirm),
        3 => (0_usize..40).prop_map(Step::Release),
        1 => (-5_i64..200).prop_map(Step::Set),
        1 => (-50_i64..50).prop_map(Step::Adjust),
        1 => (0_usize..3).prop_map(|it| Step::Keep(StockMode::ALL[it])),
        1 => Just(Step::Reset),
    ]
}

proptest! {
    #[test]
    fn numbers_are_what_orders_hold_and_never_below_nothing(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let (mut stock, mut now) = (Stock::counted(50), NOON);
        let mut holds: Vec<(i64, HoldState, Timestamp)> = Vec::new();
        let mut log = StockChange { event: StockEvent::Opened, left: 50, reserved: 0, sold: 0 };
        for step in steps {
            now = now + Duration::from_secs(3_600);
            let change = match step {
                Step::Reserve(pieces) => {
                    let change = stock.reserve(pieces).ok();
                    if change.is_some() {
                        holds.push((pieces, HoldState::Reserved, now));
                    }
                    change
                }
                Step::Confirm(which) => holds.get_mut(which).and_then(|it| {
                    (it.1 == HoldState::Reserved).then(|| {
                        it.1 = HoldState::Sold;
                        Stock::confirm(it.0)
                    })
                }),
                Step::Release(which) => holds.get_mut(which).map(|it| {
                    let held = std::mem::replace(&mut it.1, HoldState::Released);
                    stock.release(it.0, held, it.2)
                }),
                Step::Set(left) => stock.set(left).ok(),
                Step::Adjust(by) => stock.adjust(by).ok(),
                Step::Keep(mode) => {
                    let daily = (mode == StockMode::Daily)
                        .then_some(Daily { per_day: 20, resets_min: 0 });
                    stock = stock.keep(mode, daily, now);
                    None
                }
                Step::Reset => stock.reset(now).map(|(reset, change)| {
                    stock = reset;
                    change
                }),
            };
            let Some(change) = change else { continue };
            stock = stock.after(&change);
            log.left += change.left;
            log.reserved += change.reserved;
            log.sold += change.sold;
            let held = |state| holds.iter().filter(|it| it.1 == state).map(|it| it.0).sum::<i64>();
            prop_assert!(stock.left >= 0, "{stock:?}");
            prop_assert_eq!(stock.reserved, held(HoldState::Reserved));
            prop_assert_eq!(stock.sold, held(HoldState::Sold));
            prop_assert_eq!((log.left, log.reserved, log.sold), (stock.left, stock.reserved, stock.sold));
        }
    }
}
