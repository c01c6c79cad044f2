"""Runs a strategy over history: ``at.backtest``."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from algo_trade._native import TickData, resolve_capital, run_backtest
from algo_trade.backtest import manifest as manifests
from algo_trade.backtest.assumptions import sentences, tick_sentences
from algo_trade.backtest.books import books_of
from algo_trade.backtest.outputs import table_files, whole_file, write_tables
from algo_trade.backtest.result import BacktestResult
from algo_trade.core import DataProvider, risk_part, strategy_part
from algo_trade.data import HistoricalDataProvider
from algo_trade.errors import ParameterError
from algo_trade.execution import Fees, VenueConfig
from algo_trade.risk import SimpleRiskManager
from algo_trade.strategy import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

    from algo_trade.core import RiskManager
    from algo_trade.data import Stamp, VolumeUnit
    from algo_trade.strategy import Runnable

    Number = Decimal | int | str | float

BOT_ID = "backtest"


def backtest(
    data: Any,  # noqa: ANN401 -- paths, tables and providers of many libraries
    strategy: Runnable | str,
    *,
    params: Mapping[str, object] | None = None,
    symbol: str | Sequence[str] | None = None,
    start: datetime | str | None = None,
    end: datetime | str | None = None,
    initial_capital: Number = 10_000,
    commission_rate: Number | None = None,
    maker_rate: Number | None = None,
    slippage_bps: Number | None = None,
    fill_on: str | None = None,
    quantity: Number | None = None,
    fraction: Number | None = None,
    leverage: int | None = None,
    max_position_size: Number | None = None,
    risk: SimpleRiskManager | RiskManager | None = None,
    columns: Mapping[str, str] | None = None,
    volume_unit: VolumeUnit = "base",
    stamp: Stamp = "open",
    venue: VenueConfig | str | Path | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    report: str | Path | None = None,
    journal: str | Path | None = None,
    details: bool = True,
    progress: Callable[[int], object] | None = None,
) -> BacktestResult:
    """Run a strategy over historical bars on the simulated venue.

    Parameters
    ----------
    data : path, list of paths, data frame, Arrow table, or DataProvider
        Bars with columns timestamp, symbol, open, high, low, close, volume; see docs/data.md.
    strategy : Strategy, object with ``on_market_event``, or str
        An object, the name of a built-in strategy, ``file.py:Class`` or ``module:Class``.
    params : mapping, optional
        Parameters, where the strategy is given by name.
    symbol : str or sequence of str, optional
        Which symbols; for data without a symbol column, the name of the one that they hold.
    start, end : datetime or ISO text, optional
        The time range [start, end) of bars by their open.
    initial_capital : number
        Deposit, in quote currency.
    commission_rate, maker_rate : number, optional
        Taker and maker fee of notional: 0.00045 and 0.00015; the maker rate is the commission rate where only that is given.
    slippage_bps, fill_on, leverage : optional
        Win over the venue's.
    quantity, fraction, max_position_size : number, optional
        Size in base units, or as a fraction of equity (0.1 if neither is given), and the cap on the position.
    risk : SimpleRiskManager or RiskManager, optional
        Instead of the three above.
    columns, volume_unit, stamp
        How to read files; see docs/data.md.
    venue : VenueConfig or path of a TOML file, optional
        The simulation's options.
    seed : int
        Seed of everything random in the simulation.
    out, report, journal : path, optional
        Write Parquet tables, the HTML report, the journal. Each file appears whole or not at all.
    details : bool
        False keeps statistics and digest only, in memory that does not grow with the run.
    progress : callable, optional
        Called with the number of events done, about every 65,536.

    Returns
    -------
    BacktestResult

    Raises
    ------
    InputError
        For data, parameters or options that cannot be right; see algo_trade.errors.
    StrategyError
        When the strategy raises; its exception is the cause.
    """
    began = time.perf_counter()
    runnable = load(strategy, params or {}) if isinstance(strategy, str) else strategy
    if not isinstance(strategy, str) and params:
        raise ParameterError("params: give them to the strategy object itself")
    config = _venue(venue, commission_rate, maker_rate, slippage_bps, fill_on, leverage)
    sizing = _risk(risk, quantity, fraction, max_position_size)
    capital = resolve_capital(initial_capital)
    provider, symbols, described = _data(data, symbol, start, end, columns, volume_unit, stamp)
    books: list[str] = []
    native = provider
    if isinstance(provider, HistoricalDataProvider):
        native = provider.bars if provider.ticks is None else provider.ticks
    if isinstance(native, TickData):
        config = config.for_data(provider)
        books = books_of(config, native)
    elif config.book not in {None, "bar"}:
        raise ParameterError(f"book = {config.book}: these data hold bars, which know no book")
    described_run = manifests.build(
        runnable,
        spec=strategy if isinstance(strategy, str) else None,
        symbols=symbols,
        data=described["manifest"],
        venue=config.model_dump(mode="json"),
        books=books,
        risk=risk_to_json(sizing),
        initial_capital=format(capital, "f"),
        seed=seed,
    )
    with ExitStack() as stack:
        # What cannot be written is found out before the run, not after it.
        tables = stack.enter_context(table_files(out))
        report_path = None if report is None else stack.enter_context(whole_file(report))
        journal_path = None if journal is None else stack.enter_context(whole_file(journal))
        outcome = run_backtest(
            native,
            strategy_part(runnable),
            symbols=symbols,
            rules=config.rules(),
            venue=config.options(seed),
            risk=risk_part(sizing),
            initial_capital=capital,
            bot_id=BOT_ID,
            full=details or report is not None or out is not None,
            books=books,
            journal=journal_path,
            header=json.dumps({"kind": "backtest", "bot_id": BOT_ID, "manifest": described_run}),
            progress=progress,
        )
        result = BacktestResult(
            outcome,
            manifest={**described_run, "digest": outcome.digest},
            elapsed_s=time.perf_counter() - began,
            initial_capital=capital,
            data_summary=described["summary"],
            assumptions=[],
            warnings=described["warnings"],
        )
        result.assumptions = (
            tick_sentences(config, result.metrics, books=books)
            if books
            else sentences(config, result.metrics, has_volume=described["has_volume"], volume_unit=volume_unit)
        )
        if tables:
            write_tables(result, tables)
        if report_path is not None:
            result.report(report_path)
    return result


def _venue(
    venue: VenueConfig | str | Path | None,
    commission_rate: Number | None,
    maker_rate: Number | None,
    slippage_bps: Number | None,
    fill_on: str | None,
    leverage: int | None,
) -> VenueConfig:
    config = (
        venue if isinstance(venue, VenueConfig) else VenueConfig() if venue is None else VenueConfig.from_file(venue)
    )
    fees = None
    if commission_rate is not None or maker_rate is not None:
        if commission_rate is None and not isinstance(config.fees, Fees):
            raise ParameterError(
                f"maker_rate = {maker_rate}: the venue charges by a schedule, which has no single taker rate; "
                "give commission_rate too, or set the rates in the venue file"
            )
        plain = config.fees if isinstance(config.fees, Fees) else Fees()
        taker = plain.taker_rate if commission_rate is None else commission_rate
        maker = maker_rate if maker_rate is not None else commission_rate
        fees = {**plain.model_dump(), "taker_rate": _text(taker), "maker_rate": _text(maker)}
    changed = config.changed(
        fees=fees,
        slippage_bps=None if slippage_bps is None else _text(slippage_bps),
        fill_on=fill_on,
        leverage=leverage,
    )
    changed.options()
    return changed


def _text(number: object) -> str:
    # A float means the decimal that it prints as.
    return str(number)


def _risk(
    risk: SimpleRiskManager | RiskManager | None, quantity: Number | None, fraction: Number | None, cap: Number | None
) -> SimpleRiskManager | RiskManager:
    if risk is None:
        return SimpleRiskManager(quantity=quantity, fraction=fraction, max_position_size=cap)
    if not (quantity is None and fraction is None and cap is None):
        raise ParameterError("risk: give either a risk manager, or quantity, fraction and max_position_size")
    return risk


def risk_to_json(risk: SimpleRiskManager | RiskManager) -> dict[str, Any]:
    """Describe a risk manager so that it can be made again; of one written in Python, only its class is known."""
    if not isinstance(risk, SimpleRiskManager):
        return {"class": f"{type(risk).__module__}:{type(risk).__qualname__}"}
    target = risk.volatility
    sized = {"quantity": risk.quantity, "fraction": risk.fraction, "max_position_size": risk.max_position_size}
    described: dict[str, Any] = {name: None if value is None else str(value) for name, value in sized.items()}
    if target is not None:
        described["volatility"] = {
            "annual": target.annual,
            "lookback": target.lookback,
            "max_fraction": target.max_fraction,
        }
    return described


def _data(
    data: Any,  # noqa: ANN401
    symbol: str | Sequence[str] | None,
    start: datetime | str | None,
    end: datetime | str | None,
    columns: Mapping[str, str] | None,
    volume_unit: VolumeUnit,
    stamp: Stamp,
) -> tuple[Any, list[str], dict[str, Any]]:
    """Return the provider, the symbols, and what to say about the data."""
    reading = (symbol, start, end, columns, volume_unit, stamp)
    if isinstance(data, DataProvider) and reading != (None, None, None, None, "base", "open"):
        raise ParameterError("data: how they are read is said to the provider itself: symbol, start, end and the rest")
    if isinstance(data, DataProvider) and not isinstance(data, HistoricalDataProvider):
        nothing = {"manifest": {"source": type(data).__name__}, "summary": {}, "warnings": [], "has_volume": True}
        return data, sorted(data.symbols), nothing
    provider = data
    if not isinstance(data, HistoricalDataProvider):
        provider = HistoricalDataProvider(
            data, symbols=symbol, start=start, end=end, columns=columns, volume_unit=volume_unit, stamp=stamp
        )
    summary = {} if provider.ticks is not None else dict(provider.summary)
    described = {
        "paths": provider.paths,
        "options": provider.options,
        "fingerprint": [list(day) for day in provider.fingerprint],
    }
    return (
        provider,
        list(provider.symbols),
        {"manifest": described, "summary": summary, "warnings": provider.warnings, "has_volume": provider.has_volume},
    )
