//! The bar rules of SIMULATION, sections 10 and 11, case by case.

use proptest::prelude::*;

use super::*;
use crate::event::{Bar, MarketEvent};
use crate::instrument::{Instrument, MarginMode, MarginTier, TickRule};
use crate::num::Rate;
use crate::order::{FillReason, Liquidity, OrderKind, OrderStatus, Reason, Side, TimeInForce, Trail};

const ID: InstrumentId = InstrumentId(0);

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

/// A venue with one instrument and an isolated one beside it, and what it has reported.
struct World {
    /// Whose bars and orders come next.
    id: InstrumentId,
    venue: SimulatedVenue<BarMatching>,
    reports: Vec<Report>,
    minute: i64,
    sequence: u64,
}

impl World {
    fn new(change: impl FnOnce(&mut VenueConfig, &mut Instrument)) -> Self {
        let mut config = VenueConfig { slippage: "0.0005".parse().unwrap(), ..VenueConfig::default() };
        let mut instrument = Instrument::unrestricted("BTC");
        instrument.tick = TickRule::Fixed(price("0.0001"));
        change(&mut config, &mut instrument);
        let beside = Instrument { margin_mode: Some(MarginMode::Isolated), ..Instrument::unrestricted("ETH") };
        let instruments = Instruments::new(vec![instrument, beside]);
        let venue = SimulatedVenue::bars(config, instruments, "10000".parse().unwrap());
        Self { id: ID, venue, reports: Vec::new(), minute: 0, sequence: 0 }
    }

    fn plain() -> Self {
        Self::new(|_, _| {})
    }

    fn bar_with(&mut self, [open, high, low, close]: [&str; 4], volume: Option<&str>) -> &mut Self {
        let start = Nanos::from_raw(self.minute * Nanos::MINUTE.raw());
        self.minute += 1;
        let bar = Bar {
            instrument: self.id,
            trades: 0,
            open_time: start,
            close_time: start.after(Nanos::MINUTE),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: volume.map(|v| v.parse().unwrap()),
        };
        self.venue.on_market(&MarketEvent::Bar(bar), &mut self.reports).unwrap();
        self.venue.ledger().account().check().unwrap();
        self
    }

    fn bar(&mut self, ohlc: [&str; 4]) -> &mut Self {
        self.bar_with(ohlc, Some("1000"))
    }

    fn order(&mut self, side: Side, quantity: &str, kind: OrderKind) -> Cloid {
        self.order_with(side, quantity, kind, TimeInForce::Gtc, false)
    }

    fn order_with(
        &mut self,
        side: Side,
        quantity: &str,
        kind: OrderKind,
        tif: TimeInForce,
        reduce_only: bool,
    ) -> Cloid {
        self.sequence += 1;
        let cloid = Cloid::new(1, 0, self.sequence);
        let time = Nanos::from_raw(self.minute * Nanos::MINUTE.raw());
        let quantity = quantity.parse().unwrap();
        let order = OrderEvent {
            cloid,
            instrument: self.id,
            side,
            quantity,
            kind,
            time_in_force: tif,
            reduce_only,
            group: crate::order::Group::None,
            expires_after: None,
            time,
            decision_price: Price::ONE,
        };
        self.venue.on_command(&Command::Submit(order), time, &mut self.reports).unwrap();
        cloid
    }

    /// `quantity @ price` with the liquidity, of all fills since last asked.
    fn fills(&mut self) -> Vec<String> {
        let reports = std::mem::take(&mut self.reports);
        let fills = reports.iter().filter_map(|r| if let Report::Fill(f) = r { Some(f) } else { None });
        fills.map(|f| format!("{} {} @ {} {}", f.side.as_str(), f.quantity, f.price, f.liquidity.as_str())).collect()
    }

    fn last_status(&self, cloid: Cloid) -> Option<OrderStatus> {
        let of = self.reports.iter().filter_map(|r| if let Report::Order(u) = r { Some(u) } else { None });
        of.rev().find(|u| u.cloid == cloid).map(|u| u.status)
    }

    /// A long position of `quantity` bought at 100, without slippage in the way.
    fn long(quantity: &str) -> Self {
        let mut world = Self::plain();
        world.bar(["100"; 4]);
        world.order(Side::Buy, quantity, OrderKind::Market);
        world.bar(["100"; 4]);
        world.reports.clear();
        world
    }
}

