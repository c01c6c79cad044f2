"""What fills cost: constant rates, or Hyperliquid's schedule by volume."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from algo_trade._native import FeeSchedule

_STRICT = ConfigDict(extra="forbid", frozen=True)
# The edge is decimal: a TOML float is read as the decimal that it is written as.
Number = Annotated[Decimal, Field(allow_inf_nan=False)]


class Fees(BaseModel):
    """Constant fee rates; a negative one is a rebate. Rounded half to even at 1e-8.

    Parameters
    ----------
    maker_rate, taker_rate : decimal
        Of fills that made and that took liquidity.
    basis : "value", "per_qty", "per_fill" or "per_order"
        What both multiply: notional, base units, 1 for each fill, 1 for the first fill of each order.
    buyer_rate, seller_rate : decimal
        Charged on the notional of buys and of sales besides.
    """

    model_config = _STRICT

    schedule: Literal["plain"] = "plain"
    maker_rate: Number = Decimal("0.00015")
    taker_rate: Number = Decimal("0.00045")
    basis: Literal["value", "per_qty", "per_fill", "per_order"] = "value"
    buyer_rate: Number = Decimal(0)
    seller_rate: Number = Decimal(0)

    def native(self) -> FeeSchedule:
        """As the engine takes it."""
        return FeeSchedule.plain(
            maker_rate=self.maker_rate,
            taker_rate=self.taker_rate,
            basis=self.basis,
            buyer_rate=self.buyer_rate,
            seller_rate=self.seller_rate,
        )

    def sentence(self) -> str:
        """What is charged, in plain words."""
        unit = {
            "value": "of notional",
            "per_qty": "for each base unit",
            "per_fill": "for each fill",
            "per_order": "for each order that fills",
        }[self.basis]
        said = f"Fees: {_signed(self.taker_rate)} taker, {_signed(self.maker_rate)} maker, {unit}."
        if self.buyer_rate or self.seller_rate:
            said += (
                f" Besides, of notional: {_signed(self.buyer_rate)} for buys, {_signed(self.seller_rate)} for sales."
            )
        return said


class FeeTable(BaseModel):
    """Fee rates by volume, from a day on.

    Parameters
    ----------
    valid_from : date
        The first UTC day that it holds for.
    tiers : of (volume above, taker rate, maker rate)
        By the volume of 14 days, ascending; the first is above 0.
    makers : of (share above, maker rate)
        By the share of the venue's maker volume, in place of the maker rate of the tier.
    """

    model_config = _STRICT

    valid_from: date
    tiers: tuple[tuple[Number, Number, Number], ...]
    makers: tuple[tuple[Number, Number], ...] = ()


class HyperliquidFees(BaseModel):
    """Hyperliquid's fees of perpetuals, by the volume of the 14 UTC days before. Rounded toward zero at 1e-6.

    Parameters
    ----------
    volume_14d : decimal
        Volume of 14 days that the account makes elsewhere, added to its own: perpetuals and twice spot.
    staking : decimal
        Discount for staking, 0.2 for 20 %, on rates above zero.
    referral : decimal
        Discount for having been referred, 0.04 for 4 %, on rates above zero, for the first 25 million of own volume.
    maker_share : decimal
        The account's share of the venue's maker volume; above half a per cent, its maker rate is a rebate.
    builder_rate : decimal
        Rate of the builder of the orders, on notional, as a cost of its own.
    tables : of FeeTable, optional
        In place of the built-in table, by ascending day; the first holds before its day too.
    """

    model_config = _STRICT

    schedule: Literal["hyperliquid"]
    volume_14d: Number = Decimal(0)
    staking: Number = Decimal(0)
    referral: Number = Decimal(0)
    maker_share: Number = Decimal(0)
    builder_rate: Number = Decimal(0)
    tables: tuple[FeeTable, ...] | None = None

    def native(self) -> FeeSchedule:
        """As the engine takes it."""
        return FeeSchedule.hyperliquid(
            volume_14d=self.volume_14d,
            maker_share=self.maker_share,
            staking=self.staking,
            referral=self.referral,
            builder_rate=self.builder_rate,
            tables=None
            if self.tables is None
            else [(_midnight_ns(table.valid_from), table.tiers, table.makers) for table in self.tables],
        )

    def sentence(self) -> str:
        """What is charged, in plain words."""
        if self.tables is None:
            said = "Fees by Hyperliquid's table of 2025 (0.00045 taker, 0.00015 maker at the lowest volume)"
        else:
            days = ", ".join(table.valid_from.isoformat() for table in self.tables)
            said = f"Fees by Hyperliquid's schedule with the tables of {days}"
        said += f", by own volume of 14 days and {self.volume_14d:,f} made elsewhere; toward zero at 1e-6."
        parts = {"staking": self.staking, "referral (the first 25 million)": self.referral}
        named = [f"{value:.0%} for {name}" for name, value in parts.items() if value]
        if named:
            said += f" Discounts on positive rates: {', '.join(named)}."
        if self.maker_share:
            said += f" The account is taken to make {self.maker_share:.2%} of the venue's maker volume."
        if self.builder_rate:
            said += f" The builder of the orders takes {self.builder_rate:f} of notional besides."
        return said


def _which(value: Any) -> str:  # noqa: ANN401 -- what a user wrote, before it is checked
    given = value.get("schedule", "plain") if isinstance(value, dict) else getattr(value, "schedule", "plain")
    return given if isinstance(given, str) else "plain"


AnyFees: TypeAlias = Annotated[
    Annotated[Fees, Tag("plain")] | Annotated[HyperliquidFees, Tag("hyperliquid")],
    Discriminator(
        _which,
        custom_error_type="schedule",
        custom_error_message="schedule must be plain or hyperliquid",
    ),
]


def _signed(rate: Decimal) -> str:
    # A rebate with the wrong sign is a cost that nobody sees: say which it is.
    return f"{rate:f} (a rebate)" if rate < 0 else f"{rate:f}"


def _midnight_ns(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1_000_000_000
