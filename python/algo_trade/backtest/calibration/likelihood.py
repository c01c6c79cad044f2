"""How well simulated outcomes explain the recorded ones: the likelihood of an order, and errors that people can read.

For order i let y be the share that was filled and z the share that the simulation fills; t and T the times from sending to
the first fill, in ``log(1 + t / 1 ms)``. Then::

    log L = y log p + (1 - y) log(1 - p),   p = (1 - e) z + e (1 - z)          the filled share
          + log Laplace(t; T, b)            where both are filled              the time of the fill
          + log Laplace(t; m, c)            where only the recorded one is

The first line is the Bernoulli likelihood of each unit of the order, with the weight of one order (the fractional response
of Papke and Wooldridge, 1996), so it takes partial fills as they are; ``e`` is how often the simulation is wrong. It is one
number for both ways of being wrong, and the error of time has its middle at zero, so that a model that fills too much, too
little, too early or too late cannot make up for it. ``m`` and ``c`` are the same for all models. The Laplace distribution
rather than the normal one: a fill that is missed by one print may come long after, and such an order should not decide alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from algo_trade.backtest.calibration.reenactment import Outcomes

UNIT_NS = 1e6
SCALE_MIN = 1e-3
"""Times are not told apart below a thousandth: clocks are no better, and an exact fit keeps a finite likelihood."""


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """The free numbers of the likelihood, fitted on the train half: see the head of this module."""

    wrong: float
    time_scale: float
    lone_middle: float
    lone_scale: float

    @classmethod
    def fit(cls, recorded: Outcomes, simulated: Outcomes) -> ErrorModel:
        """Fit it; ``wrong`` is kept off zero by half an order."""
        y, z = recorded.share, simulated.share
        t, late = _log_time(recorded), _log_time(simulated) - _log_time(recorded)
        filled, both = t[y > 0], late[(y > 0) & (z > 0)]
        middle = float(np.median(filled)) if filled.size else 0.0
        spread = float(np.mean(np.abs(filled - middle))) if filled.size else 1.0
        return cls(
            wrong=min(0.5, (float(np.abs(y - z).sum()) + 0.5) / (y.size + 1)),
            time_scale=max(SCALE_MIN, float(np.mean(np.abs(both))) if both.size else spread),
            lone_middle=middle,
            lone_scale=max(SCALE_MIN, spread),
        )

    def log_likelihood(self, recorded: Outcomes, simulated: Outcomes) -> float:
        """Return the mean over the orders."""
        y, z = recorded.share, simulated.share
        p = (1 - self.wrong) * z + self.wrong * (1 - z)
        total = float((y * np.log(p) + (1 - y) * np.log1p(-p)).sum())
        t = _log_time(recorded)
        both, lone = (y > 0) & (z > 0), (y > 0) & (z <= 0)
        late = _log_time(simulated)[both] - t[both]
        total += float(_log_laplace(late, self.time_scale).sum())
        total += float(_log_laplace(t[lone] - self.lone_middle, self.lone_scale).sum())
        return total / y.size


def _log_time(outcomes: Outcomes) -> npt.NDArray[np.float64]:
    logs: npt.NDArray[np.float64] = np.log1p(outcomes.wait_ns / UNIT_NS)
    return logs


def _log_laplace(error: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.float64]:
    logs: npt.NDArray[np.float64] = -np.abs(error) / scale - np.log(2 * scale)
    return logs


@dataclass(frozen=True, slots=True)
class Score:
    """How the simulated outcomes of some orders compare with the recorded ones.

    Attributes
    ----------
    orders, fills : how many there are, and how many of them were filled at the venue, if only in part
    fills_simulated : how many the simulation fills
    fill_count_error : ``fills_simulated / fills - 1``
    agreement : the share of orders of which both say filled, or both not
    fill_time_error_ns : the median of simulated less recorded time, without its sign, where both are filled; None without any
    fill_time_error_mean_ns : the mean of the same
    quantity_error : filled quantity, each order in shares of its own: simulated over recorded, less one
    log_likelihood : per order, natural logarithm
    """

    orders: int
    fills: int
    fills_simulated: int
    fill_count_error: float
    agreement: float
    fill_time_error_ns: int | None
    fill_time_error_mean_ns: int | None
    quantity_error: float
    log_likelihood: float


def score(recorded: Outcomes, simulated: Outcomes, model: ErrorModel) -> Score:
    """Compare outcomes; ``recorded`` holds at least one fill."""
    was, would = recorded.share > 0, simulated.share > 0
    late = (simulated.wait_ns - recorded.wait_ns)[was & would]
    return Score(
        orders=int(was.size),
        fills=int(was.sum()),
        fills_simulated=int(would.sum()),
        fill_count_error=float(would.sum() / was.sum() - 1),
        agreement=float((was == would).mean()),
        fill_time_error_ns=int(np.median(np.abs(late))) if late.size else None,
        fill_time_error_mean_ns=int(np.mean(np.abs(late))) if late.size else None,
        quantity_error=float(simulated.share.sum() / recorded.share.sum() - 1),
        log_likelihood=model.log_likelihood(recorded, simulated),
    )
