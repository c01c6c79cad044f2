"""One machine, two drivers: the loop inside the engine and the plain loop in Python give the same fills and equity."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

import algo_trade as at
from algo_trade.data import synthetic_bars
from algo_trade.errors import DataError, ParameterError, StrategyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from algo_trade.core import Command, Context, MarketEvent, Report
    from algo_trade.strategy import Runnable

CAPITAL = 100_000


class Recorded:
    """An execution handler that keeps the fills of the one inside."""

    def __init__(self, inner: at.ExecutionHandler) -> None:
        self.inner = inner
        self.fills: list[at.FillEvent] = []

    def keep(self, reports: Sequence[Report]) -> Sequence[Report]:
        self.fills += [report for report in reports if isinstance(report, at.FillEvent)]
        return reports

    def on_market_event(self, event: MarketEvent) -> Sequence[Report]:
        return self.keep(self.inner.on_market_event(event))

    def execute(self, command: Command, now_ns: int) -> Sequence[Report]:
        return self.keep(self.inner.execute(command, now_ns))


class FixedQuantity:
    """The risk manager of `quantity`, written in Python."""

    def __init__(self, quantity: str, cap: str | None = None) -> None:
        self.quantity = Decimal(quantity)
        self.cap = None if cap is None else Decimal(cap)

    def target(self, ctx: Context, signal: at.SignalEvent) -> Decimal:
        assert ctx.price(signal.symbol) > 0
        sign = {"long": 1, "short": -1, "exit": 0}[signal.kind]
        return sign * self.quantity

    def order_quantity(self, ctx: Context, symbol: str) -> Decimal:
        assert symbol in ctx.symbols
        return self.quantity

    def check(self, ctx: Context, order: at.OrderEvent) -> Decimal | str | None:
        if self.cap is None or ctx.position(order.symbol).is_flat:
            return None
        return f"no more than {self.cap}"


class Everything(at.Strategy):
    """Uses every kind of order, timers, two resolutions and the size of the risk manager."""

    resolutions = ("15m",)

    def on_start(self, ctx: Context) -> None:
        self.step = 0
        self.average = ctx.indicator(at.indicators.Sma(5), symbol="BTC", resolution="15m")
        ctx.set_timer(at.minutes(7.5))

    def on_bar(self, ctx: Context, bar: at.Bar) -> at.SignalEvent | None:
        self.step += 1
        price = bar.close
        if bar.resolution_ns > at.minutes(1):
            return at.Signal.long(bar.symbol, strength=0.5) if self.step % 2 else at.Signal.short(bar.symbol)
        match self.step % 9:
            case 0:
                ctx.buy(bar.symbol, "0.02", price=price * Decimal("0.999"))
            case 2:
                ctx.sell(bar.symbol, price=price * Decimal("1.001"), time_in_force="alo")
            case 4:
                ctx.sell(bar.symbol, "0.05", stop=price * Decimal("0.998"), reduce_only=True)
            case 5:
                ctx.sell(bar.symbol, "0.01", trail="0.3%")
            case 7:
                ctx.cancel_all(bar.symbol)
            case _:
                pass
        return None

    def on_timer(self, ctx: Context, now_ns: int) -> at.SignalEvent | None:
        return at.Signal.exit("ETH") if now_ns % 2 else None


def plain_fills(fills: Sequence[at.FillEvent]) -> list[tuple[object, ...]]:
    return [(f.time_ns, f.symbol, f.side, f.price, f.quantity, f.fee, f.cloid) for f in fills]


def by_both_drivers(
    strategies: tuple[Runnable, Runnable],
    symbols: Sequence[str],
    venue: at.VenueConfig,
    risk: at.RiskManager | None = None,
) -> int:
    bars = synthetic_bars(list(symbols), 3_000, seed=5)
    simple = at.SimpleRiskManager(quantity="0.1")
    result = at.backtest(bars, strategies[0], venue=venue, risk=risk or simple, initial_capital=CAPITAL)
    provider = at.HistoricalDataProvider(bars)
    handler = Recorded(at.SimulatedExecutionHandler(provider.symbols, venue=venue, initial_capital=CAPITAL))
    system = at.TradingSystem(provider, strategies[1], handler, risk or simple, initial_capital=CAPITAL)
    system.run()
    rows = result.fills.iter_rows(named=True)
    assert [(r["symbol"], r["side"], r["price"], r["quantity"], r["fee"], r["cloid"]) for r in rows] == [
        fill[1:] for fill in plain_fills(handler.fills)
    ]
    assert system.equity == result.final_equity
    return len(handler.fills)


@pytest.mark.parametrize("fill_on", ["next_open", "close"])
@pytest.mark.parametrize("make", [at.MaCrossoverStrategy, at.RsiStrategy, at.GridStrategy, Everything])
def test_the_loop_in_python_gives_the_fills_of_the_loop_in_the_engine(
    make: Callable[[], Runnable], fill_on: str
) -> None:
    venue = at.VenueConfig(fill_on=fill_on, leverage=5)  # type: ignore[arg-type]
    assert by_both_drivers((make(), make()), ["BTC", "ETH"], venue) > 10


class AtOnce(at.Strategy):
    """Orders, and sets a timer, at the very start."""

    def on_start(self, ctx: Context) -> None:
        ctx.buy("BTC", "0.3")
        ctx.set_timer(at.minutes(50), repeat=False)

    def on_timer(self, ctx: Context, now_ns: int) -> None:
        ctx.sell("BTC", "0.1")


def test_what_is_asked_for_at_the_start_of_trading_is_carried_out_by_both() -> None:
    assert by_both_drivers((AtOnce(), AtOnce()), ["BTC"], at.VenueConfig()) > 1


def test_a_risk_manager_in_python_sizes_as_the_one_in_the_engine_does() -> None:
    bars = synthetic_bars("BTC", 3_000, seed=9)
    native = at.backtest(bars, "ma_crossover", risk=at.SimpleRiskManager(quantity="0.1"))
    python = at.backtest(bars, "ma_crossover", risk=FixedQuantity("0.1"))
    assert python.digest == native.digest
    assert by_both_drivers((Everything(), Everything()), ["BTC", "ETH"], at.VenueConfig(), FixedQuantity("0.1")) > 10


def test_a_risk_manager_refuses_with_a_reason_and_the_order_is_on_record() -> None:
    result = at.backtest(synthetic_bars("BTC", 3_000), "ma_crossover", risk=FixedQuantity("0.1", cap="0.1"))
    refused = [row for row in result.orders.iter_rows(named=True) if row["reason"] == "risk"]
    assert result.metrics.num_fills == 1
    assert len(refused) > 5


def test_a_risk_manager_that_orders_or_raises_is_named() -> None:
    class Orders(FixedQuantity):
        def check(self, ctx: Context, order: at.OrderEvent) -> None:
            ctx.buy(order.symbol, 1)

    class Raises(FixedQuantity):
        def target(self, ctx: Context, signal: at.SignalEvent) -> Decimal:
            raise ZeroDivisionError(signal.symbol)

    bars = synthetic_bars("BTC", 300)
    with pytest.raises(StrategyError, match=r"Orders.check failed at .*only answers"):
        at.backtest(bars, "ma_crossover", risk=Orders("1"))
    with pytest.raises(
        StrategyError, match=r"Raises.target failed at .*ZeroDivisionError: BTC \(test_drivers.py, line"
    ):
        at.backtest(bars, "ma_crossover", risk=Raises("1"))
    with pytest.raises(ParameterError, match="object is no risk manager: it lacks target, order_quantity, check"):
        at.backtest(bars, "ma_crossover", risk=object())  # type: ignore[arg-type]


class Halves:
    """An execution handler of one's own: fills every order at once, at half the price and without a fee."""

    def __init__(self) -> None:
        self.last = Decimal(0)

    def on_market_event(self, event: MarketEvent) -> Sequence[Report]:
        assert isinstance(event, at.Bar)
        self.last = event.close
        return []

    def execute(self, command: Command, now_ns: int) -> Sequence[Report]:
        if not isinstance(command, at.core.SubmitOrder):
            return []
        o = command.order
        fill = at.FillEvent(
            o.symbol, cloid=o.cloid, side=o.side, price=self.last / 2, quantity=o.quantity, fee=0, time=now_ns
        )
        return [fill, at.OrderUpdate(o.symbol, cloid=o.cloid, status="filled", time=now_ns)]


