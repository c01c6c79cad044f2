//! Fees, funding, margin and liquidation on the ledger: the worked cases of SIMULATION, section 16, and what must always hold.

use proptest::prelude::*;

use super::ledger::{Charge, NewFill};
use super::*;
use crate::instrument::{Instrument, MarginMode, MarginTier};
use crate::num::{Rate, UNIT};
use crate::order::{FillReason, Liquidity, Side};

const BTC: InstrumentId = InstrumentId(0);
const ETH: InstrumentId = InstrumentId(1);

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

/// Books a fill as taker.
pub(super) fn trade(
    ledger: &mut Ledger,
    instrument: InstrumentId,
    side: Side,
    at: &str,
    quantity: &str,
    reports: &mut Vec<Report>,
) {
    execute(ledger, (instrument, side, quantity.parse().unwrap()), price(at), FillReason::Taker, reports);
}

fn execute(
    ledger: &mut Ledger,
    (instrument, side, quantity): (InstrumentId, Side, Qty),
    price: Price,
    reason: FillReason,
    reports: &mut Vec<Report>,
) {
    let (cloid, oid, liquidity, charge) = (Cloid::default(), 1, Liquidity::Taker, Charge::First);
    let time = Nanos::ZERO;
    let fill = NewFill {
        cloid,
        oid,
        instrument,
        side,
        price,
        quantity,
        liquidity,
        charge,
        reason,
        ahead_at_arrival: None,
        time,
    };
    ledger.fill(fill, reports).unwrap();
}

/// BTC at 40x in lots of 0.00001 and ETH at 25x, without fees.
fn ledger(deposit: &str, change: impl FnOnce(&mut VenueConfig)) -> Ledger {
    let mut config =
        VenueConfig { fees: FeeSchedule::plain(Rate::ZERO, Rate::ZERO), leverage: 10, ..VenueConfig::default() };
    change(&mut config);
    let rules = |symbol: &str, max_leverage| {
        let mut rules = Instrument::unrestricted(symbol);
        rules.lot_size = "0.00001".parse().unwrap();
        rules.tiers = vec![MarginTier { lower_bound: Money::ZERO, max_leverage }];
        rules
    };
    Ledger::new(config, Instruments::new(vec![rules("BTC", 40), rules("ETH", 25)]), money(deposit))
}

fn mark(ledger: &mut Ledger, instrument: InstrumentId, at: &str) {
    ledger.account.set_mark(instrument, price(at)).unwrap();
}

fn at(seconds: i64) -> Nanos {
    Nanos::from_raw(seconds * Nanos::SECOND.raw())
}

#[test]
fn an_isolated_position_is_liquidated_by_a_fifth_and_stops_once_it_is_safe() {
    let scope = Scope::Isolated(BTC);
    let mut ledger = ledger("100000", |config| {
        config.margin_mode = MarginMode::Isolated;
        config.fees = FeeSchedule::plain(Rate::ZERO, "0.00045".parse().unwrap());
    });
    let mut reports = Vec::new();
    trade(&mut ledger, BTC, Side::Buy, "50000", "4", &mut reports);
    assert_eq!(ledger.isolated_margin(BTC), money("19910"), "a tenth, less the fee of 90");
    // The worked case opens without a fee.
    ledger.set_margin(BTC, money("20000"));
    mark(&mut ledger, BTC, "45550");
    let (equity, maintenance) = (ledger.equity_of(scope).unwrap(), ledger.maintenance_of(scope).unwrap());
    assert_eq!((equity, maintenance), (money("2200"), money("2277.5")));
    let forced = ledger.next_liquidation(scope, at(0)).unwrap().unwrap();
    assert_eq!((forced.side, forced.quantity, forced.is_backstop), (Side::Sell, "0.8".parse().unwrap(), false));

    let before = ledger.account.lines().realised;
    execute(&mut ledger, (BTC, Side::Sell, forced.quantity), price("45540"), FillReason::Liquidation, &mut reports);
    assert_eq!(ledger.account.lines().realised.sub(before).unwrap(), money("-3568"));
    assert!(matches!(reports.last(), Some(Report::Fill(fill)) if fill.fee == money("16.3944")));
    assert_eq!(ledger.account.position(BTC).quantity, "3.2".parse().unwrap());
    let (equity, maintenance) = (ledger.equity_of(scope).unwrap(), ledger.maintenance_of(scope).unwrap());
    assert_eq!((equity, maintenance), (money("2175.6056"), money("1822")));
    assert_eq!(ledger.next_liquidation(scope, at(0)).unwrap(), None);
    assert_eq!(ledger.next_liquidation(Scope::Cross, at(0)).unwrap(), None, "the account has nothing to do with it");
}