const FLAT: [&str; 4] = ["100"; 4];

#[test]
fn a_market_order_fills_at_the_next_open_with_slippage_against_us() {
    let mut world = World::plain();
    world.bar(FLAT);
    world.order(Side::Buy, "1", OrderKind::Market);
    assert_eq!(world.fills(), Vec::<String>::new());
    world.bar(["101", "102", "100", "101"]);
    assert_eq!(world.fills(), ["buy 1 @ 101.0505 taker"]);
    world.order(Side::Sell, "1", OrderKind::Market);
    world.bar(["100", "100", "99", "99"]);
    assert_eq!(world.fills(), ["sell 1 @ 99.95 taker"]);
}

#[test]
fn fill_on_close_fills_at_once_at_the_close() {
    let mut world = World::new(|config, _| config.fill_on = FillOn::Close);
    world.bar(["100", "102", "99", "101"]);
    world.order(Side::Buy, "1", OrderKind::Market);
    assert_eq!(world.fills(), ["buy 1 @ 101.0505 taker"]);
}

#[test]
fn the_stop_comes_first_when_long_and_pessimistic_and_the_gain_when_adaptive() {
    for (rule, expected) in
        [(PathRule::Pessimistic, "sell 1 @ 96.9515 taker"), (PathRule::Adaptive, "sell 1 @ 104 maker")]
    {
        let mut world = World::new(|config, _| config.path = rule);
        world.bar(FLAT);
        world.order(Side::Buy, "1", OrderKind::Market);
        world.bar(FLAT);
        world.reports.clear();
        world.order_with(Side::Sell, "1", OrderKind::Stop { trigger: price("97") }, TimeInForce::Gtc, true);
        world.order_with(Side::Sell, "1", OrderKind::Limit { price: price("104") }, TimeInForce::Gtc, true);
        world.bar(["101", "105", "96", "103"]);
        assert_eq!(world.fills(), [expected], "the other is void with the position gone");
    }
}

#[test]
fn a_gap_through_a_stop_fills_at_the_open() {
    let mut world = World::long("1");
    world.order(Side::Sell, "1", OrderKind::Stop { trigger: price("97") });
    world.bar(["95", "96", "94", "95"]);
    assert_eq!(world.fills(), ["sell 1 @ 94.9525 taker"]);
}

#[test]
fn a_resting_limit_needs_the_price_to_go_through_it() {
    let mut world = World::plain();
    world.bar(FLAT);
    world.order(Side::Buy, "1", OrderKind::Limit { price: price("96") });
    world.bar(["100", "100", "96", "98"]);
    assert_eq!(world.fills(), Vec::<String>::new());
    world.bar(["98", "98", "95.9999", "97"]);
    assert_eq!(world.fills(), ["buy 1 @ 96 maker"]);
}

#[test]
fn a_resting_limit_keeps_its_price_in_a_gap_and_a_new_one_takes_the_open() {
    let mut world = World::plain();
    world.bar(FLAT);
    world.order(Side::Buy, "1", OrderKind::Limit { price: price("96") });
    world.bar(FLAT);
    world.bar(["90", "91", "90", "91"]);
    assert_eq!(world.fills(), ["buy 1 @ 96 maker"]);
    world.order(Side::Buy, "1", OrderKind::Limit { price: price("95") });
    world.bar(["90", "91", "90", "91"]);
    assert_eq!(world.fills(), ["buy 1 @ 90.045 taker"]);
}

#[test]
fn post_only_orders_are_refused_where_they_would_take_and_ioc_ones_where_they_would_rest() {
    let mut world = World::plain();
    world.bar(FLAT);
    let limit = |p| OrderKind::Limit { price: price(p) };
    let alo = world.order_with(Side::Buy, "1", limit("101"), TimeInForce::Alo, false);
    let ioc = world.order_with(Side::Buy, "1", limit("99"), TimeInForce::Ioc, false);
    world.bar(FLAT);
    assert_eq!(world.last_status(alo), Some(OrderStatus::Rejected(Reason::BadAloPx)));
    assert_eq!(world.last_status(ioc), Some(OrderStatus::Rejected(Reason::IocCancel)));
    assert_eq!(world.fills(), Vec::<String>::new());
}

