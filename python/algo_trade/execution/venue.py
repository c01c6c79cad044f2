"""The simulated venue's options: one TOML file or one object, the same fields in both."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from algo_trade._native import Instrument, VenueOptions
from algo_trade.errors import ConfigError, ParameterError
from algo_trade.execution.fees import AnyFees, Fees, FeeTable, HyperliquidFees, Number

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
    instruments : mapping of symbol to rules
        In a TOML file also the path of a TOML file with one table per symbol.
    """

    model_config = _STRICT

    book: Literal["bar"] = "bar"
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

    def options(self) -> VenueOptions:
        """As the engine takes it."""
        return VenueOptions(
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
