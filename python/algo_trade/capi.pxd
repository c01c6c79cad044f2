# algo_trade.h for Cython. Compile with `-I` on what `algo_trade.strategy.compiled.include_dir()` says.
#
# The callbacks run without the interpreter's lock, unless `flags` is AT_NEEDS_PYTHON.

from libc.stdint cimport int32_t, int64_t, uint32_t

cdef extern from "algo_trade.h" nogil:
    const uint32_t AT_ABI_VERSION
    const char *AT_CAPSULE
    const uint32_t AT_NEEDS_PYTHON
    const int64_t AT_ONE

    enum: AT_BUY, AT_SELL
    enum: AT_MARKET, AT_LIMIT, AT_STOP, AT_STOP_LIMIT, AT_TAKE_PROFIT, AT_TAKE_PROFIT_LIMIT
    enum: AT_GTC, AT_IOC, AT_ALO, AT_FOK
    enum: AT_IN_FLIGHT, AT_AT_VENUE, AT_AWAITING_TRIGGER
    enum: AT_RESTING, AT_WAITING, AT_TRIGGERED, AT_FILLED, AT_CANCELLED, AT_REJECTED, AT_ACTION_REJECTED

    ctypedef struct at_bar:
        int64_t instrument, open_time, close_time, open, high, low, close, volume, trades

    ctypedef struct at_trade:
        int64_t instrument, exchange_time, local_time, aggressor, price, quantity

    ctypedef struct at_quote:
        int64_t instrument, exchange_time, local_time, bid_price, bid_quantity, ask_price, ask_quantity

    ctypedef struct at_fill:
        int64_t instrument, order, side, price, quantity, fee, is_maker, exchange_time, local_time

    ctypedef struct at_order_update:
        int64_t instrument, order, status, reason, exchange_time, local_time

    ctypedef struct at_order:
        int64_t order, side, price, trigger, quantity, leaves, state, is_cancelling

    ctypedef struct at_functions:
        int64_t abi_version
        int64_t (*now)(at_context *) noexcept nogil
        int64_t (*instruments)(at_context *) noexcept nogil
        int64_t (*symbol)(at_context *, int64_t instrument, char *buffer, int64_t size) noexcept nogil
        int64_t (*tick_size)(at_context *, int64_t instrument, int64_t price) noexcept nogil
        int64_t (*lot_size)(at_context *, int64_t instrument) noexcept nogil
        int64_t (*level_price)(at_context *, int64_t instrument, int64_t side, int64_t level) noexcept nogil
        int64_t (*level_quantity)(at_context *, int64_t instrument, int64_t side, int64_t level) noexcept nogil
        int64_t (*last_price)(at_context *, int64_t instrument) noexcept nogil
        int64_t (*position)(at_context *, int64_t instrument) noexcept nogil
        int64_t (*equity)(at_context *) noexcept nogil
        int64_t (*orders)(at_context *, int64_t instrument) noexcept nogil
        int64_t (*order_at)(at_context *, int64_t instrument, int64_t index, at_order *into) noexcept nogil
        int64_t (*place)(
            at_context *, int64_t instrument, int64_t side, int64_t kind, int64_t price, int64_t trigger, int64_t quantity,
            int64_t time_in_force, int64_t reduce_only
        ) noexcept nogil
        int64_t (*modify)(at_context *, int64_t instrument, int64_t order, int64_t price, int64_t quantity) noexcept nogil
        int64_t (*cancel)(at_context *, int64_t instrument, int64_t order) noexcept nogil
        int64_t (*signal)(at_context *, int64_t instrument, int64_t side, int64_t strength) noexcept nogil
        int64_t (*set_timer)(at_context *, int64_t time, int64_t id) noexcept nogil

    ctypedef struct at_context:
        const at_functions *call

    ctypedef struct at_strategy:
        uint32_t abi_version
        uint32_t flags
        void *state
        int32_t (*on_start)(void *, at_context *) noexcept
        int32_t (*on_bar)(void *, at_context *, const at_bar *) noexcept
        int32_t (*on_trade)(void *, at_context *, const at_trade *) noexcept
        int32_t (*on_quote)(void *, at_context *, const at_quote *) noexcept
        int32_t (*on_book)(void *, at_context *, int64_t instrument) noexcept
        int32_t (*on_fill)(void *, at_context *, const at_fill *) noexcept
        int32_t (*on_order)(void *, at_context *, const at_order_update *) noexcept
        int32_t (*on_timer)(void *, at_context *, int64_t time, int64_t id) noexcept
        int32_t (*on_stop)(void *, at_context *) noexcept
        const char *(*describe)(void *, int32_t code) noexcept
        void (*drop)(void *) noexcept
