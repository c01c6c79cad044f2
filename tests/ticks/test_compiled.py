"""One quoting strategy in every language: the same fills to the byte. And what happens at the border when it goes wrong."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import pytest

import algo_trade as at
from algo_trade.data import synthetic_ticks
from algo_trade.strategy import compiled
from tests.ticks import quoters

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def ticks(tmp_path_factory: pytest.TempPathFactory) -> Any:
    lake = tmp_path_factory.mktemp("ticks") / "lake"
    synthetic_ticks(["AAA", "BBB"], 60_000, lake, seed=11)
    return lake


def run(ticks: Any, strategy: Any) -> at.BacktestResult:
    return at.backtest(ticks, strategy, initial_capital=100_000_000)


@pytest.fixture(scope="module")
def expected(ticks: Any) -> at.BacktestResult:
    result = run(ticks, quoters.in_python())
    assert len(result.fills) > 20
    assert set(result.fills["side"]) == {"buy", "sell"}
    return result


def test_in_c_it_trades_as_in_python_and_again(ticks: Any, expected: at.BacktestResult, tmp_path: Path) -> None:
    strategy = quoters.in_c(tmp_path)
    assert run(ticks, strategy).digest == expected.digest
    assert run(ticks, strategy).digest == expected.digest


def test_in_cython_it_trades_as_in_python(ticks: Any, expected: at.BacktestResult, tmp_path: Path) -> None:
    result = run(ticks, quoters.in_cython(tmp_path))
    assert result.digest == expected.digest
    assert result.fills.equals(expected.fills)


def test_in_numba_it_trades_as_in_python_and_again(ticks: Any, expected: at.BacktestResult) -> None:
    strategy = quoters.in_numba()
    assert run(ticks, strategy).digest == expected.digest
    assert run(ticks, strategy).digest == expected.digest


BROKEN = """
#include <stdlib.h>
#include "algo_trade.h"
static int32_t fail(void *state, at_context *ctx) { (void)ctx; return *(int32_t *)state; }
static int32_t timer(void *state, at_context *ctx, int64_t time, int64_t id) {
    (void)state; (void)time; (void)id;
    /* Words that mean nothing are refused, whatever they are. */
    return !(ctx->call->place(ctx, 99, AT_BUY, AT_LIMIT, 1, 0, 1, AT_ALO, 0) < 0 &&
             ctx->call->place(ctx, 0, 7, AT_LIMIT, 1, 0, 1, AT_ALO, 0) < 0 &&
             ctx->call->place(ctx, 0, AT_BUY, 44, 1, 0, 1, AT_ALO, 0) < 0 &&
             ctx->call->place(ctx, 0, AT_BUY, AT_LIMIT, 1, 0, -1, AT_ALO, 0) < 0 &&
             ctx->call->cancel(ctx, -1, 1) < 0 && ctx->call->cancel(ctx, 0, 0) < 0 &&
             ctx->call->order_at(ctx, 0, 0, NULL) < 0 && ctx->call->set_timer(ctx, 0, -1) < 0 &&
             ctx->call->signal(ctx, 0, 3, AT_ONE) < 0 && ctx->call->signal(ctx, 0, 1, INT64_MAX) < 0 &&
             ctx->call->level_price(ctx, 0, AT_BUY, -1) == 0 && ctx->call->position(ctx, INT64_MIN) == 0 &&
             ctx->call->symbol(ctx, 0, NULL, 0) == 3);
}
static int32_t start(void *state, at_context *ctx) {
    (void)state;
    ctx->call->set_timer(ctx, ctx->call->now(ctx) + 1000000, 0);
    return 0;
}
static const char *describe(void *state, int32_t code) { (void)state; return code == 3 ? "no inventory left" : NULL; }
static at_strategy *make(uint32_t version) {
    at_strategy *made = calloc(1, sizeof *made);
    made->abi_version = version;
    made->state = calloc(1, sizeof(int32_t));
    made->drop = free;
    made->describe = describe;
    return made;
}
at_strategy *failing(int32_t code) {
    at_strategy *made = make(AT_ABI_VERSION);
    *(int32_t *)made->state = code;
    made->on_start = fail;
    return made;
}
at_strategy *nonsense(void) {
    at_strategy *made = make(AT_ABI_VERSION);
    made->on_start = start;
    made->on_timer = timer;
    return made;
}
at_strategy *old(void) { return make(77); }
at_strategy *asleep(void) { return make(AT_ABI_VERSION); }
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "broken.c").write_text(BROKEN)
    library = ctypes.CDLL(str(quoters.compile_c(folder / "broken.c", folder / "broken.so")))
    for name in ("failing", "nonsense", "old", "asleep"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


@pytest.mark.parametrize(
    ("code", "says"), [(3, "on_start returned 3: no inventory left"), (-4, "on_start returned -4")]
)
def test_a_number_returned_by_a_callback_stops_the_run_and_is_explained(
    ticks: Any, broken: ctypes.CDLL, code: int, says: str
) -> None:
    with pytest.raises(at.errors.StrategyError, match=says):
        run(ticks, compiled.PointerStrategy("Failing", lambda: broken.failing(code)))


def test_words_that_mean_nothing_are_refused_and_harm_nobody(ticks: Any, broken: ctypes.CDLL) -> None:
    result = run(ticks, compiled.PointerStrategy("Nonsense", broken.nonsense))
    assert len(result.orders) == 0


def test_a_table_that_cannot_be_run_is_refused_with_the_reason(ticks: Any, broken: ctypes.CDLL, tmp_path: Path) -> None:
    once = compiled.capsule(quoters.in_c(tmp_path)._make() or 0)

    class Twice:
        name = "twice"

        def __algo_trade_strategy__(self) -> object:
            return once

    class Other(Twice):
        def __algo_trade_strategy__(self) -> object:
            return "no capsule"

    run(ticks, Twice())
    for strategy, error, says in [
        (Twice(), at.errors.StrategyError, "taken over before"),
        (Other(), at.errors.ParameterError, "must return a capsule named algo_trade.strategy.v1"),
        (compiled.PointerStrategy("old", broken.old), at.errors.StrategyError, "version 77 .* compile it again"),
        (compiled.PointerStrategy("asleep", broken.asleep), at.errors.StrategyError, "at least one callback"),
        (compiled.PointerStrategy("none", lambda: None), at.errors.StrategyError, "made no strategy"),
    ]:
        with pytest.raises(error, match=says):
            run(ticks, strategy)


def test_a_numba_strategy_refuses_callbacks_that_do_not_exist() -> None:
    nb = pytest.importorskip("algo_trade.strategy.numba", exc_type=ImportError)
    import numpy as np

    with pytest.raises(at.errors.ParameterError, match="no callback is called on_tick"):
        nb.NumbaStrategy("x", state=np.zeros(1), on_tick=lambda _state, _ctx: 0)


def test_pairs_trade_two_synthetic_markets_against_each_other(ticks: Any) -> None:
    pairs = quoters.load(quoters.EXAMPLES / "pairs.py", "pairs").Pairs(interval_ms=50, window=40)
    result = run(ticks, pairs)
    assert set(result.fills["symbol"]) == {"AAA", "BBB"}
    # Legs come in pairs: as many orders of one as of the other, on opposite sides unless they close.
    assert result.orders["symbol"].value_counts()["count"].n_unique() == 1


def test_pairs_want_two_symbols(ticks: Any) -> None:
    pairs = quoters.load(quoters.EXAMPLES / "pairs.py", "pairs").Pairs()
    with pytest.raises(at.errors.StrategyError, match="pairs wants two symbols"):
        at.backtest(ticks, pairs, symbol="AAA")


def test_the_market_maker_runs_by_name_and_is_listed(ticks: Any) -> None:
    result = run(ticks, "market_maker")
    assert len(result.fills) > 10
    assert repr(at.MarketMakerStrategy(levels=2)).startswith("market_maker(")
