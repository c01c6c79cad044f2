"""Goes with the side of the best prices that is the heavier one, and flat again when that is over."""

import algo_trade as at


class Imbalance(at.Strategy):
    size = at.param("0.1", help="base units")
    enter = at.param(0.6, low=0.0, high=1.0, help="imbalance of the best prices, from which on it takes")
    hold_ms = at.param(2_000, low=1, help="how long a position is held")

    def on_start(self, ctx):
        self.until_ns = dict.fromkeys(ctx.symbols, 0)
        ctx.set_timer(at.ms(100))

    def on_quote(self, ctx, quote):
        imbalance = ctx.book(quote.symbol).imbalance()
        if imbalance is None or abs(imbalance) < self.enter or not ctx.position(quote.symbol).is_flat:
            return
        if ctx.orders(quote.symbol).open:
            return
        self.until_ns[quote.symbol] = ctx.now_ns + at.ms(self.hold_ms)
        order = ctx.buy if imbalance > 0 else ctx.sell
        order(quote.symbol, self.size)

    def on_timer(self, ctx, now_ns):
        for symbol in ctx.symbols:
            position = ctx.position(symbol)
            if position.is_flat or now_ns < self.until_ns[symbol] or ctx.orders(symbol).open:
                continue
            order = ctx.sell if position.is_long else ctx.buy
            order(symbol, abs(position.quantity), reduce_only=True)
