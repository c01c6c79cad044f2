"""What a calibration gives back."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from algo_trade.backtest.outputs import whole_file, whole_folder
from algo_trade.execution.book import ConstantLatency

if TYPE_CHECKING:
    from algo_trade.backtest.calibration.latencies import Measured
    from algo_trade.backtest.calibration.likelihood import Score
    from algo_trade.execution.book import AnyLatency, Queue


@dataclass(frozen=True, slots=True)
class Trial:
    """A queue and a latency that were tried, the errors on both halves, and how many orders the venue refused, by reason."""

    name: str
    queue: Queue
    latency: AnyLatency
    train: Score
    test: Score
    refused: dict[str, int]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The queue model and latency that explain one's own fills best.

    Attributes
    ----------
    best : the winner; its queue and latency are what to put in the venue's options
    n_range : the exponents of its model that were tried and explain the train half as well at 95 % (log-likelihood within 1.92);
        None for a model without one
    configured, risk_averse : the venue as it was given (or the defaults), and the conservative model
    measured : the latencies of all orders
    trials : the queues that were tried with the median latency, the likeliest on the train half first
    orders, unacknowledged, left_out : how many orders took part; how many never reached the venue; how many of a journal
        were of other kinds, or changed on their way
    symbols : whose orders they are
    """

    best: Trial
    n_range: tuple[float, float] | None
    configured: Trial
    risk_averse: Trial
    measured: Measured
    trials: tuple[Trial, ...]
    orders: int
    unacknowledged: int
    left_out: int
    symbols: tuple[str, ...]

    @property
    def queue(self) -> Queue:
        """The queue model that won."""
        return self.best.queue

    @property
    def latency(self) -> AnyLatency:
        """The latency that won: the medians, or the table that :meth:`write` puts beside the venue's file."""
        return self.best.latency

    def write(self, folder: str | Path) -> list[Path]:
        """Write ``venue.toml``, and ``latency.csv`` if it speaks of a table; return what was written, all or nothing."""
        folder = Path(folder)
        venue, table = folder / "venue.toml", folder / "latency.csv"
        with ExitStack() as stack:
            stack.enter_context(whole_folder(folder))
            stack.enter_context(whole_file(venue)).write_text(self.venue_toml(table), encoding="utf-8")
            if isinstance(self.latency, ConstantLatency):
                return [venue]
            self.measured.write(stack.enter_context(whole_file(table)))
            return [venue, table]

    def venue_toml(self, latency_file: str | Path = "latency.csv") -> str:
        """Return the lines for a venue's TOML file; ``latency_file`` is where :meth:`write` put the table, if there is one."""
        lines = ["[queue]", f'model = "{self.queue.model}"']
        if self.queue.model.startswith("power"):
            lines.append(f"n = {self.queue.n:g}")
        elif self.queue.model.startswith("log"):
            lines.append(f"log_unit = {self.queue.log_unit:f}")
        lines += ["", "[latency]"]
        if isinstance(self.latency, ConstantLatency):
            lines += [
                'kind = "constant"',
                f"entry_ns = {self.latency.entry_ns:_}",
                f"response_ns = {self.latency.response_ns:_}",
            ]
        else:
            lines += ['kind = "table"', f'file = "{latency_file}"']
        return "\n".join(lines) + "\n"

    def to_json(self) -> dict[str, object]:
        """Return the document that ``calibrate --json`` prints."""
        median = self.measured.constant()
        latency: dict[str, object] = {
            "kind": self.latency.kind,
            "entry_ns": median.entry_ns,
            "response_ns": median.response_ns,
        }
        return {
            "symbols": list(self.symbols),
            "orders": self.orders,
            "unacknowledged": self.unacknowledged,
            "left_out": self.left_out,
            "refused": self.best.refused,
            "queue": {
                "model": self.queue.model,
                "n": self.queue.n if self.n_range else None,
                "n_range": None if self.n_range is None else list(self.n_range),
            },
            "latency": latency,
            "calibrated": _trial(self.best),
            "configured": _trial(self.configured),
            "risk_averse": _trial(self.risk_averse),
            "trials": [_trial(trial) for trial in self.trials],
            "venue_toml": self.venue_toml(),
        }


def _trial(trial: Trial) -> dict[str, object]:
    return {"name": trial.name, "train": asdict(trial.train), "test": asdict(trial.test)}