#[test]
fn own_orders_share_the_volume_of_a_bar_and_the_rest_works_on() {
    let mut world = World::plain();
    world.bar(FLAT);
    world.order(Side::Buy, "6", OrderKind::Market);
    world.order(Side::Buy, "6", OrderKind::Market);
    world.bar_with(FLAT, Some("80"));
    assert_eq!(world.fills(), ["buy 6 @ 100.05 taker", "buy 2 @ 100.05 taker"]);
    world.bar_with(FLAT, Some("0"));
    assert_eq!(world.fills(), Vec::<String>::new(), "a bar without trades fills nothing");
    world.bar_with(FLAT, None);
    assert_eq!(world.fills(), ["buy 4 @ 100.05 taker"], "data without volumes have no limit");
}

#[test]
fn a_trailing_stop_is_tested_before_it_moves() {
    let mut world = World::long("1");
    world.order(Side::Sell, "1", OrderKind::TrailingStop { trail: Trail::Absolute(price("3")) });
    world.bar(["101", "106", "99", "105"]);
    assert_eq!(world.fills(), Vec::<String>::new(), "the low of 99 comes first and is above 98");
    world.bar(["105", "105", "102", "103"]);
    assert_eq!(world.fills(), ["sell 1 @ 102.9485 taker"], "106 less 3, less slippage");
}

#[test]
fn a_triggered_stop_limit_takes_if_it_can_and_else_rests_from_the_next_bar_on() {
    let kind = |limit| OrderKind::StopLimit { trigger: price("97"), price: price(limit) };
    let mut world = World::long("1");
    world.order(Side::Sell, "1", kind("96"));
    world.bar(["100", "100", "95", "96"]);
    assert_eq!(world.fills(), ["sell 1 @ 96.9515 taker"]);
    let mut world = World::long("1");
    world.order(Side::Sell, "1", kind("98"));
    world.bar(["100", "100", "95", "99"]);
    assert_eq!(world.fills(), Vec::<String>::new(), "born inside the bar, it may not take profit in it");
    world.bar(["97", "99", "97", "97"]);
    assert_eq!(world.fills(), ["sell 1 @ 98 maker"]);
}

#[test]
fn a_take_profit_in_a_gap_gets_no_better_than_its_trigger() {
    let mut world = World::long("1");
    world.order(Side::Sell, "1", OrderKind::TakeProfit { trigger: price("104") });
    world.bar(["110", "111", "109", "110"]);
    assert_eq!(world.fills(), ["sell 1 @ 103.948 taker"]);
}

#[test]
fn reduce_only_orders_are_clipped_and_never_turn_the_position() {
    let mut world = World::long("3");
    let add = world.order_with(Side::Buy, "1", OrderKind::Market, TimeInForce::Ioc, true);
    assert_eq!(world.last_status(add), Some(OrderStatus::Rejected(Reason::ReduceOnly)));
    let close = world.order_with(Side::Sell, "5", OrderKind::Market, TimeInForce::Ioc, true);
    world.bar(FLAT);
    assert_eq!(world.last_status(close), Some(OrderStatus::Cancelled(Reason::ReduceOnlyCanceled)));
    assert_eq!(world.fills(), ["sell 3 @ 99.95 taker"]);
}

#[test]
fn orders_beyond_the_margin_are_refused_with_a_reason() {
    let mut world = World::plain();
    world.bar(FLAT);
    let too_big = world.order(Side::Buy, "101", OrderKind::Market);
    assert_eq!(world.last_status(too_big), Some(OrderStatus::Rejected(Reason::PerpMargin)));
    let fits = world.order(Side::Buy, "99", OrderKind::Limit { price: price("100") });
    assert_eq!(world.last_status(fits), None);
    let second = world.order(Side::Buy, "2", OrderKind::Limit { price: price("99") });
    assert_eq!(world.last_status(second), Some(OrderStatus::Rejected(Reason::PerpMargin)), "the first one reserves");
    let other_side = world.order(Side::Sell, "99", OrderKind::Limit { price: price("101") });
    assert_eq!(world.last_status(other_side), None, "only one side can add exposure at a time");
}