#[test]
fn after_a_part_the_whole_goes_for_thirty_seconds() {
    let mut ledger = ledger("20000", |_| ());
    trade(&mut ledger, BTC, Side::Buy, "50000", "4", &mut Vec::new());
    mark(&mut ledger, BTC, "45550");
    let mut asked = |seconds| ledger.next_liquidation(Scope::Cross, at(seconds)).unwrap().unwrap().quantity.to_string();
    assert_eq!([asked(0), asked(29), asked(30), asked(31)], ["0.8", "4", "0.8", "4"]);
}

#[test]
fn the_largest_cross_position_is_sold_first_and_the_backstop_takes_all_that_is_cross() {
    let mut ledger = ledger("10000", |_| ());
    let mut reports = Vec::new();
    trade(&mut ledger, BTC, Side::Buy, "50000", "2", &mut reports);
    trade(&mut ledger, ETH, Side::Sell, "3000", "10", &mut reports);
    let figures = |ledger: &Ledger| {
        (ledger.equity_of(Scope::Cross).unwrap().to_string(), ledger.maintenance_of(Scope::Cross).unwrap().to_string())
    };
    assert_eq!(figures(&ledger), ("10000".to_owned(), "1850".to_owned()));
    assert_eq!(ledger.liquidation_price(BTC).unwrap(), Some(price("45873.41772152")));

    mark(&mut ledger, BTC, "45900");
    assert_eq!(figures(&ledger), ("1800".to_owned(), "1747.5".to_owned()));
    assert_eq!(ledger.next_liquidation(Scope::Cross, at(0)).unwrap(), None);

    mark(&mut ledger, BTC, "45700");
    mark(&mut ledger, ETH, "2990");
    assert_eq!(figures(&ledger), ("1500".to_owned(), "1740.5".to_owned()));
    let forced = ledger.next_liquidation(Scope::Cross, at(0)).unwrap().unwrap();
    let whole = Forced {
        scope: Scope::Cross,
        instrument: BTC,
        side: Side::Sell,
        quantity: "2".parse().unwrap(),
        is_backstop: false,
    };
    assert_eq!(forced, whole);

    mark(&mut ledger, ETH, "3000");
    mark(&mut ledger, BTC, "45579.83193278");
    assert!(!ledger.next_liquidation(Scope::Cross, at(0)).unwrap().unwrap().is_backstop);
    mark(&mut ledger, BTC, "45579.83193276");
    assert!(ledger.next_liquidation(Scope::Cross, at(0)).unwrap().unwrap().is_backstop);
    reports.clear();
    ledger.take_over(Scope::Cross, at(7), &mut reports).unwrap();
    assert_eq!(ledger.account.open_positions(), 0);
    assert_eq!(ledger.account.equity().unwrap(), Money::ZERO);
    let loss = ledger.account.lines().backstop_loss;
    assert_eq!(loss, money("1159.66386552"));
    assert_eq!(reports.last(), Some(&Report::Account(AccountEvent::Backstop { time: at(7), loss })));
}

#[test]
fn an_isolated_backstop_takes_the_margin_of_its_position_and_nothing_else() {
    let mut ledger = ledger("10000", |config| config.margin_mode = MarginMode::Isolated);
    let mut reports = Vec::new();
    trade(&mut ledger, BTC, Side::Buy, "50000", "1", &mut reports);
    trade(&mut ledger, ETH, Side::Buy, "3000", "1", &mut reports);
    assert_eq!(ledger.free_margin().unwrap(), money("4700"));
    mark(&mut ledger, BTC, "40000");
    assert!(ledger.next_liquidation(Scope::Isolated(BTC), at(0)).unwrap().unwrap().is_backstop);
    ledger.take_over(Scope::Isolated(BTC), at(0), &mut reports).unwrap();
    assert_eq!(ledger.account.lines().backstop_loss, money("-5000"), "the venue covers what the margin does not");
    assert_eq!(ledger.free_margin().unwrap(), money("4700"));
    assert_eq!(ledger.isolated_margin(ETH), money("300"));
    assert_eq!(ledger.next_liquidation(Scope::Isolated(ETH), at(0)).unwrap(), None);
}

