"""How fast books of Hyperliquid's socket are decoded, beside orjson, which stops at Python's objects.

`cargo bench -p engine --bench hyperliquid_decode` has the same without Python, and into the book.
"""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

import algo_trade as at
from algo_trade._native import HyperliquidDecoder

MESSAGES = 64
ROUNDS = 30


def book(k: int) -> bytes:
    """Return a book of 20 levels a side around a price that wanders, two kilobytes."""
    best = 105_055 + k * 7 % 5

    def level(sign: int, depth: int) -> dict[str, object]:
        size = 17_003 * (depth + 1 + k % 3) % 400_000
        price = best + sign * (depth + 1)
        return {"px": f"{price}.0", "sz": f"{size // 100_000}.{size % 100_000:05}", "n": depth % 12 + 1}

    levels = [[level(sign, depth) for depth in range(20)] for sign in (-1, 1)]
    data = {"coin": "BTC", "time": 1_737_918_843_542 + 540 * k, "levels": levels}
    return json.dumps({"channel": "l2Book", "data": data}, separators=(",", ":")).encode()


@pytest.fixture(scope="module")
def books():
    return [book(k) for k in range(MESSAGES)]


def rate(benchmark, decode, books):
    def all_of_them():
        for message in books:
            decode(message)

    benchmark.pedantic(all_of_them, rounds=ROUNDS, warmup_rounds=3)
    benchmark.extra_info["messages_per_second"] = round(MESSAGES / benchmark.stats.stats.min)


def test_books(benchmark, books):
    decoder = HyperliquidDecoder({"BTC": "BTC"})
    for message in books:
        (event,) = decoder.decode(message, 1)
        assert isinstance(event, at.BookSnapshot)
        wire = json.loads(message)["data"]["levels"]
        told = [[(Decimal(level["px"]), Decimal(level["sz"])) for level in side] for side in wire]
        assert [event.bids, event.asks] == told
    rate(benchmark, lambda message: decoder.decode(message, 1), books)


def test_books_with_orjson(benchmark, books):
    orjson = pytest.importorskip("orjson", reason="orjson is not installed")
    assert [orjson.loads(message) for message in books] == [json.loads(message) for message in books]
    rate(benchmark, orjson.loads, books)


def test_books_with_orjson_and_exact_numbers(benchmark, books):
    orjson = pytest.importorskip("orjson", reason="orjson is not installed")

    def decode(message):
        data = orjson.loads(message)["data"]
        return [[(Decimal(level["px"]), Decimal(level["sz"])) for level in side] for side in data["levels"]]

    rate(benchmark, decode, books)
