"""Rests a post-only order at the best price of each side, and moves it when that price has moved. The Numba of quoter.py."""

import numpy as np
from numba import njit

from algo_trade.strategy import numba as nb

STATE = np.dtype([("size", "i8"), ("max_position", "i8"), ("interval", "i8")])


def on_start(state, ctx):
    nb.set_timer(ctx, nb.now(ctx) + state[0].interval, 0)
    return 0


@njit
def quote(state, ctx, instrument, side):
    best = nb.level_price(ctx, instrument, side, 0)
    held = nb.position(ctx, instrument) * side
    standing = 0
    order = np.empty(1, nb.ORDER)
    for index in range(nb.orders(ctx, instrument)):
        if nb.order_at(ctx, instrument, index, order.ctypes) != 0 or order[0].side != side or order[0].is_cancelling:
            continue
        if order[0].price == best:
            standing += 1
        else:
            nb.cancel(ctx, instrument, order[0].order)
    if best != 0 and standing == 0 and held + state[0].size <= state[0].max_position:
        nb.place(ctx, instrument, side, nb.LIMIT, best, 0, state[0].size, nb.ALO, 0)


def on_timer(state, ctx, time, timer):
    for instrument in range(nb.instruments(ctx)):
        quote(state, ctx, instrument, nb.BUY)
        quote(state, ctx, instrument, nb.SELL)
    nb.set_timer(ctx, time + state[0].interval, timer)
    return 0


def quoter(size, max_position, interval_ms):
    """Make one: sizes in base units, the interval in milliseconds."""
    state = np.zeros(1, STATE)
    state[0] = (int(size * nb.ONE), int(max_position * nb.ONE), interval_ms * 1_000_000)
    return nb.NumbaStrategy("Quoter", state=state, on_start=on_start, on_timer=on_timer)
