/* Strategies for algo_trade in C, or in any language that can make and call C functions.
 *
 * A strategy is an `at_strategy`: a state, and callbacks that the engine wakes it by; one that is NULL is not subscribed.
 * A callback gets an `at_context`, through which it asks and acts: `ctx->call->now(ctx)`.
 *
 * Units: prices, quantities and money in steps of 1e-8, times in nanoseconds since the Unix epoch, UTC. Sides are AT_BUY and
 * AT_SELL. An instrument is named by its number, from 0 in the order of the symbols; an order by its number: from 1, and
 * from epoch * 2^32 + 1 where another process goes on with a run.
 * All structs that tell something hold `int64_t` alone, so that they can be read as arrays too.
 *
 * The contract. The engine calls from one thread at a time, though not always from the same one. A callback returns 0, or a
 * number by which it failed: the run then ends with what `describe` says of it. A context is valid during the call that it
 * was given to, alone. Nothing may be thrown or jumped out of a callback. Without AT_NEEDS_PYTHON the interpreter's lock is
 * not held: no Python object may be touched.
 *
 * From Python: an object with a method `__algo_trade_strategy__()` that returns a capsule named AT_CAPSULE around an
 * `at_strategy` can be passed wherever a strategy is wanted. The method is called once for each run and gives a fresh one; the
 * engine renames the capsule, copies the table, and keeps the capsule and the object until it has called `drop`. The table may be
 * freed by `drop`.
 */
#ifndef ALGO_TRADE_H
#define ALGO_TRADE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AT_ABI_VERSION 1
#define AT_CAPSULE "algo_trade.strategy.v1"
#define AT_NEEDS_PYTHON 1u
#define AT_ONE INT64_C(100000000) /* one unit of price, quantity or money */

enum at_side { AT_BUY = 1, AT_SELL = -1 };
enum at_kind { AT_MARKET, AT_LIMIT, AT_STOP, AT_STOP_LIMIT, AT_TAKE_PROFIT, AT_TAKE_PROFIT_LIMIT };
enum at_time_in_force { AT_GTC, AT_IOC, AT_ALO, AT_FOK };
enum at_state { AT_IN_FLIGHT, AT_AT_VENUE, AT_AWAITING_TRIGGER };
enum at_status { AT_RESTING, AT_WAITING, AT_TRIGGERED, AT_FILLED, AT_CANCELLED, AT_REJECTED, AT_ACTION_REJECTED };
enum at_reason {
    AT_NO_REASON, AT_LOT, AT_TICK, AT_MIN_NOTIONAL, AT_DUPLICATE_CLOID, AT_REDUCE_ONLY, AT_BAD_TRIGGER_PX, AT_PERP_MARGIN,
    AT_BAD_ALO_PX, AT_IOC_CANCEL, AT_NO_LIQUIDITY, AT_NOT_FOUND, AT_MARGIN_CANCELED, AT_REDUCE_ONLY_CANCELED,
    AT_LIQUIDATED_CANCELED, AT_REQUESTED, AT_RISK, AT_EXPIRED_ACTION, AT_HALTED, AT_PRICE_BAND, AT_POST_ONLY_PERIOD,
    AT_OPEN_ORDERS, AT_OPEN_INTEREST, AT_SELF_TRADE_CANCELED, AT_SIBLING_FILLED_CANCELED, AT_PARENT_CANCELED,
    AT_SCHEDULED_CANCEL, AT_GATEWAY, AT_SPOT_BALANCE, AT_UNSUPPORTED, AT_OTHER, AT_NOT_TRADING
};

/* A bar that has closed. volume: -1 where the data have none; trades: 0 if not known. */
typedef struct at_bar {
    int64_t instrument, open_time, close_time, open, high, low, close, volume, trades;
} at_bar;

/* A public print. aggressor: the side that took, 0 if nobody knows. */
typedef struct at_trade {
    int64_t instrument, exchange_time, local_time, aggressor, price, quantity;
} at_trade;

