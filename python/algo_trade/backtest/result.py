"""What a backtest gives back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from algo_trade.backtest.metrics import PerformanceMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from pathlib import Path

    import plotly.graph_objects as go
    import polars as pl

    from algo_trade._native import Outcome, _ArrowTable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BacktestResult:
    """Statistics, tables and pictures of one run. Tables are polars data frames, made when first asked for."""

    def __init__(
        self,
        outcome: Outcome,
        *,
        manifest: Mapping[str, Any],
        elapsed_s: float,
        initial_capital: Decimal,
        data_summary: Mapping[str, Any],
        assumptions: list[str],
        warnings: list[str],
    ) -> None:
        self._outcome = outcome
        self.manifest = manifest
        self.elapsed_s = elapsed_s
        self.initial_capital = initial_capital
        self.data_summary = data_summary
        self.assumptions = assumptions
        self.warnings = warnings
        self.metrics = PerformanceMetrics.of(outcome)

    @property
    def strategy(self) -> str:
        """The strategy's name."""
        return str(self.manifest["strategy"])

    @property
    def params(self) -> dict[str, object]:
        """The strategy's parameters, complete."""
        return dict(self.manifest["params"])

    @property
    def symbols(self) -> list[str]:
        """The symbols of the run, sorted."""
        return list(self.manifest["symbols"])

    @property
    def start(self) -> datetime:
        """Where the first bar begins, UTC."""
        return _EPOCH + timedelta(microseconds=self._outcome.start_ns // 1_000)

    @property
    def end(self) -> datetime:
        """The time of the last event, UTC."""
        return _EPOCH + timedelta(microseconds=self._outcome.end_ns // 1_000)

    @property
    def events(self) -> int:
        """Market events."""
        return self._outcome.events

    @property
    def final_equity(self) -> Decimal:
        """Equity at the end, in quote currency."""
        return self._outcome.final_equity

    @property
    def digest(self) -> str:
        """Hash over fills and equity, in order."""
        return self._outcome.digest

    def table(self, name: str) -> _ArrowTable:
        """Return one of trades, fills, orders, equity, prices, marks, best as an Arrow table, without copying."""
        tables = {
            "trades": self._outcome.trades,
            "fills": self._outcome.fills,
            "orders": self._outcome.orders,
            "equity": self._outcome.equity,
            "prices": self._outcome.prices,
            "marks": self._outcome.marks,
            "best": self._outcome.best,
        }
        return tables[name]()

    def _frame(self, name: str) -> pl.DataFrame:
        import polars as pl  # noqa: PLC0415 -- a run whose tables nobody asks for does not pay for the import

        frame = pl.DataFrame(self.table(name))
        words = [column for column, kind in frame.schema.items() if kind == pl.Categorical]
        return frame.with_columns(pl.col(words).cast(pl.String))

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Finished round trips: one row each."""
        return self._frame("trades")

    @cached_property
    def fills(self) -> pl.DataFrame:
        """Executions: one row each."""
        return self._frame("fills")

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Orders, refused ones too: one row each."""
        return self._frame("orders")

    @cached_property
    def equity(self) -> pl.DataFrame:
        """Equity after each bar (thinned evenly beyond two million points)."""
        return self._frame("equity")

    @cached_property
    def prices(self) -> pl.DataFrame:
        """Closes per symbol (thinned evenly beyond 32,768 points each)."""
        return self._frame("prices")

    @cached_property
    def marks(self) -> pl.DataFrame:
        """The middle of the book at each fill (by ``trade_id``), and 1, 10 and 60 s later; empty for bars."""
        return self._frame("marks")

    @cached_property
    def best(self) -> pl.DataFrame:
        """Best bid and offer per symbol, every second at most (thinned evenly beyond 32,768 points each); empty for bars."""
        return self._frame("best")

    def to_json(self) -> dict[str, object]:
        """Return the document that ``backtest --json`` prints."""
        return {
            "strategy": self.strategy,
            "params": {
                name: value if isinstance(value, bool | int | float | str) else str(value)
                for name, value in self.params.items()
            },
            "symbols": self.symbols,
            "start": rfc3339(self.start),
            "end": rfc3339(self.end),
            "events": self.events,
            "elapsed_s": round(self.elapsed_s, 6),
            "initial_capital": format(self.initial_capital, "f"),
            "final_equity": format(self.final_equity, "f"),
            "metrics": self.metrics.to_json(),
            "digest": self.digest,
        }

    def report(self, path: str | Path) -> None:
        """Write the report, one HTML file that works offline."""
        from algo_trade.backtest import report  # noqa: PLC0415

        report.write(self, path)

    def plot(self) -> go.Figure:
        """Return equity, drawdown and price with entries and exits as one figure."""
        from algo_trade.backtest.report import figures  # noqa: PLC0415

        return figures.overview(self)

    def _repr_html_(self) -> str:
        from algo_trade.backtest import report  # noqa: PLC0415

        return report.summary(self)

    def __repr__(self) -> str:
        m = self.metrics
        total = "n/a" if m.total_return is None else f"{m.total_return:+.2%}"
        return f"<BacktestResult {self.strategy} {','.join(self.symbols)}: {total}, {m.num_trades} trades, digest {self.digest[:12]}>"


def rfc3339(time: datetime) -> str:
    """Return a UTC time as text that ends in Z."""
    return time.isoformat().replace("+00:00", "Z")