#[test]
fn margin_is_looked_at_again_when_the_order_fills() {
    let mut world = World::plain();
    world.bar(FLAT);
    let order = world.order(Side::Buy, "100", OrderKind::Market);
    world.bar(["101", "102", "101", "102"]);
    assert_eq!(world.last_status(order), Some(OrderStatus::Cancelled(Reason::MarginCanceled)));
}

#[test]
fn lot_tick_and_minimum_notional_are_the_instruments() {
    let mut world = World::new(|_, instrument| {
        instrument.tick = TickRule::Figures { figures: 5, decimals: 1 };
        instrument.lot_size = "0.001".parse().unwrap();
        instrument.min_notional = "10".parse().unwrap();
    });
    world.bar(FLAT);
    for (quantity, limit, reason) in
        [("0.0005", "100", Reason::Lot), ("1", "100.05", Reason::Tick), ("0.099", "100", Reason::MinNotional)]
    {
        let order = world.order(Side::Buy, quantity, OrderKind::Limit { price: price(limit) });
        assert_eq!(world.last_status(order), Some(OrderStatus::Rejected(reason)), "{quantity} @ {limit}");
    }
}

#[test]
fn a_trigger_that_is_reached_already_is_refused() {
    let mut world = World::long("1");
    let order = world.order(Side::Sell, "1", OrderKind::Stop { trigger: price("100") });
    assert_eq!(world.last_status(order), Some(OrderStatus::Rejected(Reason::BadTriggerPx)));
}

#[test]
fn a_modified_order_keeps_its_id_and_loses_its_place_and_a_cancelled_one_is_gone() {
    let mut world = World::plain();
    world.bar(FLAT);
    let order = world.order(Side::Buy, "1", OrderKind::Limit { price: price("90") });
    world.bar(FLAT);
    let change = Command::Modify { cloid: order, instrument: ID, price: price("95"), quantity: "2".parse().unwrap() };
    let now = Nanos::from_raw(2 * Nanos::MINUTE.raw());
    world.venue.on_command(&change, now, &mut world.reports).unwrap();
    world.bar(["100", "100", "94", "95"]);
    assert_eq!(world.fills(), ["buy 2 @ 95 maker"]);
    world.venue.on_command(&Command::Cancel { cloid: order, instrument: ID }, now, &mut world.reports).unwrap();
    assert_eq!(world.last_status(order), Some(OrderStatus::ActionRejected(Reason::NotFound)));
}

#[test]
fn a_short_that_falls_below_maintenance_margin_is_liquidated_and_its_orders_go_first() {
    let mut world = World::new(|config, _| config.leverage = 10);
    world.bar(FLAT);
    world.order(Side::Sell, "500", OrderKind::Market);
    world.bar_with(FLAT, None);
    world.reports.clear();
    let order = world.order(Side::Buy, "1", OrderKind::Limit { price: price("90") });
    world.bar_with(["100", "118", "100", "118"], None);
    assert_eq!(world.last_status(order), Some(OrderStatus::Cancelled(Reason::LiquidatedCanceled)));
    let kinds: Vec<FillReason> =
        world.reports.iter().filter_map(|r| if let Report::Fill(f) = r { Some(f.reason) } else { None }).collect();
    assert_eq!(kinds, [FillReason::Liquidation]);
    assert!(world.venue.ledger().account().position(ID).is_flat());
}

#[test]
fn the_backstop_takes_what_is_left_and_never_more() {
    let mut world = World::new(|config, _| config.leverage = 10);
    world.bar(FLAT);
    world.order(Side::Sell, "500", OrderKind::Market);
    world.bar_with(FLAT, None);
    world.bar_with(["100", "150", "100", "150"], None);
    assert_eq!(world.venue.ledger().account().equity().unwrap(), Money::ZERO);
}

