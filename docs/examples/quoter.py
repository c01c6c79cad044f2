"""Rests a post-only order at the best price of each side, and moves it when that price has moved."""

import algo_trade as at


class Quoter(at.Strategy):
    """Quotes the best bid and the best offer of every symbol."""

    size = at.param("0.5", help="base units of an order")
    max_position = at.param("2", help="largest position either way, in base units")
    interval_ms = at.param(100, low=1, high=60_000, help="milliseconds between two looks")

    def on_start(self, ctx):
        ctx.set_timer(at.ms(self.interval_ms))

    def on_timer(self, ctx, now_ns):
        for symbol in ctx.symbols:
            book, orders, position = ctx.book(symbol), ctx.orders(symbol), ctx.position(symbol).quantity
            self.quote(ctx, book.best_bid, orders.open_buys, position, lambda p, s=symbol: self.place(ctx.buy, s, p))
            self.quote(ctx, book.best_ask, orders.open_sells, -position, lambda p, s=symbol: self.place(ctx.sell, s, p))

    def quote(self, ctx, best, open_orders, held, place):
        standing = 0
        for order in open_orders:
            if order.price == best:
                standing += 1
            else:
                ctx.cancel(order.cloid)
        if best is not None and not standing and held + self.size <= self.max_position:
            place(best)

    def place(self, action, symbol, price):
        action(symbol, self.size, price=price, time_in_force="alo")