def test_an_execution_handler_of_ones_own_carries_out_the_commands() -> None:
    class Once(at.Strategy):
        def on_start(self, ctx: Context) -> None:
            self.fills: list[at.FillEvent] = []

        def on_bar(self, ctx: Context, bar: at.Bar) -> None:
            if ctx.position("BTC").is_flat:
                ctx.buy("BTC", 2)

        def on_fill(self, ctx: Context, fill: at.FillEvent) -> None:
            self.fills.append(fill)

    strategy, provider = Once(), at.HistoricalDataProvider(synthetic_bars("BTC", 50))
    bars = list(provider.bars)
    system = at.TradingSystem(provider, strategy, Halves(), at.SimpleRiskManager(), initial_capital=CAPITAL)
    system.run()
    (fill,) = strategy.fills
    assert fill.price == bars[0].close / 2
    assert system.position("BTC").quantity == 2
    assert system.equity == CAPITAL + 2 * (bars[-1].close - fill.price)


class Given:
    """A data provider of one's own."""

    def __init__(self, events: Sequence[MarketEvent]) -> None:
        self.events = events

    @property
    def symbols(self) -> Sequence[str]:
        return ["BTC"]

    def __iter__(self) -> Iterator[MarketEvent]:
        return iter(self.events)


def test_events_that_go_back_in_time_and_no_events_at_all_are_refused() -> None:
    bars = list(at.HistoricalDataProvider(synthetic_bars("BTC", 20)))
    for events, message in (([*bars[5:], bars[0]], "back in time"), ([], "no market data")):
        handler = at.SimulatedExecutionHandler(["BTC"])
        system = at.TradingSystem(Given(events), at.RsiStrategy(), handler, at.SimpleRiskManager())
        with pytest.raises(DataError, match=message):
            system.run()
        with pytest.raises(DataError, match=message):
            at.backtest(Given(events), "rsi")


def test_a_machine_that_has_failed_is_not_stepped_again() -> None:
    class Fails(at.Strategy):
        def on_bar(self, ctx: Context, bar: at.Bar) -> None:
            raise ValueError(bar.symbol)

    provider = at.HistoricalDataProvider(synthetic_bars("BTC", 20))
    system = at.TradingSystem(provider, Fails(), at.SimulatedExecutionHandler(["BTC"]), at.SimpleRiskManager())
    with pytest.raises(StrategyError, match="ValueError: BTC"):
        system.run()
    with pytest.raises(at.errors.EngineError, match="has failed before"):
        system.step(next(iter(provider)))
