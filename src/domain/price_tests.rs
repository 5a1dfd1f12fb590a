//! What is promised about prices: every breakdown sums exactly, whatever was asked for.

use proptest::prelude::*;

use super::*;

fn cny(minor: i64) -> Money {
    Money::from_minor(minor, Currency::Cny)
}

fn asked(unit: Money, packing: i64, quantity: i64) -> AskedLine {
    let quantity = Quantity::new(quantity).expect("in range");
    let packing = Money::from_minor(packing, unit.currency());
    AskedLine { product_id: ProductId::generate(), unit, packing, quantity }
}

fn ask(lines: &[AskedLine], base: i64) -> PriceAsk<'_> {
    let rules = FeeRules::flat(cny(base));
    PriceAsk { lines, rules, min_order: cny(0), way_m: Some(1_000), tip: cny(0) }
}

#[test]
fn prices_are_not_negative_absurd_or_in_two_currencies() {
    let price = |unit| Price::of(ask(&[asked(unit, 0, 1)], 300));
    assert_eq!(price(cny(-1)), Err(PriceError::OutOfRange));
    assert_eq!(price(cny(MINOR_MAX + 1)), Err(PriceError::OutOfRange));
    let usd = Money::from_minor(1, Currency::Usd);
    assert!(matches!(price(usd), Err(PriceError::Money(_))));
}

#[test]
fn the_minimum_counts_items_only() {
    let minimum = |unit| {
        let lines = [asked(cny(unit), 400, 2)];
        Price::of(PriceAsk { min_order: cny(2_000), tip: cny(900), ..ask(&lines, 500) })
    };
    assert!(matches!(minimum(999), Err(PriceError::BelowMinimum { .. })));
    assert!(minimum(1_000).is_ok());
}

#[test]
fn the_fee_grows_with_each_kilometre_begun_beyond_those_included() {
    let rules = FeeRules { included_m: 2_000, per_km: cny(150), ..FeeRules::flat(cny(500)) };
    for (way_m, fee) in [(0, 500), (2_000, 500), (2_001, 650), (3_000, 650), (3_001, 800)] {
        assert_eq!(rules.carriage(way_m), Ok(cny(fee)), "{way_m} m");
    }
}

#[test]
fn enough_items_are_delivered_without_a_fee_but_the_rider_is_paid() {
    let lines = [asked(cny(1_000), 0, 3)];
    let priced = |free_from| {
        let rules = FeeRules { free_from: Some(cny(free_from)), ..FeeRules::flat(cny(500)) };
        Price::of(PriceAsk { rules, ..ask(&lines, 0) }).expect("all in range").parts
    };
    let (free, charged) = (priced(3_000), priced(3_001));
    assert_eq!((free.delivery_fee, free.carriage, free.total), (cny(0), cny(500), cny(3_000)));
    assert_eq!((charged.delivery_fee, charged.total), (cny(500), cny(3_500)));
    let fetched = PriceAsk { way_m: None, ..ask(&lines, 500) };
    assert_eq!(Price::of(fetched).expect("all in range").parts.total, cny(3_000));
}

#[test]
fn nothing_is_charged_below_zero() {
    let taken_off = Breakdown::of(cny(100), cny(0), cny(0), cny(101), cny(0));
    assert_eq!(taken_off, Err(PriceError::OutOfRange));
}

proptest! {
    #[test]
    fn the_breakdown_sums_to_the_total(
        lines in prop::collection::vec((0_i64..1_000_000, 0_i64..500, 1_i64..=99), 1..50),
        (base, per_km, packing, tip) in (0_i64..10_000, 0_i64..1_000, 0_i64..1_000, 0_i64..10_000),
        (included_m, way_m) in (0_u32..5_000, prop::option::of(0_u32..50_000)),
        free_from in prop::option::of(0_i64..5_000_000),
    ) {
        let asked: Vec<_> = lines.iter().map(|&(unit, pack, n)| asked(cny(unit), pack, n)).collect();
        let rules = FeeRules {
            base: cny(base),
            included_m,
            per_km: cny(per_km),
            free_from: free_from.map(cny),
            packing: cny(packing),
        };
        let tip = cny(tip);
        let price = Price::of(PriceAsk { rules, way_m, tip, ..ask(&asked, 0) }).expect("in range");
        let by_hand: i64 = lines.iter().map(|(unit, _, n)| unit * n).sum();
        let packed: i64 = lines.iter().map(|(_, pack, n)| pack * n).sum();
        let by_line: i64 = price.lines.iter().map(|it| it.total.minor()).sum();
        let parts = price.parts;
        prop_assert_eq!((parts.items.minor(), by_line), (by_hand, by_hand));
        prop_assert_eq!(parts.packing.minor(), packed + packing);
        let sum = parts.items.minor() + parts.packing.minor() + parts.delivery_fee.minor()
            + parts.tip.minor() - parts.discount.minor();
        prop_assert_eq!(parts.total.minor(), sum);
        let is_free = way_m.is_none() || free_from.is_some_and(|from| by_hand >= from);
        prop_assert_eq!(parts.delivery_fee.minor() == 0, is_free || parts.carriage.minor() == 0);
        prop_assert!(parts.carriage.minor() >= parts.delivery_fee.minor());
    }
}
