"""The simulated venue's options: one TOML file or one object, the same fields in both."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from algo_trade._native import BookOptions, Instrument, VenueOptions
from algo_trade.errors import ConfigError, ParameterError
from algo_trade.execution.book import HYPERLIQUID_LATENCY, AnyLatency, ConstantLatency, Queue, with_kind
from algo_trade.execution.fees import AnyFees, Fees, FeeTable, HyperliquidFees, Number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade.data import HistoricalDataProvider

_STRICT = ConfigDict(extra="forbid", frozen=True)


class InstrumentRules(BaseModel):
    """Tick, lot and margin rules of one symbol, and the leverage and margin mode chosen for it."""

    model_config = _STRICT

    tick_size: Number | None = None
    lot_size: Number | None = None
    size_decimals: int | None = None
    min_notional: Number | None = None
    tiers: tuple[tuple[Number, int], ...] | None = None
    leverage: int | None = None
    margin_mode: Literal["cross", "isolated"] | None = None

    def instrument(self, symbol: str) -> Instrument:
        """As the engine takes it."""
        return Instrument(
            symbol,
            tick_size=self.tick_size,
            lot_size=self.lot_size,
            size_decimals=self.size_decimals,
            min_notional=self.min_notional,
            tiers=None if self.tiers is None else list(self.tiers),
            leverage=self.leverage,
            margin_mode=self.margin_mode,
        )


class VenueConfig(BaseModel):
    """How orders meet the market in a simulation.

    Parameters
    ----------
    fill_on : "next_open" or "close"
        When an order decided at a bar's close acts.
    slippage_bps : decimal
        How much worse than the price a taker fill on bars is, in basis points.
    path : "pessimistic", "adaptive", "ohlc" or "olhc"
        In which order a bar visits its extremes.
    penetration_ticks : int
        By how many ticks the price must go through a resting limit order; 0 for a touch.
    max_participation : decimal
        The share of a bar's volume that all own orders together may fill.
    fees : Fees or HyperliquidFees
        Constant rates, or with ``schedule = "hyperliquid"`` those of the venue, by volume.
    funding : "recorded", "formula" or "none"
        Settled from the rows of the data; by the venue's formula where they hold none; or never. Bars hold none.
    margin : "hyperliquid" or "none"
        Initial margin on orders and liquidation below maintenance margin, or neither.
    leverage : int
        Initial margin is notional over this, or over the most that the tier of the position allows. An instrument may have its own.
    margin_mode : "cross" or "isolated"
        Whether positions share their margin or have each its own. An instrument may have its own mode.
    reserve_open_orders : bool
        Whether resting orders that add exposure reserve margin.
    book : "bar", "quote", "l2" or "l3", optional
        Which of the data drive the book; by default the richest kind that they hold.
    queue : Queue
        Where in the queue cancels of others are thought to be.
    latency : ConstantLatency, TableLatency or FeedLatency, optional
        How long messages take: 0.5 ms each way by default, 100 ms for data of Hyperliquid.
    modify_latency, cancel_latency : the same, optional
        Where changes and cancels take another time than new orders.
    independent_messages : bool
        Messages may overtake each other; by default a connection keeps their order.
    partial_fills : bool
        Fill as much as the evidence bears; False fills whole orders, for comparisons.
    through_fill : "traded", "full" or "off"
        What a print beyond an order's price fills of it.
    cross_fill : "displayed", "full" or "off"
        What the other side of the book, reaching an order's price, fills of it.
    unknown_aggressor : "none" or "both"
        Which orders a print without a known aggressor can fill.
    modify_keeps_queue, modify_keeps_old : bool
        Whether less quantity at the same price keeps its place; whether a refused change leaves the old order. Not on Hyperliquid.
    taken_decay_ns : int, optional
        After this time it is forgotten what we took from a level.
    price_band, market_reach, trigger_reach : decimal
        How far from the mark a limit may be; how far a market order, and a triggered one, reaches.
    max_open_orders : int
        More are refused.
    max_book_age_s : float
        Where the book was silent for longer, arrivals wait for its next word.
    block_mode, block_interval_ns : bool, int, optional
        Blocks: cancels and post-only orders first. On for data of Hyperliquid.
    equity_step_s : float
        Between two points of the equity curve while a position is open.
    instruments : mapping of symbol to rules
        In a TOML file also the path of a TOML file with one table per symbol.
    """

    model_config = _STRICT

    book: Literal["bar", "quote", "l2", "l3"] | None = None
    fill_on: Literal["next_open", "close"] = "next_open"
    slippage_bps: Number = Decimal(1)
    path: Literal["pessimistic", "adaptive", "ohlc", "olhc"] = "pessimistic"
    penetration_ticks: int = Field(default=1, ge=0, le=1_000_000)
    max_participation: Number = Decimal("0.1")
    fees: AnyFees = Fees()
    funding: Literal["recorded", "formula", "none"] = "recorded"
    margin: Literal["hyperliquid", "none"] = "hyperliquid"
    leverage: int = Field(default=1, ge=1, le=1000)
    margin_mode: Literal["cross", "isolated"] = "cross"
    reserve_open_orders: bool = True
    queue: Queue = Queue()
    latency: Annotated[AnyLatency, BeforeValidator(with_kind)] | None = None
    modify_latency: Annotated[AnyLatency, BeforeValidator(with_kind)] | None = None
    cancel_latency: Annotated[AnyLatency, BeforeValidator(with_kind)] | None = None
    independent_messages: bool = False
    partial_fills: bool = True
    through_fill: Literal["traded", "full", "off"] = "traded"
    cross_fill: Literal["displayed", "full", "off"] = "displayed"
    unknown_aggressor: Literal["none", "both"] = "none"
    modify_keeps_queue: bool = False
    modify_keeps_old: bool = False
    taken_decay_ns: Annotated[int, Field(gt=0)] | None = None
    price_band: Number = Decimal("0.95")
    market_reach: Number = Decimal("0.05")
    trigger_reach: Number = Decimal("0.1")
    max_open_orders: int = Field(default=1000, ge=1)
    max_book_age_s: float = Field(default=60, gt=0, le=1e9)
    block_mode: bool | None = None
    block_interval_ns: Annotated[int, Field(gt=0)] | None = None
    equity_step_s: float = Field(default=1, gt=0, le=86_400)
    instruments: dict[str, InstrumentRules] = Field(default_factory=dict)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a TOML file; raises ConfigError with file, field and value."""
        path = Path(path)
        document = _read_toml(path)
        rules = document.get("instruments")
        if isinstance(rules, str):
            document["instruments"] = _read_toml(path.parent / rules)
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise ConfigError("\n".join(_explain(str(path), problem) for problem in error.errors())) from None

    def for_data_of(self, venue: str) -> Self:
        """Return the same with what was left open decided by the venue of the data: blocks and latency of Hyperliquid."""
        is_hyperliquid = venue == "hyperliquid"
        latency = self.latency or (HYPERLIQUID_LATENCY if is_hyperliquid else ConstantLatency())
        block_mode = is_hyperliquid if self.block_mode is None else self.block_mode
        return self.model_copy(update={"latency": latency, "block_mode": block_mode})

    def for_data(self, data: HistoricalDataProvider) -> Self:
        """Return the same with what it leaves open decided by ticks: ``at.backtest`` does so by itself.

        Blocks and latency by the venue that they are of, the rules of instruments by the file that an import writes beside them;
        bars decide nothing. Raises ConfigError for a file that cannot be right.
        """
        if data.ticks is None:
            return self
        venues = data.ticks.venues
        decided = self.for_data_of(venues[0] if len(venues) == 1 else "")
        return decided.with_rules(*data.rules, of=data.symbols)

    def with_rules(self, *files: Path, of: Sequence[str]) -> Self:
        """Return the same with the rules of files for those of the symbols that have none here; raises ConfigError."""
        rules = dict(self.instruments)
        for file in files:
            for symbol, table in _read_toml(file).items():
                if symbol in of and symbol not in rules:
                    try:
                        rules[symbol] = InstrumentRules.model_validate(table)
                    except ValidationError as error:
                        problems = [_explain(f"{file}: {symbol}", problem) for problem in error.errors()]
                        raise ConfigError("\n".join(problems)) from None
        return self.model_copy(update={"instruments": rules})

    def _book(self, seed: int) -> BookOptions:
        latency = self.latency or ConstantLatency()
        return BookOptions(
            queue_model=self.queue.model,
            queue_n=self.queue.n,
            log_unit=self.queue.log_unit,
            partial_fills=self.partial_fills,
            through_fill=self.through_fill,
            cross_fill=self.cross_fill,
            unknown_aggressor_fills=self.unknown_aggressor == "both",
            modify_keeps_queue=self.modify_keeps_queue,
            modify_keeps_old=self.modify_keeps_old,
            taken_decay_ns=self.taken_decay_ns,
            price_band=self.price_band,
            market_reach=self.market_reach,
            trigger_reach=self.trigger_reach,
            open_orders_max=self.max_open_orders,
            book_age_max_ns=round(self.max_book_age_s * 1e9),
            block_mode=bool(self.block_mode),
            block_interval_ns=self.block_interval_ns,
            latency=latency.native(),
            modify_latency=None if self.modify_latency is None else self.modify_latency.native(),
            cancel_latency=None if self.cancel_latency is None else self.cancel_latency.native(),
            jitter=latency.jitter,
            independent_messages=self.independent_messages,
            equity_step_ns=round(self.equity_step_s * 1e9),
            seed=seed,
        )

    def options(self, seed: int = 0) -> VenueOptions:
        """As the engine takes it."""
        return VenueOptions(
            book=self._book(seed),
            fill_on=self.fill_on,
            slippage_bps=self.slippage_bps,
            path=self.path,
            penetration_ticks=self.penetration_ticks,
            max_participation=self.max_participation,
            fees=self.fees.native(),
            funding=self.funding,
            leverage=self.leverage,
            margin=self.margin,
            margin_mode=self.margin_mode,
            reserve_open_orders=self.reserve_open_orders,
        )

    def rules(self) -> list[Instrument]:
        """The instruments that have rules."""
        return [rules.instrument(symbol) for symbol, rules in sorted(self.instruments.items())]

    def changed(self, **changes: object) -> Self:
        """Return a copy with other values, checked; None leaves a field as it is."""
        values = {name: value for name, value in changes.items() if value is not None}
        try:
            return type(self).model_validate({**self.model_dump(), **values})
        except ValidationError as error:
            raise ParameterError("\n".join(_explain("", problem) for problem in error.errors())) from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None


def _explain(path: str, problem: Any) -> str:  # noqa: ANN401 -- pydantic's ErrorDetails is a TypedDict of its core
    place = list(problem["loc"])
    known: type[BaseModel] = VenueConfig
    if place[0] == "fees" and len(place) > 1:
        # The second word is the kind of fees, which nobody wrote.
        known = HyperliquidFees if place.pop(1) == "hyperliquid" else Fees
        known = FeeTable if "tables" in place else known
    elif place[0] == "instruments":
        known = InstrumentRules
    field = ".".join(str(part) for part in place)
    where = f"{path}: {field}" if path else field
    if problem["type"] == "extra_forbidden":
        return f"{where}: no such field. There are: {', '.join(known.model_fields)}"
    return f"{where} = {problem['input']}: {problem['msg']}"