#[test]
fn reducing_an_isolated_position_pays_back_its_share_and_a_flip_opens_a_new_one() {
    let mut ledger = ledger("10000", |config| config.margin_mode = MarginMode::Isolated);
    let mut reports = Vec::new();
    trade(&mut ledger, ETH, Side::Buy, "3000", "4", &mut reports);
    assert_eq!(ledger.isolated_margin(ETH), money("1200"));
    trade(&mut ledger, ETH, Side::Sell, "3100", "1", &mut reports);
    assert_eq!(ledger.isolated_margin(ETH), money("900"));
    assert_eq!(ledger.free_margin().unwrap(), money("9200"), "a quarter of the margin and the profit");
    trade(&mut ledger, ETH, Side::Sell, "2600", "1", &mut reports);
    assert_eq!(ledger.isolated_margin(ETH), money("500"), "a loss beyond the share stays with the position");
    trade(&mut ledger, ETH, Side::Sell, "3000", "3", &mut reports);
    assert_eq!(ledger.isolated_margin(ETH), money("300"));
    assert_eq!(ledger.account.equity().unwrap(), money("9700"));
    assert_eq!(ledger.free_margin().unwrap(), money("9400"));
}

#[test]
fn funding_of_an_isolated_position_comes_out_of_its_margin() {
    let mut ledger = ledger("10000", |config| config.margin_mode = MarginMode::Isolated);
    let mut reports = Vec::new();
    trade(&mut ledger, ETH, Side::Buy, "3000", "1", &mut reports);
    let free = ledger.free_margin().unwrap();
    ledger.settle_funding(ETH, "0.001".parse().unwrap(), price("3000"), at(0), &mut reports).unwrap();
    assert_eq!((ledger.isolated_margin(ETH), ledger.free_margin().unwrap()), (money("297"), free));
    assert_eq!(ledger.account.lines().funding, money("-3"));
    ledger.settle_funding(BTC, Rate::ONE, price("3000"), at(0), &mut reports).unwrap();
    assert_eq!(ledger.account.lines().funding, money("-3"), "nothing is due of what is not held");
}

#[test]
fn leverage_is_at_most_that_of_the_tier_of_the_position_that_results() {
    let mut rules = Instrument::unrestricted("X");
    let tier = |lower: &str, max_leverage| MarginTier { lower_bound: money(lower), max_leverage };
    rules.tiers = vec![tier("0", 10), tier("1000", 5)];
    rules.leverage = Some(8);
    let config = VenueConfig { leverage: 2, ..VenueConfig::default() };
    let ledger = Ledger::new(config, Instruments::new(vec![rules]), money("150"));
    let can = |quantity: &str| ledger.can_fill(BTC, Side::Buy, Price::ONE, quantity.parse().unwrap()).unwrap();
    assert!(can("999"), "a margin of 125");
    assert!(!can("1000"), "a margin of 200");
}

#[test]
fn a_builders_fee_is_booked_apart_just_before_its_fill() {
    let fees = HyperliquidFees { builder: "0.0001".parse().unwrap(), ..HyperliquidFees::default() };
    let mut ledger = ledger("10000", |config| config.fees = FeeSchedule::Hyperliquid(fees));
    let mut reports = Vec::new();
    trade(&mut ledger, ETH, Side::Buy, "3000", "1", &mut reports);
    assert!(matches!(reports[..], [Report::Account(AccountEvent::BuilderFee { .. }), Report::Fill(_)]));
    let lines = ledger.account.lines();
    assert_eq!((lines.fees, lines.builder), (money("1.35"), money("0.3")));
    assert_eq!(ledger.account.equity().unwrap(), money("9998.35"));
}

/// What may happen to a ledger.
#[derive(Debug, Clone)]
enum Step {
    Fill { instrument: u32, buy: bool, quantity: i64, slip: i64 },
    Mark { instrument: u32, move_bps: i64 },
    Funding { instrument: u32, rate: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u32..2, any::<bool>(), 1_i64..500_000, -50_i64..50)
            .prop_map(|(instrument, buy, quantity, slip)| Step::Fill { instrument, buy, quantity, slip }),
        3 => (0_u32..2, -800_i64..800).prop_map(|(instrument, move_bps)| Step::Mark { instrument, move_bps }),
        1 => (0_u32..2, -40_000_000_000_i64..40_000_000_000)
            .prop_map(|(instrument, rate)| Step::Funding { instrument, rate }),
    ]
}

