"""What the exchange lists: numbers, names, rules, and what changes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from algo_trade.errors import ParameterError
from algo_trade.hyperliquid.instruments import Instruments, ListedInstrument, MarginTier, perpetuals, spot_pairs


def perp(name: str, size_decimals: int = 5, **more: Any) -> dict[str, Any]:
    row = {"name": name, "size_decimals": size_decimals, "max_leverage": 40, "margin_table": 56}
    return row | {"is_isolated_only": None, "is_delisted": None} | more


def meta(*rows: dict[str, Any]) -> dict[str, Any]:
    tiers = [{"lower_bound": Decimal(0), "max_leverage": 40}, {"lower_bound": Decimal(150_000_000), "max_leverage": 20}]
    return {"universe": list(rows), "margin_tables": [[56, {"tiers": tiers}]]}


def token(index: int, name: str, size_decimals: int = 2) -> dict[str, Any]:
    return {"index": index, "name": name, "size_decimals": size_decimals}


def pair(index: int, name: str, base: int, *, is_canonical: bool = False) -> dict[str, Any]:
    return {"index": index, "name": name, "tokens": [base, 0], "is_canonical": is_canonical}


def test_trap_23_numbers_are_identities_and_delisted_ones_keep_theirs() -> None:
    listed = perpetuals(meta(perp("BTC"), perp("OLD", is_delisted=True), perp("ETH", margin_table=25, max_leverage=25)))
    assert [(each.asset, each.coin, each.is_delisted) for each in listed] == [
        (0, "BTC", False),
        (1, "OLD", True),
        (2, "ETH", False),
    ]
    assert listed[0].margin_tiers == (MarginTier(Decimal(0), 40), MarginTier(Decimal(150_000_000), 20))
    assert listed[2].margin_tiers == (MarginTier(Decimal(0), 25),)
    builder = perpetuals(meta(perp("xyz:GOLD")), dex="xyz", dex_index=1)
    assert (builder[0].asset, builder[0].dex) == (110_000, "xyz")


def test_trap_23_spot_pairs_are_numbered_by_index_and_named_by_tokens() -> None:
    tokens = [token(0, "USDC", 8), token(150, "HYPE"), token(7, "PURR", 0), token(9, "HYPE", 3)]
    universe = [pair(107, "@107", 150), pair(0, "PURR/USDC", 7, is_canonical=True), pair(200, "@200", 9)]
    listed = spot_pairs({"tokens": tokens, "universe": [*universe, pair(300, "@300", 999)]})
    assert [(each.asset, each.coin, each.symbol, each.size_decimals) for each in listed] == [
        (10_000, "PURR/USDC", "PURR/USDC", 0),
        (10_107, "@107", "HYPE/USDC", 2),
        (10_200, "@200", "@200", 3),
    ]
    known = Instruments(listed)
    assert known.get("HYPE/USDC") is known.get("@107") is known.get(10_107) is not None
    assert known.coins() == {"PURR/USDC": "PURR/USDC", "@107": "HYPE/USDC", "@200": "@200"}
    assert "UBTC" not in known


@pytest.mark.parametrize(
    ("size_decimals", "price", "is_valid"),
    [
        (0, "1234.5", True),
        (0, "1234.56", False),
        (1, "0.01234", True),
        (1, "0.012345", False),
        (0, "123456", True),
        (0, "12345.6", False),
        (0, "123456.0", True),
        (5, "65000.5", False),
        (5, "6500.5", True),
        (5, "6500.55", False),
        (0, "0", False),
        (0, "-1", False),
        (0, "NaN", False),
        (0, "1E+7", True),
    ],
)
def test_prices_have_five_figures_and_few_decimals_or_are_whole(size_decimals: int, price: str, is_valid: bool) -> None:
    instrument = ListedInstrument(asset=0, coin="X", symbol="X", kind="perp", size_decimals=size_decimals)
    if is_valid:
        instrument.check_price(Decimal(price))
    else:
        with pytest.raises(ParameterError, match="X: price = "):
            instrument.check_price(Decimal(price))


def test_quantities_and_values_that_would_be_refused_are_refused_here() -> None:
    instrument = ListedInstrument(asset=0, coin="X", symbol="X", kind="perp", size_decimals=2)
    instrument.check_quantity(Decimal("1.230"))
    instrument.check_notional(Decimal(5), Decimal(2))
    for wrong in ("1.234", "0", "-1", "Infinity"):
        with pytest.raises(ParameterError, match="quantity"):
            instrument.check_quantity(Decimal(wrong))
    with pytest.raises(ParameterError, match=r"worth 9\.95 USDC"):
        instrument.check_notional(Decimal(5), Decimal("1.99"))


def test_trap_24_listings_delistings_and_changes_are_told_as_values() -> None:
    before = Instruments(perpetuals(meta(perp("BTC"), perp("ETH", 4), perp("OLD"))))
    after = Instruments(perpetuals(meta(perp("BTC"), perp("ETH", 3), perp("OLD", is_delisted=True), perp("NEW"))))
    assert [(change.what, change.after.coin) for change in before.changes(after)] == [
        ("changed", "ETH"),
        ("delisted", "OLD"),
        ("listed", "NEW"),
    ]
    assert before.changes(before) == []
    assert [change.what for change in after.changes(before)] == ["changed", "changed", "delisted"]
