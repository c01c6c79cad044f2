"""Batch and streaming against TA-Lib, on recorded and on random bars."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.indicators.reference import Case, Floats, Market, cases, flat_market, random_market, real_market, unstable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CASES = cases()
RELATIVE = 1e-9


@cache
def market(name: str) -> Market:
    return random_market() if name == "random" else flat_market()


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> Market:
    return real_market(shared_data)


def as_columns(result: Any) -> Sequence[Floats]:
    return result if isinstance(result, tuple) else (result,)


def assert_equal(ours: Sequence[Floats], theirs: Sequence[Floats], scale: float) -> None:
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        absolute = scale * np.nanmax(np.abs(other), initial=1.0)
        np.testing.assert_allclose(one, other, rtol=RELATIVE, atol=absolute, equal_nan=True)


def stream(case: Case, columns: Sequence[Floats], **options: Any) -> list[Floats]:
    indicator = case.make(**case.params, **options)
    rows = [indicator.update(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    tuples = [row if row is None or isinstance(row, tuple) else (row,) for row in rows]
    nothing = (np.nan,) * max((len(row) for row in tuples if row is not None), default=1)
    return list(np.array([nothing if row is None else row for row in tuples]).T)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_batch_equals_talib_on_random_bars(case: Case) -> None:
    columns = market("random").columns(case.columns)
    assert_equal(as_columns(case.batch(*columns, **case.params)), case.talib(*columns), case.scale)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_batch_and_streaming_equal_talib_on_recorded_bars(case: Case, recorded: Market) -> None:
    columns = recorded.columns(case.columns)
    batch = as_columns(case.batch(*columns, **case.params))
    assert_equal(batch, case.talib(*columns), case.scale)
    for one, other in zip(stream(case, columns), batch, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_streaming_equals_batch_bit_for_bit(case: Case) -> None:
    for source in ("random", "flat"):
        columns = market(source).columns(case.columns)
        batch = as_columns(case.batch(*columns, **case.params))
        for one, other in zip(stream(case, columns), batch, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("period", [1, 7, 40])
@pytest.mark.parametrize("case", [case for case in CASES if case.unstable], ids=str)
def test_an_unstable_period_holds_back_what_talib_holds_back(case: Case, period: int) -> None:
    columns = market("random").columns(case.columns)
    with unstable(case.unstable, period):
        theirs = case.talib(*columns)
    options = {"unstable_period": period}
    if case.name == "Adx":
        # The directions have an unstable period of their own in TA-Lib; ours wait for the index.
        theirs = (theirs[0], *(np.where(np.isnan(theirs[0]), np.nan, column) for column in theirs[1:]))
    assert_equal(as_columns(case.batch(*columns, **case.params, **options)), theirs, case.scale)
    head = [column[:600] for column in columns]
    for one, other in zip(
        stream(case, head, **options), as_columns(case.batch(*head, **case.params, **options)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_where_nothing_moves_the_conventions_are_talibs(case: Case) -> None:
    still = Market(*(np.full(400, value) for value in (100.0, 100.0, 100.0, 0.0)))
    columns = still.columns(case.columns)
    with np.errstate(all="ignore"):
        theirs = case.talib(*columns)
    assert_equal(as_columns(case.batch(*columns, **case.params)), theirs, case.scale)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_warm_up_counts_the_inputs_of_the_first_value(case: Case) -> None:
    columns = market("random").columns(case.columns)
    first = as_columns(case.batch(*columns, **case.params))[0]
    indicator = case.make(**case.params)
    assert np.flatnonzero(~np.isnan(first))[0] + 1 == indicator.warm_up


@pytest.mark.parametrize("case", CASES, ids=str)
def test_leading_nans_do_not_count_as_in_talib(case: Case) -> None:
    columns = [np.r_[[np.nan] * 5, column] for column in market("random").head(500).columns(case.columns)]
    batch = as_columns(case.batch(*columns, **case.params))
    assert_equal(batch, case.talib(*columns), case.scale)
    for one, other in zip(stream(case, columns), batch, strict=True):
        np.testing.assert_array_equal(one, other)
