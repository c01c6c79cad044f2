"""The price that limits judge by: the newest that was told, read off when somebody asks."""

from __future__ import annotations

from decimal import Decimal

import pytest

from algo_trade._native import Bar, BookSnapshot, MarketContext, Quote, Trade
from algo_trade.risk.exposure import Exposure

QUOTE = Quote("BTC", 1, "99", 1, "101", 1)
BOOK = BookSnapshot("BTC", 1, [("97", 1), ("96", 1)], [("99", 1)])
CONTEXT = MarketContext("BTC", 1, mark_price="105")
TRADE = Trade("BTC", 1, "110", 1, "buy", 7)
BAR = Bar("BTC", 0, 60, 1, 2, 1, "2", 1)


@pytest.mark.parametrize(
    ("events", "price"),
    [
        ([], None),
        ([TRADE], "110"),
        ([BAR], "2"),
        ([BAR, TRADE], "2"),
        ([TRADE, QUOTE], "100"),
        ([QUOTE, TRADE, BAR], "100"),
        ([QUOTE, BOOK], "98"),
        ([BOOK, CONTEXT], "105"),
        ([CONTEXT, QUOTE], "100"),
    ],
)
def test_the_newest_of_mark_and_middle_counts_and_prints_and_closes_only_before_the_first(
    events: list[object], price: str | None
) -> None:
    exposure = Exposure()
    for event in events:
        exposure.hear(event)  # type: ignore[arg-type]
    assert exposure.price("BTC") == (None if price is None else Decimal(price))
    assert exposure.price("ETH") is None


@pytest.mark.parametrize(
    "one_sided",
    [
        Quote("BTC", 2, "50", 1, 0, 0),
        Quote("BTC", 2, 0, 0, "50", 1),
        BookSnapshot("BTC", 2, [("50", 1)], []),
        BookSnapshot("BTC", 2, [], [("50", 1)]),
    ],
)
def test_a_book_with_one_side_tells_no_price_and_the_one_before_stands(one_sided: Quote | BookSnapshot) -> None:
    exposure = Exposure()
    exposure.hear(one_sided)
    assert exposure.price("BTC") is None
    exposure.hear(QUOTE)
    exposure.hear(one_sided)
    assert exposure.price("BTC") == 100
