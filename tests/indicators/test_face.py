"""What users meet: errors, NaN, kinds of columns, bars, previous, reset, pickling, sessions."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from algo_trade import Bar
from algo_trade import indicators as ind
from algo_trade.errors import DataError, ParameterError
from tests.indicators.reference import Case, cases, random_market

MARKET = random_market(count=400)
ONE_EACH = list({case.name: case for case in cases()}.values())
DAY = 86_400_000_000_000

OUT_OF_RANGE = [
    (lambda: ind.Sma(0), "Sma: period = 0: must be 1 to 100000"),
    (lambda: ind.Sma(100_001), "Sma: period = 100001: must be 1 to 100000"),
    (lambda: ind.Sma(-1), "-1: must be a whole number, zero or more"),
    (lambda: ind.ema([1.0], 0), "Ema: period = 0: must be 1 to 100000"),
    (lambda: ind.Wma(0), "Wma: period = 0: must be 1 to 100000"),
    (lambda: ind.Dema(0), "Dema: period = 0: must be 1 to 100000"),
    (lambda: ind.Tema(0), "Tema: period = 0: must be 1 to 100000"),
    (lambda: ind.Hma(1), "Hma: period = 1: must be 2 to 100000"),
    (lambda: ind.Kama(1), "Kama: period = 1: must be 2 to 100000"),
    (lambda: ind.Rsi(1), "Rsi: period = 1: must be 2 to 100000"),
    (lambda: ind.StochRsi(1), "StochRsi: period = 1: must be 2 to 100000"),
    (lambda: ind.StochRsi(fast_k=0), "StochRsi: fast_k = 0: must be 1 to 100000"),
    (lambda: ind.StochRsi(fast_d=0), "StochRsi: fast_d = 0: must be 1 to 100000"),
    (lambda: ind.Macd(1), "Macd: fast = 1: must be 2 to 100000"),
    (lambda: ind.Macd(2, 1), "Macd: slow = 1: must be 2 to 100000"),
    (lambda: ind.Macd(26, 12), "Macd: fast = 26: must be below slow = 12"),
    (lambda: ind.Macd(signal=0), "Macd: signal = 0: must be 1 to 100000"),
    (lambda: ind.Bollinger(1), "Bollinger: period = 1: must be 2 to 100000"),
    (lambda: ind.Bollinger(deviations=0.0), "Bollinger: deviations = 0: must be a finite number above 0"),
    (lambda: ind.Bollinger(deviations=float("nan")), "Bollinger: deviations = NaN: must be a finite number above 0"),
    (lambda: ind.Keltner(1), "Keltner: period = 1: must be 2 to 100000"),
    (lambda: ind.Keltner(range_period=0), "Keltner: range_period = 0: must be 1 to 100000"),
    (lambda: ind.Keltner(multiplier=-1.0), "Keltner: multiplier = -1: must be a finite number above 0"),
    (lambda: ind.Donchian(0), "Donchian: period = 0: must be 1 to 100000"),
    (lambda: ind.Atr(0), "Atr: period = 0: must be 1 to 100000"),
    (lambda: ind.EwmVariance(0), "EwmVariance: period = 0: must be 1 to 100000"),
    (lambda: ind.Adx(1), "Adx: period = 1: must be 2 to 100000"),
    (lambda: ind.Dmi(1), "Dmi: period = 1: must be 2 to 100000"),
    (lambda: ind.SuperTrend(1), "SuperTrend: period = 1: must be 2 to 100000"),
    (lambda: ind.SuperTrend(multiplier=float("inf")), "SuperTrend: multiplier = inf: must be a finite number above 0"),
    (lambda: ind.ParabolicSar(0.0), "ParabolicSar: acceleration = 0: must be a finite number above 0"),
    (lambda: ind.ParabolicSar(maximum=0.0), "ParabolicSar: maximum = 0: must be a finite number above 0"),
    (lambda: ind.Stochastic(0), "Stochastic: fast_k = 0: must be 1 to 100000"),
    (lambda: ind.Stochastic(slow_k=0), "Stochastic: slow_k = 0: must be 1 to 100000"),
    (lambda: ind.Stochastic(slow_d=0), "Stochastic: slow_d = 0: must be 1 to 100000"),
    (lambda: ind.Cci(1), "Cci: period = 1: must be 2 to 100000"),
    (lambda: ind.WilliamsR(0), "WilliamsR: period = 0: must be 1 to 100000"),
    (lambda: ind.Roc(0), "Roc: period = 0: must be 1 to 100000"),
    (lambda: ind.Momentum(0), "Momentum: period = 0: must be 1 to 100000"),
    (lambda: ind.Mfi(1), "Mfi: period = 1: must be 2 to 100000"),
    (lambda: ind.RollingVwap(0), "RollingVwap: period = 0: must be 1 to 100000"),
    (lambda: ind.Min(0), "Min: period = 0: must be 1 to 100000"),
    (lambda: ind.Max(0), "Max: period = 0: must be 1 to 100000"),
    (lambda: ind.Std(1), "Std: period = 1: must be 2 to 100000"),
    (lambda: ind.Zscore(1), "Zscore: period = 1: must be 2 to 100000"),
    (lambda: ind.LinearRegression(1), "LinearRegression: period = 1: must be 2 to 100000"),
    (lambda: ind.Vwap(session="week"), 'Vwap: session = "week": must be "day" or None'),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "message"), OUT_OF_RANGE, ids=[message for _, message in OUT_OF_RANGE])
def test_a_parameter_out_of_range_says_what_is_allowed(make: Any, message: str) -> None:
    with pytest.raises(ParameterError) as error:
        make()
    assert str(error.value) == message


def test_too_few_numbers_name_those_that_are_wanted() -> None:
    atr: Any = ind.Atr(14)
    with pytest.raises(ParameterError, match=r"Atr takes \(high, low, close\): 1 number given"):
        atr.update(1.0)
    with pytest.raises(ParameterError, match=r"Atr takes \(high, low, close\): 2 numbers given"):
        atr.update(1.0, 2.0)
    with pytest.raises(TypeError, match="positional"):
        atr.update(1.0, 2.0, 3.0, 4.0)
    with pytest.raises(TypeError):
        atr.update("1")


def test_columns_of_different_length_are_refused_with_their_lengths() -> None:
    with pytest.raises(DataError, match=r"Atr: the columns differ in length: 3, 2, 3"):
        ind.atr([1.0, 2, 3], [1.0, 2], [1.0, 2, 3])


def test_a_table_is_no_column() -> None:
    with pytest.raises(DataError, match=r"one dimension: the shape is \(2, 2\)"):
        ind.sma(np.ones((2, 2)), 1)


WINDOWED = [
    (ind.sma, 5), (ind.wma, 5), (ind.min, 5), (ind.max, 5), (ind.std, 5), (ind.zscore, 5), (ind.momentum, 5)
]  # fmt: skip


@pytest.mark.parametrize(("batch", "period"), WINDOWED)
@pytest.mark.parametrize("outlier", [np.nan, 1e20])
def test_what_has_left_the_window_is_not_felt(batch: Any, period: int, outlier: float) -> None:
    spoilt = MARKET.close.copy()
    spoilt[100] = outlier
    spoilt_values, values = batch(spoilt, period), batch(MARKET.close, period)
    felt = slice(100, 100 + period + 1)
    assert np.isnan(spoilt_values[100]) == np.isnan(outlier)
    np.testing.assert_array_equal(spoilt_values[:100], values[:100])
    np.testing.assert_allclose(spoilt_values[felt.stop :], values[felt.stop :], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("batch", [ind.ema, ind.rsi, ind.kama])
def test_a_later_nan_stays_in_what_is_recursive(batch: Any) -> None:
    spoilt = MARKET.close.copy()
    spoilt[100] = np.nan
    assert np.isnan(batch(spoilt, 5)[100:]).all()


@pytest.mark.parametrize("case", ONE_EACH, ids=str)
def test_a_nan_anywhere_gives_the_same_bits_in_both_faces(case: Case) -> None:
    columns = [column.copy() for column in MARKET.columns(case.columns)]
    columns[-1][150] = np.nan
    indicator = case.make(**case.params)
    rows = [indicator.update(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    batch = case.batch(*columns, **case.params)
    first, streamed = (batch[0], [r and r[0] for r in rows]) if isinstance(batch, tuple) else (batch, rows)
    np.testing.assert_array_equal(first, np.array([np.nan if r is None else r for r in streamed]))


def test_every_kind_of_column_gives_what_float64_gives() -> None:
    whole = np.round(MARKET.close * 100).astype(np.int64)
    wanted = ind.sma(whole.astype(np.float64), 7)
    kinds: list[Any] = [
        whole, whole.astype(np.float32), whole.astype(np.int32), whole.tolist(), tuple(whole.tolist()),
        pl.Series(whole), pl.Series(whole).cast(pl.Float64), pl.Series(whole).cast(pl.Decimal(20, 2)), pd.Series(whole),
        pa.array(whole), pa.array(whole.astype(np.float32)), pa.chunked_array([whole[:50], whole[50:]]),
        np.repeat(whole.astype(np.float64), 2)[::2], [Decimal(int(value)) for value in whole],
    ]  # fmt: skip
    for column in kinds:
        np.testing.assert_array_equal(ind.sma(column, 7), wanted)


def test_null_is_nan() -> None:
    wanted = ind.sma([np.nan, 1.0, 2.0, np.nan, 4.0], 2)
    for column in (pl.Series([None, 1.0, 2.0, None, 4.0]), pa.array([None, 1.0, 2.0, None, 4.0])):
        np.testing.assert_array_equal(ind.sma(column, 2), wanted)


def test_empty_and_short_columns_have_no_values() -> None:
    assert ind.sma([], 3).shape == (0,)
    assert np.isnan(ind.macd([1.0, 2.0]).signal).all()


@pytest.mark.parametrize("case", ONE_EACH, ids=str)
def test_reset_forgets_and_a_pickle_is_fresh(case: Case) -> None:
    rows = list(zip(*(column.tolist() for column in MARKET.columns(case.columns)), strict=True))
    indicator = case.make(**case.params)
    copy = pickle.loads(pickle.dumps(indicator))  # noqa: S301
    first = [indicator.update(*row) for row in rows]
    assert repr(copy) == repr(indicator)
    assert [copy.update(*row) for row in rows] == first
    with pytest.raises(TypeError, match="reset"):
        pickle.dumps(indicator)
    indicator.reset()
    assert indicator.value is None
    assert indicator.previous is None
    assert not indicator.ready
    assert [indicator.update(*row) for row in rows] == first


def test_values_are_named_tuples_that_pickle() -> None:
    macd = ind.Macd(2, 3, 1)
    value = [macd.update(price) for price in (1.0, 2.0, 4.0, 3.0)][-1]
    assert value is not None
    assert value == (value.macd, value.signal, value.histogram)
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301
    assert isinstance(value, ind.MacdValue)


def test_previous_is_the_value_one_input_earlier_and_at_first_the_value_itself() -> None:
    average = ind.Sma(2)
    seen = []
    for price in (1.0, 3.0, 5.0, 9.0):
        average.update(price)
        seen.append((average.previous, average.value, average.ready))
    assert seen == [(None, None, False), (2.0, 2.0, True), (2.0, 4.0, True), (4.0, 7.0, True)]


def bar(hour: int, high: str, low: str, close: str, volume: str | None = "2") -> Bar:
    start = hour * 3_600_000_000_000
    return Bar("BTC", start, start + 3_600_000_000_000, low, high, low, close, volume)


def test_a_bar_brings_all_that_is_needed() -> None:
    average, atr, vwap = ind.Sma(1), ind.Atr(1), ind.Vwap(session="day")
    for one in (bar(23, "12", "8", "10"), bar(24, "15", "9", "12")):
        average.update(one)
        atr.update(one)
        vwap.update(one)
    assert average.value == 12.0
    assert atr.value == 6.0
    assert vwap.value == 12.0  # midnight has passed: the second bar alone
    with pytest.raises(DataError, match="Obv needs a volume, and the bar has none"):
        ind.Obv().update(bar(1, "2", "1", "1", None))
    with pytest.raises(TypeError):
        atr.update(bar(1, "2", "1", "1"), 1.0, 2.0)  # type: ignore[call-overload]


def test_vwap_starts_anew_at_midnight_utc() -> None:
    times = np.arange(400, dtype=np.int64) * (DAY // 96) + 5
    high, low, close, volume = MARKET.high, MARKET.low, MARKET.close, MARKET.volume
    frame = pd.DataFrame({"pv": (high + low + close) / 3 * volume, "v": volume, "day": times // DAY})
    sums = frame.groupby("day").cumsum()
    batch = ind.vwap(high, low, close, volume, session="day", time=times)
    np.testing.assert_allclose(batch, sums.pv / sums.v, rtol=1e-12)
    dated = ind.vwap(high, low, close, volume, session="day", time=times.astype("datetime64[ns]"))
    np.testing.assert_array_equal(batch, dated)
    stream = ind.Vwap(session="day")
    rows = zip(high, low, close, volume, times.tolist(), strict=True)
    np.testing.assert_array_equal(batch, [stream.update(h, lo, c, v, time=t) for h, lo, c, v, t in rows])
    with pytest.raises(ParameterError, match="give the time of the input"):
        ind.Vwap(session="day").update(1.0, 1.0, 1.0, 1.0)
    with pytest.raises(ParameterError, match="give the time of the input"):
        ind.vwap(high, low, close, volume, session="day")


def test_what_talib_lacks_equals_plain_formulas() -> None:
    series = pd.Series(MARKET.close)
    rolling = series.rolling(20)
    zscore = (series - rolling.mean()) / rolling.std(ddof=0)
    np.testing.assert_allclose(ind.zscore(MARKET.close, 20), zscore, rtol=1e-8, atol=1e-10)
    ewm = series.ewm(span=20, adjust=False, min_periods=20).var(bias=True)
    np.testing.assert_allclose(ind.ewm_variance(MARKET.close, 20), ewm, rtol=1e-9)


@pytest.mark.parametrize("batch", [ind.sma, ind.ema, ind.dema, ind.tema, ind.kama, ind.min, ind.max])
def test_an_average_of_equal_inputs_is_that_input_where_sums_are_exact(batch: Any) -> None:
    values = batch(np.full(100, 2.0**20 + 0.125), 16)
    assert set(values[~np.isnan(values)]) == {2.0**20 + 0.125}
    assert set(ind.std(np.full(50, 0.1), 20)[19:]) == {0.0}
