/* Rests a post-only order at the best price of each side, and moves it when that price has moved. The C of quoter.py. */
#include <stdlib.h>

#include "algo_trade.h"

typedef struct quoter {
    at_strategy table;
    int64_t size, max_position, interval;
} quoter;

static int32_t on_start(void *state, at_context *ctx) {
    const quoter *self = state;
    ctx->call->set_timer(ctx, ctx->call->now(ctx) + self->interval, 0);
    return 0;
}

static void quote(const quoter *self, at_context *ctx, int64_t instrument, int64_t side) {
    int64_t best = ctx->call->level_price(ctx, instrument, side, 0);
    int64_t held = ctx->call->position(ctx, instrument) * side;
    int64_t count = ctx->call->orders(ctx, instrument), standing = 0;
    for (int64_t index = 0; index < count; index++) {
        at_order order;
        if (ctx->call->order_at(ctx, instrument, index, &order) != 0 || order.side != side || order.is_cancelling)
            continue;
        if (order.price == best)
            standing++;
        else
            ctx->call->cancel(ctx, instrument, order.order);
    }
    if (best != 0 && standing == 0 && held + self->size <= self->max_position)
        ctx->call->place(ctx, instrument, side, AT_LIMIT, best, 0, self->size, AT_ALO, 0);
}

static int32_t on_timer(void *state, at_context *ctx, int64_t time, int64_t timer) {
    const quoter *self = state;
    int64_t count = ctx->call->instruments(ctx);
    for (int64_t instrument = 0; instrument < count; instrument++) {
        quote(self, ctx, instrument, AT_BUY);
        quote(self, ctx, instrument, AT_SELL);
    }
    ctx->call->set_timer(ctx, time + self->interval, timer);
    return 0;
}

/* A fresh strategy, table and state in one piece, which `drop` frees; NULL without memory. */
at_strategy *quoter_new(int64_t size, int64_t max_position, int64_t interval) {
    quoter *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->size = size;
    self->max_position = max_position;
    self->interval = interval;
    self->table.abi_version = AT_ABI_VERSION;
    self->table.state = self;
    self->table.on_start = on_start;
    self->table.on_timer = on_timer;
    self->table.drop = free;
    return &self->table;
}
