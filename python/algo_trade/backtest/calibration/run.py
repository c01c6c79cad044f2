"""Finds queue model, exponent and latency that explain one's own fills: ``calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from algo_trade.backtest.calibration.journal import is_journal, read_journal
from algo_trade.backtest.calibration.latencies import Measured
from algo_trade.backtest.calibration.market import Market
from algo_trade.backtest.calibration.orders import at_line, of_file, read_table
from algo_trade.backtest.calibration.result import Calibration
from algo_trade.data import HistoricalDataProvider
from algo_trade.errors import ParameterError
from algo_trade.execution import VenueConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from algo_trade.backtest.calibration.orders import OwnOrder

BLOCKS = 20
"""Into so many blocks of equal time the orders are split; the first, third, … train, the others test."""


def calibrate(
    data: Any,  # noqa: ANN401 -- paths or a provider
    fills: str | Path,
    *,
    symbol: str | Sequence[str] | None = None,
    venue: VenueConfig | str | Path | None = None,
    progress: Callable[[int], object] | None = None,
) -> Calibration:
    """Find the queue model, its exponent and the latency that explain one's own fills, and judge them on fills not used.

    The recorded market is run again and again with one's own orders, sent and cancelled when they were, under each model;
    the one with the largest likelihood (``calibration/likelihood.py``) on the train half wins.

    Parameters
    ----------
    data : path, list of paths, or HistoricalDataProvider
        Ticks, recorded while the orders were at the venue.
    fills : path
        The orders, filled or not: CSV or Parquet with one row each, or the journal of a run; see docs/tick-backtesting.md.
    symbol : str or sequence of str, optional
        Which symbols; all of the orders by default.
    venue : VenueConfig or path of a TOML file, optional
        What else is known of the venue. Its queue and latency are what the calibrated ones are compared with.
    progress : callable, optional
        Called with the number of events done, over all runs.

    Returns
    -------
    Calibration

    Raises
    ------
    DataError
        Orders that cannot be right, that lie outside the data, or of which too few were filled.
    ParameterError
        Data without books of levels.
    """
    path = Path(fills)
    wanted = None if symbol is None else {symbol} if isinstance(symbol, str) else set(symbol)
    read, left_out = _read(path)
    chosen = [order for order in read if wanted is None or order.symbol in wanted]
    taken = [order for order in chosen if order.ack_ns is not None or order.response_ns is not None]
    if not taken:
        what = "" if wanted is None else f" of {', '.join(sorted(wanted))}"
        raise of_file(path, f"holds no order{what} that reached the venue: give ack_ts where the venue took one")
    if not any(order.is_filled for order in taken):
        raise of_file(path, f"none of its {len(taken):,} orders was filled: there is nothing to calibrate with")
    provider = _provider(data, path, taken)
    base = VenueConfig() if venue is None else venue if isinstance(venue, VenueConfig) else VenueConfig.from_file(venue)
    base = _on_levels(base.for_data(provider), provider)
    market = Market(path, provider, taken, _train_half(path, taken), base=base, progress=progress)
    queue, n_range, trials = market.search_queue()
    best, judged = market.compare_latency(queue)
    return Calibration(
        best=best,
        n_range=n_range,
        configured=market.configured(judged),
        risk_averse=market.conservative(judged),
        measured=Measured.of(taken),
        trials=trials,
        orders=len(taken),
        unacknowledged=len(chosen) - len(taken),
        left_out=left_out,
        symbols=tuple(sorted({order.symbol for order in taken})),
    )


def _read(path: Path) -> tuple[list[OwnOrder], int]:
    try:
        return read_journal(path) if is_journal(path) else (read_table(path), 0)
    except FileNotFoundError:
        raise of_file(path, "there is no such file") from None
    except IsADirectoryError:
        raise of_file(path, "is a folder: name the file of the orders") from None


def _provider(data: Any, path: Path, orders: Sequence[OwnOrder]) -> HistoricalDataProvider:  # noqa: ANN401
    symbols = sorted({order.symbol for order in orders})
    whole = data if isinstance(data, HistoricalDataProvider) else HistoricalDataProvider(data)
    if whole.ticks is None:
        raise ParameterError("data: they are bars, which know no queue: give the folder of recorded ticks")
    for order in orders:
        if order.symbol not in whole.symbols:
            raise at_line(path, order, "symbol", order.symbol, f"the data hold {', '.join(whole.symbols)}")
    return whole if isinstance(data, HistoricalDataProvider) else HistoricalDataProvider(data, symbols=symbols)


def _ticks(provider: HistoricalDataProvider) -> Any:  # noqa: ANN401 -- TickData, known not to be None
    return provider.ticks


def _on_levels(venue: VenueConfig, provider: HistoricalDataProvider) -> VenueConfig:
    """Have the levels drive the book, or the quotes: in a book of orders the queue is known, not modelled."""
    if venue.book is not None and venue.book != "l3":
        return venue
    kinds = [set(_ticks(provider).books(symbol)) for symbol in provider.symbols]
    for book in ("l2", "quote"):
        if all(book in kind for kind in kinds):
            return venue.model_copy(update={"book": book})
    raise ParameterError(
        "data: a queue model is for books of levels, and these have none for all symbols; in a book of single orders "
        "the place in the queue is known, and nothing is to be calibrated"
    )


def _train_half(path: Path, orders: Sequence[OwnOrder]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say of each order whether it trains: those sent in every other block of time, so that both halves see all regimes."""
    sent = [order.sent_ns for order in orders]
    first, span = min(sent), max(sent) - min(sent) + 1
    train = np.array([(time - first) * BLOCKS // span % 2 == 0 for time in sent])
    filled = np.array([order.is_filled for order in orders])
    if not (train & filled).any() or not (~train & filled).any():
        raise of_file(
            path,
            f"only {int(filled.sum()):,} of its orders were filled, and none in one half of the time: more of them are "
            "needed to fit a model and to judge it",
        )
    return train
