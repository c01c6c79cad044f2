"""What the exchange lists: the number, the names and the rules of each instrument, and what has changed since."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from algo_trade._native import Instrument
from algo_trade.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable

SPOT_FROM = 10_000
BUILDER_FROM = 100_000
# The most decimals that a price can have, less those of the sizes.
_PRICE_DECIMALS = {"perp": 6, "spot": 8}
NOTIONAL_MIN = Decimal(10)


@dataclass(frozen=True, slots=True)
class MarginTier:
    """From this notional on, at most so much leverage."""

    lower_bound: Decimal
    max_leverage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedInstrument:
    """An instrument of the exchange.

    ``asset`` is its number, and its identity; ``coin`` is how the exchange calls it (``BTC``, ``@107``); ``symbol`` is how people do
    (``BTC``, ``HYPE/USDC``). Quantities have at most ``size_decimals`` decimals. Prices are whole, or have at most 5 significant figures
    and ``price_decimals`` decimals. ``margin_tiers`` is empty for spot pairs. ``rules`` is all that as a trading system takes it.
    """

    asset: int
    coin: str
    symbol: str
    kind: Literal["perp", "spot"]
    size_decimals: int
    dex: str = ""
    quote: str = "USDC"
    max_leverage: int = 1
    margin_tiers: tuple[MarginTier, ...] = ()
    is_isolated_only: bool = False
    is_delisted: bool = False
    rules: Instrument = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the rules."""
        tiers = [(tier.lower_bound, tier.max_leverage) for tier in self.margin_tiers] or None
        rules = Instrument(
            self.symbol,
            size_decimals=self.size_decimals,
            price_decimals=self.price_decimals,
            min_notional=NOTIONAL_MIN,
            tiers=tiers,
        )
        object.__setattr__(self, "rules", rules)

    @property
    def price_decimals(self) -> int:
        """The most decimals of a price that is not whole."""
        return max(0, _PRICE_DECIMALS[self.kind] - self.size_decimals)

    def check_price(self, price: Decimal, name: str = "price") -> None:
        """Refuse a price that the exchange would refuse.

        Raises
        ------
        ParameterError
            It is not above zero, or finer than the instrument's prices are.
        """
        if not price.is_finite() or price <= 0:
            raise ParameterError(f"{self.coin}: {name} = {price}: must be above 0")
        if -int(price.normalize().as_tuple().exponent) > self.price_decimals or not self.rules.allows_price(price):
            raise ParameterError(
                f"{self.coin}: {name} = {price}: must be whole, or have at most 5 significant figures and "
                f"{self.price_decimals} decimals: round it"
            )

    def check_quantity(self, quantity: Decimal) -> None:
        """Refuse a quantity that the exchange would refuse.

        Raises
        ------
        ParameterError
            It is not above zero, or finer than the instrument's quantities are.
        """
        if not quantity.is_finite() or quantity <= 0:
            raise ParameterError(f"{self.coin}: quantity = {quantity}: must be above 0")
        if -int(quantity.normalize().as_tuple().exponent) > self.size_decimals:
            raise ParameterError(
                f"{self.coin}: quantity = {quantity}: must have at most {self.size_decimals} decimals: round it down"
            )

    def check_notional(self, price: Decimal, quantity: Decimal) -> None:
        """Refuse an order that is worth too little; what closes a position is exempt, if it is reduce-only.

        Raises
        ------
        ParameterError
            It is worth less than 10 of the quote currency.
        """
        if price * quantity < NOTIONAL_MIN:
            raise ParameterError(
                f"{self.coin}: {quantity} at {price} is worth {price * quantity} {self.quote}: must be at least {NOTIONAL_MIN}; to "
                "close a whole position, make the order reduce-only"
            )


@dataclass(frozen=True, slots=True)
class InstrumentChange:
    """What became of an instrument between two readings of the list; ``before`` is None for one that is new."""

    what: Literal["listed", "delisted", "changed"]
    after: ListedInstrument
    before: ListedInstrument | None