/* Best bid and offer. */
typedef struct at_quote {
    int64_t instrument, exchange_time, local_time, bid_price, bid_quantity, ask_price, ask_quantity;
} at_quote;

/* An execution of ours. fee: negative is a rebate. */
typedef struct at_fill {
    int64_t instrument, order, side, price, quantity, fee, is_maker, exchange_time, local_time;
} at_fill;

/* The venue's word on an order of ours: an at_status, and an at_reason. */
typedef struct at_order_update {
    int64_t instrument, order, status, reason, exchange_time, local_time;
} at_order_update;

/* An order that is not done. price, trigger: as it was sent, 0 for none; state: an at_state. */
typedef struct at_order {
    int64_t order, side, price, trigger, quantity, leaves, state, is_cancelling;
} at_order;

typedef struct at_context at_context;

/* What can be asked and done. What does not exist is answered with 0; an action that means nothing with a number below 0. */
typedef struct at_functions {
    int64_t abi_version;
    int64_t (*now)(at_context *);
    int64_t (*instruments)(at_context *);
    /* Copies at most `size` bytes of a symbol, without an end mark; returns how many it has. */
    int64_t (*symbol)(at_context *, int64_t instrument, char *buffer, int64_t size);
    int64_t (*tick_size)(at_context *, int64_t instrument, int64_t price);
    int64_t (*lot_size)(at_context *, int64_t instrument);
    /* The n-th best level of a side, from 0. */
    int64_t (*level_price)(at_context *, int64_t instrument, int64_t side, int64_t level);
    int64_t (*level_quantity)(at_context *, int64_t instrument, int64_t side, int64_t level);
    int64_t (*last_price)(at_context *, int64_t instrument);
    int64_t (*position)(at_context *, int64_t instrument);
    int64_t (*equity)(at_context *);
    /* Orders that are not done, oldest first: how many, and the n-th (0, or below 0 if there is none). */
    int64_t (*orders)(at_context *, int64_t instrument);
    int64_t (*order_at)(at_context *, int64_t instrument, int64_t index, at_order *into);
    /* Returns the order's number. Prices are rounded to the tick away from aggression; quantity 0: the risk manager's. */
    int64_t (*place)(at_context *, int64_t instrument, int64_t side, int64_t kind, int64_t price, int64_t trigger,
                     int64_t quantity, int64_t time_in_force, int64_t reduce_only);
    int64_t (*modify)(at_context *, int64_t instrument, int64_t order, int64_t price, int64_t quantity);
    int64_t (*cancel)(at_context *, int64_t instrument, int64_t order);
    /* A target: AT_BUY long, AT_SELL short, 0 flat; strength AT_ONE is the whole size. */
    int64_t (*signal)(at_context *, int64_t instrument, int64_t side, int64_t strength);
    int64_t (*set_timer)(at_context *, int64_t time, int64_t id);
} at_functions;

struct at_context {
    const at_functions *call;
    void *host; /* the engine's own */
};

typedef struct at_strategy {
    uint32_t abi_version; /* AT_ABI_VERSION; the engine sets it to 0 when it takes the strategy over */
    uint32_t flags;       /* AT_NEEDS_PYTHON, or 0 */
    void *state;          /* given to each callback */
    int32_t (*on_start)(void *state, at_context *);
    int32_t (*on_bar)(void *state, at_context *, const at_bar *);
    int32_t (*on_trade)(void *state, at_context *, const at_trade *);
    int32_t (*on_quote)(void *state, at_context *, const at_quote *);
    int32_t (*on_book)(void *state, at_context *, int64_t instrument);
    int32_t (*on_fill)(void *state, at_context *, const at_fill *);
    int32_t (*on_order)(void *state, at_context *, const at_order_update *);
    int32_t (*on_timer)(void *state, at_context *, int64_t time, int64_t id);
    int32_t (*on_stop)(void *state, at_context *);
    /* What a number returned by a callback means, or NULL. */
    const char *(*describe)(void *state, int32_t code);
    /* Frees the state; called once, last. */
    void (*drop)(void *state);
} at_strategy;

#ifdef __cplusplus
}
#endif
#endif