#[test]
fn a_large_position_is_liquidated_by_a_fifth() {
    let mut world = World::new(|config, instrument| {
        config.leverage = 40;
        config.slippage = Rate::ZERO;
        config.fees = FeeSchedule::plain(Rate::ZERO, Rate::ZERO);
        instrument.tiers = vec![MarginTier { lower_bound: Money::ZERO, max_leverage: 40 }];
    });
    world.bar(FLAT);
    world.order(Side::Buy, "3000", OrderKind::Market);
    world.bar_with(FLAT, None);
    world.reports.clear();
    // Equity 10,000 − 3,000 × 2.2 = 3,400 below 3,000 × 97.8 / 80 = 3,667.5, above two thirds of it.
    world.bar_with(["100", "100", "97.8", "97.8"], None);
    assert_eq!(world.fills(), ["sell 600 @ 97.8 taker"]);
}

#[test]
fn an_isolated_liquidation_takes_the_orders_of_its_scope_and_leaves_the_others() {
    let mut world = World::new(|config, _| config.leverage = 10);
    world.bar(FLAT);
    let bid = world.order(Side::Buy, "1", OrderKind::Limit { price: price("90") });
    world.id = InstrumentId(1);
    world.bar(FLAT);
    world.order(Side::Buy, "10", OrderKind::Market);
    world.bar(FLAT);
    let target = world.order(Side::Sell, "10", OrderKind::Limit { price: price("120") });
    world.reports.clear();
    world.bar(["100", "100", "91", "91"]);
    assert_eq!(world.last_status(target), Some(OrderStatus::Cancelled(Reason::LiquidatedCanceled)));
    assert_eq!(world.last_status(bid), None);
    let account = world.venue.ledger().account();
    assert_eq!(account.open_positions(), 0);
    // The margin of 100.05 is gone, not what the account holds beside it.
    assert!(account.equity().unwrap() > "9899".parse().unwrap(), "{:?}", account.lines());
}

fn ohlc() -> impl Strategy<Value = [i64; 4]> {
    (50_i64..150, 50_i64..150, 0_i64..20, 0_i64..20)
        .prop_map(|(open, close, up, down)| [open, open.max(close) + up, (open.min(close) - down).max(1), close])
}

proptest! {
    /// Random orders on random bars: nothing fills beyond the volume, outside the bar, or beyond its order, and the
    /// account stays exact. The short cut for bars that touch no order gives the same as the walk.
    #[test]
    fn fills_are_never_better_than_the_bar_nor_larger_than_its_volume_allows(
        steps in prop::collection::vec((ohlc(), prop::option::of((any::<bool>(), 1_i64..50, 0_u8..6, 50_i64..150)), 0_i64..200), 1..60)
    ) {
        let mut world = World::new(|config, _| { config.slippage = Rate::ZERO; config.leverage = 5; });
        for ([open, high, low, close], order, volume) in steps {
            world.reports.clear();
            let text = |n: i64| n.to_string();
            world.bar_with([&text(open), &text(high), &text(low), &text(close)], Some(&text(volume)));
            let mut filled = 0;
            for report in &world.reports {
                if let Report::Fill(fill) = report {
                    prop_assert!(fill.quantity.is_positive());
                    if fill.reason != FillReason::Liquidation {
                        filled += fill.quantity.raw();
                    }
                    // A take-profit in a gap is filled worse than the bar, never better.
                    match fill.side {
                        Side::Buy if fill.liquidity == Liquidity::Taker => prop_assert!(fill.price >= price(&text(low))),
                        Side::Sell if fill.liquidity == Liquidity::Taker => prop_assert!(fill.price <= price(&text(high))),
                        _ => {}
                    }
                }
            }
            prop_assert!(filled * 10 <= volume * 100_000_000);
            if let Some((buy, quantity, kind, at)) = order {
                let at = price(&text(at));
                let kind = match kind {
                    0 => OrderKind::Market,
                    1 => OrderKind::Limit { price: at },
                    2 => OrderKind::Stop { trigger: at },
                    3 => OrderKind::StopLimit { trigger: at, price: at },
                    4 => OrderKind::TakeProfit { trigger: at },
                    _ => OrderKind::TrailingStop { trail: Trail::Absolute(price("3")) },
                };
                world.order(if buy { Side::Buy } else { Side::Sell }, &text(quantity), kind);
            }
            let equity = world.venue.ledger().account().equity().unwrap();
            prop_assert!(!equity.is_negative() || world.venue.ledger().account().open_positions() > 0);
        }
    }
}