class Instruments:
    """All instruments, delisted ones too, by number, by the exchange's name, and by ours."""

    def __init__(self, listed: Iterable[ListedInstrument] = ()) -> None:
        self._by_asset = {each.asset: each for each in listed}
        self._by_coin = {each.coin: each for each in self._by_asset.values()}
        self._by_symbol = {each.symbol: each for each in self._by_asset.values()}

    def __len__(self) -> int:
        return len(self._by_asset)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def all(self) -> list[ListedInstrument]:
        """Return all, by number."""
        return [self._by_asset[asset] for asset in sorted(self._by_asset)]

    def get(self, name: str | int) -> ListedInstrument | None:
        """Return an instrument by its number, the exchange's name or ours; None if there is none."""
        if isinstance(name, int):
            return self._by_asset.get(name)
        return self._by_coin.get(name) or self._by_symbol.get(name)

    def coins(self) -> dict[str, str]:
        """Return our symbol for each of the exchange's names, as decoders want it."""
        return {each.coin: each.symbol for each in self.all()}

    def changes(self, newer: Instruments) -> list[InstrumentChange]:
        """Return what is different in a newer reading. What is no longer listed at all counts as delisted."""
        found = []
        for asset in sorted(self._by_asset.keys() | newer._by_asset.keys()):
            before, after = self._by_asset.get(asset), newer._by_asset.get(asset)
            if after is None:
                if before is not None and not before.is_delisted:
                    found.append(InstrumentChange("delisted", before, before))
            elif before is None:
                found.append(InstrumentChange("listed", after, None))
            elif before != after:
                is_gone = after.is_delisted and not before.is_delisted
                found.append(InstrumentChange("delisted" if is_gone else "changed", after, before))
        return found


def perpetuals(meta: dict[str, Any], *, dex: str = "", dex_index: int = 0) -> list[ListedInstrument]:
    """Return the perpetuals of a list, as the decoder gives it. Their place in the list is their number, delisted or not."""
    base = BUILDER_FROM + dex_index * 10_000 if dex_index else 0
    tables = {number: table["tiers"] for number, table in meta["margin_tables"] or ()}
    listed = []
    for index, row in enumerate(meta["universe"]):
        # A table that is not listed is a single tier.
        rows = tables.get(row["margin_table"]) or [{"lower_bound": Decimal(0), "max_leverage": row["max_leverage"]}]
        listed.append(
            ListedInstrument(
                asset=base + index,
                coin=row["name"],
                symbol=row["name"],
                kind="perp",
                size_decimals=row["size_decimals"],
                dex=dex,
                max_leverage=row["max_leverage"],
                margin_tiers=tuple(MarginTier(tier["lower_bound"], tier["max_leverage"]) for tier in rows),
                is_isolated_only=bool(row["is_isolated_only"]),
                is_delisted=bool(row["is_delisted"]),
            )
        )
    return listed


def spot_pairs(meta: dict[str, Any]) -> list[ListedInstrument]:
    """Return the spot pairs, as the decoder gives them, numbered by ``index``.

    A symbol is made of the tokens' names. Where pairs share one, the canonical pair has it, or else the first; the others are called as
    the exchange calls them.
    """
    tokens = {token["index"]: token for token in meta["tokens"]}
    listed, taken = {}, set()
    for row in sorted(meta["universe"], key=lambda row: (not row["is_canonical"], row["index"])):
        base, quote = (tokens.get(number) for number in row["tokens"])
        if base is None or quote is None:
            continue  # a pair of a token that is not told of cannot be priced or sized
        symbol = f"{base['name']}/{quote['name']}"
        if symbol in taken:
            symbol = row["name"]
        taken.add(symbol)
        listed[row["index"]] = ListedInstrument(
            asset=SPOT_FROM + row["index"],
            coin=row["name"],
            symbol=symbol,
            kind="spot",
            size_decimals=base["size_decimals"],
            quote=quote["name"],
        )
    return [listed[index] for index in sorted(listed)]
