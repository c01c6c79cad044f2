# cython: language_level=3
"""Rests a post-only order at the best price of each side, and moves it when that price has moved. The Cython of quoter.py."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free

from algo_trade.capi cimport (
    AT_ABI_VERSION, AT_ALO, AT_BUY, AT_CAPSULE, AT_LIMIT, AT_ONE, AT_SELL, at_context, at_order, at_strategy,
)


cdef struct State:
    at_strategy table
    int64_t size
    int64_t max_position
    int64_t interval


cdef int32_t on_start(void *state, at_context *ctx) noexcept nogil:
    cdef State *self = <State *> state
    ctx.call.set_timer(ctx, ctx.call.now(ctx) + self.interval, 0)
    return 0


cdef void quote(State *self, at_context *ctx, int64_t instrument, int64_t side) noexcept nogil:
    cdef int64_t best = ctx.call.level_price(ctx, instrument, side, 0)
    cdef int64_t held = ctx.call.position(ctx, instrument) * side
    cdef int64_t standing = 0, index
    cdef at_order order
    for index in range(ctx.call.orders(ctx, instrument)):
        if ctx.call.order_at(ctx, instrument, index, &order) != 0 or order.side != side or order.is_cancelling:
            continue
        if order.price == best:
            standing += 1
        else:
            ctx.call.cancel(ctx, instrument, order.order)
    if best != 0 and standing == 0 and held + self.size <= self.max_position:
        ctx.call.place(ctx, instrument, side, AT_LIMIT, best, 0, self.size, AT_ALO, 0)


cdef int32_t on_timer(void *state, at_context *ctx, int64_t time, int64_t timer) noexcept nogil:
    cdef State *self = <State *> state
    cdef int64_t instrument
    for instrument in range(ctx.call.instruments(ctx)):
        quote(self, ctx, instrument, AT_BUY)
        quote(self, ctx, instrument, AT_SELL)
    ctx.call.set_timer(ctx, time + self.interval, timer)
    return 0


class Quoter:
    """Quotes the best bid and the best offer of every symbol, without the interpreter's lock."""

    name = "Quoter"

    def __init__(self, size, max_position, interval_ms):
        self.params = {"size": size, "max_position": max_position, "interval_ms": interval_ms}

    def __algo_trade_strategy__(self):
        cdef State *state = <State *> calloc(1, sizeof(State))
        if state == NULL:
            raise MemoryError
        state.size = <int64_t> (self.params["size"] * AT_ONE)
        state.max_position = <int64_t> (self.params["max_position"] * AT_ONE)
        state.interval = self.params["interval_ms"] * 1_000_000
        state.table.abi_version = AT_ABI_VERSION
        state.table.state = state
        state.table.on_start = on_start
        state.table.on_timer = on_timer
        state.table.drop = free
        return PyCapsule_New(&state.table, AT_CAPSULE, NULL)
