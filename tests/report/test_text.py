"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from algo_trade.backtest.report import text


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (text.percent(0.1234), "12.34 %"),
        (text.percent(-0.1234, 1, plus=True), "−12.3 %"),
        (text.percent(0.00004, plus=True), "0.00 %"),
        (text.percent(-0.00004), "0.00 %"),
        (text.percent(None), "–"),
        (text.ratio(float("nan")), "–"),
        (text.ratio(float("inf")), "–"),
        (text.ratio(1234.567), "1,234.57"),
        (text.money(Decimal("10123.456")), "10,123.46"),
        (text.money(Decimal("-0.01234567")), "−0.0123"),
        (text.money(Decimal(0)), "0.00"),
        (text.money(Decimal("0.00000001")), "0.00000001"),
        (text.plain(Decimal("1E+3")), "1,000"),
        (text.plain(Decimal("0.00045000")), "0.00045"),
        (text.count(1, "event"), "1 event"),
        (text.count(45_031, "event"), "45,031 events"),
        (text.bps(Decimal(45), Decimal(100_000)), "4.50"),
        (text.bps(Decimal(45), Decimal(0)), "–"),
        (text.duration(0.25), "250 ms"),
        (text.duration(61), "1 min 1 s"),
        (text.duration(90_061), "1 d 1 h"),
        (text.duration(None), "–"),
        (text.step(86_400), "daily"),
        (text.step(3_600), "hourly"),
        (text.step(900), "every 15 min"),
        (text.span(datetime(2022, 1, 1, tzinfo=UTC), datetime(2022, 2, 1, tzinfo=UTC)), "31 d"),
        (text.moment(datetime(2022, 1, 31, 7, 31, tzinfo=timezone(timedelta(hours=2)))), "2022-01-31 05:31"),
    ],
)
def test_a_number_is_shown_as_a_person_would_write_it(shown: str, expected: str) -> None:
    assert shown == expected
