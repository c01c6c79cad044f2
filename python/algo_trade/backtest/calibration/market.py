"""The recorded market with our orders, under one queue model and latency after another."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from algo_trade.backtest.calibration.candidates import PLAIN, POWERS, best_exponent
from algo_trade.backtest.calibration.latencies import Measured
from algo_trade.backtest.calibration.likelihood import ErrorModel, score
from algo_trade.backtest.calibration.orders import at_line
from algo_trade.backtest.calibration.reenactment import recorded, replay
from algo_trade.backtest.calibration.result import Trial
from algo_trade.execution.book import ConstantLatency, Queue, TableLatency

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from algo_trade.backtest.calibration.orders import OwnOrder
    from algo_trade.backtest.calibration.reenactment import Replayed
    from algo_trade.data import HistoricalDataProvider
    from algo_trade.execution import VenueConfig

    Rows = npt.NDArray[np.bool_]

WILKS = 1.92
"""Half the 95 % point of chi squared with one degree of freedom: how far a log-likelihood may fall."""


class Market:
    """Tries venues on our orders, each once: fits their errors on the rows that train, judges them on the others."""

    def __init__(
        self,
        path: Path,
        provider: HistoricalDataProvider,
        orders: Sequence[OwnOrder],
        train: Rows,
        *,
        base: VenueConfig,
        progress: Callable[[int], object] | None,
    ) -> None:
        self._path, self._provider, self._orders, self._train, self._base = path, provider, orders, train, base
        self._recorded = recorded(orders)
        self._progress = progress
        self._events = 0
        self._replayed: dict[str, Replayed] = {}
        self._median = Measured.of(
            [order for order, is_train in zip(orders, train, strict=True) if is_train]
        ).constant()

    def search_queue(self) -> tuple[Queue, tuple[float, float] | None, tuple[Trial, ...]]:
        """Return the likeliest queue on the train half, the exponents that fit as well, and all trials, likeliest first."""
        tried: dict[str, Trial] = {}

        def value(queue: Queue) -> float:
            trial = self._with_median(queue)
            tried[trial.name] = trial
            return trial.train.log_likelihood

        queues = [Queue.model_validate({"model": model, "log_unit": self._base.queue.log_unit}) for model in PLAIN]
        for model in POWERS:
            power = Queue.model_validate({"model": model})
            n = best_exponent(lambda n, power=power: value(power.model_copy(update={"n": n})))  # type: ignore[misc]
            queues.append(power.model_copy(update={"n": n}))
        best = max(queues, key=value)
        trials = tuple(sorted(tried.values(), key=lambda trial: -trial.train.log_likelihood))
        return best, _n_range(self._with_median(best), trials), trials

    def compare_latency(self, queue: Queue) -> tuple[Trial, Rows]:
        """Return the trial with the better of two latencies, and the orders that it is judged on.

        The medians of the train half; or a table of the measurements, where that explains the train half better. An order
        must not be judged by a table that holds its own measurement: every other order gives its own to the table, and both
        latencies are compared on those between.
        """
        every = np.ones(len(self._orders), dtype=np.bool_)
        by_time = sorted(range(len(self._orders)), key=lambda row: self._orders[row].sent_ns)
        between = np.zeros(len(self._orders), dtype=np.bool_)
        between[by_time[1::2]] = True
        measured = Measured.of([self._orders[row] for row in by_time[::2]])
        constant = self._with_median(queue)
        is_judged = (between & (self._recorded.share > 0) & half for half in (self._train, ~self._train))
        if len({ack - sent for sent, ack, _ in measured.samples}) == 1 or not all(rows.any() for rows in is_judged):
            return constant, every
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "latency.csv"
            measured.write(file)
            venue = self._venue(queue, TableLatency(kind="table", file=str(file)))
            table = self._try(f"{constant.name}, latency by table", venue, between)
        table = replace(table, latency=TableLatency(kind="table", file=file.name))
        is_better = table.train.log_likelihood > self._with_median(queue, between).train.log_likelihood
        return (table, between) if is_better else (constant, every)

    def configured(self, judged: Rows) -> Trial:
        """Try the venue as it was given."""
        return self._try("as configured", self._base, judged)

    def conservative(self, judged: Rows) -> Trial:
        """Try the queue that is last in everything."""
        return self._with_median(Queue(model="risk_averse", log_unit=self._base.queue.log_unit), judged)

    def _with_median(self, queue: Queue, judged: Rows | None = None) -> Trial:
        name = f"{queue.model}, n = {queue.n:g}" if queue.model in POWERS else queue.model
        return self._try(name, self._venue(queue, self._median), judged)

    def _venue(self, queue: Queue, latency: ConstantLatency | TableLatency) -> VenueConfig:
        parts = {"queue": queue, "latency": latency, "modify_latency": None, "cancel_latency": None}
        return self._base.model_copy(update=parts)

    def _try(self, name: str, venue: VenueConfig, judged: Rows | None = None) -> Trial:
        replayed = self._replayed.get(name) or self._replay(name, venue)
        rows = np.ones(len(self._orders), dtype=np.bool_) if judged is None else judged
        train, test = self._train & rows, ~self._train & rows
        was, would = self._recorded, replayed.outcomes
        errors = ErrorModel.fit(was.of(train), would.of(train))
        return Trial(
            name,
            venue.queue,
            venue.latency or ConstantLatency(),
            train=score(was.of(train), would.of(train), errors),
            test=score(was.of(test), would.of(test), errors),
            refused=replayed.refused,
        )

    def _replay(self, name: str, venue: VenueConfig) -> Replayed:
        replayed = replay(self._provider, self._orders, venue, progress=self._shown)
        if not self._replayed:
            _check_range(self._path, self._orders, replayed)
        self._replayed[name] = replayed
        self._events += len(self._provider)
        self._shown(0)
        return replayed

    def _shown(self, done: int) -> None:
        if self._progress is not None:
            self._progress(self._events + done)


def _n_range(best: Trial, trials: Sequence[Trial]) -> tuple[float, float] | None:
    if best.queue.model not in POWERS:
        return None
    low = best.train.log_likelihood - WILKS / best.train.orders
    like = [
        trial.queue.n for trial in trials if trial.queue.model == best.queue.model and trial.train.log_likelihood >= low
    ]
    return min(like), max(like)


def _check_range(path: Path, orders: Sequence[OwnOrder], replayed: Replayed) -> None:
    for order in orders:
        for column, time in (("sent_ts", order.sent_ns), ("first_fill_ts", order.first_fill_ns)):
            if time is not None and not replayed.start_ns <= time <= replayed.end_ns:
                raise at_line(
                    path,
                    order,
                    column,
                    time,
                    f"lies outside the data, which go from {replayed.start_ns} to {replayed.end_ns}",
                )
