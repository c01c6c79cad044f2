/* Rests a post-only order at the best price of each side, and moves it when that price has moved. The C of quoter.py. */
#include <stdlib.h>

#include "algo_trade.h"

typedef struct quoter {
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
    int64_t count = ctx->call->orders(ctx, instrument), open = 0;
    for (int64_t index = 0; index < count; index++) {
        at_order order;
        if (ctx->call->order_at(ctx, instrument, index, &order) != 0 || order.side != side || order.is_cancelling)
            continue;
        if (order.price == best)
            open++;
        else
            ctx->call->cancel(ctx, instrument, order.order);
    }
    if (best != 0 && open == 0 && held + self->size <= self->max_position)
        ctx->call->place(ctx, instrument, side, AT_LIMIT, best, 0, self->size, AT_ALO, 0);
}

static int32_t on_timer(void *state, at_context *ctx, int64_t time, int64_t id) {
    const quoter *self = state;
    for (int64_t instrument = 0; instrument < ctx->call->instruments(ctx); instrument++) {
        quote(self, ctx, instrument, AT_BUY);
        quote(self, ctx, instrument, AT_SELL);
    }
    ctx->call->set_timer(ctx, time + self->interval, id);
    return 0;
}

/* A fresh strategy, or NULL without memory. The table itself is freed with `quoter_free`, after the run. */
at_strategy *quoter_new(int64_t size, int64_t max_position, int64_t interval) {
    at_strategy *strategy = calloc(1, sizeof *strategy);
    quoter *self = malloc(sizeof *self);
    if (strategy == NULL || self == NULL) {
        free(strategy);
        free(self);
        return NULL;
    }
    *self = (quoter){size, max_position, interval};
    strategy->abi_version = AT_ABI_VERSION;
    strategy->state = self;
    strategy->on_start = on_start;
    strategy->on_timer = on_timer;
    strategy->drop = free;
    return strategy;
}

void quoter_free(at_strategy *strategy) { free(strategy); }