fn moved(price: Price, bps: i64) -> Price {
    price.moved_by(Rate::from_raw(bps * 100_000_000), crate::num::Rounding::HalfEven).unwrap()
}

proptest! {
    /// The account of the venue, one that only hears the reports, and a plain sum of flows agree to the last unit;
    /// what is isolated and what is cross add up to all there is; nothing stays below maintenance margin after a liquidation.
    #[test]
    fn money_is_conserved_through_fills_funding_margin_moves_and_liquidations(
        steps in prop::collection::vec(step(), 1..120),
        modes in (any::<bool>(), any::<bool>()), taker in -20_i64..100, by_schedule in any::<bool>(), slippage in 0_i64..30
    ) {
        let mode = |isolated| Some(if isolated { MarginMode::Isolated } else { MarginMode::Cross });
        let deposit = money("100000");
        let mut instruments = vec![Instrument::unrestricted("BTC"), Instrument::unrestricted("ETH")];
        instruments[0].margin_mode = mode(modes.0);
        instruments[1].margin_mode = mode(modes.1);
        instruments[1].leverage = Some(15);
        let builder = Rate::from_raw(50_000_000);
        let fees = if by_schedule {
            FeeSchedule::Hyperliquid(HyperliquidFees { builder, ..HyperliquidFees::default() })
        } else {
            FeeSchedule::plain(Rate::ZERO, Rate::from_raw(taker * 10_000_000))
        };
        let slippage = Rate::from_raw(slippage * 100_000_000);
        let config = VenueConfig { fees, slippage, leverage: 10, ..VenueConfig::default() };
        let mut ledger = Ledger::new(config, Instruments::new(instruments), deposit);
        let mut heard = crate::account::Account::new(deposit, 2);
        let mut flows = deposit;
        let mut reports = Vec::new();
        let mut marks = [price("50000"), price("3000")];
        for (n, step) in (0_i64..).zip(steps) {
            match step {
                Step::Fill { instrument, buy, quantity, slip } => {
                    let id = InstrumentId(instrument);
                    let side = if buy { Side::Buy } else { Side::Sell };
                    let (at, quantity) = (moved(marks[id.index()], slip), Qty::from_raw(quantity * 1_000));
                    if ledger.can_fill(id, side, at, quantity).unwrap() {
                        execute(&mut ledger, (id, side, quantity), at, FillReason::Taker, &mut reports);
                    }
                }
                Step::Mark { instrument, move_bps } => {
                    let id = InstrumentId(instrument);
                    marks[id.index()] = moved(marks[id.index()], move_bps);
                    ledger.account.set_mark(id, marks[id.index()]).unwrap();
                    heard.set_mark(id, marks[id.index()]).unwrap();
                }
                Step::Funding { instrument, rate } => {
                    let id = InstrumentId(instrument);
                    ledger.settle_funding(id, Rate::from_raw(rate), marks[id.index()], at(n), &mut reports).unwrap();
                }
            }
            for id in [BTC, ETH] {
                ledger.account.set_mark(id, marks[id.index()]).unwrap();
            }
            if ledger.may_liquidate().unwrap() {
                for scope in ledger.scopes() {
                    ledger.liquidate_at_marks(scope, at(n), &mut reports).unwrap();
                }
            }
            for report in reports.drain(..) {
                match report {
                    Report::Fill(fill) => {
                        let value = fill.price.notional(fill.side.signed(fill.quantity)).unwrap();
                        flows = flows.sub(value).unwrap().sub(fill.fee).unwrap();
                        heard.apply_fill(&fill).unwrap();
                    }
                    Report::Account(event) => {
                        let out = match event {
                            AccountEvent::Backstop { loss, .. } => loss,
                            AccountEvent::Funding { payment, .. } => payment,
                            AccountEvent::BuilderFee { fee, .. } => fee,
                            AccountEvent::Position { .. } | AccountEvent::Transfer { .. } => Money::ZERO,
                        };
                        flows = flows.sub(out).unwrap();
                        heard.apply(&event).unwrap();
                    }
                    Report::Order(update) => prop_assert!(false, "{update:?}"),
                }
            }
            prop_assert_eq!(ledger.check_account(), Ok(()));
            prop_assert_eq!(heard.lines(), ledger.account.lines());
            prop_assert_eq!(heard.cash(), ledger.account.cash());
            let mut worth = flows;
            for id in [BTC, ETH] {
                heard.set_mark(id, marks[id.index()]).unwrap();
                let quantity = ledger.account.position(id).quantity;
                worth = worth.add(ledger.account.mark(id).notional(quantity).unwrap()).unwrap();
            }
            prop_assert_eq!(ledger.account.equity().unwrap(), worth);
            let mut apart = Money::ZERO;
            for scope in ledger.scopes() {
                apart = apart.add(ledger.equity_of(scope).unwrap()).unwrap();
                prop_assert!(!ledger.is_below_maintenance(scope).unwrap());
                if ledger.positions_of(scope).next().is_some() {
                    prop_assert!(!ledger.equity_of(scope).unwrap().is_negative());
                }
            }
            prop_assert_eq!(apart, worth, "isolated and cross are all there is");
        }
    }

    /// Just this side of its liquidation price a position is safe, just beyond it is not, whatever else is held.
    #[test]
    fn a_position_is_liquidated_just_beyond_its_liquidation_price(
        is_long in any::<bool>(), is_isolated in any::<bool>(), quantity in 1_i64..150, other in -100_i64..100
    ) {
        let margin_mode = if is_isolated { MarginMode::Isolated } else { MarginMode::Cross };
        let mut ledger = ledger("100000", |config| config.margin_mode = margin_mode);
        let side = if is_long { Side::Buy } else { Side::Sell };
        let quantity = Qty::from_raw(quantity * UNIT / 10);
        execute(&mut ledger, (BTC, side, quantity), price("50000"), FillReason::Taker, &mut Vec::new());
        if let Some(other_side) = Side::of(Qty::from_raw(other)) {
            let quantity = Qty::from_raw(other.abs() * UNIT / 10);
            execute(&mut ledger, (ETH, other_side, quantity), price("3000"), FillReason::Taker, &mut Vec::new());
        }
        let scope = ledger.scope_of(BTC);
        if let Some(price) = ledger.liquidation_price(BTC).unwrap() {
            // Of a tenth of a unit, thirty steps of the price are three of money: more than rounding moves.
            let step = Price::from_raw(if is_long { 30 } else { -30 });
            for (at, is_below) in [(price.add(step).unwrap(), false), (price.sub(step).unwrap(), true)] {
                ledger.account.set_mark(BTC, at).unwrap();
                prop_assert_eq!(ledger.is_below_maintenance(scope).unwrap(), is_below, "{}", at);
            }
        } else {
            ledger.account.set_mark(BTC, Price::from_raw(1)).unwrap();
            prop_assert!(!ledger.is_below_maintenance(scope).unwrap());
        }
    }

    /// The quick bound that bars are skipped by never hides a liquidation, cross or isolated.
    #[test]
    fn inside_its_safe_range_no_position_is_liquidated(
        is_long in any::<bool>(), is_isolated in any::<bool>(), quantity in 1_i64..200, part in 0_i64..1_000
    ) {
        let margin_mode = if is_isolated { MarginMode::Isolated } else { MarginMode::Cross };
        let mut ledger = ledger("100000", |config| config.margin_mode = margin_mode);
        let side = if is_long { Side::Buy } else { Side::Sell };
        let quantity = Qty::from_raw(quantity * UNIT / 10);
        execute(&mut ledger, (BTC, side, quantity), price("50000"), FillReason::Taker, &mut Vec::new());
        let (low, high) = ledger.safe_range(BTC).unwrap().unwrap();
        let ends = [low.max(Price::from_raw(1)), high.min(price("1000000"))];
        let span = i128::from(ends[1].raw() - ends[0].raw()) * i128::from(part) / 1_000;
        let inside = Price::from_raw(ends[0].raw() + i64::try_from(span).unwrap());
        for at in [ends[0], inside, ends[1]] {
            ledger.account.set_mark(BTC, at).unwrap();
            prop_assert!(!ledger.is_below_maintenance(ledger.scope_of(BTC)).unwrap(), "{at}");
        }
    }
}
